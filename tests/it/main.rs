//! Everything that is tested from outside the crate, in one binary: real servers, real files, the real program.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod bad_input;
mod config_diagnostics;
mod config_plan;
mod drain;
mod harness;
mod kills;
mod pipeline_oracle;
mod proxy;
mod server;
mod takeover;
