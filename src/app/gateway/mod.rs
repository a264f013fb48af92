//! The gateway carried out: a connection of its own, messages published and confirmed, answers.
//!
//! Decides nothing about an event; `protocol::gateway` does. `job` is what it is given, `link` keeps the connection, `tokens` the
//! file of those who may send, `publish` asks the stream, `service` is the way of a request, `run` its thread. The HTTP server
//! above hands requests in, and the engine beside it knows nothing of it.

pub mod job;
mod link;
mod tokens;
mod publish;
pub mod service;
pub mod run;
