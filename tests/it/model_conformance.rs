//! The simulator's models against what they stand for: the model of the server against a real one, and the model of
//! the disk against the stores.

#[path = "../sim/model/mod.rs"]
pub mod model;
