//! The HTTP servers: the engine's own pages (metrics, health, the state of one key), and the gateway that events come in by.
//!
//! The pages change nothing in the engine; every answer is read from what the parts share. What becomes of an event is not
//! decided here either. Started by `cli`.

mod listener;
pub mod server;
pub mod state;
mod pages;
pub mod gateway;
