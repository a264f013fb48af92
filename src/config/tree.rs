//! The document with the place of every key and value.
//!
//! TOML's grammar is the `toml` crate's business; this file only carries its result over into a tree that
//! can be changed by overrides. No name of a setting occurs here.

use super::place::{Placed, TextPlace};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue, Error};

/// A value with its place.
pub(crate) type TreeNode = Placed<TreeValue>;

/// The members of a table; keys are ordered by name, their places tell the order of the file.
pub(crate) type TreeTable = BTreeMap<String, TreeMember>;

/// A table without members.
pub(crate) static EMPTY: TreeTable = BTreeMap::new();

/// A member: where its key stands, and its value.
#[derive(Clone, Debug)]
pub(crate) struct TreeMember {
    /// The place of the key.
    pub(crate) key: TextPlace,
    /// The value.
    pub(crate) node: TreeNode,
}

/// What a configuration can hold.
#[derive(Clone, Debug)]
pub(crate) enum TreeValue {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A fraction, in the digits in which it is written.
    Fraction(String),
    /// True or false.
    Bool(bool),
    /// A list.
    List(Vec<TreeNode>),
    /// A section or an inline table.
    Table(TreeTable),
    /// What no setting takes; named for the message.
    Other(&'static str),
}

impl TreeValue {
    /// The value's type in the operator's words.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            TreeValue::Text(_) => "text",
            TreeValue::Integer(_) => "a whole number",
            TreeValue::Fraction(_) => "a fraction",
            TreeValue::Bool(_) => "true or false",
            TreeValue::List(_) => "a list",
            TreeValue::Table(_) => "a section",
            TreeValue::Other(name) => name,
        }
    }
}

/// Parses a whole document whose text begins at an offset; the error is the parser's own, with its span.
pub(crate) fn parse(text: &str, begin: usize) -> Result<TreeTable, Error> {
    let place = |span: std::ops::Range<usize>| TextPlace::text(&(begin + span.start..begin + span.end));
    Ok(table(DeTable::parse(text)?.into_inner(), &place))
}

/// Lays a later document over an earlier one: sections meet member by member, every other value takes the earlier one's place.
pub(crate) fn lay_over(earlier: &mut TreeTable, later: TreeTable) {
    for (name, member) in later {
        match (earlier.get_mut(&name).map(|there| &mut there.node.value), member.node.value) {
            (Some(TreeValue::Table(there)), TreeValue::Table(over)) => lay_over(there, over),
            (_, value) => {
                let node = TreeNode { value, place: member.node.place };
                earlier.insert(name, TreeMember { key: member.key, node });
            }
        }
    }
}

/// Parses one value, all of it placed at `place`; `None` where the text is no TOML value.
pub(crate) fn parse_value(text: &str, place: TextPlace) -> Option<TreeNode> {
    let value = DeValue::parse(text).ok()?.into_inner();
    Some(TreeNode { value: convert(value, &|_| place), place })
}

/// Carries spans over: `place` turns a span into a place.
fn table(from: DeTable<'_>, place: &dyn Fn(std::ops::Range<usize>) -> TextPlace) -> TreeTable {
    let entries = from.into_iter().map(|(key, value)| {
        let (key_place, value_place) = (place(key.span()), place(value.span()));
        let node = TreeNode { value: convert(value.into_inner(), place), place: value_place };
        (key.into_inner().into_owned(), TreeMember { key: key_place, node })
    });
    entries.collect()
}

fn convert(from: DeValue<'_>, place: &dyn Fn(std::ops::Range<usize>) -> TextPlace) -> TreeValue {
    match from {
        DeValue::String(text) => TreeValue::Text(text.into_owned()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => TreeValue::Integer(integer),
            Err(_) => TreeValue::Other("a number beyond 64 bits"),
        },
        DeValue::Float(digits) => TreeValue::Fraction(digits.as_str().to_owned()),
        DeValue::Boolean(flag) => TreeValue::Bool(flag),
        DeValue::Datetime(_) => TreeValue::Other("a date or time"),
        DeValue::Table(members) => TreeValue::Table(table(members, place)),
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| {
                let at = place(item.span());
                TreeNode { value: convert(item.into_inner(), place), place: at }
            });
            TreeValue::List(items.collect())
        }
    }
}
