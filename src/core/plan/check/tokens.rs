//! Kinds that one subject token stands for: characters that a subject cannot hold become `_`, and two kinds one subject.
//!
//! What becomes of a kind in a subject is part of the plan and stays as it is; here the operator learns of it.

use super::fault::{PlanFault, Sentence};
use super::key_path::KeyPath;
use crate::core::plan::kinds::matches;
use crate::core::plan::spec::{PlanSpec, UnknownKinds};
use crate::core::plan::template::{Template, TemplateHole, token};
use std::collections::BTreeMap;

/// Checks the outputs' subjects; those of dead letters where outputs have none in common.
pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let (output, dead) = (KeyPath::of(["output", "subject"]), KeyPath::of(["dead_letters", "subject"]));
    let mut found = shared(spec, &output, &spec.output_subject);
    if found.is_empty() {
        found = shared(spec, &dead, &spec.dead_subject);
    }
    // Those of dead letters are looked at because of what the outputs' are.
    faults.extend(
        found.into_iter().map(|fault| PlanFault { rests_on: [fault.rests_on, vec![output.clone()]].concat(), ..fault }),
    );
    unknown(spec, faults);
}

/// The faults of kinds that share subjects.
fn shared(spec: &PlanSpec, setting: &KeyPath, template: &Template) -> Vec<PlanFault> {
    let mut faults = Vec::new();
    let mut first: BTreeMap<Vec<String>, (&str, Vec<String>)> = BTreeMap::new();
    for name in spec.kinds.keys() {
        let Some(values) = values(template, name) else { continue };
        let tokens = values.iter().map(|value| token(value)).collect();
        let (other, theirs) = first.entry(tokens).or_insert_with(|| (name.as_str(), values.clone()));
        if *theirs != values {
            // A token of the event's own subject may tell them apart all the same.
            let certain = !name.contains('*') && !other.contains('*') && !template.holes().any(is_subject);
            faults.push(same_subjects(setting, other, name, certain));
        }
    }
    if template.holes().any(|hole| hole == TemplateHole::Kind) {
        patterns(spec, setting, &mut faults);
    }
    faults
}

/// Reports patterns of which an event may get the subject of another section's, once a pattern.
fn patterns(spec: &PlanSpec, setting: &KeyPath, faults: &mut Vec<PlanFault>) {
    let replaced = |name: &str| name.split('*').map(replaced).collect::<Vec<_>>().join("*");
    let all: Vec<(&String, String)> = spec.kinds.keys().map(|name| (name, replaced(name))).collect();
    for (pattern, with) in all.iter().filter(|(name, _)| name.contains('*')) {
        let meets = |(name, token): &&(&String, String)| {
            if name.contains('*') {
                // Each pair once.
                return name < pattern && token == with;
            }
            // Where nothing was replaced, what matches is matched anyway.
            let altered = token != *name || with != *pattern;
            altered && matches(with, token) && !matches(pattern, name)
        };
        if let Some((name, _)) = all.iter().find(meets) {
            faults.push(same_subjects(setting, name, pattern, false));
        }
    }
}

/// The part of a kind as a subject has it.
fn replaced(part: &str) -> String {
    if part.is_empty() { String::new() } else { token(part) }
}

fn same_subjects(setting: &KeyPath, other: &str, name: &str, certain: bool) -> PlanFault {
    let at = KeyPath::kind(name).name();
    let verb = if certain { "get" } else { "may get" };
    let what = Sentence::from(format!("the kinds `{other}` ("))
        .setting(&KeyPath::kind(other).name())
        .words(format!(") and `{name}` {verb} the same subjects from {setting}"));
    let fault = if certain { PlanFault::mistake(at, what) } else { PlanFault::warning(at, what) };
    let hint = format!(
        "a subject has ASCII letters, digits, `-` and `_`, all else becomes `_`: rename one, or tell them apart in {setting} by a token of the event's subject, such as {{subject.2}}"
    );
    fault.hint(hint).rests_on([setting.clone()])
}

/// What a kind puts into the template's holes; `None` where that differs from event to event.
fn values(template: &Template, name: &str) -> Option<Vec<String>> {
    let part = |n: usize| {
        let known = !name.split(':').take(n + 1).any(|part| part.contains('*'));
        known.then(|| name.split(':').nth(n).unwrap_or_default().to_owned())
    };
    let holes = template.holes().filter_map(|hole| match hole {
        TemplateHole::Kind => Some((!name.contains('*')).then(|| name.to_owned())),
        TemplateHole::Type => Some(part(0)),
        TemplateHole::Subtype => Some(part(1)),
        TemplateHole::Reason | TemplateHole::Subject(_) => None,
    });
    holes.collect()
}

fn is_subject(hole: TemplateHole) -> bool {
    matches!(hole, TemplateHole::Subject(_))
}

/// Events of unknown kind are `unknown` in every hole, as a kind of that name is.
fn unknown(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    if spec.unknown_kinds != UnknownKinds::Forward {
        return;
    }
    for name in spec.kinds.keys() {
        let values = values(&spec.output_subject, name);
        if values.is_some_and(|v| !v.is_empty() && v.iter().all(|value| value == "unknown")) {
            let message = format!("the kind `{name}` gets the subjects of events whose kind no section matches");
            let fault = PlanFault::warning(KeyPath::kind(name).name(), message);
            let fault = fault.hint("rename it, or set engine.unknown_kinds to \"dead_letter\" or \"drop\"");
            faults.push(fault.rests_on([KeyPath::of(["output", "subject"]), KeyPath::of(["engine", "unknown_kinds"])]));
        }
    }
}
