//! How an expression is given the values that it reads.
//!
//! Who evaluates it implements [`EventValues`] over its spans, headers and rows.

use crate::core::ids::Nanos;
use crate::core::read::Value;
use std::borrow::Cow;

/// The values of one event.
pub trait EventValues {
    /// What stands at one of the expression's reads, by its place in [`reads`](super::expression::Expression::reads).
    fn value(&self, read: usize) -> InputValue<'_>;
}

/// A value that an expression reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputValue<'a> {
    /// Nothing is there.
    Absent,
    /// A JSON value, valid and without white space around it.
    Json(&'a [u8]),
    /// A text from outside the JSON.
    Text(Cow<'a, str>),
    /// A whole number from outside the JSON.
    Number(u64),
    /// A moment from outside the JSON.
    Time(Nanos),
}

impl<'a> From<Value<'a>> for InputValue<'a> {
    fn from(value: Value<'a>) -> InputValue<'a> {
        match value {
            Value::Absent => InputValue::Absent,
            Value::Json { raw, .. } => InputValue::Json(raw),
            Value::Outside(text) => InputValue::Text(text),
        }
    }
}
