//! What no school should send, and every school sends one day: broken, odd and repeated events.
//!
//! Each oddity is one row of a table in the file of its group, so that a new one costs three lines. Nothing here knows
//! what the engine makes of an oddity; the oracle and the audit say that.

mod draft;
mod oddity;
mod text;
mod numbers;
mod envelope;
mod members;
mod keys;
mod carrier;
mod spoil;
mod memory;

pub use oddity::{ODDITIES, Oddity, names};

pub(super) use draft::EventDraft;
pub(super) use spoil::Hard;
