//! Where in a store something stands, and what changes together.
//!
//! Plain data, so that the protocol can say what is to be written without knowing who writes.

use super::parts::Change;
use crate::core::ids::KeyGroup;

/// A part of the store with an order of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// Format settings, the record of S, and plans.
    Meta,
    /// The rows, de-duplication chunks and mark of one key group.
    Group(KeyGroup),
}

/// Changes that become visible and durable together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// A value to write, or `None` to remove the key; later entries win.
    pub changes: Vec<Change>,
}
