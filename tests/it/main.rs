//! Everything that is tested from outside the crate, in one binary: real servers, real files, the real program.

// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod server;
mod proxy;
mod harness;
mod config_diagnostics;
mod config_plan;
mod salts;
mod store_conformance;
mod state_file;
mod first_build;
mod reading_commands;
mod no_room;
mod model_conformance;
mod nats;
mod http;
mod cli;
mod deploy;
mod docs;
mod dashboards;
mod fuzz_smoke;
mod pipeline_oracle;
mod auctions;
mod bad_input;
mod field;
mod headers;
mod identity;
mod kills;
mod power;
mod takeover;
mod teardown;
mod waiting;
mod drain;
mod examples;
mod flights;
mod global_tables;
mod hundred_kinds;
mod rules;
mod rows;
mod envelopes;
mod lists;
mod quality;
mod kept_duplicates;
mod refusals;
mod rewind;
mod operators;
mod dead_letters;
mod reopen;
mod testing;
mod catalog;
mod replay;
mod lake;
mod gateway;
#[cfg(feature = "failpoints")]
mod crash_table;
mod cluster;
mod torture_plan;
mod tidy;
