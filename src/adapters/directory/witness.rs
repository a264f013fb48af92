//! The file `SYNCED`: how many batches were durable at least.
//!
//! A database takes damage in its log for a torn tail: it drops what follows and opens with older data, without a word
//! (with sled a flipped bit did that in about a quarter of the trials). So every batch also counts itself inside, and
//! this file, outside, says how far the count was synced. A database that counts less has lost what was durable.
//!
//! The file is never synced after creation: it is written after the database's sync has returned, so whatever of
//! it survives a power cut says too little, never too much. Text of fixed length: count, space, check sum, newline.

use super::files::{failed, sync, unreadable};
use crate::ports::store::StoreError;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// The file's name.
pub const SYNCED: &str = "SYNCED";

/// An open witness.
#[derive(Debug)]
pub struct DirectoryWitness {
    file: File,
    path: PathBuf,
    store_id: String,
}

impl DirectoryWitness {
    /// Makes the file of a new store, counting nothing, and makes it durable with its directory.
    pub fn create(directory: &Path, store_id: &str) -> Result<(), StoreError> {
        let path = directory.join(SYNCED);
        let options = OpenOptions::new().write(true).create(true).truncate(true).open(&path);
        let file = options.map_err(failed(&path, "cannot create it"))?;
        let mut witness = DirectoryWitness { file, path, store_id: store_id.to_owned() };
        witness.note(0)?;
        sync(&witness.path)?;
        sync(directory)
    }

    /// Opens the file of a store, and refuses a database whose count is below it.
    pub fn open(directory: &Path, store_id: &str, counted: u64) -> Result<DirectoryWitness, StoreError> {
        let path = directory.join(SYNCED);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(unreadable(directory, format!("the file {SYNCED} is gone")));
            }
            other => other.map_err(failed(&path, "cannot open it"))?,
        };
        let mut witness = DirectoryWitness { file, path, store_id: store_id.to_owned() };
        let mut text = Vec::new();
        witness.file.read_to_end(&mut text).map_err(failed(&witness.path, "cannot read it"))?;
        let number = text.get(..20).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let synced: u64 = number.unwrap_or_default();
        if text != witness.text(synced).as_bytes() {
            return Err(unreadable(directory, format!("the file {SYNCED} is damaged")));
        }
        if counted < synced {
            let lost = synced - counted;
            return Err(unreadable(directory, format!("the database has lost {lost} of {synced} batches")));
        }
        Ok(witness)
    }

    /// Notes that so many batches are durable.
    pub fn note(&mut self, batches: u64) -> Result<(), StoreError> {
        let text = self.text(batches);
        // In place and shorter than a sector: a power cut leaves the old text or the new one.
        let written = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(text.as_bytes()));
        written.map_err(failed(&self.path, "cannot write it"))
    }

    fn text(&self, batches: u64) -> String {
        // The id makes the file of another store a damaged one.
        let sum = xxh3_64(format!("{} {batches}", self.store_id).as_bytes());
        format!("{batches:020} {sum:016x}\n")
    }
}
