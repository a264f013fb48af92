//! The events of one shard that wait for a row.
//!
//! Holds them in the order in which time releases them; what changed since the last barrier is written with the key group's
//! rows. An event that comes and goes between two barriers never touches the disk.

use crate::core::ids::{Digest, KEY_GROUPS, KeyGroup, Nanos};
use crate::core::mutants::{Mutant, planted};
use crate::core::parked::{Parked, Turn};
use crate::core::record::{StoreChange, encode_parked, remove_parked};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An event is bounded by the size of messages: far below what a record holds.
const FITS: &str = "a waiting event is bounded by the size of messages";

/// The events that wait.
#[derive(Debug, Default)]
pub struct WaitingEvents {
    list: BTreeMap<Turn, Parked>,
    by_key: HashMap<Digest, SmallVec<[Turn; 2]>>,
    by_global_row: HashMap<Digest, BTreeSet<Turn>>,
    identities: HashMap<Digest, u32>,
    /// How many wait in each key group, once any did.
    counts: Vec<u32>,
    bytes: usize,
    /// The parts of those on disk.
    stored: HashMap<Turn, u16>,
    /// Those that came, went or moved since the last barrier.
    changed: BTreeSet<Turn>,
}

impl WaitingEvents {
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The bytes that they take, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many of a key group wait.
    pub fn of_group(&self, group: KeyGroup) -> u32 {
        self.counts.get(usize::from(group.0)).copied().unwrap_or(0)
    }

    /// The one that time releases first.
    pub fn first(&self) -> Option<&Parked> {
        self.list.values().next()
    }

    /// Whether an event of this identity waits.
    pub fn has(&self, identity: Digest) -> bool {
        self.identities.contains_key(&identity)
    }

    /// Those of a key, in their order.
    pub fn of_key(&self, key: Digest) -> SmallVec<[Turn; 2]> {
        let mut turns = self.by_key.get(&key).cloned().unwrap_or_default();
        turns.sort_unstable();
        turns
    }

    /// Those that wait for a row of a global table, in their order.
    pub fn of_global_row(&self, row: Digest) -> impl Iterator<Item = Turn> + use<> {
        self.by_global_row.get(&row).cloned().unwrap_or_default().into_iter()
    }

    /// One of them.
    pub fn get(&self, turn: Turn) -> Option<&Parked> {
        self.list.get(&turn)
    }

    /// The keys of those that leave by this time.
    pub fn due(&self, time: Nanos) -> impl Iterator<Item = &Parked> {
        self.list.values().take_while(move |parked| parked.turn.deadline <= time)
    }

    /// Adds one.
    pub fn add(&mut self, mut parked: Parked) {
        self.free_turn(&mut parked);
        self.changed.insert(parked.turn);
        self.put(parked);
    }

    /// Gives it a turn that is nobody else's, also not on disk.
    fn free_turn(&self, parked: &mut Parked) {
        while self.list.contains_key(&parked.turn) || self.stored.contains_key(&parked.turn) {
            parked.turn.again += 1;
        }
    }

    /// Takes one back that the store holds in so many parts.
    pub fn restore(&mut self, parked: Parked, parts: u16) {
        self.stored.insert(parked.turn, parts);
        self.put(parked);
    }

    /// Takes one away.
    pub fn remove(&mut self, turn: Turn) -> Option<Parked> {
        let parked = self.list.remove(&turn)?;
        self.changed.insert(turn);
        self.bytes -= parked.bytes();
        if let Some(count) = self.counts.get_mut(usize::from(turn.group.0)) {
            *count -= 1;
        }
        if let Some(turns) = parked.key().and_then(|key| self.by_key.get_mut(&key)) {
            turns.retain(|other| *other != turn);
            if let (true, Some(key)) = (turns.is_empty(), parked.key()) {
                self.by_key.remove(&key);
            }
        }
        for row in &parked.global_rows {
            if let Some(turns) = self.by_global_row.get_mut(row) {
                turns.remove(&turn);
                if turns.is_empty() {
                    self.by_global_row.remove(row);
                }
            }
        }
        if let Some(identity) = parked.identity()
            && let Some(count) = self.identities.get_mut(&identity)
        {
            *count -= 1;
            if *count == 0 {
                self.identities.remove(&identity);
            }
        }
        Some(parked)
    }

    /// Takes all of them, in their order, to be added again.
    pub fn take_all(&mut self) -> Vec<Parked> {
        let all = std::mem::take(&mut self.list).into_values().collect();
        self.by_key.clear();
        self.by_global_row.clear();
        self.identities.clear();
        self.counts.clear();
        self.bytes = 0;
        all
    }

    /// Puts one back that `take_all` gave; where it has another turn now, it is written anew.
    pub fn put_back(&mut self, parked: Parked, before: Turn) {
        let mut parked = parked;
        if parked.turn != before {
            self.free_turn(&mut parked);
            self.changed.extend([before, parked.turn]);
        }
        self.put(parked);
    }

    fn put(&mut self, parked: Parked) {
        self.counts.resize(usize::from(KEY_GROUPS), 0);
        if let Some(count) = self.counts.get_mut(usize::from(parked.turn.group.0)) {
            *count += 1;
        }
        self.bytes += parked.bytes();
        if let Some(key) = parked.key() {
            self.by_key.entry(key).or_default().push(parked.turn);
        }
        for row in &parked.global_rows {
            self.by_global_row.entry(*row).or_default().insert(parked.turn);
        }
        if let Some(identity) = parked.identity() {
            *self.identities.entry(identity).or_default() += 1;
        }
        self.list.insert(parked.turn, parked);
    }

    /// Takes what changed since the last barrier, each with its key group.
    pub fn take_changes(&mut self, mut write: impl FnMut(KeyGroup, Vec<StoreChange>)) {
        for turn in std::mem::take(&mut self.changed) {
            if planted(Mutant::WaitingNotWritten) {
                continue;
            }
            let mut out = Vec::new();
            match (self.list.get(&turn), self.stored.remove(&turn)) {
                (Some(parked), stored) => {
                    let parts = encode_parked(parked, stored.unwrap_or(0), &mut out).expect(FITS);
                    self.stored.insert(turn, parts);
                }
                (None, Some(parts)) => remove_parked(turn, parts, &mut out),
                (None, None) => {}
            }
            write(turn.group, out);
        }
    }
}
