//! Opening sled in a directory that may have been damaged, and telling a new store from a lost one.
//!
//! Nothing is deleted here but sled's snapshots, which sled makes again from its log. Called by `SledStore::open`,
//! which holds the lock.

use super::guard::{close, guarded};
use crate::adapters::directory::files::{failed, names, sync, unreadable};
use crate::adapters::directory::lock::Lock;
use crate::adapters::directory::manifest::{FORMAT, Manifest};
use crate::adapters::directory::witness::DirectoryWitness;
use crate::core::record::StateEngine;
use crate::ports::store::StoreError;
use std::fs::{self, File};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Where the store's id stands inside sled: a prefix that no space has.
pub const ID_KEY: &[u8] = b"\xff\xfestore";

/// Where the batches are counted inside sled: u64, big endian.
pub const COUNT_KEY: &[u8] = b"\xff\xfebatches";

/// The pieces in which the file of a new database is taken and given back; what may go without a sync follows from it
/// (`store::UNSYNCED_SHARE`). A directory keeps the size that it was made with.
///
/// With sled's own default of 512 KiB the engine needs a sixteenth more CPU at full speed; 4 and 8 MiB are not better
/// than 2, and each piece passes through a buffer of its size.
pub const SEGMENT_BYTES: usize = 2 * 1024 * 1024;
/// The line of sled's own file `conf` that tells the size.
const SEGMENT_LINE: &[u8] = b"segment_size: ";

/// A database that was found whole as far as opening it can tell.
pub struct OpenedSled {
    /// sled.
    pub db: ::sled::Db,
    /// What `FORMAT` says.
    pub manifest: Manifest,
    /// What `SYNCED` says is kept here.
    pub witness: DirectoryWitness,
    /// How many batches the database counts.
    pub batches: u64,
    /// The pieces of its file.
    pub segment_bytes: usize,
}

/// Opens the database of a directory, and creates one only where there never was one.
pub fn open(path: &Path, lock: &mut Lock, cache_bytes: u64) -> Result<OpenedSled, StoreError> {
    let manifest = Manifest::read_for(StateEngine::Sled, path)?;
    if let Some(manifest) = &manifest {
        // Before the database is let near its files, which it changes.
        manifest.suits(path)?;
    }
    let noted = lock.store_id(path)?;
    let present = fs::metadata(path.join("db")).is_ok_and(|data| data.len() > 0);
    match &manifest {
        Some(_) if !present => return Err(unreadable(path, "the database's files are gone")),
        None if !noted.is_empty() => return Err(unreadable(path, format!("the file {FORMAT} is gone"))),
        _ => {}
    }
    wait_for_sled(path)?;
    let segment_bytes = match noted_segment_bytes(path) {
        Some(noted) => noted,
        None if manifest.is_none() => SEGMENT_BYTES,
        // sled would write another one, with whatever size it is told, and then write over the data by it.
        None => return Err(unreadable(path, "the file conf is gone or unreadable")),
    };
    let db = open_sled(path, cache_bytes, segment_bytes)?;
    match identify(path, &db, manifest) {
        Ok((manifest, witness, batches)) => {
            // A copied directory or a crash at creation may lack the note.
            if noted != manifest.store_id {
                lock.note(path, &manifest.store_id)?;
            }
            Ok(OpenedSled { db, manifest, witness, batches, segment_bytes })
        }
        Err(error) => {
            close(db);
            Err(error)
        }
    }
}

/// Returns once nobody has sled's own lock on its file, or says `Locked` after a second.
///
/// sled lets go by closing its handle, of which a child that is just being started may hold a copy until it runs
/// its program. With our lock held, anybody who keeps it longer is an older build or another program.
fn wait_for_sled(directory: &Path) -> Result<(), StoreError> {
    let Ok(file) = File::open(directory.join("db")) else { return Ok(()) };
    let (tell, told) = mpsc::channel();
    // A thread, because a lock cannot be waited for with a deadline; a late one ends with nobody listening.
    std::thread::spawn(move || tell.send(file.lock().and_then(|()| file.unlock())));
    match told.recv_timeout(Duration::from_secs(1)) {
        Ok(result) => result.map_err(failed(&directory.join("db"), "cannot lock it")),
        Err(_) => Err(StoreError::Locked { path: directory.display().to_string() }),
    }
}

/// Whether the database is the one that the files beside it speak of, and has all that it ever synced.
fn identify(
    path: &Path,
    db: &::sled::Db,
    manifest: Option<Manifest>,
) -> Result<(Manifest, DirectoryWitness, u64), StoreError> {
    let inside = guarded(path, "cannot read the store's id", || db.get(ID_KEY))?;
    let manifest = match manifest {
        None => create(path, db, inside.is_some())?,
        Some(manifest) if inside.as_deref() == Some(manifest.store_id.as_bytes()) => manifest,
        Some(_) => return Err(unreadable(path, format!("the database inside is not the one that {FORMAT} names"))),
    };
    let count = guarded(path, "cannot read the count", || db.get(COUNT_KEY))?;
    let count = count.as_deref().and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    let witness = DirectoryWitness::open(path, &manifest.store_id, count)?;
    Ok((manifest, witness, count))
}

/// The pieces of a directory's file, as sled itself has noted them. It opens the file with no other size.
fn noted_segment_bytes(path: &Path) -> Option<usize> {
    let noted = fs::read(path.join("conf")).ok()?;
    let line = noted.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(SEGMENT_LINE))?;
    std::str::from_utf8(line).ok()?.parse().ok()
}

/// Opens sled; where it finds its files corrupt, once more without the snapshots, which only abbreviate its log.
fn open_sled(path: &Path, cache_bytes: u64, segment_bytes: usize) -> Result<::sled::Db, StoreError> {
    // A left-over half-written snapshot is read like a whole one and makes the database unopenable.
    remove_snapshots(path, |name| name.ends_with(".generating"))?;
    let config = || {
        let config = ::sled::Config::new().path(path).cache_capacity(cache_bytes);
        // The checkpointer decides when to flush; a thread that flushes between would only cost.
        config.flush_every_ms(None).use_compression(false).segment_size(segment_bytes)
    };
    match guarded(path, "cannot open the database", || config().open()) {
        Err(first @ StoreError::Unreadable { .. }) => {
            remove_snapshots(path, |_| true)?;
            // The second attempt may fail for what the first left behind: its own words count only if it succeeds.
            guarded(path, "cannot open the database", || config().open()).map_err(|_| first)
        }
        other => other,
    }
}

fn remove_snapshots(path: &Path, which: impl Fn(&str) -> bool) -> Result<(), StoreError> {
    for name in names(path)?.into_iter().filter(|name| name.starts_with("snap.") && which(name)) {
        let file = path.join(name);
        fs::remove_file(&file).map_err(failed(&file, "cannot remove a snapshot"))?;
    }
    Ok(())
}

/// Makes a database without a manifest a store of ours: sled's files first, then `SYNCED`, then `FORMAT`, each durable
/// before the next, so that a crash between two of them is recognised and finished here.
fn create(path: &Path, db: &::sled::Db, has_id: bool) -> Result<Manifest, StoreError> {
    let entries = guarded(path, "cannot read the database", || db.iter().take(2).collect::<Result<Vec<_>, _>>())?;
    if entries.len() > usize::from(has_id) {
        return Err(unreadable(path, format!("there is data, but no file {FORMAT}")));
    }
    let manifest = Manifest::new(StateEngine::Sled);
    guarded(path, "cannot write the store's id", || {
        db.insert(ID_KEY, manifest.store_id.as_bytes())?;
        db.flush()
    })?;
    for name in ["db", "conf", "blobs"] {
        sync(&path.join(name))?;
    }
    sync(path)?;
    DirectoryWitness::create(path, &manifest.store_id)?;
    manifest.write(path)?;
    Ok(manifest)
}
