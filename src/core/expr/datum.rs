//! A value while an expression is evaluated, equality and order.
//!
//! What stands in an event or in the expression is borrowed. Nothing here knows a name.

use super::decimal::Decimal;
use super::inside::{self, EvaluationBudget};
use super::types::ExprType;
use super::why::{Why, both};
use super::written::WrittenNumber;
use crate::json::text::unescape;
use std::borrow::Cow;
use std::cmp::Ordering;

/// How deep lists may be nested that are compared.
const DEEPEST: usize = 64;

/// A value.
#[derive(Clone, Debug)]
pub enum Datum<'a> {
    /// JSON text that nobody has looked at yet.
    Json(&'a [u8]),
    Null,
    Bool(bool),
    /// A number as JSON writes it.
    Digits(&'a [u8]),
    Number(Decimal),
    Text(Cow<'a, str>),
    /// Nanoseconds since 1970.
    Time(i128),
    /// Nanoseconds.
    Duration(i128),
    List(List<'a>),
    /// The JSON text of an object.
    Object(&'a [u8]),
}

/// A list.
#[derive(Clone, Debug)]
pub enum List<'a> {
    /// Its JSON text.
    Json(&'a [u8]),
    /// Made by the expression; an element may be unknown.
    Made(Vec<Result<Datum<'a>, Why>>),
}

/// The type of a JSON text, told by its first byte.
pub fn json_type(raw: &[u8]) -> Option<ExprType> {
    Some(match raw.first()? {
        b'"' => ExprType::Text,
        b'-' | b'0'..=b'9' => ExprType::Number,
        b't' | b'f' => ExprType::Bool,
        b'n' => ExprType::Null,
        b'[' => ExprType::List,
        b'{' => ExprType::Object,
        _ => return None,
    })
}

impl<'a> Datum<'a> {
    /// The value as one of the other kinds than JSON text.
    #[inline]
    pub fn settled(self) -> Result<Datum<'a>, Why> {
        let Datum::Json(raw) = self else { return Ok(self) };
        match raw {
            [b'-' | b'0'..=b'9', ..] => Ok(Datum::Digits(raw)),
            [b'"', inner @ .., b'"'] => text(inner).map(Datum::Text),
            b"true" => Ok(Datum::Bool(true)),
            b"false" => Ok(Datum::Bool(false)),
            b"null" => Ok(Datum::Null),
            [b'[', ..] => Ok(Datum::List(List::Json(raw))),
            [b'{', ..] => Ok(Datum::Object(raw)),
            // No scan hands over anything else.
            _ => Err(Why::Broken),
        }
    }

    /// The number that it is.
    #[inline]
    pub fn number(&self) -> Result<Decimal, Why> {
        match self {
            Datum::Number(number) => Ok(*number),
            Datum::Digits(raw) => Decimal::read(raw).ok_or(Why::Broken),
            _ => Err(Why::Broken),
        }
    }

    /// The text that it is.
    pub fn text(self) -> Result<Cow<'a, str>, Why> {
        match self {
            Datum::Text(text) => Ok(text),
            _ => Err(Why::Broken),
        }
    }

    /// Whether two settled values are equal. Values of different types are not.
    #[inline]
    pub fn equals(&self, other: &Datum<'_>, work: &EvaluationBudget) -> Result<bool, Why> {
        self.equals_within(other, work, DEEPEST)
    }

    fn equals_within(&self, other: &Datum<'_>, work: &EvaluationBudget, depth: usize) -> Result<bool, Why> {
        match (self, other) {
            (Datum::Text(a), Datum::Text(b)) => Ok(a == b),
            (Datum::Digits(_) | Datum::Number(_), Datum::Digits(_) | Datum::Number(_)) => {
                Ok(numbers(self, other) == Ordering::Equal)
            }
            (Datum::Bool(a), Datum::Bool(b)) => Ok(a == b),
            (Datum::Null, Datum::Null) => Ok(true),
            (Datum::Time(a), Datum::Time(b)) | (Datum::Duration(a), Datum::Duration(b)) => Ok(a == b),
            (Datum::List(a), Datum::List(b)) => equal_lists(a, b, work, depth.checked_sub(1).ok_or(Why::Broken)?),
            // Members may stand in any order: to compare them all could take a very long time.
            (Datum::Object(_), Datum::Object(_)) => Err(Why::Broken),
            _ => Ok(false),
        }
    }

    /// Which of two settled values is the smaller one.
    #[inline]
    pub fn order(&self, other: &Datum<'_>) -> Result<Ordering, Why> {
        match (self, other) {
            (Datum::Digits(_) | Datum::Number(_), Datum::Digits(_) | Datum::Number(_)) => Ok(numbers(self, other)),
            // By Unicode's numbers, as UTF-8's bytes are.
            (Datum::Text(a), Datum::Text(b)) => Ok(a.as_bytes().cmp(b.as_bytes())),
            (Datum::Time(a), Datum::Time(b)) | (Datum::Duration(a), Datum::Duration(b)) => Ok(a.cmp(b)),
            (Datum::Bool(a), Datum::Bool(b)) => Ok(a.cmp(b)),
            _ => Err(Why::Broken),
        }
    }
}

/// What stands between the quotes of a JSON string.
#[inline]
pub fn text(inner: &[u8]) -> Result<Cow<'_, str>, Why> {
    let inner = std::str::from_utf8(inner).map_err(|_| Why::Broken)?;
    if !inner.as_bytes().contains(&b'\\') {
        return Ok(Cow::Borrowed(inner));
    }
    // A lone surrogate is no text.
    unescape(inner).map(Cow::Owned).ok_or(Why::Broken)
}

/// The order of two numbers, whatever their size.
#[inline]
fn numbers(a: &Datum<'_>, b: &Datum<'_>) -> Ordering {
    match (a.number(), b.number()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => written(a).cmp(&written(b)),
    }
}

#[cold]
fn written(number: &Datum<'_>) -> WrittenNumber {
    match number {
        Datum::Digits(raw) => WrittenNumber::read(raw),
        Datum::Number(number) => WrittenNumber::from(*number),
        _ => unreachable!("only numbers are compared as numbers"),
    }
}

fn equal_lists(a: &List<'_>, b: &List<'_>, work: &EvaluationBudget, depth: usize) -> Result<bool, Why> {
    let (mut a, mut b) = (a.elements(work), b.elements(work));
    let mut unknown = None;
    loop {
        let (one, other) = match (a.next(), b.next()) {
            (None, None) => return unknown.map_or(Ok(true), Err),
            (Some(one), Some(other)) => (one, other),
            _ => return Ok(false),
        };
        let equal = both(one, other).and_then(|(one, other)| one.equals_within(&other, work, depth));
        match equal {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(why) => unknown = unknown.max(Some(why)),
        }
    }
}

impl<'a> List<'a> {
    /// How many elements it has, unknown ones among them.
    pub fn count(&self, work: &EvaluationBudget) -> Result<usize, Why> {
        match self {
            List::Json(raw) => inside::elements(raw, work).try_fold(0, |count, element| element.map(|_| count + 1)),
            List::Made(elements) => Ok(elements.len()),
        }
    }

    /// One of its elements, from 0.
    pub fn element(self, place: usize, work: &EvaluationBudget) -> Result<Datum<'a>, Why> {
        match self {
            List::Json(raw) => inside::elements(raw, work).nth(place).ok_or(Why::Absent)?.map(Datum::Json),
            List::Made(elements) => elements.into_iter().nth(place).ok_or(Why::Absent)?,
        }
    }

    /// Its elements, settled.
    pub fn elements<'l>(
        &'l self,
        work: &'l EvaluationBudget,
    ) -> impl Iterator<Item = Result<Datum<'a>, Why>> + use<'a, 'l> {
        let (json, made) = match self {
            List::Json(raw) => (Some(inside::elements(raw, work)), None),
            List::Made(elements) => (None, Some(elements.iter().cloned())),
        };
        let json = json.into_iter().flatten().map(|element| Datum::Json(element?).settled());
        json.chain(made.into_iter().flatten())
    }
}
