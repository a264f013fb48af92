//! The lake needs to be told what the rows are that it stores.

use super::super::draft::ConfigDraft;
use super::super::report::ConfigReport;
use crate::core::plan::check::KeyPath;

/// A lake without envelopes would not know kinds and keys.
pub(in super::super) fn check(draft: &ConfigDraft, report: &mut ConfigReport) {
    let envelope = KeyPath::of(["output", "envelope"]);
    let Some(place) = draft.places.of(&KeyPath::of(["lake"]).name()) else { return };
    if draft.plan.envelope || draft.places.is_unread(&envelope) {
        return;
    }
    let message = "[lake] needs `envelope = true` in [output]: files are made by kind, key and the time of storage";
    let hint = "add it: the plan changes, and outputs have three headers more from then on";
    report.error_with(draft.places.of(&envelope).unwrap_or(place), message, hint);
}
