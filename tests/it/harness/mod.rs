//! What the end-to-end tests stand on: a server, its streams, the engine as a process, a load, and the oracle.
//!
//! Nothing of the engine's own code talks to the server here (`wire` speaks the protocol itself), so that a fault
//! of the client library cannot hide in both halves of a comparison.

pub mod bed;
pub mod cluster;
pub mod leaders;
pub mod routes;
pub mod dump;
pub mod engine;
pub mod command;
pub mod load;
pub mod origin;
pub mod page;
pub mod rewound;
pub mod steady;
pub mod streams;
pub mod wait;
pub mod wire;
