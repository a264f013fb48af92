//! Ports without a world: for tests, the simulator and the benches. Nothing here is durable.

pub mod store;

pub use store::MemoryStore;
