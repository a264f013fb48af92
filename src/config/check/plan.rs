//! The faults of the plan, each at its line.
//!
//! The rules are those of `core::plan::check`, which knows no lines; none stands here.

use super::super::draft::ConfigDraft;
use super::super::report::ConfigReport;
use crate::core::plan::check::{KeyPath, Sentence, Severity, check as faults};

/// Reports every fault that does not follow from a value that could not be read.
pub(in super::super) fn check(draft: &ConfigDraft, report: &mut ConfigReport) {
    let places = &draft.places;
    for fault in faults(&draft.plan, &draft.entities) {
        let unread = fault.settings().any(|setting| places.is_unread(setting));
        // Nobody is warned of a default.
        let of_a_default = fault.severity == Severity::Warning && places.of(&fault.at).is_none();
        if unread || of_a_default {
            continue;
        }
        let line = |setting: &KeyPath| report.sources().reference(places.nearest(setting));
        let print = |sentence: &Sentence| sentence.print(&line);
        let (message, hint) = (print(&fault.what), fault.hint.as_ref().map(print));
        let place = places.nearest(&fault.at);
        let place = match &fault.within {
            Some((text, bytes)) => report.sources().within(place, text, bytes),
            None => place,
        };
        report.fault(&fault, place, message, hint);
    }
}
