//! Everything that is tested from outside the crate, in one binary.

mod config_diagnostics;
mod config_plan;
mod store_conformance;
