//! A copy of a state directory that an engine may have open: its files as of one instant, or nothing.
//!
//! sled moves pages about in its file, so that a copy made while it writes may lack pages and yet open. So nothing is
//! copied that was written to shortly before, during or after; what is left is what a killed engine leaves. Never
//! opens sled's files in place, and never writes into the directory.

use super::directory::{failed, make, names, sync};
use super::manifest::FORMAT;
use super::witness::SYNCED;
use crate::ports::store::StoreError;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long nothing must have been written before a copy begins: more than the steps in which file systems keep time.
const QUIET: Duration = Duration::from_millis(50);

/// A file's name, length and last change.
type Stamp = Vec<(String, u64, SystemTime)>;

/// Whether a directory holds a store that could be copied.
pub fn is_store(directory: &Path) -> bool {
    directory.join(FORMAT).is_file() && directory.join("db").is_file()
}

/// Copies the directory's store, if nobody writes meanwhile; `false`: somebody does, try again. `to` is made anew.
pub fn try_copy(from: &Path, to: &Path) -> Result<bool, StoreError> {
    let Some(before) = stamp(from)? else { return Ok(false) };
    let newest = before.iter().map(|(_, _, time)| *time).max();
    // A time in the future is another clock's: nothing is known then.
    let quiet = newest.is_some_and(|newest| newest.elapsed().is_ok_and(|since| since >= QUIET));
    if !quiet {
        return Ok(false);
    }
    make(to)?;
    for (name, _, _) in &before {
        let (source, target) = (from.join(name), to.join(name));
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(failed(parent, "cannot create it"))?;
        }
        match fs::copy(&source, &target) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            other => other.map_err(failed(&source, "cannot copy it"))?,
        };
        sync(&target)?;
    }
    // sled expects the folder even where it is empty.
    let blobs = to.join("blobs");
    fs::create_dir_all(&blobs).map_err(failed(&blobs, "cannot create it"))?;
    sync(&blobs)?;
    sync(to)?;
    Ok(stamp(from)? == Some(before))
}

/// The store's files; `None` when one went while it was looked at.
fn stamp(directory: &Path) -> Result<Option<Stamp>, StoreError> {
    let mut files: Vec<String> = names(directory)?;
    files
        .retain(|name| name == FORMAT || name == SYNCED || name == "db" || name == "conf" || name.starts_with("snap."));
    files.extend(names(&directory.join("blobs"))?.into_iter().map(|name| format!("blobs/{name}")));
    let mut stamp = Vec::new();
    for name in files {
        let path = directory.join(&name);
        let data = match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed(&path, "cannot look at it"))?,
        };
        let changed = data.modified().map_err(failed(&path, "cannot tell when it was written"))?;
        stamp.push((name, data.len(), changed));
    }
    Ok(Some(stamp))
}
