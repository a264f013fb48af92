//! Kinds that one subject token stands for: characters that a subject cannot hold become `_`, and two kinds one subject.
//!
//! What becomes of a kind in a subject is part of the plan and stays as it is; here the operator learns of it.

use super::super::place::Place;
use super::super::read::Raw;
use super::super::report::Report;
use crate::core::plan::kinds::matches;
use crate::core::plan::spec::UnknownKinds;
use crate::core::plan::template::{Hole, Template, token};
use std::collections::BTreeMap;

/// Checks the outputs' subjects; those of dead letters where outputs have none in common.
pub(in super::super) fn check(raw: &Raw, dead_subject: &Template, report: &mut Report) {
    let Some(output) = raw.output.subject.valid() else { return };
    if !shared(raw, "output.subject", &output.value, report) {
        shared(raw, "dead_letters.subject", dead_subject, report);
    }
    unknown(raw, &output.value, report);
}

/// Reports kinds that share subjects, and says whether there were some.
fn shared(raw: &Raw, setting: &str, template: &Template, report: &mut Report) -> bool {
    let mut found = false;
    let mut first: BTreeMap<Vec<String>, (&str, Vec<String>)> = BTreeMap::new();
    for (name, kind) in &raw.kinds {
        let Some(values) = values(template, name) else { continue };
        let tokens = values.iter().map(|value| token(value)).collect();
        let (other, theirs) = first.entry(tokens).or_insert_with(|| (name.as_str(), values.clone()));
        if *theirs != values {
            found = true;
            // A token of the event's own subject may tell them apart all the same.
            let certain = !name.contains('*') && !other.contains('*') && !template.holes().any(is_subject);
            tell(raw, setting, (*other, name), (kind.place, certain), report);
        }
    }
    if template.holes().any(|hole| hole == Hole::Kind) {
        found |= patterns(raw, setting, report);
    }
    found
}

/// Reports patterns of which an event may get the subject of another section's, once a pattern.
fn patterns(raw: &Raw, setting: &str, report: &mut Report) -> bool {
    let mut found = false;
    let replaced = |name: &str| name.split('*').map(replaced).collect::<Vec<_>>().join("*");
    let all: Vec<(&String, String)> = raw.kinds.keys().map(|name| (name, replaced(name))).collect();
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
            found = true;
            let place = raw.kinds.get(*pattern).map_or(Place::File, |kind| kind.place);
            tell(raw, setting, (name.as_str(), pattern.as_str()), (place, false), report);
        }
    }
    found
}

/// The part of a kind as a subject has it.
fn replaced(part: &str) -> String {
    if part.is_empty() { String::new() } else { token(part) }
}

fn tell(raw: &Raw, setting: &str, names: (&str, &str), (place, certain): (Place, bool), report: &mut Report) {
    let (other, name) = names;
    let line = raw.kinds.get(other).map_or(String::new(), |kind| report.sources().reference(kind.place));
    let hint = format!(
        "a subject has ASCII letters, digits, `-` and `_`, all else becomes `_`: rename one, or tell them apart in {setting} by a token of the event's subject, such as {{subject.2}}"
    );
    if certain {
        let message = format!("the kinds `{other}` ({line}) and `{name}` get the same subjects from {setting}");
        report.error_with(place, message, hint);
    } else {
        let message = format!("the kinds `{other}` ({line}) and `{name}` may get the same subjects from {setting}");
        report.warn(place, message, hint);
    }
}

/// What a kind puts into the template's holes; `None` where that differs from event to event.
fn values(template: &Template, name: &str) -> Option<Vec<String>> {
    let part = |n: usize| {
        let known = !name.split(':').take(n + 1).any(|part| part.contains('*'));
        known.then(|| name.split(':').nth(n).unwrap_or_default().to_owned())
    };
    let holes = template.holes().filter_map(|hole| match hole {
        Hole::Kind => Some((!name.contains('*')).then(|| name.to_owned())),
        Hole::Type => Some(part(0)),
        Hole::Subtype => Some(part(1)),
        Hole::Reason | Hole::Subject(_) => None,
    });
    holes.collect()
}

fn is_subject(hole: Hole) -> bool {
    matches!(hole, Hole::Subject(_))
}

/// Events of unknown kind are `unknown` in every hole, as a kind of that name is.
fn unknown(raw: &Raw, template: &Template, report: &mut Report) {
    if raw.unknown_kinds != Some(UnknownKinds::Forward) {
        return;
    }
    for (name, kind) in &raw.kinds {
        let same = values(template, name).is_some_and(|v| !v.is_empty() && v.iter().all(|value| value == "unknown"));
        if same {
            let message = format!("the kind `{name}` gets the subjects of events whose kind no section matches");
            report.warn(kind.place, message, "rename it, or set engine.unknown_kinds to \"dead_letter\" or \"drop\"");
        }
    }
}
