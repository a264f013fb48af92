//! Models of the two things outside the protocol code: the server's streams and the state directory's disk.
//!
//! Without threads, clocks, randomness or I/O: the caller passes the time and makes every choice, so that one seed
//! gives one run. Nothing here knows what the product does with an answer. What the models do is what nats-server
//! 2.15.1 was seen to do, and `tests/it/model_conformance` asks both the same questions; power cuts of the server
//! follow measurements alone (see `Server::power_cut`). Used by the simulator and by that suite.
#![allow(dead_code, unused_imports, reason = "two binaries include it, and each uses its own part")]

mod reply;
mod stream;
mod batch;
mod consumer;
mod server;
mod disk;

pub use consumer::{ConsumerId, Delivery, Gone};
pub use disk::{Disk, Hook, Snapshot};
pub use reply::Reply;
pub use server::Server;
pub use stream::Settings;
