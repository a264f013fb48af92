//! `replay.json` in a replay's directory: the request, written once, whole or not at all.
//!
//! Beside it lies `state`, the state directory that the engine has to itself. Nothing here is ever deleted but a copy
//! that was not finished.

use crate::app::exit::{CONFIG, Exit, UNAVAILABLE};
use crate::protocol::replay::request::{ReplayRequest, VERSION};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The request's file name.
const FILE: &str = "replay.json";

/// The engine's state directory in a replay's directory.
pub fn state(directory: &Path) -> PathBuf {
    directory.join("state")
}

/// A copy of a state that is not in its place yet.
pub fn unfinished(directory: &Path) -> PathBuf {
    directory.join("state.copying")
}

/// The request that a directory holds, if it holds one.
pub fn read(directory: &Path) -> Result<Option<ReplayRequest>, Exit> {
    let path = directory.join(FILE);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| failed(&path, &error))?,
    };
    let wrong = |why: String| Exit::new(CONFIG, format!("{}: {why}", path.display()), "give another --state-dir");
    let request: ReplayRequest =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("unreadable: {error}")))?;
    match request.version {
        VERSION => Ok(Some(request)),
        other => Err(wrong(format!("version {other} is not known here"))),
    }
}

/// Writes the request and makes it durable.
pub fn write(directory: &Path, request: &ReplayRequest) -> Result<(), Exit> {
    let (new, path) = (directory.join("replay.json.new"), directory.join(FILE));
    let text = serde_json::to_vec_pretty(request).expect("owned texts and numbers into memory");
    let written = File::create(&new).and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()));
    let renamed = written.and_then(|()| fs::rename(&new, &path));
    let synced = renamed.and_then(|()| File::open(directory)).and_then(|directory| directory.sync_all());
    synced.map_err(|error| failed(&path, &error))
}

/// Puts the copy that a request began with in its place, if that has not happened yet.
pub fn finish_copy(directory: &Path, request: &ReplayRequest) -> Result<(), Exit> {
    let (copy, state) = (unfinished(directory), state(directory));
    // Another copy than the request's is what an attempt left that was refused.
    if request.held.is_none() || state.exists() || !copy.exists() {
        return Ok(());
    }
    fs::rename(&copy, &state).map_err(|error| failed(&state, &error))
}

/// Removes a copy that was begun and never used.
pub fn remove_unfinished(path: &Path) -> Result<(), Exit> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Exit {
    Exit::new(
        UNAVAILABLE,
        format!("{}: {error}", path.display()),
        "check the disk's room and the directory's permissions",
    )
}
