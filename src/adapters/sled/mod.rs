//! The state directory: a sled database, guarded against its known faults. The only place that names sled.
//!
//! ```text
//! <state>/sidestream.lock    held while the store is open; its text is the store's id
//! <state>/FORMAT             format settings and the store's id, JSON, written last at creation
//! <state>/SYNCED             how many batches were durable at least; written after every sync
//! <state>/db, conf, snap.*, blobs/    sled's own
//! ```

pub mod directory;
pub mod lock;
pub mod manifest;
pub mod witness;
pub mod guard;
pub mod open;
pub mod store;

pub use directory::{set_aside, take_place};
pub use manifest::Manifest;
pub use store::SledStore;
