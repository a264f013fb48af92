//! The state directory: its lock, its identity, and the process that is killed while it writes.
//!
//! The kill is real: this test binary starts itself again as the writer and ends it by its process id.

use super::{keys, put, scan};
use sidestream::adapters::sled::{Manifest, SledStore, set_aside};
use sidestream::core::ids::KeyGroup;
use sidestream::core::record::Format;
use sidestream::ports::store::{Batch, Space, Store, StoreError};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CHILD: &str = "SIDESTREAM_TEST_STORE_WRITER";
const ROWS: u16 = 600;

fn created(directory: &tempfile::TempDir) -> PathBuf {
    let path = directory.path().join("state");
    let store = SledStore::open(&path).unwrap();
    put(&store, Space::Meta, &[(b"k", b"v")]);
    store.sync().unwrap();
    path
}

fn unreadable(path: &Path) -> String {
    match SledStore::open(path) {
        Err(StoreError::Unreadable { why, .. }) => why,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it opened"),
    }
}

#[test]
fn a_directory_has_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let store = SledStore::open(&path).unwrap();
    assert!(matches!(SledStore::open(&path), Err(StoreError::Locked { .. })));
    assert!(matches!(set_aside(&path), Err(StoreError::Locked { .. })));
    drop(store);
    SledStore::open(&path).unwrap();
}

#[test]
fn the_format_is_kept_from_creation() {
    let directory = tempfile::tempdir().unwrap();
    let path = created(&directory);
    let store = SledStore::open(&path).unwrap();
    assert!(Format::current().differences(store.format()).is_empty());
    assert!(store.disk_bytes() > 100);
    let id = store.store_id().to_owned();
    drop(store);
    assert_eq!(SledStore::open(&path).unwrap().store_id(), id);

    let mut manifest = Manifest::read(&path).unwrap().unwrap();
    manifest.format.key_groups = 64;
    manifest.write(&path).unwrap();
    assert_eq!(Format::current().differences(SledStore::open(&path).unwrap().format()).len(), 1);
}

#[test]
fn a_lost_store_is_not_a_new_one() {
    let lose = |names: &[&str]| {
        let directory = tempfile::tempdir().unwrap();
        let path = created(&directory);
        for name in names {
            fs::remove_file(path.join(name)).unwrap();
        }
        unreadable(&path)
    };
    assert_eq!(lose(&["db"]), "the database's files are gone");
    assert_eq!(lose(&["SYNCED"]), "the file SYNCED is gone");
    assert_eq!(lose(&["FORMAT"]), "the file FORMAT is gone");
    assert_eq!(lose(&["db", "conf", "FORMAT"]), "the file FORMAT is gone");
    assert_eq!(lose(&["FORMAT", "sidestream.lock"]), "there is data, but no file FORMAT");
}

#[test]
fn another_stores_database_is_refused() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ours, theirs) = (created(&ours), created(&theirs));
    for name in ["db", "conf"] {
        fs::copy(theirs.join(name), ours.join(name)).unwrap();
    }
    for name in fs::read_dir(&ours).unwrap().map(|entry| entry.unwrap().path()) {
        if name.file_name().unwrap().to_str().unwrap().starts_with("snap.") {
            fs::remove_file(name).unwrap();
        }
    }
    assert_eq!(unreadable(&ours), "the database inside is not the one that FORMAT names");
}

/// A crash at creation leaves any beginning of: sled's files, the id inside, `FORMAT`, the note in the lock.
#[test]
fn an_unfinished_creation_is_finished() {
    for lost in [&["FORMAT", "sidestream.lock"][..], &["sidestream.lock"], &["FORMAT", "sidestream.lock", "db"]] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        drop(SledStore::open(&path).unwrap());
        for name in lost {
            fs::remove_file(path.join(name)).unwrap();
        }
        let store = SledStore::open(&path).unwrap();
        put(&store, Space::Meta, &[(b"k", b"v")]);
        store.sync().unwrap();
        drop(store);
        assert_eq!(keys(&SledStore::open(&path).unwrap(), Space::Meta, b""), [b"k"]);
    }
}

#[test]
fn a_half_written_snapshot_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    let path = created(&directory);
    fs::write(path.join("snap.00000000000FFFFF.generating"), b"half").unwrap();
    fs::write(path.join("snap.00000000000FFFFF"), b"a whole one of nonsense").unwrap();
    let store = SledStore::open(&path).unwrap();
    assert_eq!(scan(&store, Space::Meta, b""), [(b"k".to_vec(), b"v".to_vec())]);
}

#[test]
fn an_unreadable_directory_is_set_aside_whole() {
    let directory = tempfile::tempdir().unwrap();
    for n in 1..3 {
        let path = created(&directory);
        let db = fs::read(path.join("db")).unwrap();
        fs::remove_file(path.join("FORMAT")).unwrap();
        unreadable(&path);
        let aside = set_aside(&path).unwrap();
        assert_eq!(aside, directory.path().join(format!("state.unreadable-{n}")));
        assert_eq!(fs::read(aside.join("db")).unwrap(), db);
        assert!(!path.exists());
    }
    assert_eq!(keys(&SledStore::open(&directory.path().join("state")).unwrap(), Space::Meta, b""), [b""; 0]);
}

fn round(n: u32) -> Batch {
    // More than sled's buffers hold, so that a batch is on its way to the file before it ends; long and short in
    // turn, so that pages split, grow and move.
    let length = if n.is_multiple_of(2) { 2_000 } else { 1_000 };
    let value = |row: u16| [&n.to_be_bytes()[..], &vec![row as u8; length]].concat();
    Batch { changes: (0..ROWS).map(|row| (row.to_be_bytes().to_vec(), Some(value(row)))).collect() }
}

/// Not a test of its own: the writer that `a_killed_writer_leaves_whole_batches` starts and kills.
#[test]
fn writer_that_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = SledStore::open(Path::new(&path)).unwrap();
    let first = scan(&store, Space::Group(KeyGroup(0)), b"").first().map_or(0, |(_, value)| number(value)) + 1;
    for n in first.. {
        for group in [0, 1] {
            store.apply(Space::Group(KeyGroup(group)), &round(n)).unwrap();
        }
        store.sync().unwrap();
        // Straight to the file descriptor: the test harness must not hold it back.
        writeln!(std::io::stderr(), "synced {n}").unwrap();
    }
}

fn number(value: &[u8]) -> u32 {
    u32::from_be_bytes(value[..4].try_into().unwrap())
}

/// Returns when somebody writes to the file: in the middle of a batch, if it follows a sync.
fn until_written(file: &Path) {
    let modified = || fs::metadata(file).unwrap().modified().unwrap();
    let (before, deadline) = (modified(), Instant::now() + Duration::from_secs(20));
    while modified() == before {
        assert!(Instant::now() < deadline, "nothing was written");
        std::thread::yield_now();
    }
}

#[test]
fn a_killed_writer_leaves_whole_batches() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let mut before = 0;
    for kill in 1..=6_u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store_conformance::on_disk::writer_that_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let wanted = before + kill;
        let mut synced =
            lines.by_ref().map(|line| line.unwrap()).filter_map(|line| line.strip_prefix("synced ")?.parse().ok());
        let synced: u32 = synced.find(|n| *n >= wanted).expect("the writer went on");
        until_written(&path.join("db"));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = SledStore::open(&path).unwrap();
        let rounds = [0, 1].map(|group| {
            let found = scan(&store, Space::Group(KeyGroup(group)), b"");
            let n = number(&found[0].1);
            let whole: Vec<_> = round(n).changes.into_iter().map(|(key, value)| (key, value.unwrap())).collect();
            assert!(found == whole, "group {group} holds a part of a batch");
            n
        });
        assert!(rounds[0] >= synced && rounds[1] >= synced, "synced {synced}, found {rounds:?}");
        assert!(rounds[0] == rounds[1] || rounds[0] == rounds[1] + 1, "{rounds:?}");
        before = rounds[0];
    }
}
