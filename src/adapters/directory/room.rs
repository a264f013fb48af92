//! A disk without room: told from damage and from other refusals, because it passes by itself.
//!
//! A database that met a full disk may say anything, or panic, and is not asked again by the start that saw it. Whether
//! room was the reason is asked of the file system itself: with a file that is written, synced and removed.

use super::files::failed;
use crate::ports::store::StoreError;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// The file that asks for room.
const PROBE: &str = "room.probe";

/// As much as a checkpoint of a moment may take, and more than file systems keep back in a block.
const PROBE_BYTES: usize = 1024 * 1024;

/// The error in the place of another one, where the directory's disk has no room.
pub fn or_no_room(directory: &Path, error: StoreError) -> StoreError {
    if !matches!(error, StoreError::Io { .. } | StoreError::Unreadable { .. }) || error.is_no_room() {
        return error;
    }
    let path = directory.join(PROBE);
    let zeros = vec![0; PROBE_BYTES];
    let written = File::create(&path).and_then(|mut file| file.write_all(&zeros).and_then(|()| file.sync_all()));
    // What is left of it takes the room that something else needs.
    let _ = fs::remove_file(&path);
    let refused = written.err().map(failed(directory, "there is no room"));
    refused.filter(StoreError::is_no_room).unwrap_or(error)
}
