//! `when`, `drop` and the like: an expression that decides something.
//!
//! As data it is its text. Compiled, it knows where each of its reads is; an event is asked through [`SeenEvent`].

use super::compiled::Place;
use super::field_type::{FieldTypes, type_of};
use super::selector::Selector;
use crate::core::columns::ColumnId;
use crate::core::event::StoredMessage;
use crate::core::expr::{ConditionAnswer, EventValues, ExprType, Expression, InputValue, PlacedRead, Read, Why};
use crate::core::ids::Nanos;
use crate::core::join::Lookup;
use crate::core::read::Value;
use crate::json::fields::Span;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::sync::Arc;

/// The number of a rule of the plan that counts what it did not know: a condition.
pub type RuleId = u16;

/// A condition as a plan keeps it.
#[derive(Clone, Debug)]
pub struct Condition(Arc<Expression>);

impl Condition {
    /// Reads its text.
    pub fn parse(text: &str) -> Result<Condition, crate::core::expr::ExprFault> {
        Expression::parse(text).map(|expression| Condition(Arc::new(expression)))
    }

    /// The expression.
    pub fn expression(&self) -> &Expression {
        &self.0
    }

    /// The places of the event that it reads.
    pub fn places(&self) -> impl Iterator<Item = Selector> + '_ {
        self.0.reads().iter().filter_map(|reading| place_of(&reading.read))
    }

    /// The same, with fields of another type than the declared one broken.
    pub fn relying_on(&self, types: &FieldTypes) -> Condition {
        let declared = |reading: &PlacedRead| type_of(types, &reading.read) != ExprType::Dyn;
        if !self.0.reads().iter().any(declared) {
            return self.clone();
        }
        let mut expression = Expression::clone(&self.0);
        expression.rely_on(&|read| type_of(types, read));
        Condition(Arc::new(expression))
    }

    /// The same, ready to be asked; `source` says where each read is.
    pub fn compile(&self, rule: RuleId, source: impl FnMut(&Read) -> ReadSource) -> ResolvedCondition {
        let sources = self.0.reads().iter().map(|reading| &reading.read).map(source).collect();
        ResolvedCondition { rule, expression: self.0.clone(), sources }
    }
}

/// Where a read is in the event, if it is there.
pub fn place_of(read: &Read) -> Option<Selector> {
    match read {
        Read::Event(path) => Some(Selector::Path(path.clone())),
        Read::Subject(n) => Some(Selector::Subject(*n)),
        Read::Header(name) => Some(Selector::Header(name.clone())),
        _ => None,
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Condition) -> bool {
        self.0.text() == other.0.text()
    }
}

impl Eq for Condition {}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.text().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Condition, D::Error> {
        let text = String::deserialize(deserializer)?;
        Condition::parse(&text).map_err(|fault| D::Error::custom(format!("`{text}` is no condition: {}", fault.what)))
    }
}

/// A condition whose reads are resolved.
#[derive(Clone, Debug)]
pub struct ResolvedCondition {
    /// Its number among the plan's rules.
    pub rule: RuleId,
    expression: Arc<Expression>,
    sources: Vec<ReadSource>,
}

/// Where a read of a condition is.
#[derive(Clone, Debug)]
pub enum ReadSource {
    /// In the event.
    Place(Place),
    /// The text of its kind.
    Kind,
    /// Its key.
    Key,
    /// When it was stored.
    Time,
    /// Stream time.
    StreamTime,
    /// Its position.
    Position,
    /// A column of a joined row.
    Column {
        /// The join, by its place in `Kind::joins`.
        join: usize,
        /// The column.
        column: ColumnId,
    },
}

/// An event as far as it is known where a condition is asked.
#[derive(Clone, Copy, Debug)]
pub struct SeenEvent<'a> {
    /// The message.
    pub message: &'a StoredMessage,
    /// Where the plan's fields are in it.
    pub spans: &'a [Span],
    /// The text of its kind.
    pub kind: Option<&'a str>,
    /// Its key.
    pub key: Option<&'a str>,
    /// Stream time.
    pub stream_time: Nanos,
    /// What its joins found, in the order of `Kind::joins`; none before rows are joined.
    pub rows: &'a [Lookup<'a>],
}

impl ResolvedCondition {
    /// The columns that it reads: joins by their places in `Kind::joins`, and columns.
    pub fn columns(&self) -> impl Iterator<Item = (usize, ColumnId)> + '_ {
        self.sources.iter().filter_map(|source| match source {
            ReadSource::Column { join, column } => Some((*join, *column)),
            _ => None,
        })
    }

    /// What the condition answers for an event.
    pub fn holds<'a>(&'a self, seen: SeenEvent<'a>) -> ConditionAnswer {
        self.expression.holds(&ConditionValues { test: self, seen })
    }

    /// Appends what the expression computes for an event, as JSON; nothing where that is not known.
    pub fn compute<'a>(&'a self, seen: SeenEvent<'a>, out: &mut Vec<u8>) -> Result<(), Why> {
        self.expression.compute(&ConditionValues { test: self, seen }, out)
    }
}

struct ConditionValues<'a> {
    test: &'a ResolvedCondition,
    seen: SeenEvent<'a>,
}

impl EventValues for ConditionValues<'_> {
    fn value(&self, read: usize) -> InputValue<'_> {
        let SeenEvent { message, spans, kind, key, stream_time, rows } = self.seen;
        let text = |text: Option<_>| text.map_or(InputValue::Absent, |text| InputValue::Text(Cow::Borrowed(text)));
        match self.test.sources.get(read).expect("each read has its source") {
            ReadSource::Place(place) => Value::at(place, message, spans).into(),
            ReadSource::Kind => text(kind),
            ReadSource::Key => text(key),
            ReadSource::Time => InputValue::Time(message.stored_at),
            ReadSource::StreamTime => InputValue::Time(stream_time),
            ReadSource::Position => InputValue::Number(message.sequence),
            ReadSource::Column { join, column } => {
                let row = rows.get(*join).and_then(Lookup::row);
                row.and_then(|row| row.get(*column)).map_or(InputValue::Absent, InputValue::Json)
            }
        }
    }
}
