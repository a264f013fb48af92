//! The plan: the part of the configuration that decides outcomes.
//!
//! `spec` is the plan as data (its JSON text is what checkpoints keep and what the fingerprint is made of), `selector` and
//! `template` are its two small languages, `emit` says what a replay lets out, `table` and `enrich` what is kept and what an output gains, `feed` how a table changes, `aggregate` how one counts,
//! `condition` an expression that decides something, `filter` what is dropped before the state sees it, `quality` what an event
//! should be, `route` where outputs go, `version` how old versions of a kind become the newest, `check` holds every rule that a
//! plan has to obey, `state_shape` is the part that the stored state depends on, `compiled` is what the step runs, made by
//! `resolve`, and `registers` are the spans that a kind keeps of an event.
//! Nothing here reads files or knows TOML.

pub mod registers;
pub mod selector;
pub mod key_spec;
pub mod field_type;
pub mod template;
pub mod emit;
pub mod enrich;
pub mod spec;
pub mod table;
pub mod aggregate;
pub mod feed;
pub mod kinds;
pub mod condition;
pub mod filter;
pub mod quality;
pub mod route;
pub mod map;
pub mod version;
pub mod row_version;
mod subjects;
pub mod layout;
pub mod state_shape;
pub mod compiled;
mod building;
mod resolve;
pub mod check;
#[cfg(test)]
pub(crate) mod fixture;
