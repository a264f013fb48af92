//! Everything that is tested from outside the crate, in one binary.

// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod config_diagnostics;
mod config_plan;
mod http;
mod store_conformance;
mod nats_adapter;
mod nats_setup;
mod proxy;
mod server;
mod docs;
