//! A copy of a state directory that an engine may have open: its files as of one instant, or nothing.
//!
//! A database moves its content about in its files, so that a copy made while it writes may lack some and yet open. So
//! nothing is copied that was written to shortly before, during or after; what is left is what a killed engine leaves.
//! Never opens a database in place, never writes into the directory, and knows nothing of what the files mean.

use super::files::{failed, make, names, sync};
use super::lock::LOCK;
use super::manifest::FORMAT;
use crate::ports::store::StoreError;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long nothing must have been written before a copy begins: more than the steps in which file systems keep time.
const QUIET: Duration = Duration::from_millis(50);

/// Everything below a directory but the lock's file, directories before what lies in them.
type TreeStamp = Vec<(PathBuf, CopyEntry)>;

#[derive(Debug, PartialEq, Eq)]
enum CopyEntry {
    Directory,
    /// Its length and last change.
    File(u64, SystemTime),
}

/// Whether a directory holds a store that could be copied.
pub fn is_store(directory: &Path) -> bool {
    directory.join(FORMAT).is_file()
}

/// Copies the directory's store, if nobody writes meanwhile; `false`: somebody does, try again. `to` is made anew.
pub fn try_copy(from: &Path, to: &Path) -> Result<bool, StoreError> {
    let mut before = TreeStamp::new();
    if !stamp(from, Path::new(""), &mut before)? || !is_quiet(&before) {
        return Ok(false);
    }
    make(to)?;
    let mut directories = vec![to.to_owned()];
    for (name, entry) in &before {
        let (source, target) = (from.join(name), to.join(name));
        if *entry == CopyEntry::Directory {
            fs::create_dir_all(&target).map_err(failed(&target, "cannot create it"))?;
            directories.push(target);
            continue;
        }
        match fs::copy(&source, &target) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            other => other.map_err(failed(&source, "cannot copy it"))?,
        };
        sync(&target)?;
    }
    directories.iter().try_for_each(|directory| sync(directory))?;
    let mut after = TreeStamp::new();
    Ok(stamp(from, Path::new(""), &mut after)? && after == before)
}

/// Whether nothing was written for a moment.
fn is_quiet(stamp: &TreeStamp) -> bool {
    let times = stamp.iter().filter_map(|(_, entry)| match entry {
        CopyEntry::File(_, time) => Some(*time),
        CopyEntry::Directory => None,
    });
    // A time in the future is another clock's: nothing is known then.
    times.max().is_some_and(|newest| newest.elapsed().is_ok_and(|since| since >= QUIET))
}

/// Adds what lies below `within`; false when something went while it was looked at.
fn stamp(directory: &Path, within: &Path, stamped: &mut TreeStamp) -> Result<bool, StoreError> {
    for name in names(&directory.join(within))? {
        if within.as_os_str().is_empty() && name == LOCK {
            continue;
        }
        let name = within.join(name);
        let path = directory.join(&name);
        let data = match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            other => other.map_err(failed(&path, "cannot look at it"))?,
        };
        if data.is_dir() {
            stamped.push((name.clone(), CopyEntry::Directory));
            if !stamp(directory, &name, stamped)? {
                return Ok(false);
            }
        } else {
            let changed = data.modified().map_err(failed(&path, "cannot tell when it was written"))?;
            stamped.push((name, CopyEntry::File(data.len(), changed)));
        }
    }
    Ok(true)
}
