//! The words of `{ time = … }`, and its work.

use super::super::operator::{DeriveFault, Operator, is_default, one};
use super::digits::Digits;
use super::format::TimeFormat;
use super::instant::Time;
use super::unix::Unit;
use super::write::WriteTime;
use super::{rfc3339, unix};
use crate::core::plan::selector::Selector;
use crate::core::read::Value;
use crate::json::text::Scalar;
use serde::{Deserialize, Serialize};

/// A time in one form, whatever form it comes in. A text that is already written so stays as it is; a number is read again,
/// and stays where `unit` is, or tells from its size, the one that is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeSpec {
    /// Where the time is: a number, a text of digits or RFC 3339 text, or a text in the format.
    pub time: Selector,
    /// What numbers count.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unit: Unit,
    /// What texts look like, where they are not RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<TimeFormat>,
    /// The offset of texts in the format that carry none; UTC without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Offset>,
    /// The form; a date for a format without a time of day, else RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<WriteTime>,
}

/// A distance from UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Offset {
    text: String,
    seconds: i64,
}

/// The time that a value is: a number or a text of digits in the unit, or RFC 3339 text.
pub fn read_time(value: &Value<'_>, unit: Unit) -> Result<Time, DeriveFault> {
    let time = match (value, value.scalar()) {
        (_, Scalar::Null) => return Err(DeriveFault::Missing),
        (_, Scalar::Text(text)) => rfc3339::read(&text).or_else(|| unix::read_text(&text, unit)),
        (Value::Json { raw, .. }, Scalar::Integer(_) | Scalar::Other) => unix::read(raw, unit),
        _ => None,
    };
    time.ok_or(DeriveFault::Broken)
}

impl TimeSpec {
    fn form(&self) -> WriteTime {
        let date = self.format.as_ref().is_some_and(|format| !format.has_time());
        self.write.unwrap_or(if date { WriteTime::Date } else { WriteTime::Rfc3339 })
    }

    fn read(&self, value: &Value<'_>) -> Result<Time, DeriveFault> {
        let Some(format) = &self.format else {
            return read_time(value, self.unit).or_else(|fault| self.written(value).ok_or(fault));
        };
        let offset = self.offset.as_ref().map_or(0, |offset| offset.seconds);
        let time = match value.scalar() {
            Scalar::Null => return Err(DeriveFault::Missing),
            Scalar::Text(text) => format.read(&text, offset),
            // `20190726` is often a number.
            Scalar::Integer(digits) => format.read(digits, offset),
            Scalar::Bool(_) | Scalar::Other => None,
        };
        time.or_else(|| self.written(value)).ok_or(DeriveFault::Broken)
    }

    /// The time of a text that has been written in this operator's form already.
    fn written(&self, value: &Value<'_>) -> Option<Time> {
        let Scalar::Text(text) = value.scalar() else { return None };
        let time = match self.form() {
            WriteTime::Rfc3339 => rfc3339::read(&text),
            WriteTime::Date => rfc3339::date(&text),
            WriteTime::Unix | WriteTime::UnixMs => None,
        };
        let mut again = Vec::new();
        time?.write(self.form(), &mut again);
        (again.strip_prefix(b"\"")?.strip_suffix(b"\"")? == text.as_bytes()).then_some(time?)
    }
}

impl Operator for TimeSpec {
    fn places(&self) -> Vec<&Selector> {
        vec![&self.time]
    }

    fn check(&self) -> Result<(), String> {
        let Some(format) = &self.format else {
            return match self.offset {
                Some(_) => {
                    Err("`offset` is that of texts in a `format`: RFC 3339 texts carry theirs, and numbers count \
                                from 1970 in UTC; leave `offset` out"
                        .to_owned())
                }
                None => Ok(()),
            };
        };
        if self.unit != Unit::Auto {
            return Err("`unit` is for numbers and `format` for texts: leave one of them out".to_owned());
        }
        if self.offset.is_some() && format.has_offset() {
            return Err("the texts carry their offset, since the format has %z: leave `offset` out".to_owned());
        }
        if self.offset.is_some() && self.form() == WriteTime::Date && !format.has_time() {
            return Err("a date without a time of day has no offset: leave `offset` out".to_owned());
        }
        Ok(())
    }

    fn write(&self, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), DeriveFault> {
        self.read(one(values))?.write(self.form(), out);
        Ok(())
    }
}

impl TryFrom<String> for Offset {
    type Error = String;

    fn try_from(text: String) -> Result<Offset, String> {
        let mut digits = Digits(text.as_bytes());
        let seconds = digits.offset(true).filter(|_| digits.end().is_some());
        let wrong =
            "write the hours and minutes from UTC, such as `+02:00`; names of time zones have rules that change";
        let seconds = seconds.ok_or_else(|| format!("`{text}` is no offset: {wrong}"))?;
        Ok(Offset { text, seconds })
    }
}

impl From<Offset> for String {
    fn from(offset: Offset) -> String {
        offset.text
    }
}
