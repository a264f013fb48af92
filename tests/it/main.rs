//! Everything that is tested from outside, in one binary.

// clippy.toml allows these inside `#[test]` functions only, and a test's helpers are tests too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod http;
