//! The tokens file: read at the start and again whenever it changes.
//!
//! A file that others may read is refused, as their tokens' digests could be tried at leisure.

use crate::app::exit::{CONFIG, Exit};
use crate::protocol::gateway::tokens::Tokens;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// What tells one content of a file from the next: when it was changed, and its size.
type FileStamp = (i64, i64, u64);

/// The tokens in force.
#[derive(Clone)]
pub(super) struct KeptTokens {
    path: PathBuf,
    tokens: Arc<RwLock<(FileStamp, Arc<Tokens>)>>,
}

impl KeptTokens {
    /// Reads the file.
    pub(super) fn open(path: &Path) -> Result<KeptTokens, Exit> {
        let read = read(path).map_err(|why| {
            let hint = "a line a token: NAME ingest SHA256; docs/gateway.md tells how to make one";
            Exit::new(CONFIG, format!("gateway.tokens_file {}: {why}", path.display()), hint)
        })?;
        Ok(KeptTokens { path: path.to_owned(), tokens: Arc::new(RwLock::new(read)) })
    }

    /// The tokens of this moment.
    pub(super) fn now(&self) -> Arc<Tokens> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Reads the file again where it has changed; one that is wrong leaves everything as it was.
    pub(super) fn look(&self) {
        let known = self.tokens.read().unwrap_or_else(PoisonError::into_inner).0;
        if stamp(&self.path).is_ok_and(|now| now == known) {
            return;
        }
        match read(&self.path) {
            Ok(read) => {
                *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = read;
                tracing::info!(path = %self.path.display(), "the tokens file was read again");
            }
            Err(why) => {
                tracing::warn!(path = %self.path.display(), why, "the tokens file cannot be used; those of before stay")
            }
        }
    }
}

fn stamp(path: &Path) -> std::io::Result<FileStamp> {
    let found = std::fs::metadata(path)?;
    Ok((found.mtime(), found.mtime_nsec(), found.len()))
}

fn read(path: &Path) -> Result<(FileStamp, Arc<Tokens>), String> {
    let found = std::fs::metadata(path).map_err(|error| format!("it cannot be read: {error}"))?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err("others than its owner may read or write it: `chmod 600` it".to_owned());
    }
    let stamp = (found.mtime(), found.mtime_nsec(), found.len());
    let text = std::fs::read_to_string(path).map_err(|error| format!("it cannot be read: {error}"))?;
    Ok((stamp, Arc::new(Tokens::parse(&text)?)))
}
