//! `kinds.NAME.schema`: events that are of a kind because a JSON Schema takes them.
//!
//! `spec` is the schema's text as the plan keeps it, `compiled` the schema ready to be asked, `needs` what an event must have at its
//! top so that asking is worth it. The library's answers decide outcomes: its version is fixed, and part of the plan. It fetches
//! nothing, asserts no formats, and its regular expressions run in time linear in the event.

pub mod spec;
pub mod compiled;
mod needs;
#[cfg(test)]
#[cfg(feature = "schema")]
mod tests;
