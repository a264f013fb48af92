//! `[aggregates.NAME]`: columns that count events, add up what they say, or keep the first, last, smallest or largest of it.
//!
//! An aggregate is a table whose columns are worked out from the row before and the event. Numbers are exact decimals
//! (`core::expr`), and what an event does not say, or says wrongly, leaves its column as it is.

use super::building::Building;
use super::compiled::Place;
use super::selector::Selector;
use crate::core::expr::{Decimal, compare_numbers, is_number};
use crate::core::read::Value;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// What a column of an aggregate is, as the configuration writes it: `count()`, `sum(amount)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Aggregate {
    /// What it does.
    pub function: AggregateFunction,
    /// The place whose values it takes; `count()` has none.
    pub of: Option<Selector>,
}

/// The functions of aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateFunction {
    /// How many events there were.
    Count,
    /// The sum of numbers.
    Sum,
    /// The smallest number.
    Min,
    /// The largest number.
    Max,
    /// The first value.
    First,
    /// The last value.
    Last,
}

impl AggregateFunction {
    const NAMED: [(&'static str, AggregateFunction); 6] = [
        ("count", AggregateFunction::Count),
        ("sum", AggregateFunction::Sum),
        ("min", AggregateFunction::Min),
        ("max", AggregateFunction::Max),
        ("first", AggregateFunction::First),
        ("last", AggregateFunction::Last),
    ];
}

impl Aggregate {
    /// Parses the notation; the error is a sentence that says what would be right.
    pub fn parse(text: &str) -> Result<Aggregate, String> {
        const WORDS: &str =
            "write `count()`, or `sum`, `min`, `max`, `first` or `last` with a place, such as `sum(amount)`";
        let parts = text.trim().strip_suffix(')').and_then(|text| text.split_once('('));
        let (name, of) = parts.ok_or_else(|| format!("`{text}` is no aggregate: {WORDS}"))?;
        let named = AggregateFunction::NAMED.into_iter().find(|(known, _)| *known == name.trim());
        let (_, function) = named.ok_or_else(|| format!("`{name}` is no aggregate: {WORDS}"))?;
        let of = of.trim();
        match (function, of.is_empty()) {
            (AggregateFunction::Count, true) => Ok(Aggregate { function, of: None }),
            (AggregateFunction::Count, false) => Err(format!(
                "`{text}`: events are counted, not their values: write `count()`, with `when` for some of them"
            )),
            (_, true) => Err(format!("`{text}` names no place: write `{name}(amount)`")),
            (_, false) => Ok(Aggregate { function, of: Some(Selector::parse(of)?) }),
        }
    }

    /// The same as the step works it out.
    pub(super) fn compile(&self, fields: &mut Building<'_>) -> Counter {
        Counter { function: self.function, of: self.of.as_ref().map(|place| fields.place(place)) }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = AggregateFunction::NAMED.iter().find(|(_, function)| *function == self.function);
        let name = named.map_or("", |(name, _)| name);
        match &self.of {
            None => write!(out, "{name}()"),
            Some(place) => write!(out, "{name}({place})"),
        }
    }
}

impl TryFrom<String> for Aggregate {
    type Error = String;

    fn try_from(text: String) -> Result<Aggregate, String> {
        Aggregate::parse(&text)
    }
}

impl From<Aggregate> for String {
    fn from(aggregate: Aggregate) -> String {
        aggregate.to_string()
    }
}

/// An aggregate with its place resolved.
#[derive(Clone, Debug)]
pub struct Counter {
    function: AggregateFunction,
    of: Option<Place>,
}

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextValue<'a> {
    /// It is this JSON text from now on.
    Is(Cow<'a, [u8]>),
    /// It stays as it is.
    Stays,
    /// It stays, or begins as this, because the event says nothing that could be counted.
    Uncounted(Option<&'static [u8]>),
}

impl Counter {
    /// The column behind an event, from what it was before.
    pub fn next<'a>(&self, before: Option<&[u8]>, read: impl FnOnce(&Place) -> Value<'a>) -> NextValue<'a> {
        if self.function == AggregateFunction::Count {
            return plus(before, b"1");
        }
        let value = self.of.as_ref().and_then(|place| read(place).column());
        // A sum of nothing is a number all the same.
        let begins = (self.function == AggregateFunction::Sum && before.is_none()).then_some(&b"0"[..]);
        let Some(value) = value.filter(|value| self.takes(value)) else { return NextValue::Uncounted(begins) };
        let beyond = |order: Ordering| before.is_none_or(|before| compare_numbers(&value, before) == order);
        match self.function {
            AggregateFunction::Sum => match plus(before, &value) {
                NextValue::Uncounted(_) => NextValue::Uncounted(begins),
                next => next,
            },
            AggregateFunction::First if before.is_some() => NextValue::Stays,
            AggregateFunction::Min if !beyond(Ordering::Less) => NextValue::Stays,
            AggregateFunction::Max if !beyond(Ordering::Greater) => NextValue::Stays,
            AggregateFunction::First
            | AggregateFunction::Last
            | AggregateFunction::Min
            | AggregateFunction::Max
            | AggregateFunction::Count => NextValue::Is(value),
        }
    }

    /// Whether a value counts: any but null, or numbers alone.
    fn takes(&self, value: &[u8]) -> bool {
        match self.function {
            AggregateFunction::First | AggregateFunction::Last => value != b"null",
            AggregateFunction::Sum | AggregateFunction::Min | AggregateFunction::Max | AggregateFunction::Count => {
                is_number(value)
            }
        }
    }
}

/// A number and what is added to it; what does not fit 38 digits is not counted.
fn plus<'a>(before: Option<&[u8]>, value: &[u8]) -> NextValue<'a> {
    let before = before.map_or(Some(Decimal::whole(0)), Decimal::read);
    let sum = before.zip(Decimal::read(value)).and_then(|(before, value)| before.add(value));
    match sum {
        None => NextValue::Uncounted(None),
        Some(sum) => {
            let mut text = Vec::new();
            sum.write(&mut text);
            NextValue::Is(Cow::Owned(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::fields::Span;
    use proptest::prelude::*;

    /// The column behind each of these values; `-` for an event without it.
    fn columns(text: &str, values: &[&str]) -> Vec<Option<String>> {
        let aggregate = Aggregate::parse(text).unwrap();
        let counter = Counter { function: aggregate.function, of: aggregate.of.map(|_| Place::Time) };
        let mut column: Option<Vec<u8>> = None;
        let mut all = Vec::new();
        for value in values {
            let value =
                if *value == "-" { Value::Absent } else { Value::Json { raw: value.as_bytes(), span: Span::ABSENT } };
            match counter.next(column.as_deref(), |_| value) {
                NextValue::Is(text) => column = Some(text.into_owned()),
                NextValue::Uncounted(Some(text)) => column = Some(text.to_owned()),
                NextValue::Stays | NextValue::Uncounted(None) => {}
            }
            all.push(column.clone().map(|text| String::from_utf8(text).unwrap()));
        }
        all
    }

    #[test]
    fn columns_follow_their_events() {
        let some =
            |texts: &[&str]| texts.iter().map(|text| (*text != "-").then(|| (*text).to_owned())).collect::<Vec<_>>();
        for (text, values, expected) in [
            ("count()", &["-", "1", "null"][..], &["1", "2", "3"][..]),
            ("sum(a)", &["10.10", "0.2", "0.1", "\"x\"", "-"], &["10.10", "10.30", "10.40", "10.40", "10.40"]),
            ("sum(a)", &["-", "null", "\"1\"", "-2"], &["0", "0", "0", "-2"]),
            (
                "sum(a)",
                &["99999999999999999999999999999999999999", "1"],
                &["99999999999999999999999999999999999999"; 2],
            ),
            ("min(a)", &["-", "3", "4", "2.50", "2.5", "\"1\""], &["-", "3", "3", "2.50", "2.50", "2.50"]),
            ("max(a)", &["1e3", "999", "1000.1", "null"], &["1e3", "1e3", "1000.1", "1000.1"]),
            ("first(a)", &["null", "-", "\"a\"", "\"b\""], &["-", "-", "\"a\"", "\"a\""]),
            ("last(a)", &["\"a\"", "null", "[1]", "-"], &["\"a\"", "\"a\"", "[1]", "[1]"]),
        ] {
            assert_eq!(columns(text, values), some(expected), "{text}");
        }
    }

    #[test]
    fn the_notation_survives_a_round_trip_or_says_what_is_right() {
        for text in ["count()", "sum(amount)", "min(a.b)", "max($time)", "first(\"x.y\")", "last(items[0].id)"] {
            assert_eq!(Aggregate::parse(text).map(|a| a.to_string()).as_deref(), Ok(text));
        }
        for (text, said) in [
            ("sum", "no aggregate"),
            ("total(a)", "no aggregate"),
            ("count(a)", "not their values"),
            ("sum()", "names no place"),
            ("sum(a..b)", "no dotted path"),
            ("sum(a", "no aggregate"),
        ] {
            let error = Aggregate::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    proptest! {
        /// Against whole numbers: cents of any order add up to the same sum, and to no other.
        #[test]
        fn sums_are_exact(cents in prop::collection::vec(-1_000_000_i64..1_000_000, 1..40)) {
            let text = |cents: &i64| format!("{}{}.{:02}", if *cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
            let texts: Vec<String> = cents.iter().map(text).collect();
            let values: Vec<&str> = texts.iter().map(String::as_str).collect();
            let sum = columns("sum(a)", &values).pop().unwrap().unwrap();
            let expected = text(&cents.iter().sum());
            prop_assert_eq!(compare_numbers(sum.as_bytes(), expected.as_bytes()), Ordering::Equal, "{} {}", sum, expected);
            let least = columns("min(a)", &values).pop().unwrap().unwrap();
            prop_assert_eq!(&least, &text(cents.iter().min().unwrap()));
        }
    }
}
