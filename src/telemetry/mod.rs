//! stand-in
pub mod metrics;
pub mod log;
