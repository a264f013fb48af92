//! The store of a lake: objects under paths, which are created once and never changed.
//!
//! All that exactly-once asks of a store is that of several creates of one path exactly one succeeds, and that what was created
//! is still there after a power cut.

use crate::protocol::lake::row::LakeRow;
use std::fs::File;
use std::path::Path;

/// What came of a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// This call created it.
    Here,
    /// It was there, or is being created by somebody; where an answer was lost that may have been this very call. Who has to know
    /// reads it, and may find nothing yet.
    Before,
}

/// A store. Paths are relative, with `/` between their parts.
pub trait LakeStore: Send {
    /// Creates an object with these bytes unless there is one; durable when it returns.
    fn create(&self, path: &str, bytes: &[u8]) -> Result<Created, LakeError>;

    /// The same with the content of a file that [`LakeStore::staging`] gave, which is gone afterwards.
    fn create_from(&self, path: &str, staged: Staged) -> Result<Created, LakeError>;

    /// A new file for what is to be created.
    fn staging(&self) -> Result<Staged, LakeError>;

    /// The bytes of an object; `None` where there is none.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, LakeError>;

    /// A local file with an object's content.
    fn open(&self, path: &str) -> Result<Option<File>, LakeError>;

    /// The length of an object in bytes.
    fn length(&self, path: &str) -> Result<Option<u64>, LakeError>;

    /// The names in a folder, sorted; none where there is no such folder.
    fn names(&self, folder: &str) -> Result<Vec<String>, LakeError>;

    /// Whether creates exclude each other here; an error where they do not.
    fn probe(&self) -> Result<(), LakeError>;

    /// Removes what dead writers left of objects that were never created.
    fn sweep(&self) -> Result<(), LakeError>;
}

/// A file that becomes an object; its own name is gone when this is dropped.
#[derive(Debug)]
pub struct Staged {
    /// Its path.
    pub path: Box<Path>,
    /// It itself, open for writing.
    pub file: File,
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What could not be written must not fill the disk.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes the rows of one file of the lake, in order.
pub trait RowWriter {
    /// Takes a row.
    fn row(&mut self, row: LakeRow) -> Result<(), LakeError>;

    /// Ends the file.
    fn finish(self: Box<Self>) -> Result<(), LakeError>;
}

/// A row as a file of the lake has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Which one, where the format says so.
    pub id: Option<crate::protocol::lake::row::LakeRowId>,
    /// Its key, where the format says so.
    pub key: Option<String>,
    /// Its event's own time in microseconds since 1970, where the format says so.
    pub event_time_us: Option<i64>,
    /// The text: what digests are made of.
    pub text: Vec<u8>,
}

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// It may work later, and whether it worked now is not known.
    #[error("{what}")]
    Unsure {
        /// What was tried.
        what: String,
        /// What the system said.
        #[source]
        source: Option<std::io::Error>,
    },
    /// It will not work by waiting.
    #[error("{what}")]
    Unsuitable {
        /// What is wrong.
        what: String,
        /// What to do about it.
        hint: String,
    },
}

impl LakeError {
    /// A failure of the system that may pass.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> LakeError {
        LakeError::Unsure { what: what.into(), source: Some(source) }
    }
}
