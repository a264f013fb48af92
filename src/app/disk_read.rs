//! A state directory for commands that only read: nothing in it, beside it, or of its lock changes.
//!
//! Both databases write into their files as soon as they are opened. So the files are copied, as soon as nobody has written
//! to them for a moment, and the copy is opened in a place of its own, which goes with the reader. An engine may start
//! meanwhile. Whatever is wrong with the directory is an answer.

use super::disk::{OpenedState, named, open_as_it_is};
use crate::adapters::directory::copy::{is_store, try_copy};
use crate::adapters::directory::files::{failed, names, unreadable};
use crate::adapters::directory::lock::is_held;
use crate::config::StateSection;
use crate::ports::store::StoreError;
use std::fs::DirBuilder;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a copy is tried for while somebody writes: there was no engine a moment ago.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// What a state directory holds, read from a copy.
pub struct DirectoryContents {
    /// The store and its account; gives the copy up before that goes.
    pub opened: OpenedState,
    _copy: Copy,
}

/// The place of a copy; dropping it removes it.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        // What cannot be removed lies in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens a copy of a state directory that no engine has open. It takes room for as much in the directory for temporary
/// files; errors name the directory that was asked for.
pub fn look(state: &StateSection) -> Result<DirectoryContents, StoreError> {
    let path = &state.path;
    if !is_store(path) {
        return Err(no_store(path));
    }
    if is_held(path)? {
        return Err(StoreError::Locked { path: path.display().to_string() });
    }
    let copy = place()?;
    let to = copy.0.join("state");
    let began = Instant::now();
    while !try_copy(path, &to)? {
        if began.elapsed() > PATIENCE {
            return Err(StoreError::Locked { path: path.display().to_string() });
        }
        // What a first attempt left may be more than the next one finds.
        std::fs::remove_dir_all(&to).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(failed(&to, "cannot remove it")(error)),
        })?;
        #[allow(clippy::disallowed_methods, reason = "a command that waits for files has nothing to wait on")]
        std::thread::sleep(PAUSE);
    }
    let opened = open_as_it_is(&StateSection { path: to, ..state.clone() }).map_err(|error| named(error, path))?;
    Ok(DirectoryContents { opened, _copy: copy })
}

/// Why there is no store in a directory.
fn no_store(path: &Path) -> StoreError {
    match names(path) {
        Err(error) => error,
        Ok(names) if names.is_empty() => unreadable(path, "there is nothing in it"),
        Ok(_) => unreadable(path, "the file FORMAT is gone"),
    }
}

/// A directory for a copy, which nobody else may look into.
fn place() -> Result<Copy, StoreError> {
    let random = RandomState::new().hash_one(std::process::id());
    let place = std::env::temp_dir().join(format!("sidestream-look-{random:016x}"));
    DirBuilder::new().mode(0o700).create(&place).map_err(failed(&place, "cannot create it"))?;
    Ok(Copy(place))
}
