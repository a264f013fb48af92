//! The Delta log beside the files: a commit for each entry that is published.
//!
//! It is made of the entries alone, so that what is missing is made later. Another program's commit under a number of ours ends
//! the projection, not the lake.

use super::interval::unreadable;
use super::log;
use crate::adapters::lake::encode;
use crate::app::exit::Exit;
use crate::ports::lake::{Created, LakeError, LakeStore};
use crate::protocol::lake::checkpoint::{self, TableCheckpoint};
use crate::protocol::lake::delta;
use crate::protocol::lake::entry::LakeEntry;
use crate::protocol::lake::table::LakeTable;

/// The projection of one lake.
pub(super) struct Projection {
    /// The lake's name; `None` where no Delta log is wanted, or any more.
    lake: Option<String>,
    /// The newest entry that has its commits.
    before: Option<LakeEntry>,
}

impl Projection {
    /// A projection, after the commits that are missing have been made.
    pub(super) fn open(store: &dyn LakeStore, lake: Option<String>) -> Result<Projection, Exit> {
        let mut projection = Projection { lake, before: None };
        if projection.lake.is_none() {
            return Ok(projection);
        }
        let mut missing = Vec::new();
        for number in log::numbers(store)?.into_iter().rev() {
            let (entry, _) = log::read(store, number)?;
            let paths = LakeTable::ALL.map(|table| delta::path(table, number));
            let mut there = true;
            for path in paths {
                there &= store.length(&path)?.is_some();
            }
            if there {
                projection.before = Some(entry);
                break;
            }
            missing.push(entry);
        }
        for entry in missing.into_iter().rev() {
            projection.add(store, &entry)?;
        }
        Ok(projection)
    }

    /// Adds a published entry.
    pub(super) fn add(&mut self, store: &dyn LakeStore, entry: &LakeEntry) -> Result<(), Exit> {
        let Some(lake) = self.lake.clone() else { return Ok(()) };
        for table in LakeTable::ALL {
            let text = delta::commit(&lake, table, entry, self.before.as_ref()).map_err(Exit::broken)?;
            let path = delta::path(table, entry.n);
            if store.create(&path, text.as_bytes())? == Created::Before
                && store.read(&path)?.ok_or_else(|| unreadable(&path))? != text.as_bytes()
            {
                tracing::error!(
                    path,
                    "another program wrote into the Delta log: it ends here, and the lake goes on without it"
                );
                self.lake = None;
                return Ok(());
            }
        }
        self.before = Some(entry.clone());
        if checkpoint::is_due(entry.n) {
            for table in LakeTable::ALL {
                self.checkpoint(store, &lake, table, entry.n)?;
            }
        }
        Ok(())
    }

    /// Writes the table's checkpoint behind an entry, out of the one before it where that is there.
    fn checkpoint(&self, store: &dyn LakeStore, lake: &str, table: LakeTable, n: u64) -> Result<(), Exit> {
        let earlier = n - checkpoint::EVERY;
        let before = match store.open(&checkpoint::path(table, earlier))? {
            Some(file) => encode::checkpointed(file)?,
            None => None,
        };
        let first = if before.is_some() { earlier + 1 } else { 0 };
        let since: Result<Vec<LakeEntry>, Exit> = (first..=n).map(|number| Ok(log::read(store, number)?.0)).collect();
        let made = TableCheckpoint::behind(lake, table, before.unwrap_or_default(), &since?).map_err(Exit::broken)?;
        let made = made.ok_or_else(|| Exit::broken("a checkpoint is behind an entry"))?;
        let staged = store.staging()?;
        let own = staged.file.try_clone().map_err(|error| LakeError::io("a staged file", error))?;
        encode::checkpoint(&made, own)?;
        // One that is there names the same files: it is a function of the entries.
        store.create_from(&checkpoint::path(table, n), staged)?;
        Ok(())
    }
}
