//! One derived field as data: which operator makes it, and that operator's words.
//!
//! A table of words names its operator by a key: `{ part = "event_name", at = 1 }`. A new operator is a file beside this one
//! and a line in the list of this one.

use super::calc::CalcSpec;
use super::copy::CopySpec;
use super::first::FirstSpec;
use super::id::IdSpec;
use super::operator::{DeriveFault, Operator};
use super::part::PartSpec;
use super::time::spec::TimeSpec;
use super::value::ValueSpec;
use crate::core::plan::selector::Selector;
use crate::core::read::Value;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Words;

macro_rules! operators {
    ($($(#[$doc:meta])* $key:literal => $name:ident($spec:ty),)+) => {
        /// An operator with its words.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum DeriveSpec {
            $($(#[$doc])* $name($spec),)+
        }

        /// The key that names each operator.
        pub const OPERATORS: &[&str] = &[$($key),+];

        impl DeriveSpec {
            fn operator(&self) -> &dyn Operator {
                match self { $(DeriveSpec::$name(spec) => spec,)+ }
            }

            fn named(key: &str, words: Words) -> Result<DeriveSpec, serde_json::Error> {
                match key {
                    $($key => serde_json::from_value(words).map(DeriveSpec::$name),)+
                    _ => Err(serde_json::Error::custom(format!("`{key}` is no operator"))),
                }
            }
        }

        impl Serialize for DeriveSpec {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    DeriveSpec::Copy(spec) if spec.is_plain() => spec.copy.serialize(serializer),
                    $(DeriveSpec::$name(spec) => spec.serialize(serializer),)+
                }
            }
        }
    };
}

operators! {
    /// A place alone, or `{ copy = …, values = {…} }`.
    "copy" => Copy(CopySpec),
    /// `{ first = […] }`.
    "first" => First(FirstSpec),
    /// `{ time = … }`.
    "time" => Time(TimeSpec),
    /// `{ part = …, at = N }`.
    "part" => Part(PartSpec),
    /// `{ id = […] }`.
    "id" => Id(IdSpec),
    /// `{ value = … }`.
    "value" => Value(ValueSpec),
    /// `{ calc = … }`.
    "calc" => Calc(CalcSpec),
}

impl DeriveSpec {
    /// Reads a place or a table of words; the error is a sentence that says what is wrong and what would be right.
    pub fn read(words: Words) -> Result<DeriveSpec, String> {
        let table = match &words {
            Words::String(place) => return Selector::parse(place).map(|place| DeriveSpec::Copy(CopySpec::of(place))),
            Words::Object(table) => table,
            _ => return Err(format!("a derived field is a place, such as `\"properties.uuid\"`, or {}", example())),
        };
        let mut keys = OPERATORS.iter().copied().filter(|key| table.contains_key(*key));
        match (keys.next(), keys.next()) {
            (Some(key), None) => DeriveSpec::named(key, words).map_err(|error| error.to_string()),
            (Some(one), Some(other)) => {
                Err(format!("`{one}` and `{other}` are two operators: a field has one of them"))
            }
            _ => Err(nameless(table)),
        }
    }

    /// The places that it reads, in the order in which `write` wants their values.
    pub fn places(&self) -> Vec<&Selector> {
        self.operator().places()
    }

    /// Whether its words go together; else a sentence that says what is wrong and what to do.
    pub fn check(&self) -> Result<(), String> {
        self.operator().check()
    }

    /// Appends one JSON value, made of the values at the places. Nothing is appended on a fault.
    pub fn write(&self, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), DeriveFault> {
        self.operator().write(values, out)
    }
}

fn example() -> &'static str {
    "a table that names its operator, such as `{ time = \"created_at\" }`"
}

/// What a table without an operator is told.
fn nameless(table: &serde_json::Map<String, Words>) -> String {
    let close = |key: &&&str| table.keys().any(|word| strsim::osa_distance(word, key) <= 2);
    match OPERATORS.iter().find(close) {
        Some(key) => format!("no operator is named: did you mean `{key}`?"),
        None => format!("no operator is named: use one of `{}`, as in {}", OPERATORS.join("`, `"), example()),
    }
}

impl<'de> Deserialize<'de> for DeriveSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DeriveSpec, D::Error> {
        DeriveSpec::read(Words::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture::spec;

    #[test]
    fn texts_of_plans_are_short_and_read_back() {
        for (toml, text) in [
            (r#""a.b""#, r#""a.b""#),
            (r#"{ copy = "a.b" }"#, r#""a.b""#),
            (
                r#"{ copy = "a", values = { z = 1, b = true }, else = "?" }"#,
                r#"{"copy":"a","values":{"b":true,"z":1},"else":"?"}"#,
            ),
            (r#"{ first = ["a", "$header.A"] }"#, r#"{"first":["a","$header.A"]}"#),
            (r#"{ time = "a", unit = "auto" }"#, r#"{"time":"a"}"#),
            (r#"{ time = "a", unit = "ms", write = "unix" }"#, r#"{"time":"a","unit":"ms","write":"unix"}"#),
            (r#"{ time = "a", format = "%d.%m.%Y" }"#, r#"{"time":"a","format":"%d.%m.%Y"}"#),
            (r#"{ part = "a", at = 2, split = "-", or = 0 }"#, r#"{"part":"a","at":2,"split":"-","or":0}"#),
            (r#"{ id = ["a"] }"#, r#"{"id":["a"]}"#),
            (r#"{ id = ["a", "b"], join = "-" }"#, r#"{"id":["a","b"],"join":"-"}"#),
        ] {
            let read = spec(toml).unwrap_or_else(|error| panic!("{toml}: {error}"));
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
            assert_eq!(serde_json::from_str(text).ok(), Some(read), "{text} is read back");
        }
    }

    #[test]
    fn what_cannot_be_read_says_what_would_be_right() {
        for (toml, told) in [
            ("7", "a derived field is a place"),
            ("[]", "a derived field is a place"),
            (r#""a..b""#, "every part needs a name"),
            ("{}", "no operator is named: use one of `copy`, `first`, `time`, `part`, `id`, `value`, `calc`"),
            (r#"{ tiem = "a" }"#, "did you mean `time`?"),
            (r#"{ copy = "a", value = 1 }"#, "`copy` and `value` are two operators"),
            (r#"{ part = "a" }"#, "missing field `at`"),
            (r#"{ part = "a", at = -1 }"#, "-1"),
            (r#"{ part = "a", at = 1, spilt = ":" }"#, "unknown field `spilt`"),
            (r#"{ time = "a", at = 1 }"#, "unknown field `at`"),
            (r#"{ time = "a", unit = "min" }"#, "unknown variant `min`"),
            (r#"{ time = 5 }"#, "expected"),
        ] {
            let error = spec(toml).unwrap_err();
            assert!(error.contains(told), "{toml}: {error}");
        }
    }
}
