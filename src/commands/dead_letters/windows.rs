//! The windows of a redrive: the places between two of its writes, where a test makes the process abort.
//!
//! They are no rows of the engine's crash table, because no state of the engine is at stake: docs/dead-letters.md
//! has a table of them, and tests/it/dead_letters/windows.rs a case a row.

use crate::engine::crash;

/// Nothing is written yet.
pub(super) const BEFORE_THE_INTENT: &str = "redrive_before_the_intent";
/// The intent is written, the event is not published.
pub(super) const AFTER_THE_INTENT: &str = "redrive_after_the_intent";
/// The event is published, its result is not written.
pub(super) const AFTER_THE_EVENT: &str = "redrive_after_the_event";
/// The result is written, nobody has heard of it.
pub(super) const AFTER_THE_RESULT: &str = "redrive_after_the_result";

/// Ends the process here if a test armed this window.
pub(super) fn window(name: &str) {
    crash::point(name);
}
