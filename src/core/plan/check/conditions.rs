//! Conditions: types that go together, and only what is known where they are asked.

use super::fault::PlanFault;
use super::key_path::KeyPath;
use crate::core::derive::section::MemberPath;
use crate::core::expr::{PlacedRead, Read, Want};
use crate::core::plan::condition::Condition;
use crate::core::plan::field_type::{FieldTypes, type_in_all};
use crate::core::plan::selector::dotted;
use crate::core::plan::spec::PlanSpec;

/// What is known of an event where a condition is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KnownSoFar {
    /// Its fields and its kind.
    Event,
    /// Its key, too.
    Key,
    /// And the rows of its key.
    Rows,
}

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let conditions = conditions(spec).into_iter().map(|(at, condition, known)| (at, condition, known, Want::Condition));
    for (at, condition, known, want) in conditions.chain(formulas(spec)) {
        types(spec, &at, condition, want, faults);
        let text = condition.expression().text();
        for reading in condition.expression().reads() {
            let fault = unknown(reading, known, &at).or_else(|| no_such_column(spec, reading, &at));
            faults.extend(fault.map(|fault| fault.within(text, reading.at.clone())));
        }
    }
}

/// Every condition of a plan.
fn conditions(spec: &PlanSpec) -> Vec<(KeyPath, &Condition, KnownSoFar)> {
    let derive = spec.derive.iter().enumerate();
    let derive =
        derive.filter_map(|(n, s)| Some((KeyPath::derive(n).then("when"), s.when.as_ref()?, KnownSoFar::Event)));
    let upcast = spec.kinds.iter().flat_map(|(name, kind)| {
        let entry = |n: usize| KeyPath::kind(name).then("upcast").then(&n.to_string()).then("when");
        let entries = kind.upcast.iter().enumerate();
        entries.filter_map(move |(n, s)| Some((entry(n), s.when.as_ref()?, KnownSoFar::Event)))
    });
    let kinds = spec.kinds.iter();
    let kinds =
        kinds.filter_map(|(k, kind)| Some((KeyPath::kind(k).then("when"), kind.when.as_ref()?, KnownSoFar::Event)));
    let filter = spec.filter.iter().enumerate();
    let filter = filter.map(|(n, filter)| (KeyPath::filter(n).then("drop"), &filter.drop, KnownSoFar::Event));
    let tables = spec.tables.iter();
    let tables = tables.filter_map(|(t, s)| Some((KeyPath::table(t).then("when"), s.when.as_ref()?, KnownSoFar::Key)));
    let enrich = spec.enrich.iter().enumerate();
    let enrich = enrich.filter_map(|(n, s)| Some((KeyPath::enrich(n).then("when"), s.when.as_ref()?, KnownSoFar::Key)));
    let route = spec.route.iter().enumerate();
    let route = route.filter_map(|(n, s)| Some((KeyPath::route(n).then("when"), s.when.as_ref()?, KnownSoFar::Rows)));
    let quality = spec.quality.iter().enumerate();
    let quality = quality.flat_map(|(n, s)| s.valid.iter().map(move |(name, condition)| (n, name, condition)));
    let quality = quality.map(|(n, name, c)| (KeyPath::quality(n).then("valid").then(name), c, KnownSoFar::Rows));
    let map = spec.map.iter().enumerate();
    let map = map.filter_map(|(n, s)| Some((KeyPath::map(n).then("when"), s.when.as_ref()?, KnownSoFar::Rows)));
    let asked = kinds.chain(derive).chain(upcast).chain(filter).chain(tables).chain(enrich);
    asked.chain(quality).chain(map).chain(route).collect()
}

/// Every expression that computes a value and may read joined rows.
fn formulas(spec: &PlanSpec) -> impl Iterator<Item = (KeyPath, &Condition, KnownSoFar, Want)> {
    spec.map.iter().enumerate().flat_map(|(n, map)| {
        let at = move |path: &MemberPath| KeyPath::map(n).then("fields").then(&dotted(path.names()));
        map.formulas().map(move |(path, formula)| (at(path), formula, KnownSoFar::Rows, Want::Value))
    })
}

/// What a condition reads before it is known.
fn unknown(reading: &PlacedRead, known: KnownSoFar, at: &KeyPath) -> Option<PlanFault> {
    let what = match (&reading.read, known) {
        (Read::Key, KnownSoFar::Event) => "the key is not known yet where this is asked",
        (Read::Column { .. }, KnownSoFar::Event | KnownSoFar::Key) => "no rows are joined yet where this is asked",
        _ => return None,
    };
    let hint = "use fields of the event (`event.name`), `meta.kind`, `meta.subject`, `meta.header` and `meta.time`";
    Some(PlanFault::mistake(at.clone(), what).hint(hint))
}

/// A column that no table has.
fn no_such_column(spec: &PlanSpec, reading: &PlacedRead, at: &KeyPath) -> Option<PlanFault> {
    let Read::Column { table, row, column } = &reading.read else { return None };
    let (what, hint) = match spec.tables.get(table) {
        None => {
            let tables = spec.tables.keys().map(String::as_str);
            (format!("there is no [tables.{table}]"), super::hint::known(table, "tables", tables))
        }
        Some(found) if !found.has_column(column) => {
            let columns = found.column_names();
            (format!("[tables.{table}] has no column `{column}`"), super::hint::known(column, "columns", columns))
        }
        Some(found) if found.row.is_some() && row.is_none() => {
            let what = format!("[tables.{table}] has several rows a key");
            (what, format!("say which one: `{table}[path.to.row].{column}`"))
        }
        Some(found) if found.row.as_ref().is_some_and(|row| row.parts().len() > 1) => {
            let what = format!("a row of [tables.{table}] is told by several places, and a condition names one");
            (what, "add the column with an enrichment, or derive one field of the places".to_owned())
        }
        Some(found) if found.row.is_none() && row.is_some() => {
            (format!("[tables.{table}] has one row a key"), format!("write `{table}.{column}`"))
        }
        Some(_) => return None,
    };
    Some(PlanFault::mistake(at.clone(), what).hint(hint).rests_on([KeyPath::of(["tables"])]))
}

/// The declared types of all kinds for which a condition is asked; none where one of them declares nothing.
fn declared<'a>(spec: &'a PlanSpec, at: &KeyPath) -> Vec<&'a FieldTypes> {
    let named = match at.steps().as_slice() {
        ["derive", n, ..] => number(n).and_then(|n| spec.derive.get(n)).map(|section| section.kinds.as_slice()),
        ["filter", n, ..] => number(n).and_then(|n| spec.filter.get(n)).map(|filter| filter.kinds.as_slice()),
        ["route", n, ..] => number(n).and_then(|n| spec.route.get(n)).map(|route| route.kinds.as_slice()),
        ["map", n, ..] => number(n).and_then(|n| spec.map.get(n)).map(|map| map.kinds.as_slice()),
        ["quality", n, ..] => number(n).and_then(|n| spec.quality.get(n)).map(|section| section.kinds.as_slice()),
        ["enrich", n, ..] => number(n).and_then(|n| spec.enrich.get(n)).map(|enrich| enrich.kinds.as_slice()),
        ["tables", name, ..] => spec.tables.get(*name).map(|table| std::slice::from_ref(&table.from)),
        _ => None,
    };
    // Without names it is asked for events of unknown kind, too, of which nothing is declared.
    named.into_iter().flatten().filter_map(|kind| spec.kinds.get(kind)).map(|kind| &kind.types).collect()
}

fn number(step: &str) -> Option<usize> {
    step.parse().ok()
}

fn types(spec: &PlanSpec, at: &KeyPath, condition: &Condition, want: Want, faults: &mut Vec<PlanFault>) {
    let expression = condition.expression();
    let kinds = declared(spec, at);
    for found in expression.check(&|read| type_in_all(kinds.iter().copied(), read), want) {
        let fault = PlanFault { severity: found.severity, ..PlanFault::mistake(at.clone(), found.what) };
        let fault = fault.within(expression.text(), found.at);
        faults.push(match found.hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        });
    }
}
