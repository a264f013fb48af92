//! From a store to memory: what it says of itself, the rows and ids of each shard, and what a start writes first.
//!
//! Nothing here knows which store it is, or what a start decides. The session uses it, and so does the simulator.

use super::crash;
use crate::core::ids::{Digest, KeyGroup, Position};
use crate::core::mutants::{Mutant, planted};
use crate::core::record::{
    CHECKPOINT_KEY, Change, DEDUP, FLOOR_KEY, MARK_KEY, PLANS, ParkedReader, PlanReader, ROWS, RecordError, RowReader,
    WAITING, decode_dedup, dedup_key, dedup_position, encode_plan, read_plan, row_prefix_of_key,
};
use crate::core::state::changes::State;
use crate::core::state::row::StoredRow;
use crate::ports::store::{Batch, Space, Store, StoreError};
use crate::protocol::facts::{Checkpoint, Disk, GroupMark, Rewind};
use crate::protocol::prepare::{First, IdsOf};
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

/// What the store says of itself.
pub fn read(store: &dyn Store) -> Result<Disk, StoreError> {
    let mut disk = Disk::default();
    if let Some(value) = store.get(Space::Meta, CHECKPOINT_KEY)? {
        disk.checkpoint = Some(Checkpoint::decode(&value).map_err(damaged)?);
    }
    if let Some(value) = store.get(Space::Meta, FLOOR_KEY)? {
        disk.floor = Some(GroupMark::decode(&value).map_err(damaged)?);
    }
    for group in KeyGroup::all() {
        if let Some(value) = store.get(Space::Group(group), &MARK_KEY)? {
            disk.marks.push(GroupMark::decode(&value).map_err(damaged)?);
        }
    }
    let mut reader = PlanReader::default();
    let mut damage = None;
    store.scan(Space::Meta, PLANS, &mut |key, value| {
        match reader.push(key, value) {
            Ok(Some((fingerprint, text))) => match read_plan(fingerprint, text) {
                Ok(plan) => drop(disk.plans.insert(fingerprint.to_owned(), plan)),
                Err(error) => damage = Some(error),
            },
            Ok(None) => {}
            Err(error) => damage = Some(error),
        }
        damage.is_none()
    })?;
    match damage.or_else(|| reader.finish().err()) {
        None => Ok(disk),
        Some(error) => Err(damaged(error)),
    }
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
    let mut changes = vec![(FLOOR_KEY.to_vec(), disk.floor.map(|floor| floor.encode()))];
    if let Some(record) = &disk.checkpoint {
        changes.push((CHECKPOINT_KEY.to_vec(), Some(record.encode())));
    }
    store.apply(Space::Meta, &Batch { changes })?;
    store.sync()
}

/// What changes in a key group. A chunk of ids is named by the position of its checkpoint: one beyond the floor would be
/// written over by the checkpoint that reaches that position again, so its records take their places behind the floor's.
fn moved_group(store: &dyn Store, group: KeyGroup, news: &[Rewind]) -> Result<Vec<Change>, StoreError> {
    let space = Space::Group(group);
    let Some(value) = store.get(space, &MARK_KEY)? else { return Ok(Vec::new()) };
    let mark = GroupMark::decode(&value).map_err(damaged)?;
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
    if let Some(error) = damage {
        return Err(damaged(error));
    }
    if let Some(moved) = move_mark(mark, news).filter(|moved| *moved != mark) {
        changes.push((MARK_KEY.to_vec(), Some(moved.encode())));
    }
    Ok(changes)
}

/// Loads what `shards` shards own, each on a thread of its own; rows until the cache is full.
pub fn load(
    store: &dyn Store,
    shards: usize,
    cache_rows: usize,
    ids: IdsOf,
    after: Position,
) -> Result<Vec<State>, StoreError> {
    std::thread::scope(|scope| {
        let load = |shard: usize| move || load_shard(store, shard, shards, cache_rows, ids, after);
        let threads: Vec<_> = (0..shards).map(|shard| scope.spawn(load(shard))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            // A panic is our fault, and says nothing about the directory.
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).collect()
    })
}

/// Loads what one of `shards` shards owns.
pub fn load_shard(
    store: &dyn Store,
    shard: usize,
    shards: usize,
    cache_rows: usize,
    ids: IdsOf,
    after: Position,
) -> Result<State, StoreError> {
    let mut state = State::new(cache_rows.div_ceil(shards), ids.window);
    state.ids.set_other_rule(ids.other_rule_through);
    for group in KeyGroup::all().filter(|group| group.shard(shards) == shard) {
        load_group(store, group, after, &mut state)?;
    }
    Ok(state)
}

fn load_group(store: &dyn Store, group: KeyGroup, after: Position, state: &mut State) -> Result<(), StoreError> {
    let space = Space::Group(group);
    let mark = store.get(space, &MARK_KEY)?.map(|value| GroupMark::decode(&value)).transpose().map_err(damaged)?;
    // A group that was clean when later checkpoints were written holds everything up to S all the same.
    let mark = mark.filter(|_| !planted(Mutant::GroupMarkForgotten));
    state.set_applied(group, mark.map_or(after, |mark| mark.position.max(after)));
    let mut damage = None;
    store.scan(space, &DEDUP, &mut |key, value| {
        let mut ids = Vec::new();
        match dedup_position(key).and_then(|(position, _)| decode_dedup(value, &mut ids).map(|()| position)) {
            Ok(position) => state.ids.restore(group, position, ids),
            Err(error) => damage = Some(error),
        }
        damage.is_none()
    })?;
    let mut waiting = ParkedReader::new(group);
    store.scan(space, &WAITING, &mut |key, value| {
        match waiting.push(key, value) {
            Ok(Some((parked, parts))) => state.waiting.restore(parked, parts),
            Ok(None) => {}
            Err(error) => damage = Some(error),
        }
        damage.is_none()
    })?;
    if let Some(error) = damage.take().or_else(|| waiting.finish().err()) {
        return Err(damaged(error));
    }
    let mut reader = RowReader::default();
    let mut key: Option<(Box<str>, Vec<StoredRow>)> = None;
    let mut to_the_end = true;
    store.scan(space, &ROWS, &mut |name, value| {
        match reader.push(name, value) {
            Ok(Some(view)) => {
                let same = key.as_ref().is_some_and(|(text, _)| **text == *view.name.key);
                if !same {
                    insert(state, group, key.take());
                }
                if state.rows.is_full() {
                    state.rows.set_incomplete();
                    to_the_end = false;
                    return false;
                }
                key.get_or_insert_with(|| (view.name.key.into(), Vec::new())).1.push(StoredRow::of(&view));
            }
            Ok(None) => {}
            Err(error) => damage = Some(error),
        }
        damage.is_none()
    })?;
    insert(state, group, key);
    match damage.or_else(|| to_the_end.then(|| reader.finish().err()).flatten()) {
        None => Ok(()),
        Some(error) => Err(damaged(error)),
    }
}

fn insert(state: &mut State, group: KeyGroup, key: Option<(Box<str>, Vec<StoredRow>)>) {
    if let Some((text, rows)) = key {
        state.insert(Digest::of(text.as_bytes()), &text, group, rows);
    }
}

/// The store does not say where it is; the configuration does. What a later build wrote is no damage.
fn damaged(error: RecordError) -> StoreError {
    let (path, why) = ("(state.path)".to_owned(), error.to_string());
    if error.is_later() { StoreError::Later { path, why } } else { StoreError::Unreadable { path, why } }
}

/// The rows that the store holds of a key.
pub fn stored_rows(store: &dyn Store, key: &str) -> Result<Vec<StoredRow>, StoreError> {
    let mut reader = RowReader::default();
    let mut rows = Vec::new();
    let mut damage = None;
    store.scan(Space::Group(KeyGroup::of(key)), &row_prefix_of_key(key), &mut |name, value| {
        match reader.push(name, value) {
            Ok(Some(view)) => rows.push(StoredRow::of(&view)),
            Ok(None) => {}
            Err(error) => damage = Some(error),
        }
        damage.is_none()
    })?;
    match damage.or_else(|| reader.finish().err()) {
        None => Ok(rows),
        Some(error) => Err(damaged(error)),
    }
}
