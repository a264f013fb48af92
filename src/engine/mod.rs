//! The engine: four kinds of actors that move slices, and nothing that decides an outcome.
//!
//! `Intake` cuts slices, `Shard`s run them, the `Sequencer` restores input order and writes the lane, the
//! `Checkpointer` writes state. What they decide is decided in `core`; what they talk to is handed in.

pub mod messages;
pub mod ending;
pub mod host;
pub mod intake;
pub mod shard;
pub mod sequencer;
pub mod timings;
pub mod checkpointer;
pub mod restore;
pub mod rewrite;
pub mod launch;
pub mod crash;
