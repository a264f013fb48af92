//! What a key names: a join looks rows up under the event's own key, so both must be keys of the same thing.
//!
//! `entity` says what a key names. It is compared here and decides no outcome, so that it is no part of the plan.

use super::fault::{PlanFault, Sentence};
use super::key_path::KeyPath;
use crate::core::plan::key_spec::{KeyPart, KeySpec};
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::table::TableSpec;
use std::collections::{BTreeMap, BTreeSet};

/// `kinds.NAME.entity`, by the kind's name, where the operator said it.
pub type Entities = BTreeMap<String, String>;

/// A kind with a key, and what that key is said to name.
struct Keyed<'a> {
    kind: &'a str,
    key: &'a KeySpec,
    entity: Option<&'a String>,
}

impl Keyed<'_> {
    fn entity_at(&self) -> KeyPath {
        KeyPath::kind(self.kind).then("entity")
    }

    fn settings(&self) -> [KeyPath; 2] {
        [self.entity_at(), KeyPath::kind(self.kind).then("key")]
    }
}

/// Compares the kind that feeds a table with each kind that is joined to it, once a section.
pub(super) fn check(spec: &PlanSpec, entities: &Entities, faults: &mut Vec<PlanFault>) {
    for (name, _) in spec.kinds.iter().filter(|(name, kind)| kind.key.is_none() && entities.contains_key(*name)) {
        let at = KeyPath::kind(name).then("entity");
        let fault = PlanFault::mistake(at, "this kind has no `key`, which `entity` is about");
        faults.push(fault.hint("add one, or remove `entity`").rests_on([KeyPath::kind(name).then("key")]));
    }
    let find = |name: &str| {
        let (kind, spec) = spec.kinds.get_key_value(name)?;
        Some(Keyed { kind, key: spec.key.as_ref()?, entity: entities.get(name) })
    };
    for (name, table) in &spec.tables {
        for (number, other) in table.cascade.iter().enumerate() {
            let Some((by, fed)) = find(&table.from).zip(spec.tables.get(other).and_then(|table| find(&table.from)))
            else {
                continue;
            };
            let at = KeyPath::table(name).then("delete").then("cascade").then(&number.to_string());
            if let (Some(left), Some(right)) = (fed.entity, by.entity)
                && left != right
            {
                let what =
                    format!("the rows of `{other}` are found by a `{left}`, and those of `{name}` by a `{right}`");
                let hint = "a deletion removes rows of its own key alone: those that only happen to have it would go";
                let rests_on = [fed.settings(), by.settings()].into_iter().flatten();
                faults.push(PlanFault::mistake(at, what).hint(hint).rests_on(rests_on));
            }
        }
    }
    for (number, enrich) in spec.enrich.iter().enumerate() {
        let mut compared = BTreeSet::new();
        for (field, join) in &enrich.add {
            let of_keys = |found: &(&String, &TableSpec)| !found.1.scope.is_global();
            let Some((name, table)) = spec.tables.get_key_value(&join.table).filter(of_keys) else { continue };
            let Some(fed) = find(&table.from) else { continue };
            let at = KeyPath::enrich(number).then("add").then(field);
            for enriched in enrich.kinds.iter().filter_map(|kind| find(kind)) {
                if fed.kind != enriched.kind && compared.insert((name, enriched.kind)) {
                    let rests_on = [fed.settings(), enriched.settings()].into_iter().flatten();
                    let rests_on = rests_on.chain([KeyPath::table(name).then("from")]);
                    faults.extend(compare(name, &fed, &enriched, at.clone()).map(|fault| fault.rests_on(rests_on)));
                }
            }
        }
    }
}

fn compare(table: &str, fed: &Keyed<'_>, enriched: &Keyed<'_>, at: KeyPath) -> Option<PlanFault> {
    match (fed.entity, enriched.entity) {
        (Some(left), Some(right)) if left != right => {
            let what = Sentence::from(format!("the rows of `{table}` are found by a `{left}` ("))
                .setting(&fed.entity_at())
                .words(format!("), the kind `{}` has the key of a `{right}` (", enriched.kind))
                .setting(&enriched.entity_at())
                .words(")");
            let hint = format!(
                "a join looks up the event's own key and would take a row that only happens to have the same one; if all rows of the table may be looked up by that field, give it `scope = \"global\"`; else remove the join, or have the producer send these fields under the key of the `{right}`"
            );
            Some(PlanFault::mistake(at, what).hint(hint))
        }
        (Some(said), None) => Some(half(said, fed, enriched, at)),
        (None, Some(said)) => Some(half(said, enriched, fed, at)),
        (None, None) if last_names(fed.key) != last_names(enriched.key) => {
            let message = format!(
                "the rows of `{table}` are found by `{}`, the kind `{}` has the key `{}`: do both name the same thing?",
                fed.key, enriched.kind, enriched.key
            );
            let hint = format!(
                "if so, give both kinds (`{}` and `{}`) the same `entity`; if not, the join takes rows that only happen to have the same key",
                fed.kind, enriched.kind
            );
            Some(PlanFault::warning(at, message).hint(hint))
        }
        _ => None,
    }
}

/// One of the two says what its key names, and the other one does not.
fn half(said: &str, by: &Keyed<'_>, not_by: &Keyed<'_>, at: KeyPath) -> PlanFault {
    let what = Sentence::from(format!("the key of the kind `{}` names a `{said}` (", by.kind))
        .setting(&by.entity_at())
        .words(format!("), and what the key of the kind `{}` names is not said", not_by.kind));
    let hint = format!(
        "write `entity = {said:?}` in the section of `{}` too; if its key names something else, the join takes rows that only happen to have the same key",
        not_by.kind
    );
    PlanFault::mistake(at, what).hint(hint)
}

/// What a key's parts are called: each by the last name of its first place.
fn last_names(key: &KeySpec) -> Vec<String> {
    key.parts().iter().filter_map(|part: &KeyPart| part.places().first()).map(last_name).collect()
}

/// What a place is called where it is written: the last name of a path.
fn last_name(place: &Selector) -> String {
    match place {
        Selector::Path(names) => names.last().cloned().unwrap_or_default(),
        other => other.to_string(),
    }
}
