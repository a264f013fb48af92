//! What a checkpoint of a Delta log says: all files of a table as of an entry, so that a reader need not read every commit.
//!
//! Made of the entries alone, like the commits; see "Checkpoints" in PROTOCOL.md of Delta Lake. A checkpoint is a shortcut: one
//! that is missing is none that is wrong.

use super::delta::{Add, Metadata, added};
use super::entry::LakeEntry;
use super::table::LakeTable;

/// Entries from one checkpoint to the next.
pub const EVERY: u64 = 16;

/// A checkpoint of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCheckpoint {
    /// The lake's name and the entry's number, as each commit has them.
    pub txn: (String, u64),
    /// What the table is.
    pub metadata: Metadata,
    /// Its files.
    pub files: Vec<Add>,
}

impl TableCheckpoint {
    /// Behind an entry: the files as of an earlier one, and those of the entries since; `None` where there are no entries.
    pub fn behind(
        lake: &str,
        table: LakeTable,
        before: Vec<Add>,
        since: &[LakeEntry],
    ) -> Result<Option<TableCheckpoint>, String> {
        let Some(last) = since.last() else { return Ok(None) };
        let mut files = before;
        for entry in since {
            files.extend(added(table, entry)?);
        }
        let metadata = Metadata::of(lake, table, last)?;
        Ok(Some(TableCheckpoint { txn: (lake.to_owned(), last.n), metadata, files }))
    }
}

/// Whether there is one behind an entry of this number.
pub fn is_due(n: u64) -> bool {
    n > 0 && n.is_multiple_of(EVERY)
}

/// Its path from the lake's root.
pub fn path(table: LakeTable, n: u64) -> String {
    format!("{}/_delta_log/{n:020}.checkpoint.parquet", table.name())
}
