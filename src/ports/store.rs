//! The state store: an ordered map from bytes to bytes, cut into spaces, with batches that are whole or not there.
//!
//! Encodings belong to `core::record`; a store knows nothing of rows, positions or plans.

pub use crate::core::record::{Batch, Space, StateEngine};

/// Called with each key and value of a scan; `false` ends it.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> bool;

/// A durable ordered map. Readers may call from any thread; only the checkpointer writes.
pub trait Store: Send + Sync + 'static {
    /// The value under a key.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits every entry whose key begins with `prefix`, in key order.
    fn scan(&self, space: Space, prefix: &[u8], visit: Visit<'_>) -> Result<(), StoreError>;

    /// Applies a batch: after a crash it is there whole or not at all. Durable only after `sync`.
    fn apply(&self, space: Space, batch: &Batch) -> Result<(), StoreError>;

    /// Applies batches in order, each as `apply` would; a store to which that is cheaper makes fewer of them.
    fn apply_all(&self, batches: &[(Space, Batch)]) -> Result<(), StoreError> {
        batches.iter().try_for_each(|(space, batch)| self.apply(*space, batch))
    }

    /// Returns when everything applied before is on disk and survives a power cut.
    fn sync(&self) -> Result<(), StoreError>;

    /// Notes, durably, that records up to a generation may follow (`core::record::version`). Each batch asks for what it
    /// needs by itself; a store whose directory says nothing of generations has nothing to do.
    fn raise(&self, _generation: u8) -> Result<(), StoreError> {
        Ok(())
    }

    /// Bytes on disk, for the metrics; 0 where that has no meaning.
    fn disk_bytes(&self) -> u64;
}

impl StoreError {
    /// Whether the disk has no room, which passes by itself.
    pub fn is_no_room(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self, StoreError::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    }
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the directory.
    #[error("state directory {path} is in use by another process")]
    Locked {
        /// The directory.
        path: String,
    },
    /// The directory holds no readable store; the caller sets it aside and rebuilds.
    #[error("state directory {path} is unreadable: {why}")]
    Unreadable {
        /// The directory.
        path: String,
        /// What the store said.
        why: String,
    },
    /// The directory was made with other format settings than this build's.
    #[error("state directory {path} has another format: {}", .differences.join("; "))]
    Format {
        /// The directory.
        path: String,
        /// What differs.
        differences: Vec<String>,
    },
    /// A later build wrote into the directory what this build does not know; it is left as it is.
    #[error("state directory {path} was made by a later build of Sidestream: {why}")]
    Later {
        /// The directory.
        path: String,
        /// What is not known here.
        why: String,
    },
    /// The directory was made by another engine than the configured one; it is left as it is.
    #[error("state directory {path} was made with state.engine = \"{found}\" and cannot be opened as \"{wanted}\"")]
    OtherEngine {
        /// The directory.
        path: String,
        /// Whose database it is.
        found: StateEngine,
        /// What was asked for.
        wanted: StateEngine,
    },
    /// An import into the directory was begun and not finished; it is left as it is.
    #[error("state directory {path} holds a part of an import that did not finish")]
    HalfImported {
        /// The directory.
        path: String,
    },
    /// The file system refused.
    #[error("state directory {path}: {what}")]
    Io {
        /// The directory or file.
        path: String,
        /// What was tried.
        what: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
