//! Reading a place of an event: a field of the JSON, a subject token, a header, or the stored-at time.
//!
//! Takes the spans that the scan found; never scans anything itself.

use super::event::{StoredMessage, Text};
use super::ids::Nanos;
use super::plan::compiled::Place;
use super::plan::spec::Literal;
use crate::json::fields::Span;
use crate::json::text::{Scalar, escape_into};
use std::borrow::Cow;

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Absent,
    /// A JSON value, as the payload carries it.
    Json {
        /// Its bytes.
        raw: &'a [u8],
        /// Where they are.
        span: Span,
    },
    /// A text from outside the JSON.
    Outside(Cow<'a, str>),
}

/// Why a key or row selector is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// Absent or null.
    None,
    /// Empty, or neither text nor an integer.
    Bad,
}

impl<'a> Value<'a> {
    /// Reads `place` of a message whose fields the scan put into `spans`.
    pub fn at(place: &Place, message: &'a StoredMessage, spans: &[Span]) -> Value<'a> {
        match place {
            Place::Field(slot) => {
                let span = slot.of(spans);
                span.of(&message.payload).map_or(Value::Absent, |raw| Value::Json { raw, span })
            }
            Place::Subject(n) => {
                let token = message.subject.split('.').nth(n.saturating_sub(1));
                token.map_or(Value::Absent, |t| Value::Outside(Cow::Borrowed(t)))
            }
            Place::Header(name) => {
                let first = message.headers.as_deref().and_then(|list| list.iter().find(|(known, _)| known == name));
                first.map_or(Value::Absent, |(_, value)| Value::Outside(Cow::Borrowed(value)))
            }
            Place::Time => Value::Outside(Cow::Owned(time_text(message.stored_at))),
        }
    }

    /// Whether something is there: not absent, not null, and no empty text.
    pub fn is_present(&self) -> bool {
        match self {
            Value::Absent => false,
            Value::Json { raw, .. } => *raw != b"null" && *raw != b"\"\"",
            Value::Outside(text) => !text.is_empty(),
        }
    }

    /// The value as a scalar.
    pub fn scalar(&self) -> Scalar<'_> {
        match self {
            Value::Absent => Scalar::Null,
            Value::Json { raw, .. } => Scalar::read(raw),
            Value::Outside(text) => Scalar::Text(Cow::Borrowed(text)),
        }
    }

    /// The value as a text, if it is one.
    pub fn text(&self) -> Option<Text> {
        if let Value::Json { raw, span } = self
            && plain(raw).is_some()
        {
            return Some(Text::Payload(Span { start: span.start + 1, end: span.end - 1 }));
        }
        match self.scalar() {
            Scalar::Text(text) => Some(self.place_of(&text)),
            _ => None,
        }
    }

    /// The value as a key or row selector: text or an integer.
    pub fn key(&self) -> Result<Text, KeyFault> {
        if let Value::Json { raw, span } = self
            && plain(raw).is_some_and(|inner| !inner.is_empty())
        {
            return Ok(Text::Payload(Span { start: span.start + 1, end: span.end - 1 }));
        }
        match self.scalar() {
            Scalar::Null => Err(KeyFault::None),
            Scalar::Text(text) if !text.is_empty() => Ok(self.place_of(&text)),
            Scalar::Integer(digits) => Ok(match self {
                Value::Json { span, .. } => Text::Payload(*span),
                _ => Text::Owned(digits.into()),
            }),
            _ => Err(KeyFault::Bad),
        }
    }

    /// The value as a column's JSON text; `None` when it is absent.
    pub fn column(&self) -> Option<Cow<'a, [u8]>> {
        match self {
            Value::Absent => None,
            Value::Json { raw, .. } => Some(Cow::Borrowed(raw)),
            Value::Outside(text) => {
                let mut json = Vec::with_capacity(text.len() + 2);
                escape_into(&mut json, text);
                Some(Cow::Owned(json))
            }
        }
    }

    /// The value as an id: the bytes of a text or of an integer. Anything else is no id.
    pub fn id(&self) -> Option<Cow<'a, [u8]>> {
        if let Value::Json { raw, .. } = self
            && let Some(inner) = plain(raw)
        {
            return (!inner.is_empty()).then_some(Cow::Borrowed(inner));
        }
        let scalar = match self {
            Value::Absent => Scalar::Null,
            Value::Json { raw, .. } => Scalar::read(raw),
            Value::Outside(text) => Scalar::Text(text.clone()),
        };
        match scalar {
            Scalar::Text(text) if !text.is_empty() => Some(match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
            Scalar::Integer(digits) => Some(Cow::Borrowed(digits.as_bytes())),
            _ => None,
        }
    }

    /// Whether the value equals a scalar of the configuration.
    pub fn equals(&self, literal: &Literal) -> bool {
        match (self.scalar(), literal) {
            (Scalar::Text(text), Literal::Text(wanted)) => text == *wanted,
            (Scalar::Integer(digits), Literal::Integer(wanted)) => digits == wanted.to_string(),
            (Scalar::Bool(value), Literal::Bool(wanted)) => value == *wanted,
            _ => false,
        }
    }

    /// A text that stands in the payload unescaped is named by its place, without its quotes.
    // That the text is borrowed tells that it stands in the payload as it is.
    #[allow(clippy::ptr_arg)]
    fn place_of(&self, text: &Cow<'_, str>) -> Text {
        match (self, text) {
            (Value::Json { span, .. }, Cow::Borrowed(_)) => {
                Text::Payload(Span { start: span.start + 1, end: span.end.saturating_sub(1) })
            }
            _ => Text::Owned(text.as_ref().into()),
        }
    }
}

/// What stands between the quotes of a string without escapes, which is the text itself. Almost all are so, and
/// need neither a look at every character nor a copy.
fn plain(raw: &[u8]) -> Option<&[u8]> {
    match raw {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => Some(inner),
        _ => None,
    }
}

/// A stored-at time as text: RFC 3339 in UTC, always with nine digits of a second.
fn time_text(time: Nanos) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(time.0)) {
        Ok(time) => format!("{time:.9}"),
        // Every 64-bit number of nanoseconds is a time that jiff knows (years 1677 to 2262).
        Err(_) => String::new(),
    }
}
