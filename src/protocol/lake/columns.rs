//! Declared columns: values of an event that get a typed column of their own beside the event's text.
//!
//! A value that does not fit its column is null there and whole in the text; nothing is guessed from what events hold.

use crate::core::event_time::time_of;
use crate::core::read::Value;
use crate::json::fields::Span;
use crate::json::text::Scalar;
use serde::{Deserialize, Serialize};

/// The type of a declared column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Text, or the JSON text of a value that is none.
    Text,
    /// A whole number of 64 bits.
    Bigint,
    /// A number as a 64-bit float.
    Double,
    /// true or false.
    Boolean,
    /// A time: seconds or milliseconds since 1970, or RFC 3339.
    Timestamp,
}

impl ColumnType {
    /// The types by their names in the configuration.
    pub const NAMED: [(&'static str, ColumnType); 5] = [
        ("text", ColumnType::Text),
        ("bigint", ColumnType::Bigint),
        ("double", ColumnType::Double),
        ("boolean", ColumnType::Boolean),
        ("timestamp", ColumnType::Timestamp),
    ];
}

/// A declared column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Where its value is in the event's JSON: a dotted path.
    pub at: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// A value of a declared column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing, or null.
    Null,
    /// Of a text column.
    Text(String),
    /// Of a bigint column.
    Bigint(i64),
    /// Of a double column.
    Double(f64),
    /// Of a boolean column.
    Boolean(bool),
    /// Of a timestamp column, in microseconds since 1970.
    Timestamp(i64),
    /// Something that does not fit the column: null there, and counted.
    Misfit,
}

impl Cell {
    /// The cell of a value's raw JSON; `None` where the event has none.
    pub fn read(kind: ColumnType, raw: Option<&[u8]>) -> Cell {
        let Some(raw) = raw else { return Cell::Null };
        let scalar = Scalar::read(raw);
        let text = std::str::from_utf8(raw).unwrap_or_default();
        let number = || text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let cell = match (kind, scalar) {
            (_, Scalar::Null) => Some(Cell::Null),
            (ColumnType::Text, Scalar::Text(text)) => Some(Cell::Text(text.into_owned())),
            (ColumnType::Text, _) => Some(Cell::Text(text.to_owned())),
            (ColumnType::Bigint, Scalar::Integer(digits)) => digits.parse().ok().map(Cell::Bigint),
            (ColumnType::Double, _) if number() => {
                text.parse().ok().filter(|number: &f64| number.is_finite()).map(Cell::Double)
            }
            (ColumnType::Boolean, Scalar::Bool(flag)) => Some(Cell::Boolean(flag)),
            (ColumnType::Timestamp, _) => {
                time_of(&Value::Json { raw, span: Span::ABSENT }).map(|time| Cell::Timestamp(time.0.div_euclid(1_000)))
            }
            _ => None,
        };
        cell.unwrap_or(Cell::Misfit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_fits_or_is_a_misfit() {
        use ColumnType::{Bigint, Boolean, Double, Text, Timestamp};
        for (kind, raw, cell) in [
            (Text, "\"a\\u0062\"", Cell::Text("ab".to_owned())),
            (Text, "1.0", Cell::Text("1.0".to_owned())),
            (Text, "{\"a\":1}", Cell::Text("{\"a\":1}".to_owned())),
            (Text, "null", Cell::Null),
            (Bigint, "9007199254740993", Cell::Bigint(9_007_199_254_740_993)),
            (Bigint, "1.0", Cell::Misfit),
            (Bigint, "9223372036854775808", Cell::Misfit),
            (Bigint, "\"1\"", Cell::Misfit),
            (Bigint, "true", Cell::Misfit),
            (Double, "1.5", Cell::Double(1.5)),
            (Double, "-3", Cell::Double(-3.0)),
            (Double, "1e999", Cell::Misfit),
            (Double, "\"1.5\"", Cell::Misfit),
            (Boolean, "false", Cell::Boolean(false)),
            (Boolean, "0", Cell::Misfit),
            (Timestamp, "1763725500", Cell::Timestamp(1_763_725_500_000_000)),
            (Timestamp, "\"2025-11-21T11:45:00.5Z\"", Cell::Timestamp(1_763_725_500_500_000)),
            (Timestamp, "\"soon\"", Cell::Misfit),
        ] {
            assert_eq!(Cell::read(kind, Some(raw.as_bytes())), cell, "{kind:?} {raw}");
        }
        assert_eq!(Cell::read(Text, None), Cell::Null);
    }
}
