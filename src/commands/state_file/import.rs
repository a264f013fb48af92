//! `sidestream state import`: a state directory of the configured engine from a file.
//!
//! The whole file is checked before anything is made. Then the directory is marked as half imported, rows come before
//! the record of S as in a checkpoint, and the mark goes last: a start refuses whatever a kill leaves in between.

use super::FileProgress;
use super::error::FileError;
use super::read::{Account, StateFileReader};
use crate::adapters::directory::files::names;
use crate::adapters::directory::importing;
use crate::app::disk::open_store;
use crate::app::exit::{CONFIG, Exit};
use crate::config::StateSection;
use crate::core::ids::Position;
use crate::core::record::{CHECKPOINT_KEY, Checkpoint};
use crate::engine::crash;
use crate::engine::restore;
use crate::ports::store::{Batch, Space, Store, StoreError};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// A batch has at most so many entries: larger ones cost sled memory.
const BATCH: usize = 500;

/// What was imported.
#[derive(Clone, Copy, Debug)]
pub struct Imported {
    /// S.
    pub position: Position,
    /// What the file comes to.
    pub account: Account,
}

/// Why an import failed.
enum ImportFailure {
    File(FileError),
    Store(StoreError),
}

/// Makes a state directory from a file. `tell` hears of both passes over it.
pub fn import(state: &StateSection, file: &Path, tell: &mut dyn FnMut(FileProgress)) -> Result<Imported, Exit> {
    let directory = &state.path;
    importing::refuse(directory)?;
    if !names(directory)?.is_empty() {
        let what = format!("{} is not empty: an import makes a new directory", directory.display());
        return Err(Exit::new(CONFIG, what, "move it away, or name another with --set state.path=DIRECTORY"));
    }
    let exit = |error: FileError| error.exit(file);
    let total = 2 * std::fs::metadata(file).map_err(|error| exit(error.into()))?.len();
    let (account, record) = check(file, total, tell).map_err(exit)?;
    importing::begin(directory)?;
    let store = open_store(state)?;
    fill(store.as_ref(), file, account, total, tell).map_err(|failure| match failure {
        ImportFailure::File(error) => exit(error),
        ImportFailure::Store(error) => error.into(),
    })?;
    // As a start reads it, before the mark goes.
    restore::read(store.as_ref())?;
    drop(store);
    importing::end(directory)?;
    Ok(Imported { position: record.position, account })
}

/// Reads the whole file: it is as it was written, and has a record of S.
fn check(file: &Path, total: u64, tell: &mut dyn FnMut(FileProgress)) -> Result<(Account, Checkpoint), FileError> {
    let mut reader = open(file)?;
    let mut record = None;
    let mut visit = |space: Space, key: &[u8], value: &[u8]| {
        if space == Space::Meta && key == CHECKPOINT_KEY {
            record = Some(Checkpoint::decode(value));
        }
        Ok(())
    };
    let account = loop {
        if let Some(account) = reader.next(&mut visit)? {
            break account;
        }
        tell(FileProgress { done: reader.at(), total, entries: 0 });
    };
    let at = account.bytes;
    match record {
        Some(Ok(record)) => Ok((account, record)),
        Some(Err(error)) => Err(FileError::Damaged { at, what: format!("the record of S: {error}") }),
        None => Err(FileError::Damaged { at, what: "there is no record of S in it".to_owned() }),
    }
}

/// Writes everything, the record of S last.
fn fill(
    store: &dyn Store,
    file: &Path,
    account: Account,
    total: u64,
    tell: &mut dyn FnMut(FileProgress),
) -> Result<(), ImportFailure> {
    let mut reader = open(file).map_err(ImportFailure::File)?;
    store.raise(reader.format.record).map_err(ImportFailure::Store)?;
    let mut filling = Filling { store, space: Space::Meta, batch: Batch::default(), record: None, refused: None };
    let mut entries = 0;
    let found = loop {
        let next = reader.next(&mut |space, key, value| {
            entries += 1;
            filling.take(space, key, value);
            Ok(())
        });
        if let Some(error) = filling.refused.take() {
            return Err(ImportFailure::Store(error));
        }
        if let Some(found) = next.map_err(ImportFailure::File)? {
            break found;
        }
        tell(FileProgress { done: account.bytes + reader.at(), total, entries });
    };
    if found != account {
        let what = "the file was changed while it was imported".to_owned();
        return Err(ImportFailure::File(FileError::Damaged { at: 0, what }));
    }
    filling.finish().map_err(ImportFailure::Store)
}

/// A store that is being filled.
struct Filling<'a> {
    store: &'a dyn Store,
    space: Space,
    batch: Batch,
    record: Option<Vec<u8>>,
    refused: Option<StoreError>,
}

impl Filling<'_> {
    fn take(&mut self, space: Space, key: &[u8], value: &[u8]) {
        if space == Space::Meta && key == CHECKPOINT_KEY {
            self.record = Some(value.to_vec());
            return;
        }
        if space != self.space || self.batch.changes.len() >= BATCH {
            self.write();
            self.space = space;
        }
        self.batch.changes.push((key.to_vec(), Some(value.to_vec())));
    }

    fn write(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if !batch.changes.is_empty() && self.refused.is_none() {
            crash::point("during_an_import");
            self.refused = self.store.apply(self.space, &batch).err();
        }
    }

    /// The same order as a checkpoint's: the record of S names nothing that a power cut could take.
    fn finish(mut self) -> Result<(), StoreError> {
        self.write();
        if let Some(error) = self.refused {
            return Err(error);
        }
        self.store.sync()?;
        let record = (CHECKPOINT_KEY.to_vec(), self.record);
        self.store.apply(Space::Meta, &Batch { changes: vec![record] })?;
        self.store.sync()
    }
}

fn open(file: &Path) -> Result<StateFileReader<BufReader<File>>, FileError> {
    StateFileReader::new(BufReader::with_capacity(1 << 20, File::open(file)?))
}
