//! The library between an engine and libc: building it, and the control that it shares with this process.
//!
//! One control an engine, so that a clock jumps for that engine alone. What was struck is counted by the library.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The words of the control, as `shim.c` has them.
const OFFSET: u64 = 0;
const FAILS: u64 = 8;
const READINGS: u64 = 16;
const SYNCS: u64 = 24;
const WRITES: u64 = 32;
const LENGTH: u64 = 40;

/// What is to fail.
#[derive(Clone, Copy, Debug)]
pub enum Fails {
    Syncs = 1,
    Writes = 2,
}

/// Builds the library into a directory; says what is missing where that cannot be.
pub fn build(dir: &Path) -> Result<PathBuf, String> {
    let (source, library) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture/shim.c"), dir.join("shim.so"));
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    match cc.output() {
        Err(error) => Err(format!("no C compiler (cc: {error})")),
        Ok(output) if !output.status.success() => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Ok(_) => Ok(library),
    }
}

/// The control of one engine's library.
#[derive(Debug)]
pub struct Control {
    file: File,
    path: PathBuf,
}

impl Control {
    /// A control under which nothing happens yet.
    pub fn create(path: PathBuf) -> Control {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        file.set_len(LENGTH).unwrap();
        Control { file, path }
    }

    /// The file that the library maps.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&self, at: u64, word: u64) {
        self.file.write_all_at(&word.to_ne_bytes(), at).unwrap();
    }

    fn read(&self, at: u64) -> u64 {
        let mut word = [0; 8];
        self.file.read_exact_at(&mut word, at).unwrap();
        u64::from_ne_bytes(word)
    }

    /// Puts the wall clock off by so many hours.
    pub fn put_clock(&self, hours: i64) {
        self.write(OFFSET, (hours * 3_600 * 1_000_000_000).cast_unsigned());
    }

    /// Lets calls fail from now on.
    pub fn fail(&self, what: Fails) {
        self.write(FAILS, what as u64);
    }

    /// How many readings of the clock were changed.
    pub fn readings(&self) -> u64 {
        self.read(READINGS)
    }

    /// How many syncs and writes were refused.
    pub fn refused(&self) -> u64 {
        self.read(SYNCS) + self.read(WRITES)
    }
}
