//! Torture on three servers: replicated streams under load, faults of servers, routes and leaders, and the same
//! judgement from the streams alone.
//!
//! The plan is a list of faults from a seed; a round is one cluster with a part of them.

pub mod fault;
pub mod plan;
mod world;
mod strike;
mod pauses;
mod count;
mod judge;
mod rolled_back;
mod round;
pub mod run;
