//! `[[map]]`: other messages that events lead to.
//!
//! Only types and notations are looked at here; an operator's own words are read by the operator.

use super::super::draft::ConfigDraft;
use super::super::given::GivenSetting;
use super::super::place::Placed;
use super::super::places::ConfigPlaces;
use super::super::section::SectionReader;
use super::super::tree::{TreeMember, TreeNode, TreeValue};
use super::derive::{ON_ERROR, words};
use crate::core::derive::section::MemberPath;
use crate::core::plan::check::KeyPath;
use crate::core::plan::map::{MapField, MapSpec};
use crate::core::plan::template::Template;

type MapFields = Vec<(MemberPath, MapField)>;

pub(super) fn map(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    for node in root.repeated("map") {
        let Some(mut section) = root.enter("[[map]]".to_owned(), node.place, node) else { continue };
        let (at, places) = (KeyPath::map(draft.plan.map.len()), &mut draft.places);
        places.write(at.clone(), node.place);
        section.require("name", "`name = \"billing\"`");
        section.require("subject", "`subject = \"billing.{kind}\"`");
        section.require("fields", "`fields = { id = \"order_id\" }`");
        let name = places.required(&at.then("name"), section.text("name"));
        let kinds = section.texts("kinds", |text| Ok(text.to_owned()));
        let kinds = places.optional_list(&at.then("kinds"), kinds);
        let when = section.condition("when");
        let mut readable = !matches!(when, GivenSetting::Broken);
        let when = places.take(&at.then("when"), when);
        let subject = places.required(&at.then("subject"), section.parsed("subject", Template::parse));
        let instead = section.flag("instead").value().unwrap_or_default();
        let on_error = section.choice("on_error", &ON_ERROR).value().unwrap_or_default();
        let fields = fields(&mut section, &at.then("fields"), places);
        readable &= section.finish();
        if let (Some(name), Some(subject), Some(fields), true) = (name, subject, fields, readable) {
            draft.plan.map.push(MapSpec { name, kinds, when, subject, instead, on_error, fields });
        }
    }
}

/// The members in the order in which they stand in the file; `None` where one of them could not be read.
fn fields(section: &mut SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> Option<MapFields> {
    let node = section.node("fields")?;
    let TreeValue::Table(table) = &node.value else {
        let message = format!("`fields` must be a table, not {}", node.value.type_name());
        let hint = "write members and where they come from: fields = { id = \"order_id\" }";
        section.report.error_with(node.place, message, hint);
        return None;
    };
    places.write(at.clone(), node.place);
    let mut entries: Vec<(&String, &TreeMember)> = table.iter().collect();
    entries.sort_by_key(|(_, entry)| entry.key);
    let read = entries.into_iter().map(|(name, entry)| {
        let at = at.then(name);
        places.write(at.clone().name(), entry.key);
        places.write(at, pointed_at(&entry.node).place);
        let path = MemberPath::parse(name).map_err(|message| section.report.error(entry.key, message));
        Some((path.ok()?, field(section, &entry.node)?))
    });
    let read: Vec<Option<(MemberPath, MapField)>> = read.collect();
    read.into_iter().collect()
}

/// An expression alone is what diagnostics point at, or into; else the whole value.
fn pointed_at(node: &TreeNode) -> &TreeNode {
    match &node.value {
        TreeValue::Table(members) if members.len() == 1 => members.get("calc").map_or(node, |entry| &entry.node),
        _ => node,
    }
}

fn field(section: &mut SectionReader<'_, '_>, node: &TreeNode) -> Option<MapField> {
    if let TreeValue::Table(members) = &node.value
        && let (Some(entry), 1) = (members.get("calc"), members.len())
    {
        // What is wrong in an expression is pointed at inside of it.
        return match section.condition_node("calc", &entry.node) {
            GivenSetting::Valid(Placed { value, .. }) => Some(MapField::Calc(value)),
            GivenSetting::Absent | GivenSetting::Broken => None,
        };
    }
    let field = words(node)
        .and_then(|words| MapField::read(words).map_err(|message| Placed { value: message, place: node.place }));
    field.map_err(|Placed { value, place }| section.report.error(place, value)).ok()
}
