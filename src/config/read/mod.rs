//! The sections, one after the other: types, ranges and notations, into the plan and the other settings.
//!
//! A reader compares no section with another. `document` calls the readers, `plan` reads what decides outcomes, `streams`
//! the names of streams and subjects, `nats` the way to the server, `machine` the process and its surroundings, `paths` what names files.

mod document;
mod machine;
mod nats;
mod paths;
mod plan;
mod provision;
mod streams;

pub(super) use document::read;
