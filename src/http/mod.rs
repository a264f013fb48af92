//! The engine's own HTTP server: metrics, health, and the state of one key.
//!
//! Changes nothing in the engine; every answer is read from what the parts share. Started by `app`.

pub mod server;
pub mod state;
mod pages;
