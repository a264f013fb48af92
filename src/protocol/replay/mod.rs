//! A replay as data and decisions: what was asked for, at which pace, and what differs from what was published before.
//!
//! No stream is read and no file written here; `commands/replay` does both. The engine knows nothing of it but the plan's
//! range and the tempo of its feed.

pub mod request;
pub mod tempo;
pub mod fields;
pub mod diff;
