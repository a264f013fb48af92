//! One process a state directory: an advisory lock on a file of our own.
//!
//! The lock goes when it is dropped, also when the process is killed; the file stays. Its text is the id of the store
//! that was created beside it, so that a directory whose other files are gone is not taken for a new one.

use super::files::{failed, make};
use crate::ports::store::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The lock's file name.
pub const LOCK: &str = "sidestream.lock";

/// A held lock; dropping it gives it back.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would not do: a child that another thread is just starting may hold a copy of the handle.
        let _ = self.file.unlock();
    }
}

/// Whether a process holds the lock of a directory; makes no file, and leaves the lock free.
pub fn is_held(directory: &Path) -> Result<bool, StoreError> {
    let path = directory.join(LOCK);
    let file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        other => other.map_err(failed(&path, "cannot open the lock file"))?,
    };
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| false).map_err(failed(&path, "cannot unlock it")),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(failed(&path, "cannot lock it")(source)),
    }
}

impl Lock {
    /// Takes the lock of a directory, making both if need be, or says that another process has it.
    pub fn take(directory: &Path) -> Result<Lock, StoreError> {
        make(directory)?;
        let path = directory.join(LOCK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(failed(&path, "cannot open the lock file"))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: directory.display().to_string() }),
            Err(TryLockError::Error(source)) => Err(failed(&path, "cannot lock it")(source)),
        }
    }

    /// The id of the store that was created here; empty before there was one.
    pub fn store_id(&mut self, directory: &Path) -> Result<String, StoreError> {
        let mut bytes = Vec::new();
        let read = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.read_to_end(&mut bytes));
        read.map_err(failed(&directory.join(LOCK), "cannot read it"))?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// Notes the id of the store that was created here.
    pub fn note(&mut self, directory: &Path, store_id: &str) -> Result<(), StoreError> {
        let written = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        let written = written.and_then(|_| writeln!(self.file, "{store_id}")).and_then(|()| self.file.sync_all());
        written.map_err(failed(&directory.join(LOCK), "cannot write it"))
    }
}
