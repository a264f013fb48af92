//! What an operator sees of the engine: metrics, health and the log.
//!
//! Decides nothing: no outcome depends on a number kept here, and no event's own text becomes a label.

pub mod catalogue;
pub mod metrics;
pub mod figures;
pub mod health;
pub mod stall;
mod waiting;
pub mod log;
pub mod lake;
pub mod gateway;
mod handles;
mod outcomes;
mod recent;
mod registry;
