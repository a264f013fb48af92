//! Reading dead letters back, and publishing their events once more.
//!
//! `reading` finds them, `original` says what their events were, `search` looks for an event in the input, `redrive`
//! carries out the protocol whose decisions are in `protocol::redrive`, `many` goes through all of them, `windows` are the
//! places where a test ends it. Nothing here is part of the engine: a redriven event is an ordinary event of the input.

pub mod reading;
pub mod original;
pub mod search;
pub mod redrive;
pub mod many;
mod windows;
