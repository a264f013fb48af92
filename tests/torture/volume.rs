//! The disk that holds the state: a small tmpfs of its own, which can be filled and made read-only.
//!
//! Where it cannot be mounted it is an ordinary directory, and the faults that need it are skipped. Nothing here
//! knows what lies in a state directory but that it is files.

use sidestream::generate::Random;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Room for the state of a round three times over: a copy and one that was set aside lie beside it.
const SIZE: &str = "size=768m";
/// The bytes that the filler writes at a time; what is left when it stops is less.
const PIECE: [usize; 3] = [1 << 20, 1 << 12, 1];

/// A directory for state directories.
pub struct Volume {
    path: PathBuf,
    mounted: bool,
}

impl Volume {
    /// Makes it, mounted where that is possible.
    pub fn make(path: PathBuf) -> Volume {
        fs::create_dir_all(&path).unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", SIZE, "tmpfs"], &path).is_ok();
        Volume { path, mounted }
    }

    /// Whether volumes can be mounted here, or why not.
    pub fn can_be_mounted(dir: &Path) -> Result<(), String> {
        let probe = dir.join("probe");
        fs::create_dir_all(&probe).unwrap();
        mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], &probe)?;
        umount(&probe)
    }

    /// Where a state directory of this name lies.
    pub fn state(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes until nothing fits any more, and says so only once the file system has refused.
    pub fn fill(&self) -> Result<u64, String> {
        let mut file = File::create(self.path.join("filler")).map_err(|error| error.to_string())?;
        let mut written = 0;
        for piece in PIECE {
            loop {
                match file.write(&vec![0x5a; piece]) {
                    Ok(length) => written += length as u64,
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
        Ok(written)
    }

    /// Makes room again.
    pub fn free(&self) {
        fs::remove_file(self.path.join("filler")).unwrap();
    }

    /// Refuses writes, which is proved by one, or takes them again.
    pub fn read_only(&self, read_only: bool) -> Result<(), String> {
        mount(&["-o", if read_only { "remount,ro" } else { "remount,rw" }], &self.path)?;
        match (read_only, File::create(self.path.join("probe"))) {
            (true, Err(error)) if error.kind() == ErrorKind::ReadOnlyFilesystem => Ok(()),
            (false, Ok(_)) => fs::remove_file(self.path.join("probe")).map_err(|error| error.to_string()),
            (_, other) => Err(format!("read-only {read_only}, and yet: {other:?}")),
        }
    }

    /// Removes what was set aside, which would fill the disk in the end; returns how many directories those were.
    pub fn sweep(&self) -> usize {
        let aside = |path: &PathBuf| path.to_string_lossy().contains(".unreadable-");
        let found: Vec<PathBuf> = list(&self.path).unwrap().into_iter().filter(aside).collect();
        found.iter().for_each(|path| fs::remove_dir_all(path).unwrap());
        found.len()
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if self.mounted
            && let Err(error) = umount(&self.path)
        {
            eprintln!("torture: {} stays mounted: {error}", self.path.display());
        }
    }
}

fn mount(arguments: &[&str], on: &Path) -> Result<(), String> {
    run(Command::new("mount").args(arguments).arg(on))
}

fn umount(path: &Path) -> Result<(), String> {
    run(Command::new("umount").arg(path))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(words) }
}

fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    found.sort();
    Ok(found)
}

/// Copies a directory with all that is below it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in list(from).unwrap() {
        let into = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &into);
        } else {
            fs::copy(&path, &into).unwrap();
        }
    }
}

/// Writes garbage over a part of one of sled's files; says which part of which.
pub fn spoil(state: &Path, random: &mut Random) -> String {
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        path.is_file()
            && (name == "db" || name == "conf" || name.starts_with("snap."))
            && path.metadata().unwrap().len() > 0
    };
    let files: Vec<PathBuf> = list(state).unwrap().into_iter().filter(ours).collect();
    // The database more often than the small files beside it.
    let path = if random.per_mille(700) { state.join("db") } else { files[random.index(files.len())].clone() };
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    let at = random.below(length);
    let most = (length - at).min(1 << (4 + random.below(14)));
    let garbage: Vec<u8> = (0..most.max(1)).map(|_| random.bits() as u8).collect();
    file.write_all_at(&garbage, at).unwrap();
    format!("{} bytes at {at} of {length} in {}", garbage.len(), path.file_name().unwrap().to_string_lossy())
}
