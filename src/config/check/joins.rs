//! Kinds, tables and joins: every name leads somewhere, every key is there.
//!
//! What is written into the events is not looked at here; see `added`.

use super::super::given::Given;
use super::super::place::{At, Place};
use super::super::read::{Enrich, Raw, Table};
use super::super::report::Report;
use crate::core::plan::check::hint;
use crate::core::plan::spec::JoinSpec;
use std::collections::BTreeSet;

/// Checks tables against kinds, enrichments against kinds and tables, and warns of what has no effect.
pub(in super::super) fn check(raw: &Raw, report: &mut Report) {
    for (name, table) in &raw.tables {
        if let Some(from) = table.from.valid() {
            kind(raw, from, &format!("feeds the table `{name}`"), report);
        }
    }
    for enrich in &raw.enrich {
        kinds(raw, enrich, report);
        for added in &enrich.add {
            if let Some(join) = added.given.valid() {
                self::join(raw, join, report);
            }
        }
    }
    unused(raw, report);
}

/// A kind that something refers to has to exist and to have a key.
fn kind(raw: &Raw, name: &At<String>, role: &str, report: &mut Report) {
    match raw.kinds.get(&name.value) {
        // A misspelt or missing [kinds] has been reported once; so has a misspelt [tables], below.
        None if raw.kinds.is_empty() => {}
        None => {
            let hint = hint::known(&name.value, "kinds", raw.kinds.keys().map(String::as_str));
            report.error_with(name.place, format!("there is no section for the kind `{}`", name.value), hint);
        }
        Some(kind) if kind.key.is_absent() => {
            let message = format!("the kind `{}` {role} but has no `key`", name.value);
            let section = report.sources().reference(kind.place);
            report.error_with(name.place, message, format!("add one to the kind's section ({section})"));
        }
        Some(_) => {}
    }
}

fn kinds(raw: &Raw, enrich: &Enrich, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for name in enrich.kinds.valid().into_iter().flat_map(|kinds| &kinds.value) {
        if seen.insert(&name.value) {
            kind(raw, name, "is enriched", report);
        } else {
            report.error(name.place, format!("`{}` is listed twice", name.value));
        }
    }
}

fn join(raw: &Raw, join: &At<JoinSpec>, report: &mut Report) {
    let JoinSpec { table: name, row, column } = &join.value;
    let Some(table) = raw.tables.get(name) else {
        if raw.tables.is_empty() && !raw.all_sections_known {
            return;
        }
        let hint = hint::known(name, "tables", raw.tables.keys().map(String::as_str));
        report.error_with(join.place, format!("there is no table `{name}`"), hint);
        return;
    };
    row_selector(name, table, row.is_some(), join, report);
    // A table whose columns could not be read has been reported, and knows no column.
    if !table.columns.is_empty() && !table.columns.iter().any(|known| known.name == *column) {
        let hint = hint::known(column, "columns", table.columns.iter().map(|known| known.name.as_str()));
        report.error_with(join.place, format!("the table `{name}` has no column `{column}`"), hint);
    }
}

/// A join names a row exactly where a key can have several.
fn row_selector(name: &str, table: &Table, selected: bool, join: &At<JoinSpec>, report: &mut Report) {
    let column = &join.value.column;
    match (&table.row, selected) {
        (Given::Valid(row), false) => {
            let message = format!("the table `{name}` has several rows a key: the join does not say which one");
            let hint = format!("name the row's place in the event, such as `{name}[{}].{column}`", row.value);
            report.error_with(join.place, message, hint);
        }
        (Given::Absent, true) => {
            let message = format!("the table `{name}` has one row a key: there is none to choose");
            let hint = format!("write `{name}.{column}`, or give the table a `row`");
            report.error_with(join.place, message, hint);
        }
        _ => {}
    }
}

fn unused(raw: &Raw, report: &mut Report) {
    let joins = raw.enrich.iter().flat_map(|enrich| &enrich.add).filter_map(|added| added.given.valid());
    let used: BTreeSet<&str> = joins.map(|join| join.value.table.as_str()).collect();
    for (name, table) in raw.tables.iter().filter(|(name, _)| !used.contains(name.as_str())) {
        let message = format!("no join uses the table `{name}`");
        report.warn(table.place, message, "its rows cost memory and disk: add a join or remove the table");
    }
    let window: Option<Place> = raw.dedup.window_s.valid().filter(|window| window.value > 0).map(|window| window.place);
    if let (Some(place), Some(event)) = (window, &raw.event)
        && event.id.is_none()
    {
        let hint = "name the place of the id in [event], or set `window_s = 0`";
        report.warn(place, "no duplicates are dropped: [event] has no `id`", hint);
    }
    if raw.dedup.window_s.valid().is_none_or(|window| window.value > 0) {
        repeated_id(raw, report);
    }
}

/// An id that is the same in every event of a key, or of a kind, leaves one event of them all. A key of a kind that feeds
/// no table may well be an id.
fn repeated_id(raw: &Raw, report: &mut Report) {
    let (Some(event), Some(place)) = (&raw.event, raw.id_place) else { return };
    let hint = "name a field that differs from event to event, or set `window_s = 0` in [dedup]";
    if event.id.as_ref() == Some(&event.kind) {
        let message =
            "the id is the kind too: of the events of one kind and key within the window only the first is processed";
        return report.warn(place, message, hint);
    }
    for from in raw.tables.values().filter_map(|table| table.from.valid()) {
        let key = raw.kinds.get(&from.value).and_then(|kind| kind.key.valid());
        if key.is_some_and(|key| Some(&key.value) == event.id.as_ref()) {
            let message = format!(
                "the id is the key of the kind `{}` too: of the events of one key within the window only the first is processed",
                from.value
            );
            return report.warn(place, message, hint);
        }
    }
}
