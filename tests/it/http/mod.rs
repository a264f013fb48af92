//! The HTTP server over real connections.

mod client;
mod metrics;
mod pages;
