//! The state directory: opening it with the configured engine, and beginning a new one.
//!
//! The only place that knows which engines there are. A directory that cannot be read is set aside, never deleted; one
//! that another engine made, or that holds half an import, is left alone. Nothing here knows what a start decides. A
//! directory that takes another's place is made beside it under a name of its own and is whole before the other goes.

use crate::adapters::directory::room::or_no_room;
use crate::adapters::directory::{importing, put_away, set_aside, take_place};
use crate::adapters::fjall::FjallStore;
use crate::adapters::sled::SledStore;
use crate::config::StateSection;
use crate::core::plan::spec::PlanSpec;
use crate::core::record::StateEngine;
use crate::engine::restore::read;
use crate::engine::rewrite::write_first;
use crate::ports::store::{Store, StoreError};
use crate::protocol::facts::{Checkpoint, Disk};
use crate::protocol::prepare::First;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open state directory and what it holds.
pub struct OpenedState {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its account.
    pub disk: Disk,
}

/// Opens the store of a directory, or makes one where there is none.
pub fn open_store(state: &StateSection) -> Result<Arc<dyn Store>, StoreError> {
    let path = &state.path;
    Ok(match state.engine {
        StateEngine::Sled => Arc::new(SledStore::open(path)?),
        StateEngine::Fjall => Arc::new(FjallStore::open(path)?),
    })
}

/// Opens the directory as it is: whatever is wrong with it is an error, and nothing is set aside.
pub fn open_as_it_is(state: &StateSection) -> Result<OpenedState, StoreError> {
    finish_replacing(&state.path)?;
    open_and_read(state)
}

/// Opens the directory; one that cannot be read is set aside and a new one takes its place.
pub fn open(state: &StateSection) -> Result<OpenedState, StoreError> {
    match open_as_it_is(state).map_err(|error| or_no_room(&state.path, error)) {
        Err(StoreError::Unreadable { why, .. }) => {
            let path = &state.path;
            let aside = set_aside(path)?;
            tracing::warn!(path = %path.display(), aside = %aside.display(), why, "the state directory is unreadable and was set aside");
            // Not what a crash may have left beside it: that was not to take this one's place.
            open_and_read(state)
        }
        other => other,
    }
}

fn open_and_read(state: &StateSection) -> Result<OpenedState, StoreError> {
    importing::refuse(&state.path)?;
    let store = open_store(state)?;
    let disk = read(store.as_ref()).map_err(|error| named(error, &state.path))?;
    Ok(OpenedState { store, disk })
}

/// What was read of a directory, or of a copy of it, does not know where it is.
pub(super) fn named(error: StoreError, path: &Path) -> StoreError {
    let path = path.display().to_string();
    match error {
        StoreError::Later { why, .. } => StoreError::Later { path, why },
        StoreError::Unreadable { why, .. } => StoreError::Unreadable { path, why },
        StoreError::Format { differences, .. } => StoreError::Format { path, differences },
        StoreError::OtherEngine { found, wanted, .. } => StoreError::OtherEngine { path, found, wanted },
        StoreError::HalfImported { .. } => StoreError::HalfImported { path },
        other => other,
    }
}

/// The plans whose text the directory holds.
pub fn plans(state: &StateSection) -> Result<BTreeMap<String, PlanSpec>, StoreError> {
    Ok(open_as_it_is(state)?.disk.plans)
}

/// Begins over an empty state with what a start writes first. What the directory holds is set aside.
///
/// The new directory is durable under another name before the old one goes: a crash leaves the one or the other, and at no
/// instant are the texts of the plans, the origin and B only in what was set aside.
pub fn begin_anew(
    state: &StateSection,
    opened: OpenedState,
    first: &First,
    record: &Checkpoint,
) -> Result<Arc<dyn Store>, StoreError> {
    let OpenedState { store, disk } = opened;
    let fresh = disk.checkpoint.is_none() && disk.marks.is_empty() && !disk.lost;
    if fresh {
        write_first(store.as_ref(), first, record)?;
        return Ok(store);
    }
    let next = StateSection { path: next_to(&state.path), ..state.clone() };
    if exists(&next.path)? {
        // A crash came before it was whole, or before it was needed.
        set_aside(&next.path)?;
    }
    write_first(open_store(&next)?.as_ref(), first, record)?;
    drop(store);
    let aside = put_away(&state.path, "before-rebuild")?;
    tracing::warn!(aside = %aside.display(), "the old state directory was put away");
    take_place(&next.path, &state.path)?;
    open_store(state)
}

/// Where a crash came after the old directory was set aside and before the new one had its name, gives it its name.
fn finish_replacing(path: &Path) -> Result<(), StoreError> {
    let next = next_to(path);
    if exists(&next)? && !exists(path)? { take_place(&next, path) } else { Ok(()) }
}

fn next_to(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    PathBuf::from(name)
}

fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|source| StoreError::Io {
        path: path.display().to_string(),
        what: "cannot look for it".to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{LaneSequence, Nanos, Position};
    use crate::core::record::encode_plan;
    use crate::ports::store::{Batch, Space};
    use crate::protocol::facts::{GroupMark, PlanSince};
    use crate::protocol::tests::world::{World, spec};

    /// What a start over an empty state writes first: a record at a position, and the text of plan A.
    fn first(position: u64) -> (First, Checkpoint) {
        let plans = vec![PlanSince { plan: spec('A').fingerprint(), since: Position(1) }];
        let record = Checkpoint { position: Position(position), plans, ..World::steady().record().clone() };
        let floor = GroupMark { position: Position(position), stored_at: Nanos(0), lane: LaneSequence(7) };
        (First::Anew(floor, vec![spec('A')]), record)
    }

    fn section(path: &Path, engine: StateEngine) -> StateSection {
        StateSection { path: path.to_owned(), engine, cache_rows: 1_000 }
    }

    /// A directory with a record at position 3.
    fn begun(path: &StateSection) -> OpenedState {
        let (first, record) = first(3);
        drop(begin_anew(path, open(path).unwrap(), &first, &record).unwrap());
        open(path).unwrap()
    }

    /// The position of the record, and whether the text of plan A is there.
    fn holds(path: &StateSection) -> (Option<u64>, bool) {
        let Disk { checkpoint, plans, .. } = open(path).unwrap().disk;
        (checkpoint.map(|record| record.position.0), plans.contains_key(&spec('A').fingerprint()))
    }

    /// Everything in a directory, by name.
    fn names_in(path: &Path) -> Vec<std::ffi::OsString> {
        let mut names: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_later_builds_plan_is_refused_and_nothing_is_moved() {
        let words = [r#""of_a_later_build":true,"#, r#""enrich":[{"kinds":[],"on_miss":"wait","into":[],"add":{}}],"#];
        for (engine, words) in [StateEngine::Sled, StateEngine::Fjall].into_iter().zip(words) {
            let root = tempfile::tempdir().unwrap();
            let path = section(&root.path().join("state"), engine);
            let opened = begun(&path);
            let known = spec('A').text();
            let text = known.replace(r#""enrich":[],"#, "").replacen('{', &format!("{{{words}"), 1);
            let fingerprint = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
            let mut changes = Vec::new();
            encode_plan(&fingerprint, &text, &mut changes).unwrap();
            opened.store.apply(Space::Meta, &Batch { changes }).unwrap();
            drop(opened);
            let before = names_in(root.path());
            let Err(error) = open(&path) else { panic!("{words} was taken for nothing") };
            assert!(matches!(&error, StoreError::Later { why, .. } if why.contains(&fingerprint)), "{error}");
            assert_eq!(names_in(root.path()), before);
        }
    }

    #[test]
    fn a_plan_under_another_ones_name_is_a_later_builds() {
        let root = tempfile::tempdir().unwrap();
        let path = section(&root.path().join("state"), StateEngine::Sled);
        let opened = begun(&path);
        let mut changes = Vec::new();
        encode_plan(&spec('B').fingerprint(), &spec('C').text(), &mut changes).unwrap();
        opened.store.apply(Space::Meta, &Batch { changes }).unwrap();
        drop(opened);
        assert!(matches!(open(&path), Err(StoreError::Later { .. })));
    }

    #[test]
    fn a_new_directory_takes_the_old_ones_place_whole() {
        for engine in [StateEngine::Sled, StateEngine::Fjall] {
            let root = tempfile::tempdir().unwrap();
            let path = section(&root.path().join("state"), engine);
            let old = begun(&path);
            let (first, record) = first(9);
            drop(begin_anew(&path, old, &first, &record).unwrap());
            assert_eq!(holds(&path), (Some(9), true));
            assert_eq!(
                holds(&section(&root.path().join("state.before-rebuild-1"), engine)),
                (Some(3), true),
                "nothing is deleted"
            );
            assert!(!next_to(&path.path).exists());
        }
    }

    #[test]
    fn a_crash_while_a_directory_is_replaced_leaves_the_one_or_the_other() {
        for engine in [StateEngine::Sled, StateEngine::Fjall] {
            let root = tempfile::tempdir().unwrap();
            let path = section(&root.path().join("state"), engine);
            drop(begun(&path));
            // A crash while the new one was made: it holds nothing yet.
            drop(open_store(&section(&next_to(&path.path), engine)).unwrap());
            assert_eq!(holds(&path), (Some(3), true), "the old one is still there");
            let (first, record) = first(9);
            let old = open(&path).unwrap();
            drop(begin_anew(&path, old, &first, &record).unwrap());
            assert_eq!(holds(&path), (Some(9), true), "and the next attempt makes its own");
            // A crash between the two renamings.
            std::fs::rename(&path.path, next_to(&path.path)).unwrap();
            assert_eq!(holds(&path), (Some(9), true), "the new one has everything");
            std::fs::rename(&path.path, next_to(&path.path)).unwrap();
            assert!(plans(&path).unwrap().contains_key(&spec('A').fingerprint()), "whoever opens it");
        }
    }
}
