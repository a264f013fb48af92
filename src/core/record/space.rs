//! Where in a store something stands, and what changes together.
//!
//! Plain data, so that the protocol can say what is to be written without knowing who writes.

use super::parts::StoreChange;
use crate::core::ids::KeyGroup;

/// A part of the store with an order of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// Format settings, the record of S, plans, and what is as of S: the rows of global tables and the ids of their events.
    Meta,
    /// The rows, de-duplication chunks and mark of one key group.
    Group(KeyGroup),
}

impl Space {
    /// Where the rows and ids of an owner stand. What everyone has changes with the record of S, in one batch.
    pub fn of(owner: KeyGroup) -> Space {
        if owner.is_everyone() { Space::Meta } else { Space::Group(owner) }
    }

    /// A key as one store of ordered bytes holds it: the group as two bytes, big-endian, `ff ff` for `Meta`, then the key.
    pub fn key(self, key: &[u8]) -> Vec<u8> {
        let prefix = match self {
            Space::Meta => u16::MAX,
            Space::Group(KeyGroup(group)) => group,
        };
        let mut whole = Vec::with_capacity(key.len() + 2);
        whole.extend_from_slice(&prefix.to_be_bytes());
        whole.extend_from_slice(key);
        whole
    }
}

/// Changes that become visible and durable together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// A value to write, or `None` to remove the key; later entries win.
    pub changes: Vec<StoreChange>,
}
