//! Whole ways through the protocol's decisions, and the worlds that they are tried in.

pub(crate) mod world;
mod start;
mod rebuild;
mod plan;
mod lives;
pub(super) mod lives_engine;
mod identity;
mod emit;
mod map;
mod wait;
mod split;
mod apply;
