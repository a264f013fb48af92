//! A scalar of the configuration that becomes a JSON value of its own.

use crate::json::text::escape_into;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A text, a number, true or false; in a plan's text it stands as itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constant {
    /// A text.
    Text(String),
    /// A whole number or one with a fraction, in the digits in which it is written.
    Number(serde_json::Number),
    /// `true` or `false`.
    Bool(bool),
}

impl Constant {
    /// Appends it as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Constant::Text(text) => escape_into(out, text),
            Constant::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Constant::Bool(true) => out.extend_from_slice(b"true"),
            Constant::Bool(false) => out.extend_from_slice(b"false"),
        }
    }
}

impl Serialize for Constant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Constant::Text(text) => text.serialize(serializer),
            Constant::Number(number) => number.serialize(serializer),
            Constant::Bool(flag) => flag.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Constant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Constant, D::Error> {
        deserializer.deserialize_any(ConstantValue)
    }
}

struct ConstantValue;

impl Visitor<'_> for ConstantValue {
    type Value = Constant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Constant, E> {
        Ok(Constant::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Constant, E> {
        Ok(Constant::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Constant, E> {
        Ok(Constant::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Constant, E> {
        Ok(Constant::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Constant, E> {
        let number = serde_json::Number::from_f64(number);
        number.map(Constant::Number).ok_or_else(|| E::custom("JSON has no infinite numbers and no `nan`"))
    }
}
