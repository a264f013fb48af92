//! `sidestream catalog`: which kinds and fields a range of the input has, and what differs from a saved catalogue.
//!
//! The way of an event: `walk` steps through it, `gather` and `paths` count what is where (`path` spells the places, `tally`
//! is one place's account), `settle` makes the catalogue of it, `catalogue` is that as data and as text, `compare` tells
//! two apart. All of these are pure; `read` alone asks the server.

pub mod catalogue;
pub mod compare;
pub mod gather;
mod path;
mod paths;
pub mod read;
mod settle;
mod tally;
mod walk;

#[cfg(test)]
mod tests;
