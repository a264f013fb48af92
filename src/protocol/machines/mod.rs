//! The parts of a running engine as state machines: told what happened, they say what is to be done, in which order.
//!
//! A host carries that out: the engine's actors over a store, mailboxes and clocks, the simulator over models. The order of all
//! effects, and the places at which a crash is tried, are decided here alone. No machine knows who hosts it.

mod load;
pub mod machine;
pub mod intake;
pub mod shard;
pub mod sequencer;
pub mod checkpointer;

#[cfg(test)]
mod tests;
