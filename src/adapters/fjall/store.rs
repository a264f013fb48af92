//! The durable store over fjall: one database, one keyspace, one ordered map, a two-byte prefix for each space.
//!
//! No fjall type and no panic of fjall leaves this folder. After the first sign of damage the database is not asked
//! again; the caller sets the directory aside and rebuilds. Written by the checkpointer alone.

use super::guard::{close, guarded};
use super::open::{COUNT_KEY, OpenedFjall, open};
use super::ring;
use crate::adapters::directory::files::{bytes, failed, sync, unreadable};
use crate::adapters::directory::lock::Lock;
use crate::adapters::directory::manifest::KeptManifest;
use crate::adapters::directory::room::or_no_room;
use crate::adapters::directory::witness::DirectoryWitness;
use crate::core::ids::KEY_GROUPS;
use crate::core::record::StoreFormat;
use crate::core::record::version::generation;
use crate::ports::store::{Batch, Space, Store, StoreError, Visit};
use ::fjall::{Database, Guard, Keyspace, PersistMode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The most that fjall's block cache takes.
pub const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// After so many batches the write buffer is handed to the tables, however small it is.
///
/// The ring knows the last 65,536 batches, so no more may be in the journals alone: at most two buffers that wait, the
/// one that is handed over, and the one that then fills, each of at most this many batches.
const STEP: u64 = ring::SLOTS / 4;

// The prefixes from 0xfffd on are the ring, the store's own keys and the meta space.
const _: () = assert!(KEY_GROUPS < 0xfffd);

/// A state directory that this process has open.
pub struct FjallStore {
    // Always there but while `drop` runs, which gives it up before the lock goes.
    inner: Option<(Database, Keyspace)>,
    path: PathBuf,
    manifest: KeptManifest,
    /// How many batches the database counts; held while one is applied, so that the counts go up in order.
    batches: Mutex<u64>,
    witness: Mutex<DirectoryWitness>,
    broken: AtomicBool,
    _lock: Lock,
}

impl FjallStore {
    /// Opens a state directory, or creates it where there never was one.
    ///
    /// `Locked` when a process has it open, `OtherEngine` when it is not fjall's, `Unreadable` when its store is damaged
    /// or gone (`set_aside` is what comes next), `Format` and `Later` when another build
    /// made it, `Io` when the file system refuses.
    pub fn open(path: &Path) -> Result<FjallStore, StoreError> {
        let mut lock = Lock::take(path)?;
        let OpenedFjall { db, rows, manifest, witness, batches } = open(path, &mut lock, CACHE_BYTES)?;
        sync(path)?;
        let store = FjallStore {
            inner: Some((db, rows)),
            path: path.to_owned(),
            manifest: KeptManifest::new(path, manifest),
            batches: Mutex::new(batches),
            witness: Mutex::new(witness),
            broken: AtomicBool::new(false),
            _lock: lock,
        };
        // The journals may hold as many batches as the ring; what is written from here on needs room in it.
        store.hand_over(0)?;
        store.wait_for_tables(0)?;
        Ok(store)
    }

    /// The format settings of the directory.
    pub fn format(&self) -> StoreFormat {
        self.manifest.now().format
    }

    /// The random name that the store was given at creation.
    pub fn store_id(&self) -> String {
        self.manifest.now().store_id
    }

    /// One call into fjall. The first damage makes every later call fail without asking fjall again.
    fn ask<T>(
        &self,
        what: &str,
        call: impl FnOnce(&Database, &Keyspace) -> ::fjall::Result<T>,
    ) -> Result<T, StoreError> {
        if self.broken.load(Ordering::Acquire) {
            return Err(unreadable(&self.path, "it was found damaged before"));
        }
        let Some((db, rows)) = &self.inner else { return Err(unreadable(&self.path, "it is closed")) };
        let mut poisoned = false;
        let answer = guarded(&self.path, what, || {
            call(db, rows).inspect_err(|error| poisoned = matches!(error, ::fjall::Error::Poisoned))
        });
        let answer = if poisoned { Err(self.why_poisoned(rows)) } else { answer };
        if matches!(answer, Err(StoreError::Unreadable { .. })) {
            self.broken.store(true, Ordering::Release);
        }
        answer.map_err(|error| or_no_room(&self.path, error))
    }

    /// A thread of fjall has failed while it wrote tables, and fjall does not say why: for damage or for the disk.
    fn why_poisoned(&self, rows: &Keyspace) -> StoreError {
        let read = guarded(&self.path, "cannot merge tables", || {
            rows.iter().try_for_each(|entry| entry.into_inner().map(drop))
        });
        let refused = || std::io::Error::other("a thread of the database failed; everything in it can be read");
        read.err().unwrap_or_else(|| failed(&self.path, "cannot write tables")(refused()))
    }

    /// Hands the write buffer to the tables, once at most `waiting` others wait for that.
    fn hand_over(&self, waiting: usize) -> Result<(), StoreError> {
        self.wait_for_tables(waiting)?;
        self.ask("cannot write tables", |_, rows| rows.rotate_memtable().map(drop))
    }

    /// Returns when at most so many write buffers wait to become tables.
    fn wait_for_tables(&self, waiting: usize) -> Result<(), StoreError> {
        while self.ask("cannot write tables", |db, rows| {
            // Says so when the thread that should write them has failed: nobody would ever.
            db.persist(PersistMode::Buffer)?;
            Ok(rows.sealed_memtable_count() > waiting)
        })? {
            #[allow(
                clippy::disallowed_methods,
                reason = "fjall offers nothing to wait for; its failure ends the wait"
            )]
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Store for FjallStore {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.ask("cannot read", |_, rows| rows.get(space.key(key)))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, space: Space, prefix: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        let mut entries = self.ask("cannot scan", |_, rows| Ok(rows.prefix(space.key(prefix))))?;
        while let Some((key, value)) =
            self.ask("cannot scan", |_, _| entries.next().map(Guard::into_inner).transpose())?
        {
            // Every key of the scan has its space's two bytes.
            let Some((_, key)) = key.split_first_chunk::<2>() else { break };
            if !visit(key, &value) {
                break;
            }
        }
        Ok(())
    }

    fn apply(&self, space: Space, batch: &Batch) -> Result<(), StoreError> {
        self.raise(generation(space, batch))?;
        // fjall gives all entries of a batch one number, and does not say which of two under one key wins.
        let changes: BTreeMap<&[u8], Option<&[u8]>> =
            batch.changes.iter().map(|(key, value)| (key.as_slice(), value.as_deref())).collect();
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let next = *batches + 1;
        self.ask("cannot write", |db, rows| {
            let mut inner = db.batch();
            for (key, value) in changes {
                match value {
                    Some(value) => inner.insert(rows, space.key(key), value),
                    None => inner.remove(rows, space.key(key)),
                }
            }
            let (slot, number) = ring::entry(next);
            inner.insert(rows, slot, number);
            inner.insert(rows, COUNT_KEY, next.to_be_bytes());
            inner.commit()
        })?;
        *batches = next;
        if next.is_multiple_of(STEP) {
            self.hand_over(2)?;
        }
        Ok(())
    }

    fn raise(&self, generation: u8) -> Result<(), StoreError> {
        self.manifest.raise(generation)
    }

    fn sync(&self) -> Result<(), StoreError> {
        let batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        // The journal has everything that is in no table yet; fjall syncs tables before it lets a journal go.
        self.ask("cannot sync", |db, _| db.persist(PersistMode::SyncData))?;
        // Only now, and never with a number taken later: the witness must not know more than the disk.
        self.witness.lock().unwrap_or_else(PoisonError::into_inner).note(*batches)
    }

    fn disk_bytes(&self) -> u64 {
        bytes(&self.path)
    }
}

impl Drop for FjallStore {
    fn drop(&mut self) {
        if let Some((db, rows)) = self.inner.take() {
            close(db, rows);
        }
    }
}
