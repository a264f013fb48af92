//! The world behind the ports. Only `nats` names async_nats, only `sled` names sled.

pub mod memory;
pub mod directory;
pub mod sled;
pub mod fjall;
pub mod nats;
pub mod lake;
