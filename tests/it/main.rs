//! Everything that needs more than one module: real servers, real files, the real binary.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod nats_adapter;
mod nats_setup;
mod proxy;
mod server;
