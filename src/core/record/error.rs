//! Why bytes are no record.
//!
//! It says nothing of the store that held them: the caller treats the whole store as unreadable.

/// Why a record could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A later build wrote it, or nothing that we know did.
    #[error("record of version {found}, this build reads version {known}")]
    Version {
        /// The leading byte.
        found: u8,
        /// The version that this build writes.
        known: u8,
    },
    /// The bytes are no record of the kind that their key promises.
    #[error("damaged record: {0}")]
    Damaged(&'static str),
    /// It needs more parts than a key can number.
    #[error("record of {bytes} bytes, the largest has {most}")]
    TooLarge {
        /// What it would take.
        bytes: usize,
        /// What fits.
        most: usize,
    },
}
