//! fjall's state directory: its identity, what is missing from it, and that the engines keep off each other's.

use super::{keys, open, put, scan};
use sidestream::adapters::directory::{Manifest, set_aside};
use sidestream::adapters::fjall::FjallStore;
use sidestream::core::ids::KeyGroup;
use sidestream::ports::store::{Batch, Space, StateEngine, Store, StoreError};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn created(directory: &tempfile::TempDir) -> PathBuf {
    let path = directory.path().join("state");
    let store = FjallStore::open(&path).unwrap();
    put(&store, Space::Meta, &[(b"k", b"v")]);
    store.sync().unwrap();
    path
}

fn unreadable(path: &Path) -> String {
    match FjallStore::open(path) {
        Err(StoreError::Unreadable { why, .. }) => why,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it opened"),
    }
}

/// The journals' numbers.
fn journals(path: &Path) -> Vec<u64> {
    let names =
        fs::read_dir(path.join("fjall")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut numbers: Vec<u64> = names.filter_map(|name| name.strip_suffix(".jnl")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_fjall_directory_has_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let store = FjallStore::open(&path).unwrap();
    assert!(matches!(FjallStore::open(&path), Err(StoreError::Locked { .. })));
    assert!(matches!(set_aside(&path), Err(StoreError::Locked { .. })));
    drop(store);
    let id = FjallStore::open(&path).unwrap().store_id().to_owned();
    let manifest = Manifest::read(&path).unwrap().unwrap();
    assert_eq!((manifest.engine, manifest.store_id), (StateEngine::Fjall, id));
}

#[test]
fn the_engines_refuse_each_others_directories_and_leave_them_as_they_are() {
    for (maker, other) in [(StateEngine::Sled, StateEngine::Fjall), (StateEngine::Fjall, StateEngine::Sled)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let store = open(maker, &path).unwrap();
        put(&*store, Space::Meta, &[(b"k", b"v")]);
        store.sync().unwrap();
        drop(store);
        match open(other, &path) {
            Err(StoreError::OtherEngine { found, wanted, .. }) => assert_eq!((found, wanted), (maker, other)),
            Err(error) => panic!("another error: {error}"),
            Ok(_) => panic!("it opened"),
        }
        assert_eq!(keys(&*open(maker, &path).unwrap(), Space::Meta, b""), [b"k"]);

        // Without what says whose it is, it is still no new directory.
        fs::remove_file(path.join("FORMAT")).unwrap();
        fs::remove_file(path.join("sidestream.lock")).unwrap();
        for engine in [maker, other] {
            assert!(matches!(open(engine, &path), Err(StoreError::Unreadable { .. })), "{maker} as {engine}");
        }
    }
}

/// A manifest from before there were two engines names none.
#[test]
fn a_directory_that_names_no_engine_is_sleds() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    drop(open(StateEngine::Sled, &path).unwrap());
    let text = fs::read_to_string(path.join("FORMAT")).unwrap();
    let older: String = text.lines().filter(|line| !line.contains("engine")).map(|line| format!("{line}\n")).collect();
    assert_ne!(text, older);
    fs::write(path.join("FORMAT"), older).unwrap();
    open(StateEngine::Sled, &path).unwrap();
    assert!(matches!(open(StateEngine::Fjall, &path), Err(StoreError::OtherEngine { .. })));
}

/// fjall alone takes each of these for a new or smaller database, and deletes the rest of it.
#[test]
fn a_lost_fjall_store_is_not_a_new_one() {
    let lose = |names: &[&str]| {
        let directory = tempfile::tempdir().unwrap();
        let path = created(&directory);
        for name in names {
            let lost = path.join(name);
            if lost.is_dir() { fs::remove_dir_all(lost).unwrap() } else { fs::remove_file(lost).unwrap() }
        }
        let tables = path.join("fjall/keyspaces/1");
        let (before, why) = (tables.exists(), unreadable(&path));
        assert_eq!(tables.exists(), before, "{why}: the tables were deleted");
        why
    };
    assert_eq!(lose(&["fjall/version"]), "the database's file fjall/version is gone");
    assert_eq!(lose(&["fjall"]), "the database's file fjall/version is gone");
    assert_eq!(lose(&["fjall/0.jnl"]), "the database's journals are gone");
    assert_eq!(lose(&["fjall/keyspaces/0/current"]), "the database's file fjall/keyspaces/0/current is gone");
    assert_eq!(lose(&["fjall/keyspaces/1/current"]), "the database's file fjall/keyspaces/1/current is gone");
    assert_eq!(lose(&["fjall/keyspaces/1"]), "the database's file fjall/keyspaces/1/current is gone");
    assert_eq!(lose(&["SYNCED"]), "the file SYNCED is gone");
    assert_eq!(lose(&["FORMAT"]), "the file FORMAT is gone");
    assert_eq!(lose(&["FORMAT", "sidestream.lock"]), "there is data, but no file FORMAT");
}

#[test]
fn another_fjall_stores_database_is_refused() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ours, theirs) = (created(&ours), created(&theirs));
    fs::remove_dir_all(ours.join("fjall")).unwrap();
    fs::rename(theirs.join("fjall"), ours.join("fjall")).unwrap();
    assert_eq!(unreadable(&ours), "the database inside is not the one that FORMAT names");
}

/// A crash at creation leaves any beginning of: a part of a database, the database, the id inside, `SYNCED`, `FORMAT`.
#[test]
fn an_unfinished_creation_of_fjall_is_finished() {
    for lost in [&["FORMAT", "sidestream.lock"][..], &["sidestream.lock"], &["FORMAT", "SYNCED", "sidestream.lock"]] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        drop(FjallStore::open(&path).unwrap());
        for name in lost {
            fs::remove_file(path.join(name)).unwrap();
        }
        put(&FjallStore::open(&path).unwrap(), Space::Meta, &[(b"k", b"v")]);
        assert_eq!(keys(&FjallStore::open(&path).unwrap(), Space::Meta, b""), [b"k"]);
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    fs::create_dir_all(path.join("fjall.new/keyspaces")).unwrap();
    fs::write(path.join("fjall.new/0.jnl"), b"").unwrap();
    drop(FjallStore::open(&path).unwrap());
    assert!(!path.join("fjall.new").exists());
}

/// fjall alone opens this without a word: it is a whole database, only an older one.
#[test]
fn an_older_fjall_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (path, older) = (created(&directory), directory.path().join("older"));
    assert!(Command::new("cp").arg("-r").args([&path, &older]).status().unwrap().success());
    let store = FjallStore::open(&path).unwrap();
    put(&store, Space::Meta, &[(b"k", b"w")]);
    store.sync().unwrap();
    drop(store);
    fs::copy(path.join("SYNCED"), older.join("SYNCED")).unwrap();
    assert_eq!(unreadable(&older), "the database has lost 1 of 2 batches");
}

/// Two journals, and the older one has what no table has yet. fjall alone opens without it, with what the newer one has.
#[test]
fn a_journal_that_is_gone_from_between_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let path = created(&directory);
    let store = FjallStore::open(&path).unwrap();
    put(&store, Space::Group(KeyGroup(1)), &[(b"middle", b"1")]);
    store.sync().unwrap();
    drop(store);
    // The journal ends here; what comes later goes into another, as after 64 MB.
    let home = path.join("fjall");
    assert_eq!(journals(&path), [0]);
    let before = fs::read(home.join("0.jnl")).unwrap();
    let store = FjallStore::open(&path).unwrap();
    put(&store, Space::Group(KeyGroup(2)), &[(b"later", b"1")]);
    put(&store, Space::Group(KeyGroup(2)), &[(b"latest", b"1")]);
    store.sync().unwrap();
    drop(store);
    let whole = fs::read(home.join("0.jnl")).unwrap();
    let whole = &whole[..whole.iter().rposition(|byte| *byte != 0).unwrap() + 1];
    let later = whole.strip_prefix(&before[..]).unwrap();
    fs::write(home.join("0.jnl"), &before).unwrap();
    fs::write(home.join("1.jnl"), later).unwrap();
    let copy = directory.path().join("copy");
    assert!(Command::new("cp").arg("-r").args([&path, &copy]).status().unwrap().success());
    assert_eq!(keys(&FjallStore::open(&copy).unwrap(), Space::Group(KeyGroup(2)), b""), [&b"later"[..], b"latest"]);

    // Without the first of the later batches: its journal begins with the second.
    let first = later.windows(4).position(|bytes| bytes == b"FJL\x03").unwrap() + 4;
    fs::write(home.join("1.jnl"), &later[first..]).unwrap();
    assert_eq!(unreadable(&path), "1 of the last 4 batches are missing");
}

/// Batches that fill no buffer reach the tables before the ring of their numbers comes round.
#[test]
fn seventy_thousand_batches_of_one_row_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let store = FjallStore::open(&path).unwrap();
    for n in 0..70_000_u32 {
        let change = (b"row".to_vec(), Some(n.to_be_bytes().to_vec()));
        store.apply(Space::Group(KeyGroup((n % 128) as u16)), &Batch { changes: vec![change] }).unwrap();
    }
    store.sync().unwrap();
    drop(store);
    let store = FjallStore::open(&path).unwrap();
    for group in 0..128_u16 {
        let last = (0..70_000_u32).rfind(|n| n % 128 == u32::from(group)).unwrap();
        let row = (b"row".to_vec(), last.to_be_bytes().to_vec());
        assert_eq!(scan(&store, Space::Group(KeyGroup(group)), b""), [row]);
    }
}
