//! What every store promises, asked of each adapter and of the simulator's disk: the same cases over all.
//!
//! What only a directory can do (locks, kills, damage) is asked in `on_disk`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail that way")]

mod on_disk;
mod fjall;
mod kill;
mod damage;

use crate::model_conformance::model::Disk;
use sidestream::adapters::fjall::FjallStore;
use sidestream::adapters::memory::MemoryStore;
use sidestream::adapters::sled::SledStore;
use sidestream::core::ids::KeyGroup;
use sidestream::ports::store::{Batch, Space, StateEngine, Store, StoreError};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

const A: Space = Space::Group(KeyGroup(0));
const B: Space = Space::Group(KeyGroup(1));
const LAST: Space = Space::Group(KeyGroup(127));

/// The file `conf` as sled 0.34.7 writes it where it is asked for its default of 512 KiB, with its checksum: a directory
/// that begins with it has such segments.
pub const SMALL_SEGMENTS: &[u8] = b"segment_size: 524288\nuse_compression: false\nversion: 0.34\n\x76\x19\x51\xc1";

/// A store that can be closed and opened again.
trait Place {
    fn open(&self) -> Box<dyn Store>;
}

impl Place for MemoryStore {
    fn open(&self) -> Box<dyn Store> {
        Box::new(self.clone())
    }
}

impl Place for Disk {
    fn open(&self) -> Box<dyn Store> {
        Box::new(self.clone())
    }
}

/// A directory and who keeps it.
struct Directory(tempfile::TempDir, StateEngine);

impl Place for Directory {
    fn open(&self) -> Box<dyn Store> {
        open(self.1, &self.0.path().join("state")).unwrap()
    }
}

/// Opens a directory as its engine.
fn open(engine: StateEngine, path: &Path) -> Result<Box<dyn Store>, StoreError> {
    Ok(match engine {
        StateEngine::Sled => Box::new(SledStore::open(path)?),
        StateEngine::Fjall => Box::new(FjallStore::open(path)?),
    })
}

type Case = (&'static str, fn(&dyn Place));

const CASES: &[Case] = &[
    ("what was written is read", what_was_written_is_read),
    ("scans go in key order", scans_go_in_key_order),
    ("prefixes end where they end", prefixes_end_where_they_end),
    ("a scan ends when told to", a_scan_ends_when_told_to),
    ("the later change of a batch wins", the_later_change_of_a_batch_wins),
    ("what was removed is gone", what_was_removed_is_gone),
    ("spaces are apart", spaces_are_apart),
    ("batches at once are batches in order", batches_at_once_are_batches_in_order),
    ("empty keys and values are kept", empty_keys_and_values_are_kept),
    ("the visitor may use the store", the_visitor_may_use_the_store),
    ("everything is there after reopening", everything_is_there_after_reopening),
    ("many keys", many_keys),
    ("readers run beside the writer", readers_run_beside_the_writer),
];

#[test]
fn memory_keeps_the_promises() {
    for (name, case) in CASES {
        println!("{name}");
        case(&MemoryStore::new());
    }
}

#[test]
fn sled_keeps_the_promises() {
    for (name, case) in CASES {
        println!("{name}");
        case(&Directory(tempfile::tempdir().unwrap(), StateEngine::Sled));
    }
}

#[test]
fn fjall_keeps_the_promises() {
    for (name, case) in CASES {
        println!("{name}");
        case(&Directory(tempfile::tempdir().unwrap(), StateEngine::Fjall));
    }
}

#[test]
fn the_simulators_disk_keeps_the_promises() {
    for (name, case) in CASES {
        println!("{name}");
        case(&Disk::new());
    }
}

#[test]
fn memory_counts_syncs() {
    let store = MemoryStore::new();
    store.clone().sync().unwrap();
    store.sync().unwrap();
    assert_eq!((store.syncs(), store.disk_bytes()), (2, 0));
}

fn put(store: &dyn Store, space: Space, entries: &[(&[u8], &[u8])]) {
    let changes = entries.iter().map(|(key, value)| (key.to_vec(), Some(value.to_vec()))).collect();
    store.apply(space, &Batch { changes }).unwrap();
}

fn batches_at_once_are_batches_in_order(place: &dyn Place) {
    let store = place.open();
    let batch = |changes: &[(&[u8], Option<&[u8]>)]| {
        let owned = |(key, value): &(&[u8], Option<&[u8]>)| (key.to_vec(), value.map(<[u8]>::to_vec));
        Batch { changes: changes.iter().map(owned).collect() }
    };
    store.apply_all(&[]).unwrap();
    // Large ones, so that a store which joins them has to stop in between.
    let large = vec![7; 100_000];
    let batches = [
        (A, batch(&[(b"k", Some(b"first")), (b"gone", Some(b"x"))])),
        (B, batch(&[(b"k", Some(b"other")), (b"large", Some(&large))])),
        (A, batch(&[(b"k", Some(b"second")), (b"gone", None), (b"large", Some(&large))])),
        (LAST, Batch::default()),
        (Space::Meta, batch(&[(b"k", Some(b"meta"))])),
    ];
    store.apply_all(&batches).unwrap();
    store.sync().unwrap();
    drop(store);
    let store = place.open();
    let keys = |space| scan(&*store, space, b"").into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!((keys(A), keys(B), keys(LAST)), (vec![b"k".to_vec(), b"large".to_vec()], keys(A), vec![]));
    let values = [(A, &b"second"[..]), (B, b"other"), (Space::Meta, b"meta")];
    for (space, value) in values {
        assert_eq!(store.get(space, b"k").unwrap().as_deref(), Some(value));
    }
    assert_eq!(store.get(B, b"large").unwrap(), Some(large));
}

fn remove(store: &dyn Store, space: Space, key: &[u8]) {
    store.apply(space, &Batch { changes: vec![(key.to_vec(), None)] }).unwrap();
}

fn scan(store: &dyn Store, space: Space, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        true
    };
    store.scan(space, prefix, &mut visit).unwrap();
    found
}

fn keys(store: &dyn Store, space: Space, prefix: &[u8]) -> Vec<Vec<u8>> {
    scan(store, space, prefix).into_iter().map(|(key, _)| key).collect()
}

fn what_was_written_is_read(place: &dyn Place) {
    let store = place.open();
    assert_eq!(store.get(A, b"k").unwrap(), None);
    put(&*store, A, &[(b"k", b"1")]);
    assert_eq!(store.get(A, b"k").unwrap().as_deref(), Some(&b"1"[..]));
    put(&*store, A, &[(b"k", b"22")]);
    assert_eq!(store.get(A, b"k").unwrap().as_deref(), Some(&b"22"[..]));
    let large = vec![7; 4095];
    put(&*store, A, &[(b"k", &large)]);
    assert_eq!(store.get(A, b"k").unwrap(), Some(large));
}

fn scans_go_in_key_order(place: &dyn Place) {
    let store = place.open();
    let sorted: [&[u8]; 7] = [b"", b"\0", b"\0\0", b"a", b"a\xff", b"b", b"\xff"];
    for at in [3, 0, 6, 2, 5, 1, 4] {
        put(&*store, A, &[(sorted[at], b"v")]);
    }
    assert_eq!(keys(&*store, A, b""), sorted);
}

fn prefixes_end_where_they_end(place: &dyn Place) {
    let store = place.open();
    let all: [&[u8]; 7] = [b"a", b"aa", b"ab", b"b", b"\xff", b"\xff\xff", b"\xff\xff\x01"];
    put(&*store, A, &all.map(|key| (key, &b"v"[..])));
    put(&*store, B, &[(b"", b"the next space")]);
    assert_eq!(keys(&*store, A, b"a"), [&b"a"[..], b"aa", b"ab"]);
    assert_eq!(keys(&*store, A, b"ab"), [b"ab"]);
    assert_eq!(keys(&*store, A, b"\xff"), [&b"\xff"[..], b"\xff\xff", b"\xff\xff\x01"]);
    assert_eq!(keys(&*store, A, b"\xff\xff"), [&b"\xff\xff"[..], b"\xff\xff\x01"]);
    assert_eq!(keys(&*store, A, b"c"), [b""; 0]);
}

fn a_scan_ends_when_told_to(place: &dyn Place) {
    let store = place.open();
    put(&*store, A, &[(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]);
    let mut seen = 0;
    let mut visit = |_: &[u8], _: &[u8]| {
        seen += 1;
        seen < 2
    };
    store.scan(A, b"", &mut visit).unwrap();
    assert_eq!(seen, 2);
}

fn the_later_change_of_a_batch_wins(place: &dyn Place) {
    let store = place.open();
    let change = |key: &str, value: Option<&str>| (key.as_bytes().to_vec(), value.map(|v| v.as_bytes().to_vec()));
    let changes = vec![
        change("a", Some("1")),
        change("b", Some("1")),
        change("c", None),
        change("a", Some("2")),
        change("b", None),
        change("c", Some("2")),
    ];
    store.apply(A, &Batch { changes }).unwrap();
    assert_eq!(scan(&*store, A, b""), [(b"a".to_vec(), b"2".to_vec()), (b"c".to_vec(), b"2".to_vec())]);
    store.apply(A, &Batch::default()).unwrap();
}

fn what_was_removed_is_gone(place: &dyn Place) {
    let store = place.open();
    put(&*store, A, &[(b"a", b"1"), (b"b", b"2")]);
    remove(&*store, A, b"a");
    remove(&*store, A, b"never there");
    assert_eq!(store.get(A, b"a").unwrap(), None);
    assert_eq!(keys(&*store, A, b""), [b"b"]);
}

fn spaces_are_apart(place: &dyn Place) {
    let store = place.open();
    for (space, value) in [(A, b"a"), (B, b"b"), (LAST, b"l"), (Space::Meta, b"m")] {
        put(&*store, space, &[(b"k", value)]);
    }
    remove(&*store, B, b"k");
    for (space, value) in [(A, Some(b"a")), (B, None), (LAST, Some(b"l")), (Space::Meta, Some(b"m"))] {
        assert_eq!(store.get(space, b"k").unwrap(), value.map(|v| v.to_vec()));
        assert_eq!(scan(&*store, space, b"").len(), usize::from(value.is_some()));
    }
}

fn empty_keys_and_values_are_kept(place: &dyn Place) {
    let store = place.open();
    put(&*store, Space::Meta, &[(b"", b"")]);
    assert_eq!(store.get(Space::Meta, b"").unwrap(), Some(Vec::new()));
    assert_eq!(scan(&*store, Space::Meta, b""), [(Vec::new(), Vec::new())]);
}

fn the_visitor_may_use_the_store(place: &dyn Place) {
    let store = place.open();
    put(&*store, A, &[(b"a", b"1"), (b"b", b"2")]);
    let mut visit = |key: &[u8], value: &[u8]| {
        assert_eq!(store.get(A, key).unwrap().as_deref(), Some(value));
        put(&*store, B, &[(key, value)]);
        true
    };
    store.scan(A, b"", &mut visit).unwrap();
    assert_eq!(scan(&*store, A, b""), scan(&*store, B, b""));
}

fn everything_is_there_after_reopening(place: &dyn Place) {
    let store = place.open();
    put(&*store, A, &[(b"a", b"1")]);
    put(&*store, Space::Meta, &[(b"m", b"2"), (b"n", b"3")]);
    remove(&*store, Space::Meta, b"n");
    store.sync().unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(scan(&*store, A, b""), [(b"a".to_vec(), b"1".to_vec())]);
    assert_eq!(scan(&*store, Space::Meta, b""), [(b"m".to_vec(), b"2".to_vec())]);
}

fn many_keys(place: &dyn Place) {
    const KEYS: u64 = 20_000;
    let store = place.open();
    // Scattered over the key space, as digests are, and in a different order than they are stored in.
    let key = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    for from in (0..KEYS).step_by(500) {
        let changes = (from..from + 500).map(|n| (key(n).to_vec(), Some(n.to_be_bytes().to_vec()))).collect();
        store.apply(A, &Batch { changes }).unwrap();
    }
    let check = |store: &dyn Store| {
        let found = scan(store, A, b"");
        assert_eq!(found.len() as u64, KEYS);
        assert!(found.is_sorted());
        assert!(found.iter().all(|(k, v)| **k == key(u64::from_be_bytes(v[..].try_into().unwrap()))));
    };
    check(&*store);
    assert_eq!(store.get(A, &key(12_345)).unwrap(), Some(12_345_u64.to_be_bytes().to_vec()));
    store.sync().unwrap();
    drop(store);
    check(&*place.open());
}

/// A reader never sees a value that was not written, and never an older one after a newer one.
fn readers_run_beside_the_writer(place: &dyn Place) {
    let store = place.open();
    let names: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n]).collect();
    let round = |n: u32| Batch { changes: names.iter().map(|k| (k.clone(), Some(n.to_be_bytes().to_vec()))).collect() };
    store.apply(A, &round(0)).unwrap();
    let (done, store) = (AtomicBool::new(false), &*store);
    let number = |value: &[u8]| u32::from_be_bytes(value.try_into().unwrap());
    std::thread::scope(|threads| {
        for reader in 0..2_usize {
            let (done, names) = (&done, &names);
            threads.spawn(move || {
                let mut before = vec![0; names.len()];
                while !done.load(Ordering::Acquire) {
                    let found = scan(store, A, b"");
                    assert_eq!(found.len(), names.len());
                    let one = number(&store.get(A, &names[reader]).unwrap().unwrap());
                    assert!(one >= number(&found[reader].1));
                    let now: Vec<u32> = found.iter().map(|(_, value)| number(value)).collect();
                    assert!(now.iter().zip(&before).all(|(now, before)| now >= before));
                    before = now;
                }
            });
        }
        for n in 1..300 {
            store.apply(A, &round(n)).unwrap();
        }
        done.store(true, Ordering::Release);
    });
}
