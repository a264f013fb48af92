//! Streams and subjects: every message has to be tellable from every other.
//!
//! The server refuses two streams that listen on one subject; here the operator learns it before. What the plan alone says
//! about subjects is not repeated here.

use super::super::draft::ConfigDraft;
use super::super::place::{Placed, TextPlace};
use super::super::places::ConfigPlaces;
use super::super::report::ConfigReport;
use crate::core::plan::check::KeyPath;
use crate::core::plan::template::Template;
use crate::core::subject::meet;

/// Checks the streams' names and all pairs of subjects.
pub(in super::super) fn check(draft: &ConfigDraft, report: &mut ConfigReport) {
    names(draft, report);
    let inputs = inputs(draft);
    for (index, later) in inputs.iter().enumerate() {
        if let Some(earlier) = inputs.iter().take(index).find(|earlier| meet(earlier.value, later.value)) {
            let message = format!("`{}` overlaps `{}` in the same list", later.value, earlier.value);
            report.error_with(later.place, message, "the server refuses a stream with overlapping subjects");
        }
    }
    only(draft, &inputs, report);
    tick(draft, &inputs, report);
    let plan = &draft.plan;
    let routes = (0..)
        .zip(&plan.route)
        .filter_map(|(n, route)| Some((KeyPath::route(n).then("subject"), route.subject.as_ref()?)));
    let maps = (0..).zip(&plan.map).map(|(n, map)| (KeyPath::map(n).then("subject"), &map.subject));
    let duplicates = plan.dedup_keep.iter().map(|keep| (KeyPath::of(["dedup", "keep"]), keep));
    let (output, dead) = (KeyPath::of(["output", "subject"]), KeyPath::of(["dead_letters", "subject"]));
    for (at, template) in [(output, &plan.output_subject), (dead, &plan.dead_subject)]
        .into_iter()
        .chain(routes)
        .chain(maps)
        .chain(duplicates)
    {
        if !draft.places.is_unread(&at) {
            meets_input(&at, template, draft.places.nearest(&at), &inputs, report);
        }
    }
}

/// What is wanted of the input is in it.
fn only(draft: &ConfigDraft, inputs: &[Placed<&str>], report: &mut ConfigReport) {
    for (number, filter) in draft.plan.input_only.iter().enumerate() {
        let place = draft.places.nearest(&KeyPath::of(["input", "only"]).then(&number.to_string()));
        if !inputs.is_empty() && !inputs.iter().any(|input| meet(input.value, filter)) {
            let message = format!("no event of the input has a subject that `{filter}` takes");
            let subjects: Vec<String> = inputs.iter().map(|input| format!("`{}`", input.value)).collect();
            report.error_with(place, message, format!("input.subjects are {}", subjects.join(", ")));
        }
    }
}

/// What moves time on is stored in the input.
fn tick(draft: &ConfigDraft, inputs: &[Placed<&str>], report: &mut ConfigReport) {
    let Some(subject) = &draft.plan.tick_subject else { return };
    if !inputs.is_empty() && !inputs.iter().any(|input| meet(input.value, subject)) {
        let place = draft.places.nearest(&KeyPath::of(["clock", "subject"]));
        let message = format!("the input does not take `{subject}`");
        let subjects: Vec<String> = inputs.iter().map(|input| format!("`{}`", input.value)).collect();
        report.error_with(place, message, format!("input.subjects are {}", subjects.join(", ")));
    }
}

fn inputs(draft: &ConfigDraft) -> Vec<Placed<&str>> {
    let list = KeyPath::of(["input", "subjects"]);
    let place = |index: usize| draft.places.nearest(&list.then(&index.to_string()));
    draft
        .input
        .subjects
        .iter()
        .enumerate()
        .map(|(index, value)| Placed { value: value.as_str(), place: place(index) })
        .collect()
}

/// A stream's name with its place, where there is one.
fn stream<'a>(places: &ConfigPlaces, section: &str, name: &'a str) -> Option<Placed<&'a str>> {
    places.of(&KeyPath::of([section, "stream"])).map(|place| Placed { value: name, place })
}

/// No stream can play two parts.
fn names(draft: &ConfigDraft, report: &mut ConfigReport) {
    let places = &draft.places;
    let input = stream(places, "input", &draft.input.stream);
    let output = stream(places, "output", &draft.output.stream);
    if let (Some(input), Some(output)) = (&input, &output)
        && input.value == output.value
    {
        let message = format!("`{}` is the input stream too: every output would come back as an event", output.value);
        report.error_with(output.place, message, "give the output a stream of its own");
    }
    let unread = places.is_unread(&KeyPath::of(["dead_letters", "stream"]));
    let dead = draft.dead_letters.stream.as_deref();
    if let (None, false, Some(place)) = (dead, unread, places.of(&KeyPath::of(["dead_letters", "provision"]).name())) {
        let message = "`provision` needs `stream` beside it: without it dead letters have no stream of their own";
        report.error_with(place, message, "add `stream = \"DEAD_LETTERS\"`, or leave [dead_letters.provision] out");
    }
    let Some(dead) = dead.and_then(|name| stream(places, "dead_letters", name)) else { return };
    for (part, other) in [("input", input), ("output", output)] {
        if other.is_some_and(|other| other.value == dead.value) {
            let message = format!("`{}` is the {part} stream too", dead.value);
            let hint = "dead letters are in the output stream anyway: name another stream, or leave `stream` out";
            report.error_with(dead.place, message, hint);
        }
    }
}

fn meets_input(
    name: &KeyPath,
    template: &Template,
    place: TextPlace,
    inputs: &[Placed<&str>],
    report: &mut ConfigReport,
) {
    let made = template.wildcard();
    if let Some(input) = inputs.iter().find(|input| meet(input.value, &made)) {
        let message = format!("{name} makes subjects (`{made}`) that the input stream takes (`{}`)", input.value);
        report.error_with(place, message, "choose another first token, or make input.subjects narrower");
    }
}
