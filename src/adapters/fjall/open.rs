//! Opening fjall in a directory that may have been damaged, and telling a new store from a lost one.
//!
//! fjall itself makes a new database where its marker is gone, and deletes the tables of a keyspace whose manifest is
//! gone: a directory that once held a store is looked at first. Called by `FjallStore::open`, which holds the lock.

use super::guard::{close, guarded};
use super::{journal, ring};
use crate::adapters::directory::files::{failed, make, names, sync, unreadable};
use crate::adapters::directory::lock::Lock;
use crate::adapters::directory::manifest::{FORMAT, Manifest, database};
use crate::adapters::directory::witness::DirectoryWitness;
use crate::core::record::StateEngine;
use crate::ports::store::StoreError;
use ::fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::fs;
use std::path::Path;

/// Where the store's id stands inside fjall: a prefix that no space has.
pub const ID_KEY: &[u8] = b"\xff\xfestore";

/// Where the batches are counted inside fjall: u64, big endian.
pub const COUNT_KEY: &[u8] = b"\xff\xfebatches";

/// The same until it is whole.
const NEW: &str = "fjall.new";

/// The one keyspace: one order over all spaces, and one memtable, so that batches reach the tables in their order.
const KEYSPACE: &str = "rows";

/// What a database always has. The keyspaces are fjall's own, 0, and ours, the first that was made.
const ALWAYS: [&str; 3] = ["version", "keyspaces/0/current", "keyspaces/1/current"];

/// A write buffer of this size becomes a table. There may be five of them: one that fills, and four that wait.
pub const BUFFER_BYTES: u64 = 16 * 1024 * 1024;

/// One thread flushes, one merges tables. A thread a core would compete with the shards.
const THREADS: usize = 2;

/// A database that was found whole as far as opening it can tell.
pub struct OpenedFjall {
    /// fjall.
    pub db: Database,
    /// Our keyspace.
    pub rows: Keyspace,
    /// What `FORMAT` says.
    pub manifest: Manifest,
    /// What `SYNCED` says is kept here.
    pub witness: DirectoryWitness,
    /// How many batches the database counts.
    pub batches: u64,
}

/// Opens the database of a directory, and creates one only where there never was one.
pub fn open(path: &Path, lock: &mut Lock, cache_bytes: u64) -> Result<OpenedFjall, StoreError> {
    let manifest = Manifest::read_for(StateEngine::Fjall, path)?;
    if let Some(manifest) = &manifest {
        // Before the database is let near its files, which it changes.
        manifest.suits(path)?;
    }
    let noted = lock.store_id(path)?;
    let home = path.join(database(StateEngine::Fjall));
    match &manifest {
        Some(_) => there(path, &home)?,
        None if !noted.is_empty() => return Err(unreadable(path, format!("the file {FORMAT} is gone"))),
        None => make_database(path, &home, cache_bytes)?,
    }
    let (db, rows) = open_mended(path, &home, cache_bytes)?;
    match identify(path, &db, &rows, manifest) {
        Ok((manifest, witness, batches)) => {
            // A copied directory or a crash at creation may lack the note.
            if noted != manifest.store_id {
                lock.note(path, &manifest.store_id)?;
            }
            Ok(OpenedFjall { db, rows, manifest, witness, batches })
        }
        Err(error) => {
            close(db, rows);
            Err(error)
        }
    }
}

/// Whether the files are there without which fjall would begin anew, or delete the rest.
fn there(path: &Path, home: &Path) -> Result<(), StoreError> {
    let journals = names(home)?.iter().filter(|name| name.ends_with(".jnl")).count();
    let missing = ALWAYS.into_iter().find(|name| fs::symlink_metadata(home.join(name)).is_err());
    match missing {
        None if journals > 0 => Ok(()),
        None => Err(unreadable(path, "the database's journals are gone")),
        Some(name) => {
            Err(unreadable(path, format!("the database's file {}/{name} is gone", database(StateEngine::Fjall))))
        }
    }
}

/// Makes an empty database beside its place and renames it when it is whole: a crash leaves none, or all of it.
fn make_database(path: &Path, home: &Path, cache_bytes: u64) -> Result<(), StoreError> {
    if home.try_exists().map_err(failed(home, "cannot look for it"))? {
        return Ok(());
    }
    let new = path.join(NEW);
    match fs::remove_dir_all(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(failed(&new, "cannot remove it")(error));
        }
        _ => {}
    }
    make(&new)?;
    let (db, rows) = open_fjall(path, &new, cache_bytes)?;
    close(db, rows);
    sync_below(&new)?;
    fs::rename(&new, home).map_err(failed(home, "cannot put it in place"))?;
    sync(path)
}

/// Syncs every file and directory below; a new database has a dozen.
fn sync_below(directory: &Path) -> Result<(), StoreError> {
    for name in names(directory)? {
        let below = directory.join(name);
        if below.is_dir() { sync_below(&below)? } else { sync(&below)? }
    }
    sync(directory)
}

/// Opens fjall; where it refuses, once more without the torn end of its newest journal.
fn open_mended(path: &Path, home: &Path, cache_bytes: u64) -> Result<(Database, Keyspace), StoreError> {
    match open_fjall(path, home, cache_bytes) {
        Err(first @ StoreError::Unreadable { .. }) => {
            if !journal::mend(home)? {
                return Err(first);
            }
            // The second attempt may fail for what the first left behind: its own words count only if it succeeds.
            open_fjall(path, home, cache_bytes).map_err(|_| first)
        }
        other => other,
    }
}

fn open_fjall(path: &Path, home: &Path, cache_bytes: u64) -> Result<(Database, Keyspace), StoreError> {
    guarded(path, "cannot open the database", || {
        let builder = Database::builder(home).cache_size(cache_bytes).worker_threads(THREADS);
        // The checkpointer says what must be on the disk; `journal` reads what is not compressed.
        let builder = builder.manual_journal_persist(true).journal_compression(CompressionType::None);
        let db = builder.open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(BUFFER_BYTES);
        let rows = db.keyspace(KEYSPACE, options)?;
        Ok((db, rows))
    })
}

/// Whether the database is the one that the files beside it speak of, and has all that it ever synced.
fn identify(
    path: &Path,
    db: &Database,
    rows: &Keyspace,
    manifest: Option<Manifest>,
) -> Result<(Manifest, DirectoryWitness, u64), StoreError> {
    let inside = guarded(path, "cannot read the store's id", || rows.get(ID_KEY))?;
    let manifest = match manifest {
        None => create(path, db, rows, inside.is_some())?,
        Some(manifest) if inside.as_deref() == Some(manifest.store_id.as_bytes()) => manifest,
        Some(_) => return Err(unreadable(path, format!("the database inside is not the one that {FORMAT} names"))),
    };
    let count = guarded(path, "cannot read the count", || rows.get(COUNT_KEY))?;
    let count = count.as_deref().and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    let witness = DirectoryWitness::open(path, &manifest.store_id, count)?;
    ring::check(path, rows, count)?;
    Ok((manifest, witness, count))
}

/// Makes an empty database a store of ours: the id inside first, then `SYNCED`, then `FORMAT`, each durable before the
/// next, so that a crash between two of them is recognised and finished here.
fn create(path: &Path, db: &Database, rows: &Keyspace, has_id: bool) -> Result<Manifest, StoreError> {
    let entries = guarded(path, "cannot read the database", || Ok(rows.iter().take(2).count()))?;
    if entries > usize::from(has_id) {
        return Err(unreadable(path, format!("there is data, but no file {FORMAT}")));
    }
    let manifest = Manifest::new(StateEngine::Fjall);
    guarded(path, "cannot write the store's id", || {
        rows.insert(ID_KEY, manifest.store_id.as_bytes())?;
        db.persist(PersistMode::SyncAll)
    })?;
    DirectoryWitness::create(path, &manifest.store_id)?;
    manifest.write(path)?;
    Ok(manifest)
}
