//! A process that is killed while it writes leaves whole batches, and all that it synced.
//!
//! The kill is real: this test binary starts itself again as the writer and ends it by its process id.

use super::{open, scan};
use sidestream::core::ids::KeyGroup;
use sidestream::ports::store::{Batch, Space, StateEngine};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CHILD: &str = "SIDESTREAM_TEST_STORE_WRITER";
const FJALL: &str = "SIDESTREAM_TEST_STORE_FJALL";
const ROWS: u16 = 600;

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
    let engine = if std::env::var_os(FJALL).is_some() { StateEngine::Fjall } else { StateEngine::Sled };
    let store = open(engine, Path::new(&path)).unwrap();
    let first = scan(&*store, Space::Group(KeyGroup(0)), b"").first().map_or(0, |(_, value)| number(value)) + 1;
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

/// The file that a batch is first written to.
fn log(engine: StateEngine, path: &Path) -> PathBuf {
    if engine == StateEngine::Sled {
        return path.join("db");
    }
    let journals = fs::read_dir(path.join("fjall")).unwrap().map(|entry| entry.unwrap().path());
    journals.filter(|path| path.extension().is_some_and(|kind| kind == "jnl")).max().unwrap()
}

#[test]
fn a_killed_writer_leaves_whole_batches() {
    kill(StateEngine::Sled, 6);
}

/// A kill of each kind: while the first buffer fills, and after tables were written and merged.
#[test]
fn a_killed_writer_leaves_whole_batches_in_fjall() {
    kill(StateEngine::Fjall, 8);
}

fn kill(engine: StateEngine, kills: u32) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let mut before = 0;
    for kill in 1..=kills {
        let mut command = Command::new(std::env::current_exe().unwrap());
        if engine == StateEngine::Fjall {
            command.env(FJALL, "1");
        }
        let mut child = command
            .args(["--exact", "store_conformance::kill::writer_that_is_killed", "--nocapture"])
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
        until_written(&log(engine, &path));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = open(engine, &path).unwrap();
        let rounds = [0, 1].map(|group| {
            let found = scan(&*store, Space::Group(KeyGroup(group)), b"");
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
