//! Why bytes are no record.
//!
//! It says nothing of the store that held them: the caller treats the whole store as unreadable, or, where a later build
//! wrote them, as one that is not for this build.

use super::version::RecordKind;

/// Why a record could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A later build wrote it.
    #[error("it holds {kind} of version {found}, and this build reads up to version {known}")]
    Later {
        /// What it is.
        kind: RecordKind,
        /// The leading byte.
        found: u8,
        /// The newest version that this build reads.
        known: u8,
    },
    /// A plan's text says what this build has no words for, or its fingerprint is of more than this build read.
    #[error("it holds the text of plan {plan}, which this build cannot follow: {why}")]
    LaterPlan {
        /// The plan's fingerprint, as the directory has it.
        plan: String,
        /// What is not understood.
        why: String,
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

impl RecordError {
    /// Whether a later build wrote it, so that the directory is sound and not for this one.
    pub fn is_later(&self) -> bool {
        matches!(self, RecordError::Later { .. } | RecordError::LaterPlan { .. })
    }
}
