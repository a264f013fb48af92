//! The state directory: opening it, and beginning a new one.
//!
//! A directory that cannot be read is set aside, never deleted. Nothing here knows what a start decides. One that takes
//! another's place is made beside it under a name of its own and is whole before the other one goes.

use crate::adapters::sled::{SledStore, set_aside, take_place};
use crate::core::plan::spec::PlanSpec;
use crate::core::protocol::facts::{Checkpoint, Disk};
use crate::core::protocol::prepare::First;
use crate::core::record::Format;
use crate::engine::restore::{read, write_first};
use crate::ports::store::StoreError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
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
    finish_replacing(path)?;
    let open = || {
        let store = SledStore::open(path)?;
        let differences = Format::current().differences(store.format());
        if !differences.is_empty() {
            return Err(StoreError::Format { path: path.display().to_string(), differences });
        }
        let disk = read(&store)?;
        Ok(Opened { store: Arc::new(store), disk })
    };
    match open() {
        Err(StoreError::Unreadable { why, .. }) => {
            let aside = set_aside(path)?;
            tracing::warn!(path = %path.display(), aside = %aside.display(), why, "the state directory is unreadable and was set aside");
            open()
        }
        other => other,
    }
}

/// The plans whose text the directory holds.
pub fn plans(path: &Path) -> Result<BTreeMap<String, PlanSpec>, StoreError> {
    finish_replacing(path)?;
    Ok(read(&SledStore::open(path)?)?.plans)
}

/// Begins over an empty state with what a start writes first. What the directory holds is set aside.
///
/// The new directory is durable under another name before the old one goes: a crash leaves the one or the other, and at no
/// instant are the texts of the plans, the origin and B only in what was set aside.
pub fn begin_anew(
    path: &Path,
    opened: Opened,
    first: &First,
    record: &Checkpoint,
) -> Result<Arc<SledStore>, StoreError> {
    let Opened { store, disk } = opened;
    let fresh = disk.checkpoint.is_none() && disk.marks.is_empty();
    if fresh {
        write_first(store.as_ref(), first, record)?;
        return Ok(store);
    }
    let next = next_to(path);
    if exists(&next)? {
        // A crash came before it was whole, or before it was needed.
        set_aside(&next)?;
    }
    write_first(&SledStore::open(&next)?, first, record)?;
    drop(store);
    let aside = set_aside(path)?;
    tracing::warn!(aside = %aside.display(), "the old state directory was set aside");
    take_place(&next, path)?;
    Ok(Arc::new(SledStore::open(path)?))
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
    use crate::core::protocol::facts::{GroupMark, PlanSince};
    use crate::core::protocol::start_world::{World, spec};

    /// What a start over an empty state writes first: a record at a position, and the text of plan A.
    fn first(position: u64) -> (First, Checkpoint) {
        let plans = vec![PlanSince { plan: spec('A').fingerprint(), since: Position(1) }];
        let record = Checkpoint { position: Position(position), plans, ..World::steady().record().clone() };
        let floor = GroupMark { position: Position(position), stored_at: Nanos(0), lane: LaneSequence(7) };
        (First::Anew(floor, vec![spec('A')]), record)
    }

    /// A directory with a record at position 3.
    fn begun(path: &Path) -> Opened {
        let (first, record) = first(3);
        drop(begin_anew(path, open(path).unwrap(), &first, &record).unwrap());
        open(path).unwrap()
    }

    /// The position of the record, and whether the text of plan A is there.
    fn holds(path: &Path) -> (Option<u64>, bool) {
        let Disk { checkpoint, plans, .. } = open(path).unwrap().disk;
        (checkpoint.map(|record| record.position.0), plans.contains_key(&spec('A').fingerprint()))
    }

    #[test]
    fn a_new_directory_takes_the_old_ones_place_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("state");
        let old = begun(&path);
        let (first, record) = first(9);
        drop(begin_anew(&path, old, &first, &record).unwrap());
        assert_eq!(holds(&path), (Some(9), true));
        assert_eq!(holds(&root.path().join("state.unreadable-1")), (Some(3), true), "nothing is deleted");
        assert!(!next_to(&path).exists());
    }

    #[test]
    fn a_crash_while_a_directory_is_replaced_leaves_the_one_or_the_other() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("state");
        drop(begun(&path));
        // A crash while the new one was made: it holds nothing yet.
        drop(SledStore::open(&next_to(&path)).unwrap());
        assert_eq!(holds(&path), (Some(3), true), "the old one is still there");
        let (first, record) = first(9);
        let old = open(&path).unwrap();
        drop(begin_anew(&path, old, &first, &record).unwrap());
        assert_eq!(holds(&path), (Some(9), true), "and the next attempt makes its own");
        // A crash between the two renamings.
        std::fs::rename(&path, next_to(&path)).unwrap();
        assert_eq!(holds(&path), (Some(9), true), "the new one has everything");
        std::fs::rename(&path, next_to(&path)).unwrap();
        assert!(plans(&path).unwrap().contains_key(&spec('A').fingerprint()), "whoever opens it");
    }
}
