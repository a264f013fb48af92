//! The names that the operator gives, and lists that must not be empty.
//!
//! Whether a name leads to something is not asked here; see `joins`.

use super::fault::PlanFault;
use super::key_path::KeyPath;
use crate::core::plan::enrich::EnrichSpec;
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::table::TableSpec;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    if spec.kinds.is_empty() {
        let fault = PlanFault::mistake(KeyPath::of(["kinds"]), "there is no kind");
        faults.push(fault.hint("add one, such as [kinds.user] with its `key`"));
    }
    for name in spec.kinds.keys().filter(|name| name.is_empty()) {
        faults.push(PlanFault::mistake(KeyPath::kind(name).name(), "a kind needs a name; `*` matches any"));
    }
    for (name, table) in &spec.tables {
        if !can_stand_in_a_join(name) {
            faults.push(not_in_a_join(KeyPath::table(name), "table", name));
        }
        columns(name, table, faults);
    }
    for (number, enrich) in spec.enrich.iter().enumerate() {
        added(&KeyPath::enrich(number), enrich, faults);
    }
}

fn columns(table: &str, spec: &TableSpec, faults: &mut Vec<PlanFault>) {
    let columns = KeyPath::table(table).then("columns");
    if spec.column_names().next().is_none() {
        faults.push(empty(columns.clone(), "columns"));
    }
    for name in spec.column_names().filter(|name| !can_stand_in_a_join(name)) {
        faults.push(not_in_a_join(columns.then(name), "column", name));
    }
}

fn added(section: &KeyPath, enrich: &EnrichSpec, faults: &mut Vec<PlanFault>) {
    if enrich.kinds.is_empty() {
        faults.push(empty(section.then("kinds"), "kinds"));
    }
    let add = section.then("add");
    if enrich.add.is_empty() {
        faults.push(empty(add.clone(), "add"));
    }
    for name in enrich.add.keys().filter(|name| name.is_empty()) {
        faults.push(PlanFault::mistake(add.then(name).name(), "an added field needs a name"));
    }
}

fn empty(at: KeyPath, list: &str) -> PlanFault {
    PlanFault::mistake(at, format!("`{list}` must have at least one member"))
}

/// Whether `table.column` and `table[row].column` can be told apart with this name in them.
fn can_stand_in_a_join(name: &str) -> bool {
    !name.is_empty() && !name.contains(['.', '[', ']'])
}

fn not_in_a_join(at: KeyPath, what: &str, name: &str) -> PlanFault {
    let message = format!("`{name}` is no {what} name: joins are written `table.column`, so no `.`, `[` or `]`");
    PlanFault::mistake(at.name(), message)
}
