//! How an expression is given the values that it reads.
//!
//! Who evaluates it implements [`Values`] over its spans, headers and rows.

use crate::core::ids::Nanos;
use crate::core::read::Value;
use std::borrow::Cow;

/// The values of one event.
pub trait Values {
    /// What stands at one of the expression's reads, by its place in [`reads`](super::expression::Expression::reads).
    fn value(&self, read: usize) -> Input<'_>;
}

/// A value that an expression reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<'a> {
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

impl<'a> From<Value<'a>> for Input<'a> {
    fn from(value: Value<'a>) -> Input<'a> {
        match value {
            Value::Absent => Input::Absent,
            Value::Json { raw, .. } => Input::Json(raw),
            Value::Outside(text) => Input::Text(text),
        }
    }
}
