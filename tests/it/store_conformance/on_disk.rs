//! sled's state directory: its lock, its identity, and what is missing from it.

use super::{SMALL_SEGMENTS, keys, put, scan};
use sidestream::adapters::directory::{Manifest, set_aside};
use sidestream::adapters::fjall::FjallStore;
use sidestream::adapters::sled::SledStore;
use sidestream::ports::store::{Batch, Space, StateEngine, Store, StoreError};
use std::fs;
use std::path::{Path, PathBuf};

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
    assert!(store.format().differences().is_empty());
    assert!(store.disk_bytes() > 100);
    let id = store.store_id().to_owned();
    drop(store);
    assert_eq!(SledStore::open(&path).unwrap().store_id(), id);

    let mut manifest = Manifest::read(&path).unwrap().unwrap();
    manifest.format.key_groups = 64;
    manifest.write(&path).unwrap();
    assert!(matches!(SledStore::open(&path), Err(StoreError::Format { differences, .. }) if differences.len() == 1));
}

/// A value of a version that no build of today writes.
fn later_record() -> Batch {
    Batch { changes: vec![(b"checkpoint".to_vec(), Some(b"\x02{}".to_vec()))] }
}

#[test]
fn the_generation_goes_up_before_the_first_record_that_needs_it() {
    for engine in [StateEngine::Sled, StateEngine::Fjall] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let open = || -> Box<dyn Store> {
            match engine {
                StateEngine::Sled => Box::new(SledStore::open(&path).unwrap()),
                StateEngine::Fjall => Box::new(FjallStore::open(&path).unwrap()),
            }
        };
        let generation = || Manifest::read(&path).unwrap().unwrap().format.record;
        let store = open();
        store.apply(Space::Meta, &Batch { changes: vec![(b"checkpoint".to_vec(), Some(b"\x01{}".to_vec()))] }).unwrap();
        assert_eq!(generation(), 1, "an earlier build may go on");
        store.apply_all(&[(Space::Meta, later_record())]).unwrap();
        assert_eq!(generation(), 2, "{engine}: on disk before anything is synced");
        drop(store);
        drop(open());
    }
}

#[test]
fn a_directory_of_a_later_build_is_refused_as_it_is() {
    let one = "\"record\": 1";
    let spoiled = [
        ("a generation", [(one, "\"record\": 99"), ("", "")]),
        ("a member", [(one, "\"record\": 99, \"tenants\": true"), ("", "")]),
        ("an engine", [(one, "\"record\": 300"), ("\"sled\"", "\"paper\"")]),
    ];
    for (what, changes) in spoiled {
        let directory = tempfile::tempdir().unwrap();
        let path = created(&directory);
        let text = std::fs::read_to_string(path.join("FORMAT")).unwrap();
        let spoil = |text: String, (from, to): &(&str, &str)| text.replacen(from, to, 1);
        std::fs::write(path.join("FORMAT"), changes.iter().fold(text, spoil)).unwrap();
        assert!(matches!(SledStore::open(&path), Err(StoreError::Later { .. })), "{what}");
    }
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
    assert_eq!(lose(&["conf"]), "the file conf is gone or unreadable");
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

/// sled refuses to open a file with pieces of another size than it was made with.
#[test]
fn a_directory_keeps_its_pieces() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("conf"), SMALL_SEGMENTS).unwrap();
    for round in 0..2 {
        let store = SledStore::open(&path).unwrap();
        assert_eq!(scan(&store, Space::Meta, b"").len(), round);
        put(&store, Space::Meta, &[(b"k", b"v")]);
        store.sync().unwrap();
    }
    assert_eq!(fs::read(path.join("conf")).unwrap(), SMALL_SEGMENTS);
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
