//! The state of a shard as the step and the checkpoint see it.
//!
//! The step asks and applies; a barrier takes one batch a key group. Encodings belong to `record`.

use super::cache::Cache;
use super::dedup::Dedup;
use super::row::{RowChange, StoredRow};
use super::visible::global_digest;
use super::waiting::WaitingEvents;
use crate::core::ids::{Digest, KeyGroup, Nanos, OWNERS, Position};
use crate::core::plan::layout::TableId;
use crate::core::record::{dedup_key, encode_dedup, encode_row, remove_row};

/// A row comes from messages of at most 64 MiB and a checkpoint from a few slices: far below what a record holds.
const FITS: &str = "rows and chunks are bounded by the size of messages and slices";

/// The rows and ids that one shard owns.
#[derive(Debug)]
pub struct State {
    /// The rows.
    pub rows: Cache,
    /// The ids.
    pub ids: Dedup,
    /// The events that wait for a row.
    pub waiting: WaitingEvents,
    /// Whether another shard says what an event of everyone leads to, and hands over what it changed.
    pub follows: bool,
    /// For each owner the position up to which it already holds every change.
    applied: Vec<Position>,
}

/// What a barrier takes from one key group, ready to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupChanges {
    /// The group.
    pub group: KeyGroup,
    /// Keys and their values, `None` where the key goes.
    pub changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl State {
    /// An empty state.
    pub fn new(rows_max: usize, window: Option<Nanos>) -> State {
        State {
            rows: Cache::new(rows_max),
            ids: Dedup::new(window),
            waiting: WaitingEvents::default(),
            follows: false,
            applied: vec![Position(0); OWNERS],
        }
    }

    /// The same, as one of several shards.
    pub fn of_shard(self, shard: usize) -> State {
        State { follows: KeyGroup::EVERYONE.shard(1) != shard, ..self }
    }

    /// Applies the changes of one event to its key's rows, or to those of global tables.
    pub fn apply(&mut self, key: Option<(Digest, &str)>, group: KeyGroup, changes: Vec<RowChange>) {
        if group.is_everyone() {
            for change in changes {
                let digest = global_digest(change.table, change.row);
                self.rows.apply(digest, "", group, std::iter::once(change));
            }
        } else if let Some((digest, text)) = key.filter(|_| !changes.is_empty()) {
            self.rows.apply(digest, text, group, changes.into_iter());
        }
    }

    /// Says up to where a group's stored state reaches.
    pub fn set_applied(&mut self, group: KeyGroup, position: Position) {
        if let Some(applied) = self.applied.get_mut(usize::from(group.0)) {
            *applied = position;
        }
    }

    /// Whether a group already holds what the event at this position changes.
    pub fn holds(&self, group: KeyGroup, position: Position) -> bool {
        self.applied.get(usize::from(group.0)).is_some_and(|applied| position <= *applied)
    }

    /// Takes everything that changed since the last barrier, one entry an owner whose state changed, in their order.
    pub fn take_changes(&mut self, barrier: u64, position: Position, stream_time: Nanos) -> Vec<GroupChanges> {
        let mut groups: Vec<GroupChanges> =
            KeyGroup::owners().map(|group| GroupChanges { group, changes: Vec::new() }).collect();
        self.rows.take_dirty(barrier, |key| {
            let Some(out) = groups.get_mut(usize::from(key.group.0)) else { return };
            let removed = key
                .take_changes(|name, columns, parts| encode_row(name, columns, parts, &mut out.changes).expect(FITS));
            for row in removed {
                remove_row(&row.row().name(key.key()), row.parts, &mut out.changes);
            }
        });
        for out in &mut groups {
            let mut gone = self.ids.expire(out.group, stream_time);
            let write = |ids: &[_]| encode_dedup(position, ids, &mut out.changes).expect(FITS);
            gone.extend(self.ids.cut(out.group, position, write));
            for chunk in gone {
                let records = (0..chunk.records).map(|n| (dedup_key(chunk.position, n), None));
                out.changes.extend(records);
            }
        }
        self.waiting.take_changes(|group, changes| {
            if let Some(out) = groups.get_mut(usize::from(group.0)) {
                out.changes.extend(changes);
            }
        });
        groups.retain(|out| !(out.changes.is_empty() || self.follows && out.group.is_everyone()));
        groups
    }

    /// Takes what the store holds of a key.
    pub fn insert(&mut self, digest: Digest, key: &str, group: KeyGroup, rows: Vec<StoredRow>) {
        self.rows.insert(digest, key, group, rows);
    }

    /// Takes what the store holds of a global table's row, which may be nothing.
    pub fn insert_global(&mut self, table: TableId, row: Digest, stored: Option<StoredRow>) {
        self.rows.insert(global_digest(table, row), "", KeyGroup::EVERYONE, stored.into_iter().collect());
    }
}
