//! `event.unwrap` and `event.split`: taking an event out of its envelope, and several out of one message, before anything else is
//! done with them.
//!
//! `spec` is the list of steps as data, `layer` a step ready to run. `packed` reads base64 and gzip, always up to a bound, and
//! `split` finds
//! the events of a list, `cloud_events` turns the structured mode of CloudEvents into the binary one, so that later steps and places know one form
//! alone. What cannot be taken off is a bad event; nothing here knows of kinds or of state.

pub mod spec;
pub mod layer;
pub mod split;
mod packed;
pub mod cloud_events;
#[cfg(test)]
mod tests;
