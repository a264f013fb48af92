//! The document with the place of every key and value.
//!
//! TOML's grammar is the `toml` crate's business; this file only carries its result over into a tree that
//! can be changed by overrides. No name of a setting occurs here.

use super::place::{At, Place};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue, Error};

/// A value with its place.
pub(crate) type Node = At<Value>;

/// The members of a table; keys are ordered by name, their places tell the order of the file.
pub(crate) type Table = BTreeMap<String, Entry>;

/// A table without members.
pub(crate) static EMPTY: Table = BTreeMap::new();

/// A member: where its key stands, and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The place of the key.
    pub(crate) key: Place,
    /// The value.
    pub(crate) node: Node,
}

/// What a configuration can hold.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A fraction, in the digits in which it is written.
    Fraction(String),
    /// True or false.
    Bool(bool),
    /// A list.
    List(Vec<Node>),
    /// A section or an inline table.
    Table(Table),
    /// What no setting takes; named for the message.
    Other(&'static str),
}

impl Value {
    /// The value's type in the operator's words.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "text",
            Value::Integer(_) => "a whole number",
            Value::Fraction(_) => "a fraction",
            Value::Bool(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a section",
            Value::Other(name) => name,
        }
    }
}

/// Parses a whole document; the error is the parser's own, with its span.
pub(crate) fn parse(text: &str) -> Result<Table, Error> {
    Ok(table(DeTable::parse(text)?.into_inner(), &|span| Place::text(&span)))
}

/// Parses one value, all of it placed at `place`; `None` where the text is no TOML value.
pub(crate) fn parse_value(text: &str, place: Place) -> Option<Node> {
    let value = DeValue::parse(text).ok()?.into_inner();
    Some(Node { value: convert(value, &|_| place), place })
}

/// Carries spans over: `place` turns a span into a place.
fn table(from: DeTable<'_>, place: &dyn Fn(std::ops::Range<usize>) -> Place) -> Table {
    let entries = from.into_iter().map(|(key, value)| {
        let (key_place, value_place) = (place(key.span()), place(value.span()));
        let node = Node { value: convert(value.into_inner(), place), place: value_place };
        (key.into_inner().into_owned(), Entry { key: key_place, node })
    });
    entries.collect()
}

fn convert(from: DeValue<'_>, place: &dyn Fn(std::ops::Range<usize>) -> Place) -> Value {
    match from {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Value::Integer(integer),
            Err(_) => Value::Other("a number beyond 64 bits"),
        },
        DeValue::Float(digits) => Value::Fraction(digits.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Bool(flag),
        DeValue::Datetime(_) => Value::Other("a date or time"),
        DeValue::Table(members) => Value::Table(table(members, place)),
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| {
                let at = place(item.span());
                Node { value: convert(item.into_inner(), place), place: at }
            });
            Value::List(items.collect())
        }
    }
}
