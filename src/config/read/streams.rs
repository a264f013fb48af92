//! `[input]`, `[output]`, `[dead_letters]` and `[redrives]`: streams and subjects.
//!
//! Whether the subjects of two sections can meet is `check`'s question.

use super::super::draft::ConfigDraft;
use super::super::section::SectionReader;
use super::super::settings::ProvisionSection;
use super::nats::api;
use super::provision::{StreamSetting, provision};
use crate::core::plan::check::{KeyPath, MAX_BYTES, MAX_BYTES_WHY, dead_subject_fault, output_subject_fault};
use crate::core::plan::template::Template;
use crate::core::subject::{filter_fault, stream_name};

pub(super) fn input(section: Option<SectionReader<'_, '_>>, draft: &mut ConfigDraft) {
    let (at, places) = (KeyPath::of(["input"]), &mut draft.places);
    let Some(mut section) = section else { return places.unread(&at) };
    section.require("stream", "`stream = \"EVENTS\"`");
    section.require("subjects", "`subjects = [\"events.>\"]`");
    let input = &mut draft.input;
    input.stream = places.required(&at.then("stream"), section.parsed("stream", stream_name)).unwrap_or_default();
    input.subjects = places.list(&at.then("subjects"), section.texts("subjects", input_subject));
    let only = section.texts("only", input_subject);
    draft.plan.input_only = places.optional_list(&at.then("only"), only);
    input.api = api(&mut section, "domain").value();
    input.provision = made(section.optional("provision"), StreamSetting::Input);
    section.finish();
    draft.plan.input_stream.clone_from(&input.stream);
}

pub(super) fn output(section: Option<SectionReader<'_, '_>>, draft: &mut ConfigDraft) {
    let (at, places, plan) = (KeyPath::of(["output"]), &mut draft.places, &mut draft.plan);
    let Some(mut section) = section else { return places.unread(&at) };
    section.require("stream", "`stream = \"ENRICHED\"`");
    section.require("subject", "`subject = \"enriched.{kind}\"`");
    let output = &mut draft.output;
    output.stream = places.required(&at.then("stream"), section.parsed("stream", stream_name)).unwrap_or_default();
    if let Some(subject) = places.required(&at.then("subject"), section.parsed("subject", output_subject)) {
        plan.output_subject = subject;
    }
    plan.mark = places.take(&at.then("mark"), section.text("mark"));
    plan.envelope = places.take(&at.then("envelope"), section.flag("envelope")).unwrap_or_default();
    if let Some(most) = section.integer("max_bytes", MAX_BYTES, MAX_BYTES_WHY).value() {
        plan.max_bytes = most;
    }
    output.api = api(&mut section, "domain").value();
    output.provision = made(section.optional("provision"), StreamSetting::Other);
    section.finish();
}

pub(super) fn dead_letters(section: Option<SectionReader<'_, '_>>, draft: &mut ConfigDraft) {
    let (at, places) = (KeyPath::of(["dead_letters"]), &mut draft.places);
    let Some(mut section) = section else { return places.unread(&at) };
    let subject = section.parsed("subject", dead_subject);
    if subject.is_absent() {
        // The default has no place of its own: then the other side of a pair of subjects is pointed at.
        let place = places.nearest(&KeyPath::of(["output", "subject"]));
        places.write(at.then("subject"), place);
    }
    if let Some(subject) = places.take(&at.then("subject"), subject) {
        draft.plan.dead_subject = subject;
    }
    draft.dead_letters.stream = places.take(&at.then("stream"), section.parsed("stream", stream_name));
    if section.has("provision") {
        places.write(at.then("provision").name(), section.key_place("provision"));
    }
    draft.dead_letters.provision = made(section.optional("provision"), StreamSetting::Other);
    section.finish();
}

/// How a stream is made; the defaults stand in where that could not be read.
fn made(section: Option<SectionReader<'_, '_>>, made: StreamSetting) -> ProvisionSection {
    section.and_then(|section| provision(section, made)).unwrap_or_default()
}

/// The stream of redrives has no name of its own to choose; only how it is made may be said.
pub(super) fn redrives(mut section: SectionReader<'_, '_>) -> Option<ProvisionSection> {
    let made = section.optional("provision").and_then(|section| provision(section, StreamSetting::Kept));
    section.finish();
    made
}

/// A subject, with wildcards or without, that a stream is to listen on.
fn input_subject(text: &str) -> Result<String, String> {
    if let Some(fault) = filter_fault(text) {
        return Err(format!("`{text}` is no subject: {fault}"));
    }
    if text.starts_with("$JS.") || text.starts_with("$SYS.") {
        return Err(format!("`{text}`: subjects beginning with `$JS` or `$SYS` belong to the server"));
    }
    Ok(text.to_owned())
}

fn dead_subject(text: &str) -> Result<Template, String> {
    let template = Template::parse(text)?;
    dead_subject_fault(&template).map_or(Ok(template), Err)
}

pub(super) fn output_subject(text: &str) -> Result<Template, String> {
    let template = Template::parse(text)?;
    output_subject_fault(&template).map_or(Ok(template), Err)
}
