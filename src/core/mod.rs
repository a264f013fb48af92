//! What becomes of an event: pure and deterministic.
//!
//! No async, no I/O, no clock, no randomness, no logging, and no iteration over hash maps live below this
//! module, so that the engine, the audit and the simulator run the same code and get the same bytes.

pub mod ids;
pub mod json;
pub mod plan;
pub mod rejection;
pub mod output;
pub mod record;
