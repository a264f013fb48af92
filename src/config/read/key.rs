//! `kind`, `key` and `id`: a place, or several.
//!
//! Only types and notations are looked at here; which lists say something is a rule of `core::plan::check`.

use super::super::given::GivenSetting;
use super::super::place::Placed;
use super::super::section::SectionReader;
use super::super::tree::{TreeNode, TreeValue};
use crate::core::plan::key_spec::{FirstOf, KeyPart, KeySpec, KindPlaces};
use crate::core::plan::selector::Selector;

/// `kind`.
pub(super) fn kind(section: &mut SectionReader<'_, '_>, name: &'static str) -> GivenSetting<KindPlaces> {
    let Some(node) = section.node(name) else { return GivenSetting::Absent };
    let read = match &node.value {
        TreeValue::List(items) => places(section, name, items).map(KindPlaces::First),
        _ => place(section, name, node).map(KindPlaces::One),
    };
    given(read, node)
}

/// `key` or `id`.
pub(super) fn key(section: &mut SectionReader<'_, '_>, name: &'static str) -> GivenSetting<KeySpec> {
    let Some(node) = section.node(name) else { return GivenSetting::Absent };
    let read = match &node.value {
        TreeValue::List(items) => {
            let parts: Vec<Option<KeyPart>> = items.iter().map(|item| part(section, name, item)).collect();
            parts.into_iter().collect::<Option<_>>().map(KeySpec::All)
        }
        _ => part(section, name, node).map(KeySpec::One),
    };
    given(read, node)
}

fn given<T>(read: Option<T>, node: &TreeNode) -> GivenSetting<T> {
    read.map_or(GivenSetting::Broken, |value| GivenSetting::Valid(Placed { value, place: node.place }))
}

/// A place, or `{ first = […] }`; what is wrong has been reported where there is none.
fn part(section: &mut SectionReader<'_, '_>, name: &str, node: &TreeNode) -> Option<KeyPart> {
    let TreeValue::Table(table) = &node.value else { return place(section, name, node).map(KeyPart::At) };
    let hint = format!("write a place, `\"customer\"`, or `{name} = {{ first = [\"after.id\", \"before.id\"] }}`");
    if let Some((word, entry)) = table.iter().find(|(word, _)| *word != "first") {
        section.report.error_with(entry.key, format!("`{word}` is no word of `{name}`"), hint);
        return None;
    }
    let Some(TreeValue::List(items)) = table.get("first").map(|entry| &entry.node.value) else {
        section.report.error_with(node.place, format!("`{name}` names no place"), hint);
        return None;
    };
    places(section, "first", items).map(|first| KeyPart::First(FirstOf { first }))
}

fn places(section: &mut SectionReader<'_, '_>, name: &str, items: &[TreeNode]) -> Option<Vec<Selector>> {
    let read: Vec<Option<Selector>> = items.iter().map(|item| place(section, name, item)).collect();
    read.into_iter().collect()
}

fn place(section: &mut SectionReader<'_, '_>, name: &str, node: &TreeNode) -> Option<Selector> {
    let told = match &node.value {
        TreeValue::Text(text) => Selector::parse(text),
        other => Err(format!("`{name}` must be a place in double quotes, not {}", other.type_name())),
    };
    told.map_err(|message| section.report.error(node.place, message)).ok()
}
