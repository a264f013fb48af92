//! A sled database in a state directory, guarded against its known faults. The only place that names sled.
//!
//! ```text
//! <state>/db, conf, snap.*, blobs/    sled's own; what is beside them is `adapters::directory`'s
//! ```

pub mod guard;
pub mod open;
pub mod store;

pub use store::SledStore;
