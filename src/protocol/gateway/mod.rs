//! The HTTP gateway's decisions: what a request holds, what is published of it, and what is answered.
//!
//! Requests and the stream's words come in as data, messages and answers go out as data: no socket, no clock, no chance and no
//! stream is here. `cut` takes a request apart, `cloud_events` has the binding, `judge` asks the engine's own decoding,
//! `identity` says what makes two events one, `door` puts these together, `answer` writes the receipt, `problem` is the catalogue
//! of errors; `tokens` and `rate` say who may send and how much. Used by `app::gateway`; the engine knows nothing of it.

pub mod request;
pub mod cut;
pub mod cloud_events;
pub mod judge;
pub mod members;
pub mod identity;
pub mod door;
pub mod answer;
pub mod problem;
pub mod tokens;
pub mod rate;
pub mod local;

#[cfg(test)]
mod tests;
