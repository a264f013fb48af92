//! The gateway's HTTP: routes, bodies within bounds, and answers as they are told.
//!
//! Knows no plan and no stream; who takes the requests is handed in. Nothing is kept of a request that is answered.

pub mod server;
mod routes;
mod body;
mod room;
