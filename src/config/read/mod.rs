//! The sections, one after the other: types, ranges and notations, with the places kept for `check`.
//!
//! A reader compares no section with another. `plan` holds what decides outcomes, `streams` the names of
//! streams and subjects, `machine` everything about the process and its surroundings.

mod machine;
mod plan;
mod provision;
mod raw;
mod streams;

pub(super) use raw::{Enrich, Raw, Table, read};
