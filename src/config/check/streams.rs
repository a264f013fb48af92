//! Streams and subjects: every message has to be tellable from every other.
//!
//! The server refuses two streams that listen on one subject; here the operator learns it before.

use super::super::given::Given;
use super::super::place::{At, Place};
use super::super::read::Raw;
use super::super::report::Report;
use crate::core::plan::template::Template;
use crate::core::subject::meet;

/// Checks the streams' names and all pairs of subjects.
pub(in super::super) fn check(raw: &Raw, dead_subject: &Template, report: &mut Report) {
    names(raw, report);
    let inputs: &[At<String>] = raw.input.subjects.valid().map_or(&[], |subjects| &subjects.value);
    for (index, later) in inputs.iter().enumerate() {
        if let Some(earlier) = inputs.iter().take(index).find(|earlier| meet(&earlier.value, &later.value)) {
            let message = format!("`{}` overlaps `{}` in the same list", later.value, earlier.value);
            report.error_with(later.place, message, "the server refuses a stream with overlapping subjects");
        }
    }
    let output = raw.output.subject.valid();
    if let Some(output) = output {
        meets_input("output.subject", &output.value, output.place, inputs, report);
    }
    let dead_place = raw.dead_letters.subject.valid().map(|at| at.place);
    if matches!(raw.dead_letters.subject, Given::Broken) {
        return;
    }
    // The default has no place of its own: then the other side of the pair is pointed at.
    let place = dead_place.or(output.map(|output| output.place)).unwrap_or(Place::File);
    meets_input("dead_letters.subject", dead_subject, place, inputs, report);
    if let Some(output) = output {
        let (left, right) = (output.value.wildcard(), dead_subject.wildcard());
        if meet(&left, &right) {
            let message = format!("dead letters (`{right}`) cannot be told from outputs (`{left}`)");
            report.error_with(place, message, "begin the two subjects differently, such as `enriched.` and `dead.`");
        }
    }
}

/// No stream can play two parts.
fn names(raw: &Raw, report: &mut Report) {
    let (input, output) = (raw.input.stream.valid(), raw.output.stream.valid());
    if let (Some(input), Some(output)) = (input, output)
        && input.value == output.value
    {
        let message = format!("`{}` is the input stream too: every output would come back as an event", output.value);
        report.error_with(output.place, message, "give the output a stream of its own");
    }
    if let (true, Some(place)) = (raw.dead_letters.stream.is_absent(), raw.dead_letters.provision_place) {
        let message = "`provision` needs `stream` beside it: without it dead letters have no stream of their own";
        report.error_with(place, message, "add `stream = \"DEAD_LETTERS\"`, or leave [dead_letters.provision] out");
    }
    let Some(dead) = raw.dead_letters.stream.valid() else { return };
    for (part, other) in [("input", input), ("output", output)] {
        if other.is_some_and(|other| other.value == dead.value) {
            let message = format!("`{}` is the {part} stream too", dead.value);
            let hint = "dead letters are in the output stream anyway: name another stream, or leave `stream` out";
            report.error_with(dead.place, message, hint);
        }
    }
}

fn meets_input(name: &str, template: &Template, place: Place, inputs: &[At<String>], report: &mut Report) {
    let made = template.wildcard();
    if let Some(input) = inputs.iter().find(|input| meet(&input.value, &made)) {
        let message = format!("{name} makes subjects (`{made}`) that the input stream takes (`{}`)", input.value);
        report.error_with(place, message, "choose another first token, or make input.subjects narrower");
    }
}
