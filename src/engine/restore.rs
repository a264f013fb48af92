//! From a store to memory: what it says of itself, and the rows and ids of each shard.
//!
//! Nothing here knows which store it is, or what a start decides. The session uses it, and so does the simulator.

use crate::core::ids::{Digest, KeyGroup, Position};
use crate::core::mutants::{Mutant, planted};
use crate::core::plan::layout::TableId;
use crate::core::record::{
    CHECKPOINT_KEY, DEDUP, FLOOR_KEY, MARK_KEY, PLANS, ParkedReader, PlanReader, ROWS, RecordError, RowReader, WAITING,
    decode_dedup, dedup_position, read_plan, row_prefix_of_key, row_prefix_of_table,
};
use crate::core::state::changes::State;
use crate::core::state::row::StoredRow;
use crate::ports::store::{Space, Store, StoreError};
use crate::protocol::facts::{Checkpoint, Disk, GroupMark};
use crate::protocol::machines::shard::LoadScope;
use crate::protocol::prepare::IdsOf;

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
    load_everyones(store, after, &mut state)?;
    Ok(state.of_shard(shard))
}

/// Loads what every shard has: it is as of S.
fn load_everyones(store: &dyn Store, after: Position, state: &mut State) -> Result<(), StoreError> {
    let everyone = KeyGroup::EVERYONE;
    state.set_applied(everyone, after);
    load_ids(store, everyone, state)?;
    let mut reader = RowReader::default();
    let mut damage = None;
    let mut whole = true;
    store.scan(Space::of(everyone), &ROWS, &mut |name, value| {
        match reader.push(name, value) {
            Ok(Some(view)) if !state.rows.is_full() => {
                let row = StoredRow::of(&view);
                state.insert_global(row.table, row.row, Some(row));
            }
            Ok(Some(_)) => {
                state.rows.set_incomplete();
                whole = false;
            }
            Ok(None) => {}
            Err(error) => damage = Some(error),
        }
        whole && damage.is_none()
    })?;
    match damage.or_else(|| whole.then(|| reader.finish().err()).flatten()) {
        None => Ok(()),
        Some(error) => Err(damaged(error)),
    }
}

fn load_ids(store: &dyn Store, owner: KeyGroup, state: &mut State) -> Result<(), StoreError> {
    let mut damage = None;
    store.scan(Space::of(owner), &DEDUP, &mut |key, value| {
        let mut ids = Vec::new();
        match dedup_position(key).and_then(|(position, _)| decode_dedup(value, &mut ids).map(|()| position)) {
            Ok(position) => state.ids.restore(owner, position, ids),
            Err(error) => damage = Some(error),
        }
        damage.is_none()
    })?;
    damage.map_or(Ok(()), |error| Err(damaged(error)))
}

fn load_group(store: &dyn Store, group: KeyGroup, after: Position, state: &mut State) -> Result<(), StoreError> {
    let space = Space::Group(group);
    let mark = store.get(space, &MARK_KEY)?.map(|value| GroupMark::decode(&value)).transpose().map_err(damaged)?;
    // A group that was clean when later checkpoints were written holds everything up to S all the same.
    let mark = mark.filter(|_| !planted(Mutant::GroupMarkForgotten));
    state.set_applied(group, mark.map_or(after, |mark| mark.position.max(after)));
    load_ids(store, group, state)?;
    let mut damage = None;
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
pub(super) fn damaged(error: RecordError) -> StoreError {
    let (path, why) = ("(state.path)".to_owned(), error.to_string());
    if error.is_later() { StoreError::Later { path, why } } else { StoreError::Unreadable { path, why } }
}

/// The rows that the store holds of a key; those of all global tables under the empty one, which no event has.
pub fn stored_rows(store: &dyn Store, key: &str) -> Result<Vec<StoredRow>, StoreError> {
    let space = if key.is_empty() { Space::of(KeyGroup::EVERYONE) } else { Space::Group(KeyGroup::of(key)) };
    rows_under(store, space, &row_prefix_of_key(key))
}

/// What a shard asks for.
pub fn stored(store: &dyn Store, of: LoadScope<'_>) -> Result<Vec<StoredRow>, StoreError> {
    match of {
        LoadScope::Key(key) => stored_rows(store, key),
        LoadScope::Global(table, row) => stored_global_row(store, table, row),
    }
}

/// The row of a global table, if the store holds it.
pub fn stored_global_row(store: &dyn Store, table: TableId, row: Digest) -> Result<Vec<StoredRow>, StoreError> {
    rows_under(store, Space::of(KeyGroup::EVERYONE), &row_prefix_of_table(table, row))
}

fn rows_under(store: &dyn Store, space: Space, prefix: &[u8]) -> Result<Vec<StoredRow>, StoreError> {
    let mut reader = RowReader::default();
    let mut rows = Vec::new();
    let mut damage = None;
    store.scan(space, prefix, &mut |name, value| {
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
