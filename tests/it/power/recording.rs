//! What a process did to the files under one directory, as the preloaded `shim.c` wrote it down.
//!
//! Only reads; what of it survives a power cut is `disk`'s question.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// One call that changes or syncs a file or a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Made {
        name: String,
        inode: u64,
        directory: bool,
    },
    Wrote {
        inode: u64,
        at: u64,
        data: Vec<u8>,
    },
    Truncated {
        inode: u64,
        length: u64,
    },
    /// `fsync`.
    Synced {
        inode: u64,
    },
    /// `fdatasync`.
    SyncedData {
        inode: u64,
    },
    /// `sync_file_range`.
    SyncedRange {
        inode: u64,
        at: u64,
        length: u64,
    },
    Renamed {
        name: String,
        to: String,
    },
    Unlinked {
        name: String,
    },
}

/// The library to preload, built once a run of the tests; `None`, with a line that says so, where it cannot be.
pub fn shim(test: &str) -> Option<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match BUILT.get_or_init(build) {
        Ok(path) => Some(path),
        Err(why) => {
            skipped(test, why);
            None
        }
    }
}

/// Says that a test has not been made; straight to the file descriptor, for the harness shows nothing of what passes.
pub fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

fn build() -> Result<PathBuf, String> {
    if !cfg!(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")) {
        return Err("recording needs 64-bit Linux with glibc".to_owned());
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/power/shim.c");
    // The test binary was linked with a C compiler, so one is nearly always there. A name of its own for each run:
    // another run of the tests may have the file loaded.
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("power-shim-{}.so", std::process::id()));
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&made).arg(source);
    let run = compiler.output().map_err(|error| format!("no C compiler: {error}"))?;
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Ok(made)
}

/// The environment that makes a process record itself.
pub fn environment(shim: &Path, root: &Path, records: &Path, cut_after: u64) -> Vec<(&'static str, String)> {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let base = [("LD_PRELOAD", text(shim)), ("POWER_ROOT", text(root)), ("POWER_LOG", text(records))];
    base.into_iter().chain([("POWER_CUT_AFTER", cut_after.to_string())]).collect()
}

/// Reads the records; a last one that the kill cut short was not done as far as anybody knows.
pub fn read(path: &Path) -> Vec<Call> {
    let bytes = std::fs::read(path).unwrap();
    let (mut rest, mut calls) = (&bytes[..], Vec::new());
    while let Some((call, after)) = one(rest) {
        calls.push(call);
        rest = after;
    }
    calls
}

fn one(bytes: &[u8]) -> Option<(Call, &[u8])> {
    let (head, rest) = bytes.split_at_checked(40)?;
    let small = |n: usize| u32::from_ne_bytes(head[4 * n..4 * n + 4].try_into().unwrap());
    let large = |n: usize| u64::from_ne_bytes(head[16 + 8 * n..24 + 8 * n].try_into().unwrap());
    let (name, rest) = rest.split_at_checked(small(1) as usize)?;
    let (to, rest) = rest.split_at_checked(small(2) as usize)?;
    let (data, rest) = rest.split_at_checked(small(3) as usize)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (inode, at, length) = (large(0), large(1), large(2));
    let call = match small(0) {
        what @ (1 | 2) => Call::Made { name: text(name), inode, directory: what == 2 },
        3 => Call::Wrote { inode, at, data: data.to_vec() },
        4 => Call::Truncated { inode, length },
        5 => Call::Synced { inode },
        6 => Call::SyncedData { inode },
        7 => Call::SyncedRange { inode, at, length },
        8 => Call::Renamed { name: text(name), to: text(to) },
        9 => Call::Unlinked { name: text(name) },
        other => panic!("record {other}: the shim and this reader differ"),
    };
    Some((call, rest))
}
