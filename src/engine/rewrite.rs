//! What is written into a store before an engine runs over it: a new state's beginning, another lane's name, a rewind.
//!
//! Nothing here knows which store it is, or what a start decides. The session uses it, and so does the simulator.

use super::crash;
use super::restore::damaged;
use crate::core::ids::{KeyGroup, Position};
use crate::core::mutants::{Mutant, planted};
use crate::core::record::{
    CHECKPOINT_KEY, DEDUP, FLOOR_KEY, MARK_KEY, StoreChange, dedup_key, dedup_position, encode_plan,
};
use crate::ports::store::{Batch, Space, Store, StoreError};
use crate::protocol::facts::{Checkpoint, Disk, GroupMark, Rewind};
use crate::protocol::prepare::First;
use crate::protocol::rebind::Rebound;
use crate::protocol::rewind::{move_mark, move_position};
use std::collections::BTreeMap;

/// Writes what a start writes before anything else, in one batch.
pub fn write_first(store: &dyn Store, first: &First, record: &Checkpoint) -> Result<(), StoreError> {
    let mut changes = Vec::new();
    let (First::Anew(_, plans) | First::Plans(_, plans) | First::Texts(plans)) = first else { return Ok(()) };
    for plan in plans {
        encode_plan(&plan.fingerprint(), &plan.text(), &mut changes).expect("a plan's text is small");
    }
    if let First::Anew(floor, _) = first {
        if !planted(Mutant::FloorForgotten) {
            changes.push((FLOOR_KEY.to_vec(), Some(floor.encode())));
        }
        changes.push((CHECKPOINT_KEY.to_vec(), Some(record.encode())));
    }
    if let First::Plans(record, _) = first {
        changes.push((CHECKPOINT_KEY.to_vec(), Some(record.encode())));
    }
    store.apply(Space::Meta, &Batch { changes })?;
    store.sync()
}

/// Binds what the store holds to another lane: the plans' texts, every key group's mark, the floor, and the record last.
/// Durable when it returns; before that the store is no lane's, and must not be used.
pub fn rebind(store: &dyn Store, rebound: &Rebound) -> Result<(), StoreError> {
    for group in KeyGroup::all() {
        let space = Space::Group(group);
        let Some(value) = store.get(space, &MARK_KEY)? else { continue };
        let mark = GroupMark { lane: rebound.lane, ..GroupMark::decode(&value).map_err(damaged)? };
        store.apply(space, &Batch { changes: vec![(MARK_KEY.to_vec(), Some(mark.encode()))] })?;
    }
    let mut changes = Vec::new();
    for plan in &rebound.texts {
        encode_plan(&plan.fingerprint(), &plan.text(), &mut changes).expect("a plan's text is small");
    }
    changes.push((FLOOR_KEY.to_vec(), rebound.floor.map(|floor| floor.encode())));
    changes.push((CHECKPOINT_KEY.to_vec(), Some(rebound.record.encode())));
    store.apply(Space::Meta, &Batch { changes })?;
    store.sync()
}

/// Moves a directory to where `rewind::adopt` found that it is: every key group with its mark and the names of its ids'
/// chunks in one batch, and once these are durable, the floor and the record. Half done, it is moved on from where it is.
pub fn follow(store: &dyn Store, news: &[Rewind], disk: &Disk) -> Result<(), StoreError> {
    for group in KeyGroup::all() {
        let changes = moved_group(store, group, news)?;
        if !changes.is_empty() {
            store.apply(Space::Group(group), &Batch { changes })?;
        }
    }
    store.sync()?;
    crash::point("during_a_rewind");
    let mut changes = moved_ids(store, Space::Meta, news)?;
    changes.push((FLOOR_KEY.to_vec(), disk.floor.map(|floor| floor.encode())));
    if let Some(record) = &disk.checkpoint {
        changes.push((CHECKPOINT_KEY.to_vec(), Some(record.encode())));
    }
    store.apply(Space::Meta, &Batch { changes })?;
    store.sync()
}

/// What changes in a key group.
fn moved_group(store: &dyn Store, group: KeyGroup, news: &[Rewind]) -> Result<Vec<StoreChange>, StoreError> {
    let space = Space::Group(group);
    let Some(value) = store.get(space, &MARK_KEY)? else { return Ok(Vec::new()) };
    let mark = GroupMark::decode(&value).map_err(damaged)?;
    let mut changes = moved_ids(store, space, news)?;
    if let Some(moved) = move_mark(mark, news).filter(|moved| *moved != mark) {
        changes.push((MARK_KEY.to_vec(), Some(moved.encode())));
    }
    Ok(changes)
}

/// The chunks of ids of a space in their new places. A chunk is named by the position of its checkpoint: one beyond the floor
/// would be written over by the checkpoint that reaches that position again, so its records take their places behind the
/// floor's.
fn moved_ids(store: &dyn Store, space: Space, news: &[Rewind]) -> Result<Vec<StoreChange>, StoreError> {
    let mut changes = Vec::new();
    let mut damage = None;
    let mut records: BTreeMap<Position, u16> = BTreeMap::new();
    store.scan(space, &DEDUP, &mut |key, value| {
        match dedup_position(key) {
            Ok((position, _)) => {
                let to = move_position(position, news);
                let number = records.entry(to).or_default();
                if to != position {
                    changes.push((key.to_vec(), None));
                    changes.push((dedup_key(to, *number), Some(value.to_vec())));
                }
                *number = number.checked_add(1).expect("a key group never has so many ids within the window");
            }
            Err(error) => damage = Some(error),
        }
        damage.is_none()
    })?;
    damage.map_or(Ok(changes), |error| Err(damaged(error)))
}
