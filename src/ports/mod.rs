//! What the engine needs of the world, and how the world says no.
//!
//! Ports know the words of `core` and nothing of NATS, sled or actix.

pub mod store;
pub mod stream;
pub mod lake;
