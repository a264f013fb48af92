//! The state of one shard: rows by key, and the ids that were processed.
//!
//! Holds what is in memory; what is on disk is told to it (`insert`) and asked of it (`take_changes`). It
//! never reads a store itself, and no outcome depends on what happens to be in memory.

mod digests;
mod id_map;
pub mod row;
mod page;
pub mod rows;
mod texts;
pub mod cache;
pub mod dedup;
pub mod waiting;
pub mod changes;
pub mod visible;
pub mod view;

#[cfg(test)]
mod tests;
