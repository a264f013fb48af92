//! Where a command writes what it was asked for: a new file, or standard output for `-`.
//!
//! `-` never names a file, and whatever is said about the work goes to standard error then.

use crate::app::exit::{Exit, UNAVAILABLE, USAGE};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A place to write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteTarget {
    /// Standard output.
    Stdout,
    /// A file, which must not be there.
    File(PathBuf),
}

impl WriteTarget {
    /// The place that a command line names.
    pub fn of(path: PathBuf) -> WriteTarget {
        let stdout = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
        if stdout.iter().any(|name| path == Path::new(name)) { WriteTarget::Stdout } else { WriteTarget::File(path) }
    }

    /// Writes all of it, and says where to.
    pub fn write(&self, bytes: &[u8], taken: &'static str) -> Result<(), Exit> {
        let (written, name) = match self {
            WriteTarget::Stdout => {
                let mut out = std::io::stdout().lock();
                (out.write_all(bytes).and_then(|()| out.flush()), "standard output".to_owned())
            }
            WriteTarget::File(path) => {
                let written = File::create_new(path).and_then(|mut file| file.write_all(bytes));
                (written, path.display().to_string())
            }
        };
        match written {
            Ok(()) => {
                eprintln!("{} bytes written to {name}", bytes.len());
                Ok(())
            }
            // Who reads standard output has had enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Exit::new(0, "", "")),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(Exit::new(USAGE, format!("{name} exists"), taken))
            }
            Err(error) => Err(Exit::new(UNAVAILABLE, format!("{name}: {error}"), "check the path and its permissions")),
        }
    }
}

/// Refuses `-` where a file is read: nothing can be read twice, or by name, from standard input.
pub fn a_file(path: &Path, why: &str) -> Result<(), Exit> {
    if path == Path::new("-") { Err(Exit::new(USAGE, format!("`-` is no file: {why}"), "name a file")) } else { Ok(()) }
}
