//! An event for the tests of expressions: its JSON text, and fixed values of everything else.

use crate::core::expr::inside::{self, EvaluationBudget};
use crate::core::expr::reads::Read;
use crate::core::expr::values::{EventValues, InputValue};
use crate::core::expr::{ConditionAnswer, ExprType, Expression, Want, Why};
use crate::core::ids::Nanos;
use crate::core::plan::check::Severity;
use std::borrow::Cow;

/// When the event was stored.
pub const STORED: i64 = 1_644_849_600_000_000_000;

/// The values of an expression over one event.
pub struct Event<'a> {
    pub expression: &'a Expression,
    pub json: &'a str,
}

impl EventValues for Event<'_> {
    fn value(&self, read: usize) -> InputValue<'_> {
        let place = self.expression.reads().get(read).expect("no expression asks for other reads");
        match &place.read {
            Read::Event(path) => {
                let mut raw = self.json.as_bytes();
                for name in path {
                    let found =
                        raw.starts_with(b"{").then(|| inside::member(raw, name, &EvaluationBudget::default()).unwrap());
                    match found.flatten() {
                        Some(member) => raw = member,
                        None => return InputValue::Absent,
                    }
                }
                InputValue::Json(raw)
            }
            Read::Kind => InputValue::Text(Cow::Borrowed("order")),
            Read::Key => InputValue::Text(Cow::Borrowed("c1")),
            Read::Subject(n) => {
                ["events", "br"].get(n - 1).map_or(InputValue::Absent, |token| InputValue::Text(Cow::Borrowed(token)))
            }
            Read::Header(name) if name == "Empty" => InputValue::Text(Cow::Borrowed("")),
            Read::Header(_) => InputValue::Absent,
            Read::Time | Read::StreamTime => InputValue::Time(Nanos(STORED)),
            Read::Position => InputValue::Number(42),
            Read::Column { table, row, column } => match (table.as_str(), row, column.as_str()) {
                ("user", None, "country") => InputValue::Json(b"\"BR\""),
                ("user", Some(_), "country") => InputValue::Json(b"\"PT\""),
                _ => InputValue::Absent,
            },
        }
    }
}

/// An expression without faults.
pub fn expression(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"))
}

/// What a condition answers over an event.
pub fn holds(text: &str, json: &str) -> ConditionAnswer {
    let expression = &expression(text);
    expression.holds(&Event { expression, json })
}

/// What an expression computes over an event.
pub fn computed(text: &str, json: &str) -> Result<String, Why> {
    let expression = &expression(text);
    let mut out = b"before".to_vec();
    let result = expression.compute(&Event { expression, json }, &mut out);
    let written = String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned();
    assert!(result.is_ok() || written.is_empty(), "{text}: something was written all the same");
    result.map(|()| written)
}

/// The first fault of a text, where it is, and its hint: from the parser, else from the check by types of the fields `number`,
/// `text`, `bool`, `list` and `object`.
pub fn fault(text: &str, want: Want) -> Option<(Severity, String, String, String)> {
    let faults = match Expression::parse(text) {
        Err(fault) => vec![fault],
        Ok(expression) => expression.check(&types, want),
    };
    faults.into_iter().next().map(|fault| {
        let shown = text.get(fault.at.clone()).unwrap_or_else(|| panic!("{text}: {:?} is no part of it", fault.at));
        (fault.severity, shown.to_owned(), fault.what, fault.hint.unwrap_or_default())
    })
}

/// The types of the fixture's fields.
pub fn types(read: &Read) -> ExprType {
    match read {
        Read::Event(path) => match path.join(".").as_str() {
            "number" => ExprType::Number,
            "text" => ExprType::Text,
            "bool" => ExprType::Bool,
            "list" => ExprType::List,
            "object" => ExprType::Object,
            _ => ExprType::Dyn,
        },
        _ => ExprType::Dyn,
    }
}
