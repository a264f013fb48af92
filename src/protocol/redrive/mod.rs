//! Dead letters as they are read back, and what a redrive of one may do next.
//!
//! Told what stands in the streams, these say what to do; nothing here reads a stream, knows the time or publishes.
//! `letter` reads a dead letter, `filter` picks some, `record` is what is written down of a redrive, `decide` the
//! protocol's decisions. Used by `commands::dead_letters`; the engine knows nothing of it.

pub mod letter;
pub mod filter;
pub mod record;
pub mod decide;
#[cfg(test)]
mod tests;
