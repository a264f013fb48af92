//! The power goes at any instant: no checkpoint that was reported durable is lost, and what is found is whole.
//!
//! `docs/power-cuts.md` explains the method and its limits.

mod recording;
mod disk;
mod writer;
mod judge;
mod store;
mod engine;
mod image;
