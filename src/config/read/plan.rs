//! `[event]`, `[dedup]`, `[kinds.NAME]` and `[tables.NAME]`: what decides outcomes.
//!
//! Only types and notations are looked at here, one value at a time; all rules are those of `core::plan::check`.

use super::super::draft::{ConfigDraft, NO_PLACE};
use super::super::given::GivenSetting;
use super::super::places::ConfigPlaces;
use super::super::section::SectionReader;
use super::super::tree::{TreeNode, TreeValue};
use super::streams::output_subject;
use super::{key, row_version, schema, unwrap, version};
use crate::core::derive::section::MemberPath;
use crate::core::plan::aggregate::{Aggregate, AggregateFunction};
use crate::core::plan::check::{KeyPath, WINDOW_S, WINDOW_WHY};
use crate::core::plan::field_type::{FieldType, FieldTypes};
use crate::core::plan::key_spec::KindPlaces;
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::{IdentityRule, KindSpec, Literal};
use crate::core::plan::table::{DeleteSpec, TableScope, TableSpec, WriteMode};
use crate::core::unwrap::spec::SplitSpec;
use std::collections::BTreeMap;

pub(super) fn event(section: Option<SectionReader<'_, '_>>, needs_kind: bool, draft: &mut ConfigDraft) {
    let (at, places, event) = (KeyPath::of(["event"]), &mut draft.places, &mut draft.plan.event);
    let Some(mut section) = section else { return places.unread(&at) };
    if needs_kind {
        section.require("kind", "`kind = \"title\"`");
    }
    let kind = key::kind(&mut section, "kind");
    event.kind = match kind {
        // Every kind has a condition, and none is read from the event.
        GivenSetting::Absent if !needs_kind => KindPlaces::First(Vec::new()),
        given => places.required(&at.then("kind"), given).unwrap_or(NO_PLACE.into()),
    };
    event.unwrap = unwrap::unwrap(&mut section, &at, places);
    event.split = places.take(&at.then("split"), section.parsed("split", SplitSpec::parse));
    event.id = places.take(&at.then("id"), key::key(&mut section, "id"));
    event.time = places.take(&at.then("time"), section.parsed("time", Selector::parse));
    section.finish();
}

pub(super) fn dedup(section: Option<SectionReader<'_, '_>>, draft: &mut ConfigDraft) {
    let Some(mut section) = section else { return };
    let window = section.integer("window_s", WINDOW_S, WINDOW_WHY);
    if let Some(window_s) = draft.places.take(&KeyPath::of(["dedup", "window_s"]), window) {
        draft.plan.dedup_window_s = window_s;
    }
    let conflicts = draft.places.take(&KeyPath::of(["dedup", "conflicts"]), section.flag("conflicts"));
    draft.plan.dedup_conflicts = conflicts.unwrap_or_default();
    let keep = section.parsed("keep", output_subject);
    draft.plan.dedup_keep = draft.places.take(&KeyPath::of(["dedup", "keep"]), keep);
    let identity = section.choice("identity", &[("kind", IdentityRule::Kind), ("key", IdentityRule::Key)]);
    if let Some(identity) = identity.value() {
        draft.plan.identity = identity;
    }
    section.finish();
}

pub(super) fn clock(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    if !root.has("clock") {
        // Asking makes the key known, so that a misspelt one is recognised.
        root.node("clock");
        return;
    }
    let Some(mut section) = root.optional("clock") else { return };
    section.require("subject", "`subject = \"events.tick\"`");
    let subject = section.text("subject");
    draft.plan.tick_subject = draft.places.take(&KeyPath::of(["clock", "subject"]), subject);
    section.finish();
}

pub(super) fn kinds(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    root.require("kinds", "[kinds.user] with its `key`");
    let at = KeyPath::of(["kinds"]);
    let Some(sections) = root.named("kinds") else { return draft.places.unread(&at) };
    draft.places.write(at, root.key_place("kinds"));
    for (name, entry) in sections {
        let (at, places) = (KeyPath::kind(name), &mut draft.places);
        places.write(at.clone().name(), entry.key);
        let mut kind = KindSpec::default();
        match root.enter(format!("[kinds.{}]", quoted(name)), entry.key, &entry.node) {
            None => places.unread(&at),
            Some(mut section) => {
                let (key, id) = (key::key(&mut section, "key"), key::key(&mut section, "id"));
                let entity = section.text("entity");
                let when = section.condition("when");
                let schema = schema::schema(&mut section, &at, places);
                kind.types = types(&mut section, &at, places);
                kind.version = version::version(&mut section, &at, places);
                kind.upcast = version::upcast(&mut section, &at, places);
                let all_known = section.finish();
                if kind.version.is_none() && !all_known {
                    // It may have been misspelt.
                    places.unread(&at.then("version"));
                }
                if kind.upcast.is_empty() && !all_known {
                    places.unread(&at.then("upcast"));
                }
                kind.key = places.take(&at.then("key"), key.unless_misspelt(all_known));
                kind.id = places.take(&at.then("id"), id);
                kind.when = places.take(&at.then("when"), when);
                kind.schema = schema;
                let entity = places.take(&at.then("entity"), entity.unless_misspelt(all_known));
                draft.entities.extend(entity.map(|entity| (name.clone(), entity)));
            }
        }
        draft.plan.kinds.insert(name.clone(), kind);
    }
    let with = draft.plan.kinds.iter().filter(|(_, kind)| kind.has_rule()).map(|(name, _)| name.clone());
    let mut order: Vec<String> = with.collect();
    order.sort_by_key(|name| sections.get(name).map(|entry| entry.key));
    draft.plan.kinds_by_condition = order;
}

/// `types`: fields and what they are.
fn types(section: &mut SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> FieldTypes {
    if !section.has("types") {
        section.node("types");
        return FieldTypes::new();
    }
    let parse = |word: &str| match FieldType::NAMED.iter().find(|(known, _)| *known == word) {
        Some((_, found)) => Ok(*found),
        None => Err(format!("`{word}` is no type: use `bool`, `number`, `text`, `list` or `object`")),
    };
    let mut types = FieldTypes::new();
    for (text, found) in entries(section, "types", parse, || FieldType::Text, at, places) {
        match MemberPath::parse(&text) {
            Ok(member) => drop(types.insert(member, found)),
            Err(message) => {
                let name = at.then("types").then(&text).name();
                section.report.error(places.nearest(&name), message);
            }
        }
    }
    types
}

pub(super) fn tables(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    for (name, entry) in root.named("tables").into_iter().flatten() {
        let (at, places) = (KeyPath::table(name), &mut draft.places);
        places.write(at.clone().name(), entry.key);
        let table = match root.enter(format!("[tables.{}]", quoted(name)), entry.key, &entry.node) {
            Some(section) => table(section, &at, places),
            None => {
                places.unread(&at);
                TableSpec::default()
            }
        };
        draft.plan.tables.insert(name.clone(), table);
    }
}

/// `[aggregates.NAME]`: tables that count.
pub(super) fn aggregates(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    for (name, entry) in root.named("aggregates").into_iter().flatten() {
        if draft.plan.tables.contains_key(name) {
            let message = format!("[tables.{}] has this name, too: joins could not tell them apart", quoted(name));
            root.report.error_with(entry.key, message, "give one of them another name");
            continue;
        }
        let (at, places) = (KeyPath::table(name), &mut draft.places);
        places.write(at.clone().name(), entry.key);
        let table = match root.enter(format!("[aggregates.{}]", quoted(name)), entry.key, &entry.node) {
            Some(section) => aggregate(section, &at, places),
            None => {
                places.unread(&at);
                TableSpec::default()
            }
        };
        draft.plan.tables.insert(name.clone(), table);
    }
}

fn aggregate(mut section: SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> TableSpec {
    section.require("from", "`from = \"order\"`");
    section.require("columns", "`columns = { orders = \"count()\", total = \"sum(amount)\" }`");
    let from = places.required(&at.then("from"), section.text("from")).unwrap_or_default();
    let scope = section.choice("scope", &[("key", TableScope::Key), ("global", TableScope::Global)]);
    let scope = places.take(&at.then("scope"), scope).unwrap_or_default();
    let row = key::key(&mut section, "row");
    let unread = || Aggregate { function: AggregateFunction::Count, of: None };
    let aggregates = entries(&mut section, "columns", Aggregate::parse, unread, at, places);
    let when = section.condition("when");
    let when = places.take(&at.then("when"), when);
    let row = places.take(&at.then("row"), row.unless_misspelt(section.finish()));
    TableSpec { from, scope, row, aggregates, when, ..TableSpec::default() }
}

fn table(mut section: SectionReader<'_, '_>, at: &KeyPath, places: &mut ConfigPlaces) -> TableSpec {
    section.require("from", "`from = \"user\"`");
    section.require("columns", "`columns = { name = \"properties.name\" }`");
    let from = places.required(&at.then("from"), section.text("from")).unwrap_or_default();
    let scope = section.choice("scope", &[("key", TableScope::Key), ("global", TableScope::Global)]);
    let scope = places.take(&at.then("scope"), scope).unwrap_or_default();
    let row = key::key(&mut section, "row");
    let columns = entries(&mut section, "columns", Selector::parse, || NO_PLACE, at, places);
    let when = section.condition("when");
    let when = places.take(&at.then("when"), when);
    let unless = section.node("unless").and_then(|node| literal(&mut section, "unless", node));
    let version = row_version::row_version(&mut section, at, places);
    let words = [("merge", WriteMode::Merge), ("replace", WriteMode::Replace)];
    let write = section.choice("write", &words).value().unwrap_or_default();
    let (delete, delete_empty, cascade) = delete(&mut section, &at.then("delete"), places);
    let row = places.take(&at.then("row"), row.unless_misspelt(section.finish()));
    let aggregates = BTreeMap::new();
    TableSpec { from, scope, row, columns, aggregates, unless, version, write, when, delete, delete_empty, cascade }
}

/// What stands under names of the operator's own; `unread` stands in for a value that is broken.
pub(super) fn entries<T>(
    section: &mut SectionReader<'_, '_>,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
    unread: impl Fn() -> T,
    at: &KeyPath,
    places: &mut ConfigPlaces,
) -> BTreeMap<String, T> {
    let at = at.then(name);
    let Some(entries) = section.entries(name, parse) else {
        places.unread(&at);
        return BTreeMap::new();
    };
    places.write(at.clone(), section.key_place(name));
    let entries = entries.into_iter().map(|entry| {
        let at = at.then(&entry.name);
        places.write(at.clone().name(), entry.key);
        (entry.name, places.take(&at, entry.given).unwrap_or_else(&unread))
    });
    entries.collect()
}

/// The value that removes a row, whether an event without a body does, and the tables whose rows go with it.
fn delete(
    section: &mut SectionReader<'_, '_>,
    at: &KeyPath,
    places: &mut ConfigPlaces,
) -> (Option<DeleteSpec>, bool, Vec<String>) {
    if !section.has("delete") {
        // Asking makes the key known, so that a misspelt one is recognised.
        section.node("delete");
        return (None, false, Vec::new());
    }
    let Some(mut delete) = section.optional("delete") else { return (None, false, Vec::new()) };
    let body = places.take(&at.then("body"), delete.choice("body", &[("empty", true)])).unwrap_or_default();
    let compares = !delete.has("body") || delete.has("field") || delete.has("equals");
    if compares {
        delete.require("field", "`field = \"properties.operation\"`");
        delete.require("equals", "`equals = \"delete\"`");
    }
    let field = places.take(&at.then("field"), delete.parsed("field", Selector::parse));
    let equals = delete.node("equals").and_then(|node| literal(&mut delete, "equals", node));
    let cascade = delete.texts("cascade", |text| Ok(text.to_owned()));
    let cascade = places.optional_list(&at.then("cascade"), cascade);
    delete.finish();
    let spec = DeleteSpec { field: field.unwrap_or(NO_PLACE), equals: equals.unwrap_or(Literal::Bool(false)) };
    (compares.then_some(spec), body, cascade)
}

/// A scalar that values are compared with.
fn literal(section: &mut SectionReader<'_, '_>, name: &str, node: &TreeNode) -> Option<Literal> {
    match &node.value {
        TreeValue::Text(text) => Some(Literal::Text(text.clone())),
        TreeValue::Integer(integer) => Some(Literal::Integer(*integer)),
        TreeValue::Bool(flag) => Some(Literal::Bool(*flag)),
        other => {
            let message = format!("`{name}` must be text, a whole number, true or false, not {}", other.type_name());
            section.report.error(node.place, message);
            None
        }
    }
}

/// A name as TOML wants it in a section's title.
fn quoted(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { format!("{name:?}") }
}
