//! `event.unwrap` and events without a body: steps whose words go together, and what can be known without a body.

use super::fault::PlanFault;
use super::key_path::KeyPath;
use crate::core::plan::key_spec::KeySpec;
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::PlanSpec;
use crate::core::unwrap::spec::{Encoding, UnwrapSpec};
use std::ops::RangeInclusive;

/// `unwrap.max_bytes`: up to the largest message that a server can be configured to take.
pub const UNPACKED: RangeInclusive<u64> = 1..=64 * 1024 * 1024;

/// Why the bound has its range.
pub const UNPACKED_WHY: &str =
    "a small body may unpack to a thousand times its size, and no server takes more than 64 MiB";

/// The most steps: each costs every event a pass.
const MOST: usize = 4;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let at = KeyPath::of(["event", "unwrap"]);
    let steps = &spec.event.unwrap;
    if steps.len() > MOST {
        let what = format!("an event is taken out of {MOST} envelopes at most, not of {}", steps.len());
        faults.push(PlanFault::mistake(at.clone(), what));
    }
    for (number, step) in steps.iter().enumerate() {
        let at = at.then(&number.to_string());
        faults.extend(words(step).map(|(what, hint)| PlanFault::mistake(at.clone(), what).hint(hint)));
        if step.max_bytes.is_some_and(|most| !UNPACKED.contains(&most)) {
            let what = format!("`max_bytes` must be from {} to {}", UNPACKED.start(), UNPACKED.end());
            faults.push(PlanFault::mistake(at, what).hint(UNPACKED_WHY));
        }
    }
    without_a_body(spec, faults);
}

/// What is wrong with a step, and what to do.
fn words(step: &UnwrapSpec) -> Option<(&'static str, &'static str)> {
    let UnwrapSpec { at, envelope, encoding, compression, max_bytes } = step;
    let alone = at.is_none() && *encoding == Encoding::Json && compression.is_none() && max_bytes.is_none();
    if envelope.is_some() {
        let hint = "put other words in a step of their own: unwrap = [{ envelope = \"cloudevents\" }, \"payload\"]";
        return (!alone).then_some(("`envelope` says by itself where the event is", hint));
    }
    if alone {
        return Some(("this takes nothing off", "say where the event is: unwrap = \"payload\""));
    }
    if *encoding == Encoding::Text && at.is_none() {
        return Some(("`encoding = \"text\"` is a JSON text in a member", "add its place: at = \"Message\""));
    }
    if compression.is_some() && (*encoding == Encoding::Text || (*encoding == Encoding::Json && at.is_some())) {
        return Some(("packed data is no JSON", "a member has it as base64: add `encoding = \"base64\"`"));
    }
    match (compression.is_some(), max_bytes.is_some()) {
        (false, true) => Some(("`max_bytes` is about packed data", "add `compression = \"gzip\"`, or remove it")),
        (true, false) => Some(("packed data has no bound", "add `max_bytes`")),
        _ => None,
    }
}

/// A row that goes with an event without a body is found by its subject and its headers.
fn without_a_body(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let outside = |place: &Selector| place.path().is_none();
    for (name, table) in spec.tables.iter().filter(|(_, table)| table.delete_empty) {
        let at = KeyPath::table(name).then("delete").then("body");
        let Some(kind) = spec.kinds.get(&table.from) else { continue };
        let mut missing = |what: &str, example: &str, setting: KeyPath| {
            let what = format!("an event without a body has no {what}");
            let hint = format!("read it from `$subject.N` or `$header.Name`, too: {example}");
            faults.push(PlanFault::mistake(at.clone(), what).hint(hint).rests_on([setting]));
        };
        if !kind.has_rule() && !spec.event.kind.places().iter().any(outside) {
            missing("kind", "kind = [\"type\", \"$subject.2\"]", KeyPath::of(["event", "kind"]));
        }
        let keyed = |key: &KeySpec| key.parts().iter().all(|part| part.places().iter().any(outside));
        if kind.key.as_ref().is_some_and(|key| !keyed(key)) {
            missing("key", "key = { first = [\"id\", \"$header.Key\"] }", KeyPath::kind(&table.from).then("key"));
        }
        if table.row.as_ref().is_some_and(|row| !keyed(row)) {
            missing("row", "row = \"$header.Row\"", KeyPath::table(name).then("row"));
        }
    }
}
