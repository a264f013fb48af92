//! `[event]`, `[dedup]`, `[kinds.NAME]`, `[tables.NAME]` and `[[enrich]]`: what decides outcomes.
//!
//! Only the notations are checked here; whether a join's table exists is `check`'s question.

use super::super::given::Given;
use super::super::place::{At, Place};
use super::super::section::Section;
use super::super::tree::Value;
use super::notation;
use super::raw::{Dedup, Enrich, Kind, Table};
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::{DeleteSpec, EventSpec, Identity, JoinSpec, Literal, OnMiss};
use std::collections::BTreeMap;

/// The longest window: a year and a day, which keeps every sum of stream times far from overflow.
const WINDOW_MAX_S: u64 = 366 * 86_400;

/// The section, and where its `id` stands.
pub(super) fn event(section: Option<Section<'_, '_>>) -> (Option<EventSpec>, Option<Place>) {
    let Some(mut section) = section else { return (None, None) };
    section.require("kind", "`kind = \"title\"`");
    let kind = notation::place(&mut section, "kind");
    let id = notation::place(&mut section, "id");
    let time = notation::place(&mut section, "time");
    section.finish();
    let id_place = id.valid().map(|id| id.place);
    let spec = kind.value().map(|kind| EventSpec { kind, id: id.value(), time: time.value() });
    (spec, id_place)
}

pub(super) fn dedup(section: Option<Section<'_, '_>>) -> Dedup {
    let Some(mut section) = section else { return Dedup { window_s: Given::Broken, identity: Given::Broken } };
    let why = "0 switches de-duplication off, and a year is the longest window";
    let window_s = section.integer("window_s", 0..=WINDOW_MAX_S, why);
    let identity = section.choice("identity", &[("kind", Identity::Kind), ("key", Identity::Key)]);
    section.finish();
    Dedup { window_s, identity }
}

pub(super) fn kinds(root: &mut Section<'_, '_>) -> BTreeMap<String, Kind> {
    root.require("kinds", "[kinds.user] with its `key`");
    let sections = root.named("kinds");
    if sections.is_some_and(|sections| sections.is_empty()) {
        let place = root.key_place("kinds");
        root.report.error_with(place, "there is no kind", "add one, such as [kinds.user] with its `key`");
    }
    let mut kinds = BTreeMap::new();
    for (name, entry) in sections.into_iter().flatten() {
        let title = format!("[kinds.{}]", quoted(name));
        if name.is_empty() {
            root.report.error(entry.key, "a kind needs a name; `*` matches any");
        }
        let section = root.enter(title, entry.key, &entry.node);
        let (key, entity) = section.map_or((Given::Broken, Given::Broken), |mut section| {
            let (key, entity) = (notation::place(&mut section, "key"), section.text("entity"));
            let all_known = section.finish();
            (key.unless_misspelt(all_known), entity.unless_misspelt(all_known))
        });
        kinds.insert(name.to_owned(), Kind { place: entry.key, key, entity });
    }
    kinds
}

pub(super) fn tables(root: &mut Section<'_, '_>) -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    for (name, entry) in root.named("tables").into_iter().flatten() {
        if name.is_empty() || name.contains(['.', '[', ']']) {
            let message = format!("`{name}` is no table name: joins are written `table.column`, so no `.`, `[` or `]`");
            root.report.error(entry.key, message);
        }
        let title = format!("[tables.{}]", quoted(name));
        let table = match root.enter(title, entry.key, &entry.node) {
            Some(section) => table(section),
            None => {
                let (from, row, delete) = (Given::Broken, Given::Broken, Given::Broken);
                Table { place: entry.key, from, row, columns: Vec::new(), delete }
            }
        };
        tables.insert(name.to_owned(), table);
    }
    tables
}

fn table(mut section: Section<'_, '_>) -> Table {
    section.require("from", "`from = \"user\"`");
    section.require("columns", "`columns = { name = \"properties.name\" }`");
    let mut table = Table {
        place: section.place,
        from: section.text("from"),
        row: notation::place(&mut section, "row"),
        columns: section.entries("columns", Selector::parse),
        delete: delete(&mut section),
    };
    notation::columns(&table.columns, section.report);
    for column in &table.columns {
        if column.name.is_empty() || column.name.contains(['.', '[', ']']) {
            let message =
                format!("`{}` is no column name: joins are written `table.column`, so no `.`, `[` or `]`", column.name);
            section.report.error(column.key, message);
        }
    }
    table.row = table.row.unless_misspelt(section.finish());
    table
}

fn delete(section: &mut Section<'_, '_>) -> Given<DeleteSpec> {
    if !section.has("delete") {
        // Asking makes the key known, so that a misspelt one is recognised.
        section.node("delete");
        return Given::Absent;
    }
    let place = section.key_place("delete");
    let Some(mut delete) = section.optional("delete") else { return Given::Broken };
    delete.require("field", "`field = \"properties.operation\"`");
    delete.require("equals", "`equals = \"delete\"`");
    let field = notation::place(&mut delete, "field");
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
    match (field.value(), equals) {
        (Some(field), Some(equals)) => Given::Valid(At { value: DeleteSpec { field, equals }, place }),
        _ => Given::Broken,
    }
}

pub(super) fn enrich(root: &mut Section<'_, '_>) -> Vec<Enrich> {
    let nodes = root.repeated("enrich");
    let sections = nodes.iter().filter_map(|node| {
        let section = root.enter("[[enrich]]".to_owned(), node.place, node)?;
        Some(enrichment(section))
    });
    sections.collect()
}

fn enrichment(mut section: Section<'_, '_>) -> Enrich {
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
    let mut enrich = Enrich {
        kinds: section.texts("kinds", |text| Ok(text.to_owned())),
        on_miss: on_miss.or(Some(OnMiss::default())).flatten(),
        into: section.parsed("into", object_path),
        add: section.entries("add", JoinSpec::parse),
    };
    notation::joins(&enrich.add, section.report);
    if let Some(into) = enrich.into.valid() {
        notation::path(&into.value, into.place, section.report);
    }
    for added in enrich.add.iter().filter(|added| added.name.is_empty()) {
        section.report.error(added.key, "an added field needs a name");
    }
    enrich.into = enrich.into.unless_misspelt(section.finish());
    enrich
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
