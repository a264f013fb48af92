//! Kinds, keys and ids that are read from several places: lists that say something.

use super::fault::PlanFault;
use super::key_path::KeyPath;
use crate::core::plan::key_spec::{KeyPart, KeySpec, KindPlaces};
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::PlanSpec;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    if let KindPlaces::First(places) = &spec.event.kind
        && !(places.is_empty() && !spec.kinds.is_empty() && spec.kinds.values().all(|kind| kind.has_rule()))
    {
        first("kind", places, &KeyPath::of(["event", "kind"]), faults);
    }
    if let Some(id) = &spec.event.id {
        key("id", id, &KeyPath::of(["event", "id"]), faults);
    }
    for (name, kind) in spec.kinds.iter().filter(|(name, kind)| kind.has_rule() && name.contains('*')) {
        let word = if kind.when.is_some() { "when" } else { "schema" };
        let what = format!("`{name}` is a pattern, and `{word}` decides by itself what is of this kind");
        let fault = PlanFault::mistake(KeyPath::kind(name).name(), what).hint("give the kind a name of its own");
        faults.push(fault.rests_on([KeyPath::kind(name).then(word)]));
    }
    order(spec, faults);
    for (name, table) in &spec.tables {
        if let Some(row) = &table.row {
            key("row", row, &KeyPath::table(name).then("row"), faults);
        }
    }
    for (name, kind) in &spec.kinds {
        for (word, spec) in [("key", &kind.key), ("id", &kind.id)] {
            if let Some(spec) = spec {
                key(word, spec, &KeyPath::kind(name).then(word), faults);
            }
        }
    }
}

/// Each kind with a condition or a schema has its turn once. A configuration has it so by itself.
fn order(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let mut listed: Vec<&String> = spec.kinds_by_condition.iter().collect();
    listed.sort();
    let with: Vec<&String> = spec.kinds.iter().filter(|(_, kind)| kind.has_rule()).map(|(name, _)| name).collect();
    if listed != with {
        faults.push(PlanFault::mistake(KeyPath::of(["kinds"]), "the kinds with a condition have no order"));
    }
}

fn key(word: &str, spec: &KeySpec, at: &KeyPath, faults: &mut Vec<PlanFault>) {
    if let KeySpec::All(parts) = spec {
        let example = match parts.first() {
            Some(KeyPart::At(place)) => format!("write `{word} = \"{place}\"`, or add what else tells it apart"),
            _ => format!("name places, such as `{word} = [\"tenant\", \"customer\"]`"),
        };
        if parts.len() < 2 {
            let what = format!("a list of parts has two of them or more, this one has {}", parts.len());
            faults.push(PlanFault::mistake(at.clone(), what).hint(example));
        }
        if let Some(part) = again(parts) {
            faults.push(PlanFault::mistake(at.clone(), format!("`{part}` is a part twice")).hint("leave one out"));
        }
    }
    for part in spec.parts() {
        if let KeyPart::First(of) = part {
            first(word, &of.first, at, faults);
        }
    }
}

fn first(word: &str, places: &[Selector], at: &KeyPath, faults: &mut Vec<PlanFault>) {
    if places.len() < 2 {
        let what = format!("a choice is made among two places or more, this one has {}", places.len());
        let hint = match places.first() {
            Some(place) => format!("write `\"{place}\"` alone, or add a place"),
            None => format!("name the place of the {word}"),
        };
        faults.push(PlanFault::mistake(at.clone(), what).hint(hint));
    }
    if let Some(place) = again(places) {
        let what = format!("`{place}` is named twice: the second one is never asked");
        faults.push(PlanFault::mistake(at.clone(), what).hint("leave one out"));
    }
}

/// One that stands in a list before, too.
fn again<T: PartialEq>(list: &[T]) -> Option<&T> {
    list.iter()
        .enumerate()
        .find(|(number, item)| list.iter().take(*number).any(|before| before == *item))
        .map(|(_, i)| i)
}
