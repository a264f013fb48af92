//! Which (key, id) pairs were processed, and when by stream time.
//!
//! An answer never depends on when ids are forgotten: the time decides, forgetting only frees memory. On disk the ids
//! of a key group lie in chunks, one a checkpoint at first; small neighbours are merged, so that a day of few events
//! is no million records. In memory an id lies in one map alone; of a chunk only its name and newest time are kept.

use super::id_map::IdMap;
use crate::core::ids::{Content, Digest, KeyGroup, Nanos, OWNERS, Position};
use crate::core::mutants::{Mutant, planted};
use std::collections::VecDeque;

/// An id's digest, the stream time at which it was processed, and its event's content where contents are noted.
pub type ProcessedId = (Digest, Nanos, Content);

/// So many small chunks of a group become one, which writes every id twice in all.
pub(super) const MERGE_CHUNKS: usize = 64;
/// So many ids are worth a chunk of their own; about as many fill a record.
const MERGE_IDS: usize = 180;
/// Expired ids stay in memory until they are one in so many.
const SWEEP_SHARE: usize = 8;
/// Ids that go into the maps together. Each one's place there is memory that nobody has touched for long: one after the
/// other, every event would wait for it; in a row, the processor fetches several at once.
const TOGETHER: usize = 32;

/// A chunk that is to go from the disk: it holds nothing but expired ids, or was merged into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The checkpoint that wrote it: its name on disk.
    pub position: Position,
    /// How many records it fills there.
    pub records: u16,
}

/// What is kept of a chunk on disk.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    place: Gone,
    newest: Nanos,
    ids: usize,
}

/// The ids of one key group.
#[derive(Debug, Default)]
struct GroupIds {
    /// Every id that may still count, and some that do not any more.
    times: IdMap,
    /// What lies on disk, by position.
    chunks: VecDeque<Chunk>,
    /// So many of the last chunks are small, and these are their ids.
    small: usize,
    small_ids: Vec<ProcessedId>,
    /// Processed since the last barrier.
    fresh: Vec<ProcessedId>,
    /// Ids of chunks that expired since `times` was last swept.
    expired: usize,
}

/// The processed ids of one shard.
#[derive(Debug)]
pub struct Dedup {
    window: Option<Nanos>,
    groups: Vec<GroupIds>,
    /// What lies on disk up to here may have been noted under another rule of identity than the plan's.
    other_rule_through: Position,
    /// From this stream time on, no id that was noted under another rule counts.
    other_rule_until: Option<Nanos>,
    /// Processed, and not in the maps yet: fewer than [`TOGETHER`].
    waiting: Vec<(KeyGroup, ProcessedId)>,
    /// Whether contents are noted.
    contents: bool,
    /// A bit for each of those by its digest: almost every other id is told from them with one look.
    hints: [u64; 8],
}

impl Dedup {
    /// An empty memory with the plan's window; `None` switches it off.
    pub fn new(window: Option<Nanos>) -> Dedup {
        let groups = (0..OWNERS).map(|_| GroupIds::default()).collect();
        Dedup {
            window,
            groups,
            other_rule_through: Position(0),
            other_rule_until: None,
            waiting: Vec::with_capacity(TOGETHER),
            contents: false,
            hints: [0; 8],
        }
    }

    /// Says before anything is restored that what was noted up to a position may have been so under another rule of
    /// identity.
    pub fn set_other_rule(&mut self, through: Position) {
        self.other_rule_through = through;
    }

    /// Says that the rule of identity changes now: all that is noted was noted under the other one.
    pub fn change_rule(&mut self, now: Nanos) {
        self.note_other_rule(now);
    }

    fn note_other_rule(&mut self, newest: Nanos) {
        let until = Nanos(newest.0.saturating_add(self.window.unwrap_or_default().0));
        self.other_rule_until = self.other_rule_until.max(Some(until));
    }

    /// Whether an id that was noted under another rule may still count.
    pub fn has_other_rule(&self, now: Nanos) -> bool {
        self.other_rule_until.is_some_and(|until| now < until) && !planted(Mutant::OtherIdentityForgotten)
    }

    /// Whether this id was processed less than the window ago.
    pub fn is_duplicate(&self, group: KeyGroup, id: Digest, now: Nanos) -> bool {
        let then = self.waits(id).or_else(|| self.groups.get(usize::from(group.0))?.times.get(id));
        match (self.window, then) {
            (Some(window), Some(then)) => now.0.saturating_sub(then.0) < window.0 || planted(Mutant::ExpiryByChunk),
            _ => false,
        }
    }

    /// Whether the group's map has this id, expired or not: a touch of its memory, and no answer to anything else.
    pub fn knows(&self, group: KeyGroup, id: Digest) -> bool {
        self.groups.get(usize::from(group.0)).is_some_and(|group| group.times.get(id).is_some())
    }

    /// Says whether the contents of events are noted, with 8 bytes more an id. Decides no outcome: it is for counting.
    pub fn note_contents(&mut self, on: bool) {
        self.contents = on && self.window.is_some();
        for group in &mut self.groups {
            group.times.note_contents(self.contents);
            if !self.contents {
                // What is merged into a later chunk is written again.
                group.small_ids.iter_mut().for_each(|(.., content)| *content = Content::UNKNOWN);
            }
        }
    }

    /// What was noted of the content of the event that had an id last.
    pub fn content(&self, group: KeyGroup, id: Digest) -> Content {
        let waits = self.waiting.iter().rfind(|(_, (known, ..))| *known == id).map(|(_, (.., content))| *content);
        let group = self.groups.get(usize::from(group.0));
        waits.unwrap_or_else(|| group.map_or(Content::UNKNOWN, |group| group.times.content(id)))
    }

    /// Remembers that an id, which is no duplicate, was processed at `now`.
    pub fn mark(&mut self, group: KeyGroup, id: Digest, now: Nanos) {
        self.mark_with(group, id, now, Content::UNKNOWN);
    }

    /// The same with its event's content.
    pub fn mark_with(&mut self, group: KeyGroup, id: Digest, now: Nanos, content: Content) {
        if self.window.is_none() {
            return;
        }
        debug_assert!(self.contents || content == Content::UNKNOWN, "nobody asked for contents");
        let (word, bit) = hint(id);
        if let Some(word) = self.hints.get_mut(word) {
            *word |= bit;
        }
        self.waiting.push((group, (id, now, content)));
        if self.waiting.len() >= TOGETHER {
            self.note();
        }
    }

    /// When an id was processed that waits; the last time, if a window has passed since an earlier one. The digest is one of
    /// key and id together, so that its group goes without saying.
    fn waits(&self, id: Digest) -> Option<Nanos> {
        let (word, bit) = hint(id);
        if self.hints.get(word).is_none_or(|word| word & bit == 0) {
            return None;
        }
        self.waiting.iter().rfind(|(_, (known, ..))| *known == id).map(|(_, (_, then, _))| *then)
    }

    /// Puts what waits into the maps.
    fn note(&mut self) {
        self.hints = [0; 8];
        for (group, (id, now, content)) in self.waiting.drain(..) {
            if let Some(group) = self.groups.get_mut(usize::from(group.0)) {
                group.times.set(id, now, content);
                group.fresh.push((id, now, content));
            }
        }
    }

    /// Takes a stored record of a chunk back; chunks of a group come in order of their positions.
    pub fn restore(&mut self, group: KeyGroup, position: Position, ids: Vec<ProcessedId>) {
        self.note();
        let newest = ids.iter().map(|(_, time, _)| *time).max().unwrap_or_default();
        let of_other_rule = position <= self.other_rule_through;
        if of_other_rule {
            self.note_other_rule(newest);
        }
        let Some(group) = self.groups.get_mut(usize::from(group.0)) else { return };
        // Contents on the disk are kept until the plan says whether it wants them.
        if ids.iter().any(|(.., content)| *content != Content::UNKNOWN) {
            group.times.note_contents(true);
        }
        for (id, time, content) in &ids {
            group.times.set_latest(*id, *time, *content);
        }
        match group.chunks.back_mut().filter(|last| last.place.position == position) {
            Some(last) => {
                last.place.records += 1;
                last.newest = last.newest.max(newest);
                last.ids += ids.len();
                // What takes several records is not small.
                group.close();
            }
            None => {
                group.chunks.push_back(Chunk { place: Gone { position, records: 1 }, newest, ids: ids.len() });
                group.keep_small(&ids);
            }
        }
        if of_other_rule {
            // Merged with later ones, they would lie behind the position that tells them.
            group.close();
        }
    }

    /// At a barrier: a group's ids since the last one become a chunk. `write` stores them and says in how many records;
    /// the chunks that it holds as well, and that are to go, are returned.
    pub fn cut(&mut self, group: KeyGroup, position: Position, write: impl FnOnce(&[ProcessedId]) -> u16) -> Vec<Gone> {
        self.note();
        let Some(group) = self.groups.get_mut(usize::from(group.0)) else { return Vec::new() };
        let mut ids = std::mem::take(&mut group.fresh);
        if ids.is_empty() {
            return Vec::new();
        }
        let mut merged = Vec::new();
        if group.small + 1 >= MERGE_CHUNKS || group.small_ids.len() + ids.len() >= MERGE_IDS {
            let before = group.chunks.len() - group.small.min(group.chunks.len());
            merged.extend(group.chunks.drain(before..).map(|chunk| chunk.place));
            ids.splice(0..0, group.small_ids.drain(..));
            group.close();
        }
        let records = write(&ids);
        let newest = ids.iter().map(|(_, time, _)| *time).max().unwrap_or_default();
        group.chunks.push_back(Chunk { place: Gone { position, records }, newest, ids: ids.len() });
        // A chunk that was just merged stays as it is, unless a restart finds it among the small ones.
        if merged.is_empty() {
            group.keep_small(&ids);
        }
        group.use_again(ids);
        merged
    }

    /// Forgets a group's chunks of which every id is out of the window at `now`.
    pub fn expire(&mut self, group: KeyGroup, now: Nanos) -> Vec<Gone> {
        self.note();
        let (Some(window), Some(group)) = (self.window, self.groups.get_mut(usize::from(group.0))) else {
            return Vec::new();
        };
        let out = |time: Nanos| now.0.saturating_sub(time.0) >= window.0;
        let mut gone = Vec::new();
        while let Some(chunk) = group.chunks.pop_front_if(|chunk| out(chunk.newest)) {
            group.expired += chunk.ids;
            gone.push(chunk.place);
        }
        if group.small > group.chunks.len() {
            group.close();
        }
        // The map is looked through once for every so many ids that it can lose, which costs each of them little.
        if group.expired * SWEEP_SHARE >= group.times.len() && group.expired > 0 {
            group.times.forget(out);
            group.expired = 0;
        }
        gone
    }

    /// How many ids are remembered, a share of expired ones included.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.times.len()).sum::<usize>() + self.waiting.len()
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which bit of the hints is an id's.
fn hint(id: Digest) -> (usize, u64) {
    // The casts keep the lower bits, all that is needed of them.
    ((id.0 >> 6) as usize % 8, 1 << (id.0 as u64 % 64))
}

impl GroupIds {
    /// The newest chunk joins the small ones before it, unless together they are worth a chunk of their own.
    fn keep_small(&mut self, ids: &[ProcessedId]) {
        if self.small_ids.len() + ids.len() >= MERGE_IDS {
            self.close();
        }
        if ids.len() < MERGE_IDS {
            self.small += 1;
            self.small_ids.extend_from_slice(ids);
        }
    }

    /// The memory of what was processed until a barrier serves until the next, as long as about as much comes.
    fn use_again(&mut self, mut ids: Vec<ProcessedId>) {
        if ids.capacity() > 4 * ids.len() {
            ids.shrink_to_fit();
        }
        ids.clear();
        self.fresh = ids;
    }

    /// No chunk up to here is merged any more.
    fn close(&mut self) {
        self.small = 0;
        self.small_ids = Vec::new();
    }
}
