//! `[input]`, `[output]`, `[dead_letters]` and `[redrives]`: streams and subjects.
//!
//! Whether the subjects of two sections can meet is `check`'s question.

use super::super::given::Given;
use super::super::section::Section;
use super::super::settings::ProvisionSection;
use super::nats::api;
use super::provision::{Made, provision};
use super::raw::{DeadLetters, Input, Output};
use crate::core::plan::template::{Hole, Template};
use crate::core::subject::filter_fault;

/// The longest stream name that the server takes, in bytes.
const STREAM_NAME_MAX: usize = 255;

/// The longest subject that a template may make, in bytes.
const SUBJECT_MAX: usize = 1024;

/// The smallest size limit: the reserve of every message and some room for headers and a body.
const MAX_BYTES_MIN: u64 = 1024;

/// The largest message that a server can be configured to take.
const MAX_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) fn input(section: Option<Section<'_, '_>>) -> Input {
    let Some(mut section) = section else {
        return Input { stream: Given::Broken, subjects: Given::Broken, api: Given::Absent, provision: None };
    };
    section.require("stream", "`stream = \"EVENTS\"`");
    section.require("subjects", "`subjects = [\"events.>\"]`");
    let input = Input {
        stream: section.parsed("stream", stream_name),
        subjects: section.texts("subjects", input_subject),
        api: api(&mut section, "domain"),
        provision: section.optional("provision").and_then(|section| provision(section, Made::Input)),
    };
    section.finish();
    input
}

pub(super) fn output(section: Option<Section<'_, '_>>) -> Output {
    let Some(mut section) = section else {
        return Output {
            stream: Given::Broken,
            subject: Given::Broken,
            mark: Given::Broken,
            max_bytes: None,
            provision: None,
            api: Given::Absent,
        };
    };
    section.require("stream", "`stream = \"ENRICHED\"`");
    section.require("subject", "`subject = \"enriched.{kind}\"`");
    let why = "the limit counts headers too, and no server takes more than 64 MiB";
    let output = Output {
        stream: section.parsed("stream", stream_name),
        subject: section.parsed("subject", output_subject),
        mark: section.text("mark"),
        max_bytes: section.integer("max_bytes", MAX_BYTES_MIN..=MAX_BYTES_MAX, why).or(1_048_576),
        api: api(&mut section, "domain"),
        provision: section.optional("provision").and_then(|section| provision(section, Made::Other)),
    };
    section.finish();
    output
}

pub(super) fn dead_letters(section: Option<Section<'_, '_>>) -> DeadLetters {
    let Some(mut section) = section else {
        return DeadLetters { subject: Given::Broken, stream: Given::Broken, provision: None, provision_place: None };
    };
    let dead_letters = DeadLetters {
        subject: section.parsed("subject", subject_template),
        stream: section.parsed("stream", stream_name),
        provision_place: section.has("provision").then(|| section.key_place("provision")),
        provision: section.optional("provision").and_then(|section| provision(section, Made::Other)),
    };
    section.finish();
    dead_letters
}

/// The stream of redrives has no name of its own to choose; only how it is made may be said.
pub(super) fn redrives(mut section: Section<'_, '_>) -> Option<ProvisionSection> {
    let made = section.optional("provision").and_then(|section| provision(section, Made::Kept));
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

/// A template whose subjects stay far below the 4 KiB at which the server closes the connection.
fn subject_template(text: &str) -> Result<Template, String> {
    let template = Template::parse(text)?;
    let longest = template.fill(&mut |_| Some("x".repeat(64))).len();
    if longest > SUBJECT_MAX {
        return Err(format!("this makes subjects of up to {longest} bytes: {SUBJECT_MAX} are the limit"));
    }
    Ok(template)
}

fn output_subject(text: &str) -> Result<Template, String> {
    let template = subject_template(text)?;
    if template.holes().any(|hole| hole == Hole::Reason) {
        return Err(format!("`{text}`: an output has no {{reason}}, only a dead letter has"));
    }
    Ok(template)
}

/// Follows the server's rules for stream names; they also stand in headers, hence printable ASCII.
pub fn stream_name(text: &str) -> Result<String, String> {
    let good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'.' | b'*' | b'>' | b'/' | b'\\');
    if text.is_empty() || text.len() > STREAM_NAME_MAX || !text.bytes().all(good) {
        return Err(format!(
            "`{text}` is no stream name: 1 to {STREAM_NAME_MAX} letters, digits, `-` and `_`, without `.`, `*`, `>`, `/`, `\\` or spaces"
        ));
    }
    Ok(text.to_owned())
}
