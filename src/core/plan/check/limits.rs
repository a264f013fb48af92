//! Sizes: of numbers, of subjects, and of names that the broker takes.

use super::fault::PlanFault;
use super::key_path::KeyPath;
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::template::{Template, TemplateHole};
use crate::core::subject::{filter_fault, stream_name};
use std::ops::RangeInclusive;

/// `dedup.window_s`: at most a year and a day, which keeps every sum of stream times far from overflow.
pub const WINDOW_S: RangeInclusive<u64> = 0..=366 * 86_400;

/// Why the window has its range.
pub const WINDOW_WHY: &str = "0 switches de-duplication off, and a year is the longest window";

/// `output.max_bytes`: the reserve of every message with some room for headers and a body, up to the largest message that a
/// server can be configured to take.
pub const MAX_BYTES: RangeInclusive<u64> = 1024..=64 * 1024 * 1024;

/// Why the size limit has its range.
pub const MAX_BYTES_WHY: &str = "the limit counts headers too, and no server takes more than 64 MiB";

/// The longest subject that a template may make, in bytes: far below the 4 KiB at which the server closes the connection.
const SUBJECT_MAX: usize = 1024;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let texts = [
        (["input", "stream"], stream_name(&spec.input_stream).err()),
        (["output", "subject"], output_subject_fault(&spec.output_subject)),
        (["dead_letters", "subject"], dead_subject_fault(&spec.dead_subject)),
        (["emit", "subject"], spec.emit.as_ref().and_then(|emit| emitted_fault(emit.subject.as_deref()?))),
    ];
    faults.extend(texts.into_iter().filter_map(|(at, fault)| Some(PlanFault::mistake(KeyPath::of(at), fault?))));
    for (number, filter) in spec.input_only.iter().enumerate() {
        let at = KeyPath::of(["input", "only"]).then(&number.to_string());
        faults.extend(emitted_fault(filter).map(|what| PlanFault::mistake(at, what)));
    }
    if spec.mark.as_ref().is_some_and(String::is_empty) {
        faults.push(PlanFault::mistake(KeyPath::of(["output", "mark"]), "`mark` must not be empty"));
    }
    for (section, name, range, value, why) in [
        ("output", "max_bytes", MAX_BYTES, spec.max_bytes, MAX_BYTES_WHY),
        ("dedup", "window_s", WINDOW_S, spec.dedup_window_s, WINDOW_WHY),
    ] {
        if !range.contains(&value) {
            let message = format!("`{name}` must be from {} to {}, not {value}", range.start(), range.end());
            faults.push(PlanFault::mistake(KeyPath::of([section, name]), message).hint(why));
        }
    }
}

/// What is wrong with a template for dead letters.
pub fn dead_subject_fault(template: &Template) -> Option<String> {
    let longest = template.fill(&mut |_| Some("x".repeat(64))).len();
    let message = || format!("this makes subjects of up to {longest} bytes: {SUBJECT_MAX} are the limit");
    (longest > SUBJECT_MAX).then(message)
}

/// What is wrong with a template for outputs.
pub fn output_subject_fault(template: &Template) -> Option<String> {
    let message = || format!("`{template}`: an output has no {{reason}}, only a dead letter has");
    dead_subject_fault(template).or_else(|| template.holes().any(|hole| hole == TemplateHole::Reason).then(message))
}

fn emitted_fault(filter: &str) -> Option<String> {
    filter_fault(filter).map(|fault| format!("`{filter}` is no subject filter: {fault}"))
}
