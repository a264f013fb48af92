//! Which (key, id) pairs were processed, and when by stream time.
//!
//! An answer never depends on when ids are forgotten: the time decides, forgetting only frees memory. Ids
//! are kept in chunks, one a key group and checkpoint, because that is how they are stored and deleted.

use super::digests::DigestMap;
use crate::core::ids::{Digest, KEY_GROUPS, KeyGroup, Nanos, Position};
use crate::core::mutants::{Mutant, planted};
use std::collections::VecDeque;

/// An id's digest and the stream time at which it was processed.
pub type Processed = (Digest, Nanos);

/// The ids of one key group that one checkpoint wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The checkpoint's position: the chunk's name on disk.
    pub position: Position,
    /// The ids, in the order in which they were processed.
    pub ids: Vec<Processed>,
    /// How many records it fills on disk.
    pub records: u16,
}

/// A chunk that holds nothing but expired ids and was let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The checkpoint that wrote it.
    pub position: Position,
    /// How many records it fills on disk.
    pub records: u16,
}

/// The processed ids of one shard.
#[derive(Debug)]
pub struct Dedup {
    window: Option<Nanos>,
    times: DigestMap<Nanos>,
    chunks: Vec<VecDeque<Chunk>>,
    fresh: Vec<Vec<Processed>>,
}

impl Dedup {
    /// An empty memory with the plan's window; `None` switches it off.
    pub fn new(window: Option<Nanos>) -> Dedup {
        let groups = usize::from(KEY_GROUPS);
        Dedup {
            window,
            times: DigestMap::default(),
            chunks: vec![VecDeque::new(); groups],
            fresh: vec![Vec::new(); groups],
        }
    }

    /// Whether this id was processed less than the window ago.
    pub fn is_duplicate(&self, id: Digest, now: Nanos) -> bool {
        match (self.window, self.times.get(&id)) {
            (Some(window), Some(then)) => now.0.saturating_sub(then.0) < window.0 || planted(Mutant::ExpiryByChunk),
            _ => false,
        }
    }

    /// Remembers that an id was processed at `now`.
    pub fn mark(&mut self, group: KeyGroup, id: Digest, now: Nanos) {
        if self.window.is_some() {
            self.times.insert(id, now);
            if let Some(fresh) = self.fresh.get_mut(usize::from(group.0)) {
                fresh.push((id, now));
            }
        }
    }

    /// Takes a stored chunk back; chunks of a group come in order of their positions.
    pub fn restore(&mut self, group: KeyGroup, chunk: Chunk) {
        for (id, time) in &chunk.ids {
            let known = self.times.entry(*id).or_insert(*time);
            *known = (*known).max(*time);
        }
        if let Some(chunks) = self.chunks.get_mut(usize::from(group.0)) {
            match chunks.back_mut().filter(|last| last.position == chunk.position) {
                Some(last) => {
                    last.ids.extend(chunk.ids);
                    last.records += chunk.records;
                }
                None => chunks.push_back(chunk),
            }
        }
    }

    /// At a barrier: a group's ids since the last one become a chunk, which is returned to be stored.
    pub fn cut(&mut self, group: KeyGroup, position: Position) -> Option<&mut Chunk> {
        let ids = std::mem::take(self.fresh.get_mut(usize::from(group.0))?);
        if ids.is_empty() {
            return None;
        }
        let chunks = self.chunks.get_mut(usize::from(group.0))?;
        chunks.push_back(Chunk { position, ids, records: 0 });
        chunks.back_mut()
    }

    /// Forgets a group's chunks of which every id is out of the window at `now`.
    pub fn expire(&mut self, group: KeyGroup, now: Nanos) -> Vec<Expired> {
        let (Some(window), Some(chunks)) = (self.window, self.chunks.get_mut(usize::from(group.0))) else {
            return Vec::new();
        };
        let out = |time: Nanos| now.0.saturating_sub(time.0) >= window.0;
        let mut expired = Vec::new();
        while let Some(chunk) = chunks.pop_front_if(|chunk| chunk.ids.iter().all(|(_, time)| out(*time))) {
            for (id, _) in &chunk.ids {
                // The id may have been processed again since, in a later chunk.
                if self.times.get(id).is_some_and(|time| out(*time)) {
                    self.times.remove(id);
                }
            }
            expired.push(Expired { position: chunk.position, records: chunk.records });
        }
        expired
    }

    /// How many ids are remembered.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_exact_whatever_the_chunks() {
        let group = KeyGroup(3);
        let mut dedup = Dedup::new(Some(Nanos(100)));
        dedup.mark(group, Digest(1), Nanos(1_000));
        assert_eq!(dedup.cut(group, Position(5)).map(|c| c.ids.len()), Some(1));
        assert!(dedup.is_duplicate(Digest(1), Nanos(1_099)));
        assert!(!dedup.is_duplicate(Digest(1), Nanos(1_100)), "at the window's end it is new again");
        assert!(!dedup.is_duplicate(Digest(2), Nanos(1_000)));
        // Processed again before the old chunk is let go: the new time counts.
        dedup.mark(group, Digest(1), Nanos(1_100));
        assert_eq!(dedup.expire(group, Nanos(1_150)), vec![Expired { position: Position(5), records: 0 }]);
        assert!(dedup.is_duplicate(Digest(1), Nanos(1_199)));
        dedup.cut(group, Position(6));
        assert_eq!(dedup.expire(group, Nanos(1_199)), vec![]);
        assert_eq!(dedup.expire(group, Nanos(1_200)).len(), 1);
        assert!(dedup.is_empty());
    }
}
