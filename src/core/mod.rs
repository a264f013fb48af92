//! What becomes of an event: pure and deterministic.
//!
//! No async, no I/O, no clock, no randomness, no logging, and no iteration over hash maps live below this
//! module, so that the engine, the audit and the simulator run the same code and get the same bytes.

pub mod step;
pub mod outcome;
pub mod explain;
pub mod event;
pub mod clock;
pub mod parked;
pub mod wait;
mod leave;
pub mod unwrap;
pub mod decode;
pub mod schema;
pub mod expr;
pub mod apply;
pub mod join;
pub mod quality;
pub mod route;
pub mod map;
pub mod encode;
pub mod dead_letter;
pub mod envelope;
pub mod output;
pub mod percent;
pub mod rejection;
pub mod tally;
pub mod read;
pub mod derive;
pub mod event_time;
pub mod plan;
pub mod state;
pub mod subject;
pub mod columns;
pub mod record;
pub mod ids;
pub mod identity;
pub mod mutants;
#[cfg(feature = "failpoints")]
pub mod planted;
