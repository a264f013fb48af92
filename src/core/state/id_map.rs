//! When which id was processed: the largest part of a busy engine's memory, and a look at it for every event.
//!
//! A table with open addressing and linear probing (Knuth, The Art of Computer Programming, volume 3, section 6.4): an id
//! and its time lie side by side, so that a look is one line of cache, where a general map needs two that depend on each
//! other. A digest is its own hash. Entries go only all at once, in `forget`.

use crate::core::ids::{Digest, Nanos};

/// The time that stands in an empty slot; no event has it.
const EMPTY: i64 = i64::MIN;
/// The slots of the smallest table, a power of two as all are.
const FEWEST: usize = 8;

/// Ids and their times.
#[derive(Debug, Default)]
pub struct IdMap {
    slots: Vec<Slot>,
    len: usize,
}

/// 24 bytes an entry, where a whole digest would be padded to 32.
#[derive(Clone, Copy, Debug)]
struct Slot {
    id: [u64; 2],
    time: i64,
}

impl IdMap {
    /// When an id was processed.
    pub fn get(&self, id: Digest) -> Option<Nanos> {
        let slot = self.slots.get(self.find(halves(id))?)?;
        (slot.time != EMPTY).then_some(Nanos(slot.time))
    }

    /// Notes that it was processed then.
    pub fn set(&mut self, id: Digest, time: Nanos) {
        self.put(id, time, |_, new| new);
    }

    /// Notes that it was processed then, unless a later time is known.
    pub fn set_latest(&mut self, id: Digest, time: Nanos) {
        self.put(id, time, i64::max);
    }

    /// Lets go what is out, and the room that is not needed without it.
    pub fn forget(&mut self, out: impl Fn(Nanos) -> bool) {
        let old = std::mem::take(self);
        let kept = || old.slots.iter().filter(|slot| slot.time != EMPTY && !out(Nanos(slot.time)));
        let len = kept().count();
        if len > 0 {
            self.resize(slots_for(len));
        }
        kept().for_each(|slot| self.fill(*slot));
        self.len = len;
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Where an id is, or the empty slot where it would be; `None` in a table without slots.
    fn find(&self, id: [u64; 2]) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        // The cast keeps the low bits, which the mask takes.
        let mut at = id[0] as usize & mask;
        // A table is never full, so there is an end.
        while let Some(slot) = self.slots.get(at) {
            if slot.id == id || slot.time == EMPTY {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn put(&mut self, id: Digest, time: Nanos, both: fn(i64, i64) -> i64) {
        if slots_for(self.len + 1) > self.slots.len() {
            self.grow();
        }
        let id = halves(id);
        if let Some(slot) = self.find(id).and_then(|at| self.slots.get_mut(at)) {
            let new = slot.time == EMPTY;
            *slot = Slot { id, time: if new { time.0 } else { both(slot.time, time.0) } };
            self.len += usize::from(new);
        }
    }

    #[cold]
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.resize(slots_for(self.len + 1));
        old.iter().filter(|slot| slot.time != EMPTY).for_each(|slot| self.fill(*slot));
    }

    fn resize(&mut self, slots: usize) {
        self.slots.resize(slots, Slot { id: [0; 2], time: EMPTY });
    }

    /// Puts an entry into a table that does not have it.
    fn fill(&mut self, entry: Slot) {
        if let Some(slot) = self.find(entry.id).and_then(|at| self.slots.get_mut(at)) {
            *slot = entry;
        }
    }
}

/// The slots for so many entries: at most two thirds of them are taken, so that a look at a new id ends soon.
fn slots_for(entries: usize) -> usize {
    (entries + entries / 2 + 1).next_power_of_two().max(FEWEST)
}

fn halves(id: Digest) -> [u64; 2] {
    // The casts keep one half each.
    [id.0 as u64, (id.0 >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against a map of the standard library; ids that begin at the same slot are as likely as others.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0..4_u8, any::<u8>(), any::<u8>(), -9..9_i64), 1..600)) {
            let (mut map, mut model) = (IdMap::default(), BTreeMap::new());
            for (what, low, high, time) in steps {
                let id = Digest(u128::from(high) << 64 | u128::from(low % 16));
                match what {
                    0 | 1 => {
                        map.set(id, Nanos(time));
                        model.insert(id, time);
                    }
                    2 => {
                        map.set_latest(id, Nanos(time));
                        let known = model.entry(id).or_insert(time);
                        *known = time.max(*known);
                    }
                    _ if low < 8 => {
                        map.forget(|then| then.0 < time);
                        model.retain(|_, then| *then >= time);
                    }
                    _ => {}
                }
                prop_assert_eq!(map.get(id), model.get(&id).map(|time| Nanos(*time)));
                prop_assert_eq!(map.len(), model.len());
            }
            for (id, time) in model {
                prop_assert_eq!(map.get(id), Some(Nanos(time)));
            }
        }
    }

    #[test]
    fn the_digest_of_zeros_is_an_id_like_others_and_memory_is_given_back() {
        let mut map = IdMap::default();
        assert_eq!(map.get(Digest(0)), None);
        map.set(Digest(0), Nanos(0));
        assert_eq!((map.get(Digest(0)), map.get(Digest(8))), (Some(Nanos(0)), None));
        (1..10_000).for_each(|n| map.set(Digest(n), Nanos(1)));
        map.forget(|time| time.0 == 1);
        assert_eq!((map.len(), map.slots.len(), map.get(Digest(0))), (1, FEWEST, Some(Nanos(0))));
        map.forget(|_| true);
        assert_eq!((map.len(), map.slots.len()), (0, 0));
    }
}
