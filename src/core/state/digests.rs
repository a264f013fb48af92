//! Maps from digests: a digest is its own hash, so that no key is hashed twice.

use crate::core::ids::{Digest, Nanos};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A map whose keys are digests.
pub type DigestMap<V> = HashMap<Digest, V, BuildHasherDefault<OwnHash>>;

/// When which id was processed: 24 bytes an entry, where a whole digest as the key would be padded to 32.
#[derive(Debug, Default)]
pub struct IdMap {
    times: HashMap<Halves, Nanos, BuildHasherDefault<OwnHash>>,
}

/// A digest as two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Halves([u64; 2]);

impl From<Digest> for Halves {
    fn from(digest: Digest) -> Halves {
        // The casts keep one half each.
        Halves([digest.0 as u64, (digest.0 >> 64) as u64])
    }
}

impl Hash for Halves {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, _] = self.0;
        state.write_u64(low);
    }
}

impl IdMap {
    /// When an id was processed.
    pub fn get(&self, id: Digest) -> Option<Nanos> {
        self.times.get(&id.into()).copied()
    }

    /// Notes that it was processed then.
    pub fn set(&mut self, id: Digest, time: Nanos) {
        self.times.insert(id.into(), time);
    }

    /// Notes that it was processed then, unless a later time is known.
    pub fn set_latest(&mut self, id: Digest, time: Nanos) {
        let known = self.times.entry(id.into()).or_insert(time);
        *known = (*known).max(time);
    }

    /// Lets go what is out. The question is put to each entry alone and keeps nothing between two of them, so the
    /// map's order cannot show.
    pub fn forget(&mut self, out: impl Fn(Nanos) -> bool) {
        self.times.retain(|_, time| !out(*time));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }
}

/// Takes the low half of a digest as the hash.
#[derive(Debug, Default)]
pub struct OwnHash(u64);

impl Hasher for OwnHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u128(&mut self, digest: u128) {
        // Both halves are good hashes; the cast keeps the low one.
        self.0 = digest as u64;
    }

    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only reached if the key type changes; stays correct, only slower.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}
