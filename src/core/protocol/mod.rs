//! The protocol of exactly once as plain state machines: told what happened, they say what to do.
//!
//! No clock, no I/O and no actor live here, so that the engine, the audit and a simulator drive the same
//! code. `start` decides how to begin, `intake` cuts slices, `merge` restores input order, `lane` numbers
//! outputs and passes over those that are out already, `checkpoint` knows when state may be written.

pub mod header;
pub mod facts;
pub mod start;
pub mod plan_change;
pub mod refusal;
pub mod intake;
pub mod merge;
pub mod lane;
pub mod checkpoint;
