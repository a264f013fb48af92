//! The plan: the part of the configuration that decides outcomes.
//!
//! `spec` is the plan as data (its JSON text is what checkpoints keep and what the fingerprint is made of), `selector` and
//! `template` are its two small languages, `emit` says what a replay lets out, `check` holds every rule that a plan has to
//! obey, `compiled` is what the step runs, made by `resolve`, and `registers` are the spans that a kind keeps of an event.
//! Nothing here reads files or knows TOML.

pub mod registers;
pub mod selector;
pub mod template;
pub mod emit;
pub mod spec;
pub mod kinds;
pub mod layout;
pub mod compiled;
mod resolve;
pub mod check;
#[cfg(test)]
pub(crate) mod fixture;
