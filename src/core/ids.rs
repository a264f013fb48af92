//! Newtypes for the numbers that must not be mixed up, and the hash that places a key.
//!
//! Nothing here knows where a number came from; it is used by every layer.

use serde::{Deserialize, Serialize};
use std::fmt;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// An event's stream sequence in the input stream, from 1. Zero stands for "before the first event".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

/// A message's stream sequence in the output stream, from 1. Zero stands for an empty lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LaneSequence(pub u64);

/// A moment as the server recorded it: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub i64);

/// `xxh3_64(key) % key_groups`: the unit in which state is stored and moved between shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyGroup(pub u16);

/// The number of key groups, fixed when the state directory is created.
pub const KEY_GROUPS: u16 = 128;

/// The number of owners of state: the key groups, and everyone.
pub const OWNERS: usize = KEY_GROUPS as usize + 1;

impl KeyGroup {
    /// What every shard has whole: the rows of global tables, and the ids of the events that feed them. No key is in it.
    pub const EVERYONE: KeyGroup = KeyGroup(KEY_GROUPS);

    /// The group of a key's text (XXH3, 64 bits, seed 0; see the xxHash specification).
    pub fn of(key: impl AsRef<[u8]>) -> KeyGroup {
        // The remainder is below KEY_GROUPS, so the cast keeps it whole.
        KeyGroup((xxh3_64(key.as_ref()) % u64::from(KEY_GROUPS)) as u16)
    }

    /// The shard that owns this group when there are `shards` of them: contiguous ranges of groups. Of what everyone has, the
    /// first one says what it leads to and hands over what changed.
    pub fn shard(self, shards: usize) -> usize {
        if self.is_everyone() { 0 } else { usize::from(self.0) * shards / usize::from(KEY_GROUPS) }
    }

    /// Whether every shard has it.
    pub fn is_everyone(self) -> bool {
        self == KeyGroup::EVERYONE
    }

    /// Every key group, in order.
    pub fn all() -> impl Iterator<Item = KeyGroup> {
        (0..KEY_GROUPS).map(KeyGroup)
    }

    /// Every owner of state: the key groups in order, then everyone.
    pub fn owners() -> impl Iterator<Item = KeyGroup> {
        KeyGroup::all().chain([KeyGroup::EVERYONE])
    }
}

/// A 128-bit XXH3 of a text, used where a map or a record needs a short name for a key of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u128);

impl Digest {
    /// The digest of one text.
    pub fn of(text: &[u8]) -> Digest {
        Digest(xxh3_128(text))
    }
}

/// What tells an event's content from another's: XXH3, 64 bits, of its bytes. Zero stands for one that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content(pub u64);

impl Content {
    /// Of an event whose content nobody noted.
    pub const UNKNOWN: Content = Content(0);

    /// The content of these bytes.
    pub fn of(bytes: &[u8]) -> Content {
        // One in 2^64 events shares its content with another one by this.
        Content(xxh3_64(bytes).max(1))
    }

    /// Whether both are known, and not the same.
    pub fn conflicts(self, other: Content) -> bool {
        self != Content::UNKNOWN && other != Content::UNKNOWN && self != other
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for LaneSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_pinned_and_cut_into_contiguous_ranges() {
        // Test vectors: a change of hash would orphan every stored row.
        assert_eq!(xxh3_64(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(Digest::of(b"").0, 0x99aa_06d3_0147_98d8_6001_c324_468d_497f);
        for shards in [1, 2, 3, 8] {
            let owners: Vec<usize> = KeyGroup::all().map(|g| g.shard(shards)).collect();
            assert!(owners.is_sorted());
            assert_eq!(owners.last(), Some(&(shards - 1)));
        }
    }
}
