//! The state as one file, between directories of different engines, machines or disks: `sidestream state export | import`.
//!
//! `docs/state-format.md` describes the file. Nothing here knows which engine a directory belongs to, or what a record
//! means beyond the record of S, which is written last.

pub mod error;
pub mod layout;
pub mod write;
pub mod read;
pub mod export;
pub mod import;
pub mod target;

/// How far an export or import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileProgress {
    /// Bytes of the file so far.
    pub done: u64,
    /// Bytes there will be; for an export an estimate.
    pub total: u64,
    /// Entries so far.
    pub entries: u64,
}
