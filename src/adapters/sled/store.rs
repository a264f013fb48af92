//! The durable store: one sled database, one ordered map, a two-byte prefix for each space.
//!
//! No sled type and no panic of sled leaves this folder. After the first sign of damage the database is not asked
//! again; the caller sets the directory aside and rebuilds. Written by the checkpointer alone: sled's batches
//! block every reader of the process, so the caller keeps them small, and they are joined up to a bound only.

use super::guard::{close, guarded};
use super::open::{COUNT_KEY, OpenedSled, open};
use crate::adapters::directory::files::{bytes, failed, names, sync, unreadable};
use crate::adapters::directory::lock::Lock;
use crate::adapters::directory::manifest::KeptManifest;
use crate::adapters::directory::room::or_no_room;
use crate::adapters::directory::witness::DirectoryWitness;
use crate::core::ids::KEY_GROUPS;
use crate::core::record::StoreFormat;
use crate::core::record::version::generation;
use crate::ports::store::{Batch, Space, Store, StoreError, Visit};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The most that sled's page cache takes where the caller asks for nothing else. sled's own default is 1 GiB.
///
/// Less is not less: while 1,000,000 rows of 100 bytes were written in batches of 500, 16 MiB took 706 MB resident at
/// 50,000 rows/s, 128 MiB took 304 MB at 82,000 rows/s, and 256 MiB 410 MB at 86,000 rows/s.
pub const CACHE_BYTES: u64 = 128 * 1024 * 1024;

/// A segment divided by this is the most that is applied between two syncs of sled's file, beside a single batch that is
/// larger.
///
/// sled takes a segment of its file back as soon as the pages that it moved out of it were *flushed*, which
/// does not mean that they are on the disk. Between the last of these pages and the first byte that overwrites the
/// segment lies at least one whole segment of log, and nothing is taken back within a batch. So a sync in every
/// segment's worth of log puts the pages on the disk first. Log is 3 to 8 times what is applied (measured, random keys);
/// here it may be 16 times. Without this, 3 of 20 power cuts during checkpoints of a megabyte damaged durable state.
const UNSYNCED_SHARE: usize = 16;

/// What a change costs in the log beside its key and value.
const CHANGE_BYTES: usize = 64;

// The prefixes 0xfffe and 0xffff are the store's id and the meta space.
const _: () = assert!(KEY_GROUPS < 0xfffe);

/// A state directory that this process has open.
pub struct SledStore {
    // Always there but while `drop` runs, which gives it up before the lock goes.
    db: Option<::sled::Db>,
    path: PathBuf,
    manifest: KeptManifest,
    /// Our own handle of sled's file: sled's flush does not reach the disk.
    file: File,
    blobs: Mutex<BTreeSet<String>>,
    /// The most that is applied between two syncs.
    unsynced_max: usize,
    /// Held while a batch is applied, so that the counts go up in order.
    applied: Mutex<AppliedBatches>,
    witness: Mutex<DirectoryWitness>,
    broken: AtomicBool,
    _lock: Lock,
}

/// What was applied to the database.
#[derive(Debug, Default)]
struct AppliedBatches {
    /// How many batches the database counts.
    batches: u64,
    /// About so many bytes of them came after the last sync of sled's file.
    unsynced: usize,
}

/// Batches that become one of sled's. sled writes two pieces of log for each of its own, waits for both and wakes seven
/// threads for them; its readers wait as long as one is applied.
#[derive(Default)]
struct Joint {
    changes: ::sled::Batch,
    bytes: usize,
}

impl Joint {
    fn add(&mut self, space: Space, batch: &Batch) {
        self.bytes += weight(batch);
        for (key, value) in &batch.changes {
            match value {
                Some(value) => self.changes.insert(space.key(key), value.as_slice()),
                None => self.changes.remove(space.key(key)),
            }
        }
    }
}

/// What a batch counts for between two syncs.
fn weight(batch: &Batch) -> usize {
    batch.changes.iter().map(|(key, value)| CHANGE_BYTES + key.len() + value.as_ref().map_or(0, Vec::len)).sum()
}

impl SledStore {
    /// Opens a state directory, or creates it where there never was one.
    ///
    /// `Locked` when a process has it open, `Unreadable` when its store is damaged or gone (`set_aside` is what
    /// comes next), `Format` and `Later` when another build made it, `Io` when the file system refuses.
    pub fn open(path: &Path) -> Result<SledStore, StoreError> {
        SledStore::open_with_cache(path, CACHE_BYTES)
    }

    /// The same with another page cache.
    pub fn open_with_cache(path: &Path, cache_bytes: u64) -> Result<SledStore, StoreError> {
        let mut lock = Lock::take(path)?;
        let OpenedSled { db, manifest, witness, batches, segment_bytes } = open(path, &mut lock, cache_bytes)?;
        let name = path.join("db");
        let file = File::open(&name).map_err(failed(&name, "cannot open it to sync it"))?;
        // sled may have written a new snapshot; the names of its files must survive as well.
        sync(path)?;
        Ok(SledStore {
            db: Some(db),
            path: path.to_owned(),
            manifest: KeptManifest::new(path, manifest),
            file,
            blobs: Mutex::default(),
            unsynced_max: segment_bytes / UNSYNCED_SHARE,
            applied: Mutex::new(AppliedBatches { batches, unsynced: 0 }),
            witness: Mutex::new(witness),
            broken: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// The format settings of the directory.
    pub fn format(&self) -> StoreFormat {
        self.manifest.now().format
    }

    /// The random name that the store was given at creation.
    pub fn store_id(&self) -> String {
        self.manifest.now().store_id
    }

    /// One call into sled. The first damage makes every later call fail without asking sled again.
    fn ask<T>(&self, what: &str, call: impl FnOnce(&::sled::Db) -> ::sled::Result<T>) -> Result<T, StoreError> {
        if self.broken.load(Ordering::Acquire) {
            return Err(unreadable(&self.path, "it was found damaged before"));
        }
        let Some(db) = &self.db else { return Err(unreadable(&self.path, "it is closed")) };
        let answer = guarded(&self.path, what, || call(db));
        if matches!(answer, Err(StoreError::Unreadable { .. })) {
            self.broken.store(true, Ordering::Release);
        }
        answer.map_err(|error| or_no_room(&self.path, error))
    }

    /// Applies what was joined, after a sync where too much would be unsynced.
    fn write(&self, Joint { mut changes, bytes }: Joint) -> Result<(), StoreError> {
        let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        if applied.unsynced > 0 && applied.unsynced + bytes > self.unsynced_max {
            self.sync_file()?;
            applied.unsynced = 0;
        }
        let next = applied.batches + 1;
        changes.insert(COUNT_KEY, &next.to_be_bytes());
        self.ask("cannot write", |db| db.apply_batch(changes))?;
        applied.batches = next;
        applied.unsynced += bytes;
        Ok(())
    }

    /// Puts onto the disk what sled has written into its file.
    fn sync_file(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(failed(&self.path.join("db"), "cannot sync it"))
    }

    /// Syncs the files that sled keeps big pages in and never syncs itself. Values under 4 KiB make none.
    fn sync_blobs(&self) -> Result<(), StoreError> {
        let directory = self.path.join("blobs");
        let now: BTreeSet<String> = names(&directory)?.into_iter().collect();
        let mut synced = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        if now == *synced {
            return Ok(());
        }
        for name in now.difference(&synced) {
            let file = directory.join(name);
            match File::open(&file).and_then(|file| file.sync_data()) {
                // sled dropped the page in the meantime.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                other => other.map_err(failed(&file, "cannot sync it"))?,
            }
        }
        sync(&directory)?;
        *synced = now;
        Ok(())
    }
}

impl Store for SledStore {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.ask("cannot read", |db| db.get(space.key(key)))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, space: Space, prefix: &[u8], visit: Visit<'_>) -> Result<(), StoreError> {
        let mut entries = self.ask("cannot scan", |db| Ok(db.scan_prefix(space.key(prefix))))?;
        while let Some((key, value)) = self.ask("cannot scan", |_| entries.next().transpose())? {
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
        let mut joint = Joint::default();
        joint.add(space, batch);
        self.write(joint)
    }

    fn apply_all(&self, batches: &[(Space, Batch)]) -> Result<(), StoreError> {
        let mut joint = Joint::default();
        for (space, batch) in batches {
            self.raise(generation(*space, batch))?;
            if joint.bytes > 0 && joint.bytes + weight(batch) > self.unsynced_max {
                self.write(std::mem::take(&mut joint))?;
            }
            joint.add(*space, batch);
        }
        if joint.bytes == 0 { Ok(()) } else { self.write(joint) }
    }

    fn raise(&self, generation: u8) -> Result<(), StoreError> {
        self.manifest.raise(generation)
    }

    fn sync(&self) -> Result<(), StoreError> {
        // First into the file, then onto the disk; blobs before the file that points to them.
        let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        self.ask("cannot flush", |db| db.flush())?;
        self.sync_blobs()?;
        self.sync_file()?;
        applied.unsynced = 0;
        // Only now, and never with a number taken later: the witness must not know more than the disk.
        self.witness.lock().unwrap_or_else(PoisonError::into_inner).note(applied.batches)
    }

    fn disk_bytes(&self) -> u64 {
        bytes(&self.path)
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        if self.broken.load(Ordering::Acquire) {
            // Its destructor would write through the damage, and may hang. The leak lasts until the process ends,
            // and the directory is set aside.
            std::mem::forget(db);
        } else {
            close(db);
        }
    }
}
