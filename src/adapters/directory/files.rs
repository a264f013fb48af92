//! The state directory as files: making it, syncing it, measuring it, setting it aside.
//!
//! Nothing here deletes a state directory, and nothing here knows what a database writes into one.

use super::lock::Lock;
use crate::ports::store::StoreError;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Makes the directory and its parents, and makes its name durable.
pub fn make(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(failed(path, "cannot create it"))?;
    sync_parent(path)
}

/// Makes a file's content, or a directory's names, durable.
pub fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed(path, "cannot sync it"))
}

/// The names in a directory; none when there is no such directory.
pub fn names(path: &Path) -> Result<Vec<String>, StoreError> {
    let list = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed(path, "cannot list it"))?,
    };
    let mut names = Vec::new();
    for entry in list {
        let entry = entry.map_err(failed(path, "cannot list it"))?;
        // The databases and we write ASCII names only; whatever else lies here is not ours.
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Bytes that the directory's files take, at any depth; what cannot be read counts as nothing.
pub fn bytes(path: &Path) -> u64 {
    let list = fs::read_dir(path).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes(&entry.path()),
        // A file that was given its length before its data takes less than it is long.
        Ok(data) => data.len().min(data.blocks() * 512),
        Err(_) => 0,
    };
    list.map(size).sum()
}

/// Renames an unreadable state directory to `<path>.unreadable-<n>`, with the first n that is free, and returns the
/// new name. Nothing is deleted: a person may want to look at it. Fails with `Locked` while a process has it open.
pub fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    put_away(path, "unreadable")
}

/// The same for a directory that is sound, with a word that says why it went.
pub fn put_away(path: &Path, word: &str) -> Result<PathBuf, StoreError> {
    // Held over the renaming, so that it is not pulled away under an engine that is just starting.
    let _lock = Lock::take(path)?;
    let aside = free_name(path, word)?;
    fs::rename(path, &aside).map_err(failed(path, "cannot set it aside"))?;
    sync_parent(path)?;
    Ok(aside)
}

/// `<path>.<word>-<n>`, with the first n that is free.
fn free_name(path: &Path, word: &str) -> Result<PathBuf, StoreError> {
    for n in 1..u32::MAX {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{word}-{n}"));
        let free = PathBuf::from(name);
        if !free.try_exists().map_err(failed(&free, "cannot look for it"))? {
            return Ok(free);
        }
    }
    Err(unreadable(path, "every name to set it aside under is taken"))
}

/// Gives a directory the name of one that is no longer there; fails where one with content is. Nobody may have it open.
pub fn take_place(new: &Path, path: &Path) -> Result<(), StoreError> {
    let _lock = Lock::take(new)?;
    fs::rename(new, path).map_err(failed(path, "cannot put the new directory in its place"))?;
    sync_parent(path)
}

fn sync_parent(path: &Path) -> Result<(), StoreError> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(parent),
        _ => sync(Path::new(".")),
    }
}

/// Turns a failure of the file system into the port's error.
pub fn failed(path: &Path, what: &str) -> impl FnOnce(io::Error) -> StoreError {
    let (path, what) = (path.display().to_string(), what.to_owned());
    move |source| StoreError::Io { path, what, source }
}

/// The error of a directory that holds no readable store.
pub fn unreadable(path: &Path, why: impl Into<String>) -> StoreError {
    StoreError::Unreadable { path: path.display().to_string(), why: why.into() }
}

/// Puts `new` in the place of a state directory, which is renamed to `<path>.<word>-<n>`, with the first n that is free;
/// returns that name. The caller holds the lock of `path`, so that no engine starts between the two renames with
/// anything that this leaves.
pub fn swap(path: &Path, new: &Path, word: &str) -> Result<PathBuf, StoreError> {
    let aside = free_name(path, word)?;
    fs::rename(path, &aside).map_err(failed(path, "cannot set it aside"))?;
    if let Err(error) = fs::rename(new, path) {
        // Somebody made the directory anew in between, perhaps: what was there comes back if it can.
        let _ = fs::rename(&aside, path);
        return Err(failed(new, "cannot put it in the state directory's place")(error));
    }
    sync_parent(path)?;
    Ok(aside)
}
