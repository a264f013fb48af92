//! `version` of a table: where an event says how new it is, and which of two versions is the newer one.
//!
//! Versions are compared as what they are declared to be and exactly: no number goes through binary floating point, and two
//! texts of one number or of one moment are one version. Knows no row; see `core::apply`.

use super::selector::Selector;
use crate::core::derive::time::instant::Time;
use crate::core::derive::time::spec::read_time;
use crate::core::derive::time::unix::Unit;
use crate::core::expr::{compare_numbers, is_number};
use crate::core::read::Value;
use crate::json::fields::Span;
use crate::json::text::Scalar;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;

/// `tables.NAME.version`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowVersion {
    /// The place of the version.
    pub at: Selector,
    /// What it is.
    #[serde(rename = "as", default, skip_serializing_if = "is_default")]
    pub compared: Compared,
    /// What becomes of an event without one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub invalid: Invalid,
}

/// `version.as`: what versions are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// Numbers of any size, or texts of such.
    #[default]
    Number,
    /// Times: RFC 3339 with an offset, or Unix times whose size tells their unit. They count to the nanosecond.
    Time,
    /// Texts, by their code points.
    Text,
}

/// `version.invalid`: what becomes of an event whose version is missing or not what versions are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invalid {
    /// It becomes a dead letter.
    #[default]
    DeadLetter,
    /// It leaves the row as it is, and goes on.
    Ignore,
}

/// What is left out of a plan's text.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A version that was read from its JSON text.
#[derive(Clone, Debug)]
pub enum ReadVersion<'a> {
    /// A number as JSON writes it.
    Number(Cow<'a, [u8]>),
    /// A moment.
    Time(Time),
    /// A text.
    Text(Cow<'a, str>),
}

impl Compared {
    /// Every word.
    pub const NAMED: [(&'static str, Compared); 3] =
        [("number", Compared::Number), ("time", Compared::Time), ("text", Compared::Text)];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Compared::Number => "number",
            Compared::Time => "time",
            Compared::Text => "text",
        }
    }

    /// The version that a JSON text is; `None` where it is none.
    pub fn read(self, json: &[u8]) -> Option<ReadVersion<'_>> {
        match (self, Scalar::read(json)) {
            (Compared::Text, Scalar::Text(text)) => Some(ReadVersion::Text(text)),
            (Compared::Number, Scalar::Text(Cow::Borrowed(text))) if is_number(text.as_bytes()) => {
                Some(ReadVersion::Number(Cow::Borrowed(text.as_bytes())))
            }
            (Compared::Number, Scalar::Text(Cow::Owned(text))) if is_number(text.as_bytes()) => {
                Some(ReadVersion::Number(Cow::Owned(text.into_bytes())))
            }
            (Compared::Number, Scalar::Integer(digits)) => Some(ReadVersion::Number(Cow::Borrowed(digits.as_bytes()))),
            (Compared::Number, Scalar::Other) if is_number(json) => Some(ReadVersion::Number(Cow::Borrowed(json))),
            (Compared::Time, _) => {
                read_time(&Value::Json { raw: json, span: Span::ABSENT }, Unit::Auto).ok().map(ReadVersion::Time)
            }
            _ => None,
        }
    }
}

impl ReadVersion<'_> {
    /// Whether it is older than another one, both read as the same.
    pub fn is_older_than(&self, other: &ReadVersion<'_>) -> bool {
        let order = match (self, other) {
            (ReadVersion::Number(one), ReadVersion::Number(other)) => compare_numbers(one, other),
            (ReadVersion::Time(one), ReadVersion::Time(other)) => one.cmp(other),
            (ReadVersion::Text(one), ReadVersion::Text(other)) => one.cmp(other),
            // Two that are not of one sort cannot be told apart: the later event counts.
            _ => Ordering::Equal,
        };
        order == Ordering::Less
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_older(compared: Compared, one: &str, other: &str) -> bool {
        let read = |text: &str| compared.read(text.as_bytes()).map(|_| ()).is_some();
        assert!(read(one) && read(other), "{one} {other}");
        compared.read(one.as_bytes()).unwrap().is_older_than(&compared.read(other.as_bytes()).unwrap())
    }

    #[test]
    fn versions_are_compared_as_what_they_are() {
        use Compared::{Number, Text, Time};
        for (compared, older, newer) in [
            (Number, "9", "10"),
            (Number, "-10", "-9"),
            (Number, "9007199254740992", "9007199254740993"),
            (Number, "0.1", "0.10000000000000000000000000000000000000000001"),
            (Number, "1e400", "1.5e400"),
            (Number, "1763725500.122", "1763725500.1229999"),
            (Number, "\"9\"", "10"),
            (Number, "\"\\u0039\"", "\"10\""),
            (Time, "\"2024-01-01T00:00:00+01:00\"", "\"2023-12-31T23:30:00Z\""),
            (Time, "1763725500", "1763725500001"),
            (Time, "\"2024-01-01T00:00:00.999999998Z\"", "\"2024-01-01T00:00:00.999999999Z\""),
            (Text, "\"10\"", "\"9\""),
            (Text, "\"\"", "\"a\""),
            (Text, "\"z\"", "\"\\u00e9\""),
        ] {
            assert!(is_older(compared, older, newer) && !is_older(compared, newer, older), "{older} {newer}");
        }
        for (compared, one, other) in [
            (Number, "1.0", "1"),
            (Number, "1e2", "\"100\""),
            (Number, "-0", "0"),
            (Time, "1763725500", "\"2025-11-21T12:45:00+01:00\""),
            (Text, "\"\\u0061\"", "\"a\""),
        ] {
            assert!(!is_older(compared, one, other) && !is_older(compared, other, one), "{one} {other}");
        }
        for (compared, none) in [
            (Number, "null"),
            (Number, "true"),
            (Number, "\"\""),
            (Number, "\"0x10\""),
            (Number, "\"01\""),
            (Number, "[1]"),
            (Time, "2"),
            (Time, "\"2024-01-01\""),
            (Time, "null"),
            (Text, "7"),
            (Text, "null"),
            (Text, "\"\\ud800\""),
        ] {
            assert!(compared.read(none.as_bytes()).is_none(), "{none}");
        }
    }

    proptest! {
        /// Against whole numbers: each number is `mantissa / 10^scale`, brought to one scale.
        #[test]
        fn numbers_are_compared_exactly(
            one in (-1_000_000_i64..1_000_000, 0..12_u32), other in (-1_000_000_i64..1_000_000, 0..12_u32),
            forms in (0..3_u8, 0..3_u8),
        ) {
            let text = |(mantissa, scale): (i64, u32), form: u8| match form {
                0 => format!("{mantissa}e-{scale}"),
                1 => format!("\"{mantissa}.000E-{scale}\""),
                _ => {
                    let digits = format!("{:0width$}", mantissa.abs(), width = scale as usize + 1);
                    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
                    let sign = if mantissa < 0 { "-" } else { "" };
                    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
                }
            };
            let whole = |(mantissa, scale): (i64, u32)| i128::from(mantissa) * 10_i128.pow(12 - scale);
            let older = is_older(Compared::Number, &text(one, forms.0), &text(other, forms.1));
            prop_assert_eq!(older, whole(one) < whole(other));
        }
    }
}
