//! What can be wrong with a state file, with the place where it was seen.

use crate::app::exit::{CONFIG, Exit, UNAVAILABLE};
use std::path::Path;

/// Why a state file is refused.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system refused, or the file ended.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is no state file, or not one that was finished, or it was changed since.
    #[error("byte {at}: {what}")]
    Damaged {
        /// How many bytes of the file were right.
        at: u64,
        /// What is not right there.
        what: String,
    },
    /// It was written by a build with other settings.
    #[error("{}", .0.join("; "))]
    Other(Vec<String>),
}

impl FileError {
    /// The end of a command over this file.
    pub fn exit(self, file: &Path) -> Exit {
        let (code, hint) = match &self {
            FileError::Io(_) => (UNAVAILABLE, "check the file's name, its permissions and the disk's room"),
            FileError::Damaged { .. } => (UNAVAILABLE, "nothing was imported: export again, or fetch another copy"),
            FileError::Other(_) => {
                (CONFIG, "import it with the build that wrote it; the state can be rebuilt from the input")
            }
        };
        Exit::new(code, format!("state file {}: {self}", file.display()), hint)
    }
}
