//! `kind`, `key` and `id`: a place, or several.
//!
//! Only types and notations are looked at here; which lists say something is a rule of `core::plan::check`.

use super::super::given::Given;
use super::super::place::At;
use super::super::section::Section;
use super::super::tree::{Node, Value};
use crate::core::plan::key_spec::{FirstOf, KeyPart, KeySpec, KindPlaces};
use crate::core::plan::selector::Selector;

/// `kind`.
pub(super) fn kind(section: &mut Section<'_, '_>, name: &'static str) -> Given<KindPlaces> {
    let Some(node) = section.node(name) else { return Given::Absent };
    let read = match &node.value {
        Value::List(items) => places(section, name, items).map(KindPlaces::First),
        _ => place(section, name, node).map(KindPlaces::One),
    };
    given(read, node)
}

/// `key` or `id`.
pub(super) fn key(section: &mut Section<'_, '_>, name: &'static str) -> Given<KeySpec> {
    let Some(node) = section.node(name) else { return Given::Absent };
    let read = match &node.value {
        Value::List(items) => {
            let parts: Vec<Option<KeyPart>> = items.iter().map(|item| part(section, name, item)).collect();
            parts.into_iter().collect::<Option<_>>().map(KeySpec::All)
        }
        _ => part(section, name, node).map(KeySpec::One),
    };
    given(read, node)
}

fn given<T>(read: Option<T>, node: &Node) -> Given<T> {
    read.map_or(Given::Broken, |value| Given::Valid(At { value, place: node.place }))
}

/// A place, or `{ first = […] }`; what is wrong has been reported where there is none.
fn part(section: &mut Section<'_, '_>, name: &str, node: &Node) -> Option<KeyPart> {
    let Value::Table(table) = &node.value else { return place(section, name, node).map(KeyPart::At) };
    let hint = format!("write a place, `\"customer\"`, or `{name} = {{ first = [\"after.id\", \"before.id\"] }}`");
    if let Some((word, entry)) = table.iter().find(|(word, _)| *word != "first") {
        section.report.error_with(entry.key, format!("`{word}` is no word of `{name}`"), hint);
        return None;
    }
    let Some(Value::List(items)) = table.get("first").map(|entry| &entry.node.value) else {
        section.report.error_with(node.place, format!("`{name}` names no place"), hint);
        return None;
    };
    places(section, "first", items).map(|first| KeyPart::First(FirstOf { first }))
}

fn places(section: &mut Section<'_, '_>, name: &str, items: &[Node]) -> Option<Vec<Selector>> {
    let read: Vec<Option<Selector>> = items.iter().map(|item| place(section, name, item)).collect();
    read.into_iter().collect()
}

fn place(section: &mut Section<'_, '_>, name: &str, node: &Node) -> Option<Selector> {
    let told = match &node.value {
        Value::Text(text) => Selector::parse(text),
        other => Err(format!("`{name}` must be a place in double quotes, not {}", other.type_name())),
    };
    told.map_err(|message| section.report.error(node.place, message)).ok()
}
