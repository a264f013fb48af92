//! Damaged files end in `Unreadable` or in the data that was there: never in other data, never in a panic.

use super::{open, scan};
use sidestream::adapters::sled::SledStore;
use sidestream::core::ids::KeyGroup;
use sidestream::ports::store::{Batch, Space, StateEngine, Store, StoreError};
use std::fs;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64_with_seed;

type Content = Vec<Vec<(Vec<u8>, Vec<u8>)>>;

const SPACES: [Space; 5] = [
    Space::Meta,
    Space::Group(KeyGroup(0)),
    Space::Group(KeyGroup(1)),
    Space::Group(KeyGroup(2)),
    Space::Group(KeyGroup(3)),
];

/// Many overwrites, so that the file holds older versions that damage could bring back.
fn create(engine: StateEngine, path: &Path, rounds: u64) -> Content {
    let mut store = open(engine, path).unwrap();
    for n in 0..rounds {
        for space in SPACES {
            let changes = (0..60_u64).map(|at| {
                let key = xxh3_64_with_seed(&at.to_be_bytes(), 1) % 400 + (n % 5) * 400;
                (key.to_be_bytes().to_vec(), Some(vec![n as u8; 40 + (key % 200) as usize]))
            });
            store.apply(space, &Batch { changes: changes.collect() }).unwrap();
        }
        if n % 10 == 9 {
            store.sync().unwrap();
        }
        if n % 40 == 39 {
            // sled writes a snapshot at opening, fjall a table.
            drop(store);
            store = open(engine, path).unwrap();
        }
    }
    store.sync().unwrap();
    SPACES.map(|space| scan(&*store, space, b"")).to_vec()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let to = to.join(entry.file_name());
        if entry.metadata().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn damage(path: &Path, seed: u64) -> String {
    let random =
        |what: u64, below: usize| (xxh3_64_with_seed(&seed.to_be_bytes(), what) % below.max(1) as u64) as usize;
    let mut files = Vec::new();
    all_files(path, &mut files);
    // Two of three times sled's database itself; fjall has a dozen files that each matter.
    let db = path.join("db");
    let file = if random(1, 3) > 0 && db.exists() { db } else { files[random(2, files.len())].clone() };
    let mut bytes = fs::read(&file).unwrap();
    let length = bytes.len();
    let at = random(3, length);
    let until = (at + 1 + random(4, 20_000)).min(length);
    let what = match random(5, 6) {
        0 => {
            bytes.truncate(at);
            "cut off"
        }
        1 if length > 0 => {
            bytes[at] ^= 1 << random(6, 8);
            "one bit flipped"
        }
        2 => {
            bytes[at..until].fill(0);
            "zeros"
        }
        3 => {
            for (n, byte) in bytes[at..until].iter_mut().enumerate() {
                *byte = random(100 + n as u64, 256) as u8;
            }
            "noise"
        }
        4 => {
            let from = random(7, length - (until - at) + 1);
            bytes.copy_within(from..from + (until - at), at);
            "another place's bytes"
        }
        _ => {
            fs::remove_file(&file).unwrap();
            return format!("{} removed", file.display());
        }
    };
    fs::write(&file, &bytes).unwrap();
    format!("{}: {what} at {at}..{until} of {length}", file.display())
}

fn all_files(path: &Path, files: &mut Vec<PathBuf>) {
    let mut paths: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() { all_files(&path, files) } else { files.push(path) }
    }
}

fn read_all(engine: StateEngine, path: &Path) -> Result<Content, StoreError> {
    let store = open(engine, path)?;
    let mut content = Vec::new();
    for space in SPACES {
        let mut found = Vec::new();
        let mut visit = |key: &[u8], value: &[u8]| {
            found.push((key.to_vec(), value.to_vec()));
            true
        };
        store.scan(space, b"", &mut visit)?;
        content.push(found);
    }
    Ok(content)
}

#[test]
fn damage_never_gives_other_data() {
    damage_all(StateEngine::Sled, 80);
}

#[test]
fn damage_of_fjalls_files_never_gives_other_data() {
    damage_all(StateEngine::Fjall, 240);
}

fn damage_all(engine: StateEngine, seeds: u64) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let whole = create(engine, &path, 60);
    let (mut refused, mut equal) = (0, 0);
    for seed in 0..seeds {
        let hurt = directory.path().join("hurt");
        copy(&path, &hurt);
        let what = damage(&hurt, seed);
        match read_all(engine, &hurt) {
            Err(StoreError::Unreadable { .. }) => refused += 1,
            // FORMAT has no sum: another digit in it may read as a later build's.
            Err(StoreError::Later { .. } | StoreError::Format { .. }) if what.contains("/FORMAT") => refused += 1,
            Err(other) => panic!("seed {seed}, {what}: {other}"),
            Ok(found) => {
                assert!(found == whole, "seed {seed}, {what}: other data");
                equal += 1;
            }
        }
        fs::remove_dir_all(&hurt).unwrap();
    }
    println!("{engine}: {refused} refused, {equal} equal");
    // Both happen, or the damage is not what it claims to be.
    assert!(refused > 20 && equal > 10, "{refused} refused, {equal} equal");
}

/// sled alone opens this without a word: it is a whole database, only an older one.
#[test]
fn an_older_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (path, older) = (directory.path().join("state"), directory.path().join("older"));
    create(StateEngine::Sled, &path, 3);
    copy(&path, &older);
    let store = SledStore::open(&path).unwrap();
    super::put(&store, Space::Meta, &[(b"k", b"v")]);
    store.sync().unwrap();
    super::put(&store, Space::Meta, &[(b"k", b"not synced, so it may be lost")]);
    drop(store);
    fs::copy(path.join("SYNCED"), older.join("SYNCED")).unwrap();
    let refused = SledStore::open(&older).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.ends_with("the database has lost 1 of 16 batches"), "{refused}");
}
