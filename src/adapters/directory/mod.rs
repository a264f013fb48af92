//! The state directory around a database: what all engines keep beside it, whoever reads it.
//!
//! ```text
//! <state>/sidestream.lock    held while the store is open; its text is the store's id
//! <state>/FORMAT             format settings, engine and the store's id, JSON, written last at creation
//! <state>/SYNCED             how many batches were durable at least; written after every sync
//! <state>/IMPORTING          there from the beginning of an import to its end
//! ```
//!
//! Knows no database.

pub mod copy;
pub mod files;
pub mod importing;
pub mod lock;
pub mod manifest;
pub mod witness;
pub mod room;

pub use files::{put_away, set_aside, take_place};
pub use manifest::{KeptManifest, Manifest};
