//! The gateway publishes into the input stream, and listens beside the engine's own pages.

use super::super::draft::ConfigDraft;
use super::super::report::ConfigReport;
use crate::core::plan::check::KeyPath;
use crate::core::subject::covers;

/// Whether the input stream takes its subjects, and its address is free.
pub(in super::super) fn check(draft: &ConfigDraft, report: &mut ConfigReport) {
    let (section, at) = (KeyPath::of(["gateway"]), KeyPath::of(["gateway", "subject"]));
    let (Some(gateway), Some(begin)) = (&draft.gateway, draft.places.of(&section.name())) else { return };
    let made = gateway.subject.wildcard();
    let inputs = &draft.input.subjects;
    if !inputs.is_empty() && !draft.places.is_unread(&at) && !inputs.iter().any(|input| covers(input, &made)) {
        let place = draft.places.of(&at.name()).unwrap_or(begin);
        let message = format!("gateway.subject makes subjects (`{made}`) that the input stream does not take");
        let subjects: Vec<String> = inputs.iter().map(|input| format!("`{input}`")).collect();
        report.error_with(place, message, format!("input.subjects are {}", subjects.join(", ")));
    }
    if let Some(http) = &draft.http
        && http.listen == gateway.listen
        && http.listen.port() != 0
    {
        let message = format!("{} is `http.listen`, too", http.listen);
        report.error_with(begin, message, "give `listen` of [gateway] a port of its own");
    }
}
