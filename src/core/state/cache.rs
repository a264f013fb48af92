//! The keys in memory: bounded by rows, clean keys are let go, changed ones stay until they are durable.
//!
//! Second chance (CLOCK): a key that was asked for since the hand last passed gets another round. Which keys
//! are in memory decides no outcome, only how often the store is read.

use super::digests::DigestMap;
use super::row::{Row, RowChange, StoredRow};
use super::rows::KeyRows;
use crate::core::ids::{Digest, KeyGroup};
use crate::core::plan::layout::TableId;
use std::collections::VecDeque;

/// A bounded set of keys with their rows.
#[derive(Debug)]
pub struct Cache {
    keys: DigestMap<KeyRows>,
    /// Every key in memory, in the order in which the hand visits them.
    clock: VecDeque<Digest>,
    /// Keys with changes that no barrier has taken.
    dirty: Vec<Digest>,
    /// While true, a key that is not in memory has no rows at all, and the store need not be asked.
    complete: bool,
    rows: usize,
    /// How many of the keys stand for a row of a global table.
    global: usize,
    rows_max: usize,
}

impl Cache {
    /// An empty cache for at most about `rows_max` rows, over an empty store.
    pub fn new(rows_max: usize) -> Cache {
        Cache {
            keys: DigestMap::default(),
            clock: VecDeque::new(),
            dirty: Vec::new(),
            complete: true,
            rows: 0,
            global: 0,
            rows_max,
        }
    }

    /// Says that the store holds keys which were not inserted.
    pub fn set_incomplete(&mut self) {
        self.complete = false;
    }

    /// Whether all that there is is in memory.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether the store must be asked for this key before an event of it is run.
    pub fn must_load(&self, key: Digest) -> bool {
        !self.complete && !self.keys.contains_key(&key)
    }

    /// Takes what the store holds of a key, no rows included.
    pub fn insert(&mut self, digest: Digest, key: &str, group: KeyGroup, rows: Vec<StoredRow>) {
        let rows = KeyRows::new(key, group, rows);
        self.rows += cost(&rows);
        self.global += usize::from(group.is_everyone());
        self.clock.push_back(digest);
        if let Some(before) = self.keys.insert(digest, rows) {
            // A key is loaded only when it is not there; keep the counts right all the same.
            self.rows -= cost(&before);
            self.global -= usize::from(before.group.is_everyone());
        }
    }

    /// A key's row.
    pub fn row(&self, key: Digest, table: TableId, row: Digest) -> Option<Row<'_>> {
        self.keys.get(&key)?.get(table, row)
    }

    /// All rows of a key, if it is in memory.
    pub fn key(&self, key: Digest) -> Option<&KeyRows> {
        self.keys.get(&key)
    }

    /// All rows of a key that an event asks for: the key is in use.
    pub fn asked(&self, key: Digest) -> Option<&KeyRows> {
        let rows = self.keys.get(&key)?;
        rows.referenced.set(true);
        Some(rows)
    }

    /// Applies the changes of one event to its key.
    pub fn apply(&mut self, digest: Digest, key: &str, group: KeyGroup, changes: impl Iterator<Item = RowChange>) {
        let clock = &mut self.clock;
        let (total, global) = (&mut self.rows, &mut self.global);
        let rows = self.keys.entry(digest).or_insert_with(|| {
            clock.push_back(digest);
            *total += 1;
            *global += usize::from(group.is_everyone());
            KeyRows::new(key, group, Vec::new())
        });
        *total -= cost(rows);
        let was_dirty = rows.is_dirty();
        for change in changes {
            rows.apply(change);
        }
        rows.referenced.set(true);
        *total += cost(rows);
        if rows.is_dirty() && !was_dirty {
            self.dirty.push(digest);
        }
    }

    /// How many keys have changes that no barrier has taken.
    pub fn dirty_keys(&self) -> usize {
        self.dirty.len()
    }

    /// At a barrier: visits every changed key once and pins it until that barrier is durable.
    pub fn take_dirty(&mut self, barrier: u64, mut visit: impl FnMut(&mut KeyRows)) {
        for digest in std::mem::take(&mut self.dirty) {
            if let Some(rows) = self.keys.get_mut(&digest).filter(|rows| rows.is_dirty()) {
                rows.pinned = barrier;
                self.rows -= cost(rows);
                visit(rows);
                self.rows += cost(rows);
            }
        }
    }

    /// Lets clean keys go until the bound holds; a key is clean when its changes are durable by `durable`.
    ///
    /// Each call visits every key at most twice, so that a cache full of pinned keys ends the search.
    pub fn evict(&mut self, durable: u64) -> usize {
        let mut evicted = 0;
        let mut visits = self.clock.len() * 2;
        while self.rows > self.rows_max && visits > 0 {
            visits -= 1;
            let Some(digest) = self.clock.pop_front() else { break };
            let Some(rows) = self.keys.get_mut(&digest) else { continue };
            if rows.is_dirty() || rows.pinned > durable || rows.referenced.take() {
                self.clock.push_back(digest);
                continue;
            }
            self.rows -= cost(rows);
            self.global -= usize::from(rows.group.is_everyone());
            self.keys.remove(&digest);
            self.complete = false;
            evicted += 1;
        }
        evicted
    }

    /// How many rows are in memory; a key without rows counts as one.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many of them are, or were, rows of global tables.
    pub fn global_rows(&self) -> usize {
        self.global
    }

    /// Whether the bound holds.
    pub fn is_full(&self) -> bool {
        self.rows >= self.rows_max
    }
}

/// What a key counts for: its rows, and one where it has none, because it takes memory too.
fn cost(rows: &KeyRows) -> usize {
    rows.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::columns::Columns;

    fn change() -> std::iter::Once<RowChange> {
        let columns = Some(Columns::default());
        let change =
            RowChange { table: 0, row: Digest(0), row_text: "".into(), columns, replaces: false, rests_on_rows: false };
        std::iter::once(change)
    }

    #[test]
    fn changed_keys_stay_until_they_are_durable() {
        let mut cache = Cache::new(2);
        for n in 1..=5 {
            cache.apply(Digest(n), "k", KeyGroup(0), change());
        }
        assert_eq!((cache.rows(), cache.evict(0)), (5, 0), "dirty keys are pinned");
        let mut seen = 0;
        cache.take_dirty(1, |key| {
            key.take_changes(|_, _, _| 1);
            seen += 1;
        });
        assert_eq!((seen, cache.evict(0)), (5, 0), "handed over, but not durable yet");
        assert!(!cache.must_load(Digest(9)), "nothing was let go: what is not here is nowhere");
        assert_eq!(cache.evict(1), 3);
        assert_eq!(cache.rows(), 2);
        assert!(cache.must_load(Digest(9)));
        cache.insert(Digest(9), "k9", KeyGroup(0), Vec::new());
        assert!(!cache.must_load(Digest(9)), "a key without rows is remembered too");
    }
}
