//! The engine on three servers: what fails there, and that nothing is lost, doubled, rebuilt or refused for it.

mod harness;
mod stage;
mod dealt;
mod pauses;
mod faults;
mod stale;
mod connecting;
