//! The HTTP server over real connections.

pub mod client;
mod metrics;
mod pages;
