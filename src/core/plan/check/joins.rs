//! Kinds, tables and joins: every name leads somewhere, every key is there.
//!
//! What is written into the events is not looked at here; see `added`.

use super::fault::{PlanFault, Sentence};
use super::hint;
use super::key_path::KeyPath;
use crate::core::plan::enrich::JoinSpec;
use crate::core::plan::key_spec::KeySpec;
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::table::TableSpec;
use std::collections::BTreeSet;

/// Checks tables against kinds, and enrichments against kinds and tables.
pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    for (name, table) in &spec.tables {
        let role = format!("feeds the table `{name}`");
        let needs_key = !table.scope.is_global();
        faults.extend(kind(spec, &table.from, KeyPath::table(name).then("from"), &role, needs_key));
    }
    for (number, enrich) in spec.enrich.iter().enumerate() {
        let section = KeyPath::enrich(number);
        let of_key = |join: &JoinSpec| spec.tables.get(&join.table).is_none_or(|table| !table.scope.is_global());
        kinds(spec, &enrich.kinds, &section.then("kinds"), enrich.add.values().any(of_key), faults);
        for (field, join) in &enrich.add {
            self::join(spec, join, &section.then("add").then(field), faults);
        }
    }
}

/// A kind that something refers to has to exist and, where rows of keys are concerned, to have a key.
fn kind(spec: &PlanSpec, name: &str, at: KeyPath, role: &str, needs_key: bool) -> Option<PlanFault> {
    match spec.kinds.get(name) {
        // That there is no kind at all is said once.
        None if spec.kinds.is_empty() => None,
        None => {
            let hint = hint::known(name, "kinds", spec.kinds.keys().map(String::as_str));
            let fault = PlanFault::mistake(at, format!("there is no section for the kind `{name}`"));
            Some(fault.hint(hint).rests_on([KeyPath::of(["kinds"])]))
        }
        Some(kind) if kind.key.is_none() && needs_key => {
            let section = KeyPath::kind(name);
            let hint = Sentence::from("add one to the kind's section (").setting(&section.clone().name()).words(")");
            let fault = PlanFault::mistake(at, format!("the kind `{name}` {role} but has no `key`"));
            Some(fault.hint(hint).rests_on([section.then("key")]))
        }
        Some(_) => None,
    }
}

fn kinds(spec: &PlanSpec, names: &[String], list: &KeyPath, needs_key: bool, faults: &mut Vec<PlanFault>) {
    let mut seen = BTreeSet::new();
    for (number, name) in names.iter().enumerate() {
        let at = list.then(&number.to_string());
        if seen.insert(name) {
            faults.extend(kind(spec, name, at, "is enriched", needs_key));
        } else {
            faults.push(PlanFault::mistake(at, format!("`{name}` is listed twice")).rests_on([list.clone()]));
        }
    }
}

fn join(spec: &PlanSpec, join: &JoinSpec, at: &KeyPath, faults: &mut Vec<PlanFault>) {
    let JoinSpec { table: name, row, column } = join;
    let Some(table) = spec.tables.get(name) else {
        let hint = hint::known(name, "tables", spec.tables.keys().map(String::as_str));
        let fault = PlanFault::mistake(at.clone(), format!("there is no table `{name}`"));
        return faults.push(fault.hint(hint).rests_on([KeyPath::of(["tables"])]));
    };
    let section = KeyPath::table(name);
    faults.extend(row_selector(name, table, row.as_ref(), column, at));
    // A table without columns is a fault of its own.
    if table.column_names().next().is_some() && !table.has_column(column) {
        let hint = hint::known(column, "columns", table.column_names());
        let fault = PlanFault::mistake(at.clone(), format!("the table `{name}` has no column `{column}`"));
        faults.push(fault.hint(hint).rests_on([section.then("columns")]));
    }
}

/// A row selector as a join writes it.
fn in_brackets(row: &KeySpec) -> String {
    row.parts().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A join names a row exactly where a key can have several.
fn row_selector(
    name: &str,
    table: &TableSpec,
    selected: Option<&KeySpec>,
    column: &str,
    at: &KeyPath,
) -> Option<PlanFault> {
    let (message, hint) = match (&table.row, selected) {
        (Some(row), None) => (
            format!("the table `{name}` has several rows a key: the join does not say which one"),
            format!("name the row's place in the event, such as `{name}[{}].{column}`", in_brackets(row)),
        ),
        (Some(row), Some(selected)) if row.parts().len() != selected.parts().len() => (
            format!(
                "a row of the table `{name}` is told by {} places, and the join names {}",
                row.parts().len(),
                selected.parts().len()
            ),
            format!("name them in the order of the table's `row`, such as `{name}[{}].{column}`", in_brackets(row)),
        ),
        (None, Some(_)) => (
            format!("the table `{name}` has one row a key: there is none to choose"),
            format!("write `{name}.{column}`, or give the table a `row`"),
        ),
        _ => return None,
    };
    Some(PlanFault::mistake(at.clone(), message).hint(hint).rests_on([KeyPath::table(name).then("row")]))
}
