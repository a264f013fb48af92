//! The simulator's disk: what it loses and refuses, and that sled leaves nothing that it could not leave.
//!
//! That it is a store at all is asked by `store_conformance`.

use super::model::Disk;
use crate::harness::wait::wait_until;
use sidestream::adapters::sled::SledStore;
use sidestream::core::ids::KeyGroup;
use sidestream::ports::store::{Batch, Space, Store, StoreError};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const SPACES: [Space; 3] = [Space::Meta, Space::Group(KeyGroup(0)), Space::Group(KeyGroup(1))];
type Content = Vec<(Space, Vec<u8>, Vec<u8>)>;

fn batch(changes: &[(u8, Option<u64>)]) -> Batch {
    let change = |(key, value): &(u8, Option<u64>)| (vec![*key], value.map(|value| value.to_be_bytes().to_vec()));
    Batch { changes: changes.iter().map(change).collect() }
}

fn put(disk: &Disk, key: u8, value: u64) {
    disk.apply(Space::Meta, &batch(&[(key, Some(value)), (key + 100, Some(value))])).unwrap();
}

fn content(store: &dyn Store) -> Content {
    let mut found = Vec::new();
    for space in SPACES {
        let mut visit = |key: &[u8], value: &[u8]| {
            found.push((space, key.to_vec(), value.to_vec()));
            true
        };
        store.scan(space, b"", &mut visit).unwrap();
    }
    found
}

fn keys(disk: &Disk) -> Vec<u8> {
    content(disk).into_iter().map(|(_, key, _)| key[0]).collect()
}

/// The disk after a power cut that keeps the pending batches whose bits are set.
fn after(disk: &Disk, kept: u64) -> Disk {
    let disk = disk.fork();
    disk.power_cut(&mut |index| kept >> index & 1 == 1);
    disk
}

#[test]
fn a_power_cut_keeps_what_was_synced_and_any_of_the_rest_whole() {
    let disk = Disk::new();
    put(&disk, 1, 1);
    disk.sync().unwrap();
    for key in [2, 3, 4] {
        put(&disk, key, 1);
    }
    assert_eq!((disk.pending(), disk.batches(), disk.syncs()), (3, 4, 1));
    assert_eq!(keys(&disk), [1, 2, 3, 4, 101, 102, 103, 104]);
    for kept in 0..8 {
        let disk = after(&disk, kept);
        let mut left = vec![1];
        left.extend((0..3).filter(|bit| kept >> bit & 1 == 1).map(|bit| bit + 2));
        left.extend(left.clone().iter().map(|key| key + 100));
        assert_eq!(keys(&disk), left, "kept {kept:b}");
        // What came through one power cut comes through the next.
        assert_eq!((disk.pending(), keys(&after(&disk, 0))), (0, left));
    }
    // A later batch wins over an earlier one, whichever of them was kept.
    put(&disk, 1, 2);
    put(&disk, 1, 3);
    for (kept, value) in [(0b00_000, 1_u64), (0b01_000, 2), (0b10_000, 3), (0b11_000, 3)] {
        assert_eq!(after(&disk, kept).get(Space::Meta, &[1]).unwrap(), Some(value.to_be_bytes().to_vec()));
    }
}

#[test]
fn a_sync_that_failed_made_nothing_durable() {
    let disk = Disk::new();
    put(&disk, 1, 1);
    disk.fail_sync(true);
    assert!(matches!(disk.sync(), Err(StoreError::Io { .. })));
    assert_eq!((keys(&disk), keys(&after(&disk, 0)), disk.syncs()), (vec![1, 101], vec![], 0));
    disk.fail_sync(false);
    disk.sync().unwrap();
    assert_eq!(keys(&after(&disk, 0)), [1, 101]);
}

#[test]
fn a_disk_that_fails_refuses_everything_and_changes_nothing() {
    let disk = Disk::new();
    disk.fail_after(Some(3));
    put(&disk, 1, 1);
    disk.sync().unwrap();
    disk.get(Space::Meta, &[1]).unwrap();
    for _ in 0..2 {
        let refused = [
            disk.get(Space::Meta, &[1]).err(),
            disk.scan(Space::Meta, &[], &mut |_, _| panic!("visited")).err(),
            disk.apply(Space::Meta, &batch(&[(2, Some(2))])).err(),
            disk.sync().err(),
        ];
        assert!(refused.iter().all(|error| matches!(error, Some(StoreError::Io { .. }))), "{refused:?}");
    }
    disk.fail_after(None);
    assert_eq!((keys(&disk), disk.batches(), disk.pending()), (vec![1, 101], 1, 0));
}

#[test]
fn an_older_content_comes_back_whole_and_a_wiped_disk_is_empty() {
    let disk = Disk::new();
    put(&disk, 1, 1);
    disk.sync().unwrap();
    put(&disk, 2, 2);
    let older = disk.snapshot();
    put(&disk, 3, 3);
    disk.apply(Space::Meta, &batch(&[(1, None)])).unwrap();
    disk.sync().unwrap();
    disk.clone().restore(&older);
    assert_eq!(keys(&disk), [1, 2, 101, 102]);
    assert_eq!(keys(&after(&disk, 0)), [1, 2, 101, 102]);
    disk.wipe();
    assert_eq!(keys(&disk), [0; 0]);
    assert_eq!(keys(&after(&disk, 0)), [0; 0]);
}

#[test]
fn the_hook_hears_of_every_batch_and_may_use_the_disk() {
    let (disk, heard) = (Disk::new(), Arc::new(Mutex::new(Vec::new())));
    let (inside, notes) = (disk.clone(), heard.clone());
    disk.on_apply(Some(Box::new(move |space, batch, pending| {
        let seen = inside.get(space, &batch.changes[0].0).unwrap().is_some();
        notes.lock().unwrap().push((space, batch.changes.len(), pending, seen));
        if pending == 2 {
            inside.sync().unwrap();
        }
    })));
    put(&disk, 1, 1);
    put(&disk, 2, 1);
    disk.apply(SPACES[1], &batch(&[(9, Some(1))])).unwrap();
    disk.on_apply(None);
    put(&disk, 4, 1);
    let meta = Space::Meta;
    assert_eq!(*heard.lock().unwrap(), [(meta, 2, 1, true), (meta, 2, 2, true), (SPACES[1], 1, 1, true)]);
}

/// What is in sled's files at a moment is what a kill would leave, and one of the things that a power cut may leave.
/// It is not one: the files come from the page cache. What is asked is that sled left nothing else than the model
/// might: everything synced, and each later batch whole or not at all.
#[test]
fn what_sled_leaves_is_something_that_the_model_may_leave() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let (sled, disk) = (SledStore::open(&path).unwrap(), Disk::new());
    let mut lost = 0;
    for round in 0..60_u64 {
        let draw = |what: u64, below: u64| xxh3_64_with_seed(&round.to_be_bytes(), what) % below;
        for n in 0..1 + draw(1, 5) {
            let change = |at: u64| {
                let value = 1 << 32 | round << 16 | n << 8 | at;
                (draw(100 * n + at, 40) as u8, (draw(100 * n + at + 1, 4) > 0).then_some(value))
            };
            let changes: Vec<_> = (10..10 + draw(n + 3, 30)).map(change).collect();
            let space = SPACES[draw(n + 50, 3) as usize];
            sled.apply(space, &batch(&changes)).unwrap();
            disk.apply(space, &batch(&changes)).unwrap();
        }
        if round % 3 == 0 || disk.pending() > 7 {
            sled.sync().unwrap();
            disk.sync().unwrap();
        }
        assert!(content(&sled) == content(&disk), "round {round}: they differ without any cut");
        let copy = directory.path().join("copy");
        copy_files(&path, &copy);
        // Opening gives up after a second without the processor, too.
        let left = wait_until("the copy's opening", || match SledStore::open(&copy) {
            Err(StoreError::Locked { .. }) => None,
            other => Some(content(&other.unwrap())),
        });
        fs::remove_dir_all(&copy).unwrap();
        let possible = (0..1 << disk.pending()).any(|kept| content(&after(&disk, kept)) == left);
        assert!(possible, "round {round}: sled left what the model could not");
        lost += usize::from(left != content(&disk));
    }
    // Without losses nothing was asked.
    assert!(lost >= 10, "sled lost something {lost} times");
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let to = to.join(entry.file_name());
        if entry.metadata().unwrap().is_dir() {
            copy_files(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
