//! `[[quality]]`: rules with names of their own, and members that nobody else writes.

use super::fault::{PlanFault, Sentence};
use super::key_path::KeyPath;
use crate::core::derive::section::{DeriveSection, overlap};
use crate::core::plan::quality::{OnViolation, QualitySpec};
use crate::core::plan::spec::PlanSpec;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    for (number, section) in spec.quality.iter().enumerate() {
        let at = KeyPath::quality(number);
        super::derive::kinds(spec, &section.kinds, &at, faults);
        if section.complete.is_empty() && section.valid.is_empty() && !section.unique {
            let fault = PlanFault::mistake(at.clone(), "the section asks nothing");
            let hint = "add `complete = [\"place\"]`, `valid = { name = 'condition' }` or `unique = true`, or remove the section";
            faults.push(fault.hint(hint).rests_on(["complete", "valid", "unique"].map(|list| at.then(list))));
        }
        unique(spec, number, section, faults);
        for name in section.valid.keys().filter(|name| name.is_empty()) {
            faults.push(PlanFault::mistake(at.then("valid").then(name).name(), "a rule needs a name"));
        }
        twice(spec, number, section, faults);
        mark(spec, number, section, faults);
    }
}

/// Without an id, or without a window, nothing is a duplicate.
fn unique(spec: &PlanSpec, number: usize, section: &QualitySpec, faults: &mut Vec<PlanFault>) {
    if !section.unique {
        return;
    }
    let at = KeyPath::quality(number).then("unique");
    let (id, window) = (KeyPath::of(["event", "id"]), KeyPath::of(["dedup", "window_s"]));
    if spec.dedup_window_s == 0 {
        let fault = PlanFault::mistake(at.clone(), "no event is known to be a duplicate: `dedup.window_s` is 0");
        faults.push(fault.hint("set `window_s` in [dedup], or remove `unique`").rests_on([window]));
    }
    let mut kinds = spec.kinds.iter().filter(|(name, _)| section.applies_to(Some(name)));
    if spec.event.id.is_none() && kinds.all(|(_, kind)| kind.id.is_none()) {
        let fault = PlanFault::mistake(at, "nothing says which events are one: [event] has no `id`");
        faults.push(fault.hint("name the place of the id in [event], or remove `unique`").rests_on([id]));
    }
}

/// Events of one kind are counted by the names of its rules.
fn twice(spec: &PlanSpec, number: usize, section: &QualitySpec, faults: &mut Vec<PlanFault>) {
    let earlier = spec.quality.iter().enumerate().take(number).filter(|(_, other)| meet(section, other));
    let mut known: Vec<(String, KeyPath)> = earlier.flat_map(|(n, other)| named(n, other)).collect();
    for (name, at) in named(number, section) {
        if let Some((_, first)) = known.iter().find(|(other, _)| *other == name) {
            let hint = Sentence::from("events are counted by it: the first is on ").setting(first);
            let fault =
                PlanFault::mistake(at.clone(), format!("the rule `{name}` is asked of one kind twice")).hint(hint);
            faults.push(fault.rests_on([first.clone()]));
        }
        known.push((name, at));
    }
}

/// The rules of a section by name, and where they stand.
fn named(number: usize, section: &QualitySpec) -> impl Iterator<Item = (String, KeyPath)> + '_ {
    let at = KeyPath::quality(number);
    let places = (0..section.complete.len()).map({
        let list = at.then("complete");
        move |n| list.then(&n.to_string())
    });
    let unique = section.unique.then(|| at.then("unique"));
    let conditions = section.valid.keys().map(move |name| at.then("valid").then(name));
    section.names().zip(places.chain(conditions).chain(unique))
}

fn meet(one: &QualitySpec, other: &QualitySpec) -> bool {
    one.kinds.is_empty() || other.kinds.is_empty() || one.kinds.iter().any(|kind| other.kinds.contains(kind))
}

/// The member that lists broken rules is written by the section alone.
fn mark(spec: &PlanSpec, number: usize, section: &QualitySpec, faults: &mut Vec<PlanFault>) {
    let (at, decides) = (KeyPath::quality(number).then("mark"), KeyPath::quality(number).then("on_violation"));
    let mut fault = |fault: PlanFault, other: KeyPath| faults.push(fault.rests_on([other, decides.clone()]));
    if section.mark.is_some() && section.on_violation != OnViolation::Mark {
        let mistake = PlanFault::mistake(at.clone(), "nothing is marked: `on_violation` is not \"mark\"");
        fault(mistake.hint("set `on_violation = \"mark\"`, or remove `mark`"), decides.clone());
    }
    let Some(mark) = section.marks() else { return };
    let path = [mark.to_owned()];
    if mark.is_empty() {
        fault(PlanFault::mistake(at.clone(), "the mark needs a name"), decides.clone());
    }
    let mut meets = |what: &str, other: KeyPath| {
        let what = Sentence::from(format!("`{mark}` is {what} (")).setting(&other).words(") too");
        fault(
            PlanFault::mistake(at.clone(), what).hint("name the mark otherwise, such as `mark = \"broken_rules\"`"),
            other,
        );
    };
    if spec.mark.as_deref() == Some(mark) {
        meets("the mark of outputs", KeyPath::of(["output", "mark"]));
    }
    for (n, enrich) in spec.enrich.iter().enumerate() {
        if !section.kinds.is_empty() && !enrich.kinds.iter().any(|kind| section.kinds.contains(kind)) {
            continue;
        }
        if enrich.into.first().is_some_and(|first| first == mark) {
            meets("an object that fields are added to", KeyPath::enrich(n).then("into"));
        } else if enrich.into.is_empty() && enrich.add.contains_key(mark) {
            meets("added by an enrichment", KeyPath::enrich(n).then("add").then(mark));
        }
    }
    for (n, derive) in spec.derive.iter().enumerate() {
        let shared = derive.kinds.is_empty()
            || section.kinds.is_empty()
            || derive.kinds.iter().any(|kind| section.kinds.contains(kind));
        if shared && derive.written().any(|written| overlap(&written, &path)) {
            meets("written by a derived field", KeyPath::derive(n));
        }
    }
    for (name, kind) in spec.kinds.iter().filter(|(name, _)| section.applies_to(Some(name))) {
        let writes = |(_, step): &(usize, &DeriveSection)| step.written().any(|written| overlap(&written, &path));
        if let Some((n, _)) = kind.upcast.iter().enumerate().find(writes) {
            meets("written by an upcast", KeyPath::kind(name).then("upcast").then(&n.to_string()));
        }
    }
    for (n, other) in spec.quality.iter().enumerate().take(number) {
        if meet(section, other) && other.marks() == Some(mark) {
            meets("the mark of another section", KeyPath::quality(n));
        }
    }
}
