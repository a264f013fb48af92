//! The checks that the fuzz targets run, and `tests/it/fuzz_smoke.rs` with them on a stable toolchain.
//!
//! Each target has one function, `check(bytes)`, that panics where the product breaks its word. Nothing here knows
//! libFuzzer. What must come out is worked out from the rules and by serde_json, not by the product's own parts.

// A check may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

pub mod json;
pub mod plans;
pub mod input;
pub mod expected;
pub mod decode;
pub mod render;
pub mod model;
pub mod splice;
pub mod feed;
pub mod records;
pub mod config;
pub mod recovery;
pub mod expression;
pub mod derive;
pub mod drawn;
pub mod operators;
