//! The file `IMPORTING`: an import into this directory has begun, and not ended.
//!
//! It is durable before the import's first write and gone after its last one is durable, so a directory that has it
//! holds a part of a state at most, whatever else it looks like. Nothing here imports.

use super::files::{failed, make, sync};
use crate::ports::store::StoreError;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The file's name.
pub const IMPORTING: &str = "IMPORTING";

/// Makes the directory, with the file in it, durably.
pub fn begin(directory: &Path) -> Result<(), StoreError> {
    make(directory)?;
    let path = directory.join(IMPORTING);
    let made = File::create_new(&path).and_then(|file| file.sync_all());
    made.map_err(failed(&path, "cannot create it"))?;
    sync(directory)
}

/// Takes the file away, durably: the import is whole.
pub fn end(directory: &Path) -> Result<(), StoreError> {
    let path = directory.join(IMPORTING);
    fs::remove_file(&path).map_err(failed(&path, "cannot remove it"))?;
    sync(directory)
}

/// Refuses a directory whose import has not ended.
pub fn refuse(directory: &Path) -> Result<(), StoreError> {
    match fs::symlink_metadata(directory.join(IMPORTING)) {
        Ok(_) => Err(StoreError::HalfImported { path: directory.display().to_string() }),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
        Err(error) => Err(failed(directory, "cannot look into it")(error)),
    }
}
