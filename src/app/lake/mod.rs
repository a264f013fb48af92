//! Carrying the lake out: the output stream on one side, the store on the other, and `protocol::lake` saying what to do.
//!
//! `run` is the writer, from start to start; `audit`, `find` and `log` read what is stored. The engine never waits for any of it:
//! a lake is a reader of the output stream like every other.

pub mod run;
pub mod session;
mod carry;
pub mod interval;
pub mod place;
pub mod root;
pub mod log;
mod project;
pub mod audit;
pub mod orphans;
pub mod find;
pub mod views;
pub mod access;
pub mod forecast;
pub mod job;
pub mod store;
