//! Maps from digests: a digest is its own hash, so that no key is hashed twice.

use crate::core::ids::Digest;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys are digests.
pub type DigestMap<V> = HashMap<Digest, V, BuildHasherDefault<OwnHash>>;

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
