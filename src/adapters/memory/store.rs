//! A store in memory, for tests, the simulator and the benches.
//!
//! Nothing survives the process and nothing ever fails. Clones share their content, so that a clone
//! stands for the same store opened again.

use crate::ports::store::{Batch, Space, Store, StoreError, Visit};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// How many entries a scan copies at a time.
const PAGE: usize = 256;

type Entries = BTreeMap<(Space, Vec<u8>), Vec<u8>>;

/// An ordered map behind a lock.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    entries: Arc<RwLock<Entries>>,
    syncs: Arc<AtomicU64>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// How often `sync` was called on this store or a clone of it.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    // A writer that panicked has changed whole entries only: the map is still a map.
    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next entries of a scan, after `last` or from the prefix itself.
    fn page(&self, space: Space, prefix: &[u8], last: Option<&[u8]>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let from = match last {
            None => Bound::Included((space, prefix.to_vec())),
            Some(last) => Bound::Excluded((space, last.to_vec())),
        };
        let entries = self.read();
        let inside =
            entries.range((from, Bound::Unbounded)).take_while(|((s, k), _)| *s == space && k.starts_with(prefix));
        inside.take(PAGE).map(|((_, key), value)| (key.clone(), value.clone())).collect()
    }
}

impl Store for MemoryStore {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read().get(&(space, key.to_vec())).cloned())
    }

    fn scan(&self, space: Space, prefix: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        // Page by page, so that no lock is held while the visitor runs: it may use the store.
        let mut last: Option<Vec<u8>> = None;
        loop {
            let page = self.page(space, prefix, last.as_deref());
            for (key, value) in &page {
                if !visit(key, value) {
                    return Ok(());
                }
            }
            match page.into_iter().next_back() {
                Some((key, _)) => last = Some(key),
                None => return Ok(()),
            }
        }
    }

    fn apply(&self, space: Space, batch: &Batch) -> Result<(), StoreError> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in &batch.changes {
            let key = (space, key.clone());
            match value {
                Some(value) => entries.insert(key, value.clone()),
                None => entries.remove(&key),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn disk_bytes(&self) -> u64 {
        0
    }
}
