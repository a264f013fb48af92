//! The plan: the part of the configuration that decides outcomes.
//!
//! `spec` is the plan as data (its JSON text is what checkpoints keep and what the fingerprint is made of),
//! `selector` and `template` are its two small languages, `emit` says what a replay lets out, `compiled` is what the step runs. Nothing here
//! reads files or knows TOML.

pub mod selector;
pub mod template;
pub mod emit;
pub mod spec;
pub mod kinds;
pub mod layout;
pub mod compiled;
