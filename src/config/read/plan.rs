//! `[event]`, `[dedup]`, `[kinds.NAME]`, `[tables.NAME]` and `[[enrich]]`: what decides outcomes.
//!
//! Only types and notations are looked at here, one value at a time; all rules are those of `core::plan::check`.

use super::super::draft::{Draft, NO_PLACE};
use super::super::place::At;
use super::super::places::Places;
use super::super::section::Section;
use super::super::tree::Value;
use crate::core::plan::check::{KeyPath, WINDOW_S, WINDOW_WHY};
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::{DeleteSpec, EnrichSpec, Identity, JoinSpec, KindSpec, Literal, OnMiss, TableSpec};
use std::collections::BTreeMap;

pub(super) fn event(section: Option<Section<'_, '_>>, draft: &mut Draft) {
    let (at, places, event) = (KeyPath::of(["event"]), &mut draft.places, &mut draft.plan.event);
    let Some(mut section) = section else { return places.unread(&at) };
    section.require("kind", "`kind = \"title\"`");
    let mut place = |name| section.parsed(name, Selector::parse);
    event.kind = places.required(&at.then("kind"), place("kind")).unwrap_or(NO_PLACE);
    event.id = places.take(&at.then("id"), place("id"));
    event.time = places.take(&at.then("time"), place("time"));
    section.finish();
}

pub(super) fn dedup(section: Option<Section<'_, '_>>, draft: &mut Draft) {
    let Some(mut section) = section else { return };
    let window = section.integer("window_s", WINDOW_S, WINDOW_WHY);
    if let Some(window_s) = draft.places.take(&KeyPath::of(["dedup", "window_s"]), window) {
        draft.plan.dedup_window_s = window_s;
    }
    let identity = section.choice("identity", &[("kind", Identity::Kind), ("key", Identity::Key)]);
    if let Some(identity) = identity.value() {
        draft.plan.identity = identity;
    }
    section.finish();
}

pub(super) fn kinds(root: &mut Section<'_, '_>, draft: &mut Draft) {
    root.require("kinds", "[kinds.user] with its `key`");
    let at = KeyPath::of(["kinds"]);
    let Some(sections) = root.named("kinds") else { return draft.places.unread(&at) };
    draft.places.write(at, root.key_place("kinds"));
    for (name, entry) in sections {
        let (at, places) = (KeyPath::kind(name), &mut draft.places);
        places.write(at.clone().name(), entry.key);
        let mut kind = KindSpec { key: None };
        match root.enter(format!("[kinds.{}]", quoted(name)), entry.key, &entry.node) {
            None => places.unread(&at),
            Some(mut section) => {
                let (key, entity) = (section.parsed("key", Selector::parse), section.text("entity"));
                let all_known = section.finish();
                kind.key = places.take(&at.then("key"), key.unless_misspelt(all_known));
                let entity = places.take(&at.then("entity"), entity.unless_misspelt(all_known));
                draft.entities.extend(entity.map(|entity| (name.clone(), entity)));
            }
        }
        draft.plan.kinds.insert(name.clone(), kind);
    }
}

pub(super) fn tables(root: &mut Section<'_, '_>, draft: &mut Draft) {
    for (name, entry) in root.named("tables").into_iter().flatten() {
        let (at, places) = (KeyPath::table(name), &mut draft.places);
        places.write(at.clone().name(), entry.key);
        let table = match root.enter(format!("[tables.{}]", quoted(name)), entry.key, &entry.node) {
            Some(section) => table(section, &at, places),
            None => {
                places.unread(&at);
                TableSpec { from: String::new(), row: None, columns: BTreeMap::new(), delete: None }
            }
        };
        draft.plan.tables.insert(name.clone(), table);
    }
}

fn table(mut section: Section<'_, '_>, at: &KeyPath, places: &mut Places) -> TableSpec {
    section.require("from", "`from = \"user\"`");
    section.require("columns", "`columns = { name = \"properties.name\" }`");
    let from = places.required(&at.then("from"), section.text("from")).unwrap_or_default();
    let row = section.parsed("row", Selector::parse);
    let columns = entries(&mut section, "columns", Selector::parse, || NO_PLACE, at, places);
    let delete = delete(&mut section, &at.then("delete"), places);
    let row = places.take(&at.then("row"), row.unless_misspelt(section.finish()));
    TableSpec { from, row, columns, delete }
}

/// What stands under names of the operator's own; `unread` stands in for a value that is broken.
fn entries<T>(
    section: &mut Section<'_, '_>,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, String>,
    unread: impl Fn() -> T,
    at: &KeyPath,
    places: &mut Places,
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

fn delete(section: &mut Section<'_, '_>, at: &KeyPath, places: &mut Places) -> Option<DeleteSpec> {
    if !section.has("delete") {
        // Asking makes the key known, so that a misspelt one is recognised.
        section.node("delete");
        return None;
    }
    let mut delete = section.optional("delete")?;
    delete.require("field", "`field = \"properties.operation\"`");
    delete.require("equals", "`equals = \"delete\"`");
    let field = places.required(&at.then("field"), delete.parsed("field", Selector::parse));
    let equals = delete.node("equals").and_then(|node| match &node.value {
        Value::Text(text) => Some(Literal::Text(text.clone())),
        Value::Integer(integer) => Some(Literal::Integer(*integer)),
        Value::Bool(flag) => Some(Literal::Bool(*flag)),
        other => {
            let message = format!("`equals` must be text, a whole number, true or false, not {}", other.type_name());
            delete.report.error(node.place, message);
            None
        }
    });
    delete.finish();
    Some(DeleteSpec { field: field.unwrap_or(NO_PLACE), equals: equals.unwrap_or(Literal::Bool(false)) })
}

pub(super) fn enrich(root: &mut Section<'_, '_>, draft: &mut Draft) {
    for node in root.repeated("enrich") {
        if let Some(section) = root.enter("[[enrich]]".to_owned(), node.place, node) {
            let at = KeyPath::enrich(draft.plan.enrich.len());
            draft.plan.enrich.push(enrichment(section, &at, &mut draft.places));
        }
    }
}

fn enrichment(mut section: Section<'_, '_>, at: &KeyPath, places: &mut Places) -> EnrichSpec {
    section.require("kinds", "`kinds = [\"lesson\"]`");
    section.require("add", "`add = { country = \"user.country\" }`");
    let words = [
        ("null", Some(OnMiss::Null)),
        ("omit", Some(OnMiss::Omit)),
        ("dead_letter", Some(OnMiss::DeadLetter)),
        ("wait", None),
    ];
    let on_miss = section.choice("on_miss", &words);
    if let Some(At { value: None, place }) = on_miss.valid() {
        section.report.error_with(*place, "`wait` is not built yet", "use `null`, `omit` or `dead_letter`");
    }
    let kinds = places.list(&at.then("kinds"), section.texts("kinds", |text| Ok(text.to_owned())));
    let into = section.parsed("into", object_path);
    let unread = || JoinSpec { table: String::new(), row: None, column: String::new() };
    let add = entries(&mut section, "add", JoinSpec::parse, unread, at, places);
    let into = places.take(&at.then("into"), into.unless_misspelt(section.finish())).unwrap_or_default();
    EnrichSpec { kinds, on_miss: on_miss.value().flatten().unwrap_or_default(), into, add }
}

/// The path of an object in the JSON; a place outside the JSON cannot take a field.
fn object_path(text: &str) -> Result<Vec<String>, String> {
    match Selector::parse(text)? {
        Selector::Path(names) => Ok(names),
        _ => Err(format!("`{text}` is outside the event's JSON: name an object in it, such as `properties`")),
    }
}

/// A name as TOML wants it in a section's title.
fn quoted(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { format!("{name:?}") }
}
