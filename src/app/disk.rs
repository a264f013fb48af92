//! The state directory: opening it, what it says of itself, and loading it into memory.
//!
//! A directory that cannot be read is set aside, never deleted. Nothing here knows what a start decides.

use crate::adapters::sled::{SledStore, set_aside};
use crate::core::ids::{Digest, KeyGroup, Nanos, Position};
use crate::core::plan::spec::PlanSpec;
use crate::core::protocol::facts::{Checkpoint, Disk, GroupMark};
use crate::core::record::{
    CHECKPOINT_KEY, DEDUP, FLOOR_KEY, Format, MARK_KEY, PLANS, PlanReader, ROWS, RecordError, RowReader, decode_dedup,
    dedup_position, encode_plan,
};
use crate::core::state::changes::State;
use crate::core::state::dedup::Chunk;
use crate::core::state::rows::Row;
use crate::ports::store::{Batch, Space, Store, StoreError};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// An open state directory and what it holds.
pub struct Opened {
    /// The store.
    pub store: Arc<SledStore>,
    /// Its account.
    pub disk: Disk,
}

/// Opens the directory; one that cannot be read is set aside and a new one takes its place.
pub fn open(path: &Path) -> Result<Opened, StoreError> {
    let read = || {
        let store = SledStore::open(path)?;
        let differences = Format::current().differences(store.format());
        if !differences.is_empty() {
            return Err(StoreError::Format { path: path.display().to_string(), differences });
        }
        let disk = read(&store)?;
        Ok(Opened { store: Arc::new(store), disk })
    };
    match read() {
        Err(StoreError::Unreadable { why, .. }) => {
            put_aside(path, &why)?;
            read()
        }
        other => other,
    }
}

/// Sets a directory aside that is open no more, and says so.
pub fn put_aside(path: &Path, why: &str) -> Result<(), StoreError> {
    let aside = set_aside(path)?;
    tracing::warn!(path = %path.display(), aside = %aside.display(), why, "the state directory is unreadable and was set aside");
    Ok(())
}

/// The plans whose text the directory holds.
pub fn plans(path: &Path) -> Result<BTreeMap<String, PlanSpec>, StoreError> {
    Ok(read(&SledStore::open(path)?)?.plans)
}

/// Sets the directory aside and opens a new one, which keeps the texts of the plans.
pub fn begin_anew(path: &Path, opened: Opened) -> Result<Opened, StoreError> {
    let Opened { store, disk } = opened;
    let fresh = disk.checkpoint.is_none() && disk.marks.is_empty();
    if fresh {
        return Ok(Opened { store, disk });
    }
    drop(store);
    let aside = set_aside(path)?;
    tracing::warn!(aside = %aside.display(), "the old state directory was set aside");
    Ok(Opened { store: Arc::new(SledStore::open(path)?), disk })
}

/// Writes the texts of plans.
pub fn write_plans(store: &dyn Store, plans: &[PlanSpec]) -> Result<(), StoreError> {
    store.apply(Space::Meta, &Batch { changes: plan_changes(plans) })?;
    store.sync()
}

/// Writes what a start over an empty state, or past a gap, begins from, so that the next one knows B and what was consented to: the
/// record, B as a floor, and the texts of plans, in one batch.
pub fn write_first(
    store: &dyn Store,
    plans: &[PlanSpec],
    record: &Checkpoint,
    floor: &GroupMark,
) -> Result<(), StoreError> {
    let mut changes = plan_changes(plans);
    changes.push((FLOOR_KEY.to_vec(), Some(floor.encode())));
    changes.push((CHECKPOINT_KEY.to_vec(), Some(record.encode())));
    store.apply(Space::Meta, &Batch { changes })?;
    store.sync()
}

fn plan_changes(plans: &[PlanSpec]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut changes = Vec::new();
    for plan in plans {
        encode_plan(&plan.fingerprint(), &plan.text(), &mut changes).expect("a plan's text is small");
    }
    changes
}

fn read(store: &dyn Store) -> Result<Disk, StoreError> {
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
            Ok(Some((fingerprint, text))) => match serde_json::from_str::<PlanSpec>(text) {
                Ok(plan) => drop(disk.plans.insert(fingerprint.to_owned(), plan)),
                Err(_) => damage = Some(RecordError::Damaged("a plan's text does not parse")),
            },
            Ok(None) => {}
            Err(error) => damage = Some(error),
        }
        damage.is_none()
    })?;
    match damage {
        None => Ok(disk),
        Some(error) => Err(damaged(error)),
    }
}

/// Loads what `shards` shards own, each on a thread of its own; rows until the cache is full.
pub fn load(
    store: &dyn Store,
    shards: usize,
    cache_rows: usize,
    window: Option<Nanos>,
    after: Position,
) -> Result<Vec<State>, StoreError> {
    std::thread::scope(|scope| {
        let load = |shard: usize| {
            move || {
                let mut state = State::new(cache_rows.div_ceil(shards), window);
                for group in KeyGroup::all().filter(|group| group.shard(shards) == shard) {
                    load_group(store, group, after, &mut state)?;
                }
                Ok(state)
            }
        };
        let threads: Vec<_> = (0..shards).map(|shard| scope.spawn(load(shard))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| {
                Err(StoreError::Unreadable { path: "state".into(), why: "loading it failed unexpectedly".into() })
            })
        };
        threads.into_iter().map(join).collect()
    })
}

fn load_group(store: &dyn Store, group: KeyGroup, after: Position, state: &mut State) -> Result<(), StoreError> {
    let space = Space::Group(group);
    let mark = store.get(space, &MARK_KEY)?.map(|value| GroupMark::decode(&value)).transpose().map_err(damaged)?;
    // A group that was clean when later checkpoints were written holds everything up to S all the same.
    state.set_applied(group, mark.map_or(after, |mark| mark.position.max(after)));
    let mut damage = None;
    store.scan(space, &DEDUP, &mut |key, value| {
        let mut ids = Vec::new();
        match dedup_position(key).and_then(|(position, _)| decode_dedup(value, &mut ids).map(|()| position)) {
            Ok(position) => state.ids.restore(group, Chunk { position, ids, records: 1 }),
            Err(error) => damage = Some(error),
        }
        damage.is_none()
    })?;
    let mut reader = RowReader::default();
    let mut key: Option<(Box<str>, Vec<Row>)> = None;
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
                key.get_or_insert_with(|| (view.name.key.into(), Vec::new())).1.push(Row::stored(&view));
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

fn insert(state: &mut State, group: KeyGroup, key: Option<(Box<str>, Vec<Row>)>) {
    if let Some((text, rows)) = key {
        state.insert(Digest::of(text.as_bytes()), text, group, rows);
    }
}

fn damaged(error: RecordError) -> StoreError {
    StoreError::Unreadable { path: "state directory".to_owned(), why: error.to_string() }
}
