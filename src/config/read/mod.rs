//! The sections, one after the other: types, ranges and notations, into the plan and the other settings.
//!
//! A reader compares no section with another. `document` calls the readers, `plan` reads what decides outcomes, `key` what several places may be named for, `streams`
//! the names of streams and subjects, `nats` the way to the server, `machine` the process and its surroundings, `lake` the files beside it, `gateway` the events over HTTP,
//! `paths` what names files.

mod derive;
mod document;
mod enrich;
mod filter;
mod gateway;
mod key;
mod machine;
mod lake;
mod lake_place;
mod map;
mod nats;
mod paths;
mod plan;
mod provision;
mod quality;
mod route;
mod row_version;
mod version;
mod unwrap;
mod schema;
mod streams;

pub(super) use document::read;
