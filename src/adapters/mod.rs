//! The world behind the ports. Only `nats` names async_nats, only `sled` names sled.

pub mod nats;
