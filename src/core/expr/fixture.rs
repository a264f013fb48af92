//! An event for the tests of expressions: its JSON text, and fixed values of everything else.

use super::inside::{self, Work};
use super::reads::Read;
use super::values::{Input, Values};
use super::{Answer, Expression, Type, Want, Why};
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

impl Values for Event<'_> {
    fn value(&self, read: usize) -> Input<'_> {
        let place = self.expression.reads().get(read).expect("no expression asks for other reads");
        match &place.read {
            Read::Event(path) => {
                let mut raw = self.json.as_bytes();
                for name in path {
                    let found = raw.starts_with(b"{").then(|| inside::member(raw, name, &Work::default()).unwrap());
                    match found.flatten() {
                        Some(member) => raw = member,
                        None => return Input::Absent,
                    }
                }
                Input::Json(raw)
            }
            Read::Kind => Input::Text(Cow::Borrowed("order")),
            Read::Key => Input::Text(Cow::Borrowed("c1")),
            Read::Subject(n) => {
                ["events", "br"].get(n - 1).map_or(Input::Absent, |token| Input::Text(Cow::Borrowed(token)))
            }
            Read::Header(name) if name == "Empty" => Input::Text(Cow::Borrowed("")),
            Read::Header(_) => Input::Absent,
            Read::Time | Read::StreamTime => Input::Time(Nanos(STORED)),
            Read::Position => Input::Number(42),
            Read::Column { table, row, column } => match (table.as_str(), row, column.as_str()) {
                ("user", None, "country") => Input::Json(b"\"BR\""),
                ("user", Some(_), "country") => Input::Json(b"\"PT\""),
                _ => Input::Absent,
            },
        }
    }
}

/// An expression without faults.
pub fn expression(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"))
}

/// What a condition answers over an event.
pub fn holds(text: &str, json: &str) -> Answer {
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
pub fn types(read: &Read) -> Type {
    match read {
        Read::Event(path) => match path.join(".").as_str() {
            "number" => Type::Number,
            "text" => Type::Text,
            "bool" => Type::Bool,
            "list" => Type::List,
            "object" => Type::Object,
            _ => Type::Dyn,
        },
        _ => Type::Dyn,
    }
}
