//! The sections, one after the other: types, ranges and notations, with the places kept for `check`.
//!
//! A reader compares no section with another. `plan` holds what decides outcomes, `notation` looks at its places, `streams`
//! the names of streams and subjects, `nats` the way to the server, `machine` the process and its surroundings, `paths` what names files.

mod machine;
mod nats;
mod notation;
mod paths;
mod plan;
mod provision;
mod raw;
mod streams;

pub(super) use raw::{Enrich, Kind, Raw, Table, read};
pub use streams::stream_name;
