//! Salts and schemas: what a configuration reads beside its own text.

use crate::core::derive::salt::{SHORTEST, Salt};
use std::path::Path;

/// Where the files are read from that a configuration names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedFiles {
    /// From the disk.
    Disk,
    /// From nowhere: the text was not read from the disk either.
    Nowhere,
}

impl NamedFiles {
    /// The salt of a file, and what is to be warned of; else why there is none. A line's end at the file's end is no part of it.
    pub(crate) fn salt(self, path: &Path) -> Result<(Salt, Option<String>), String> {
        if self == NamedFiles::Nowhere {
            return Err("a salt is read where the configuration is a file".to_owned());
        }
        let shown = path.display();
        let bytes = std::fs::read(path).map_err(|error| format!("the salt cannot be read from {shown}: {error}"))?;
        let salt = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let salt = salt.strip_suffix(b"\r").unwrap_or(salt);
        if salt.len() < SHORTEST {
            let length = salt.len();
            return Err(format!(
                "the salt in {shown} has {length} bytes: with fewer than {SHORTEST} it can be guessed"
            ));
        }
        Ok((Salt::new(salt), open_to_others(path)))
    }
}

impl NamedFiles {
    /// The text of a file that holds a `what`; else why there is none.
    pub(crate) fn text(self, path: &Path, what: &str) -> Result<String, String> {
        if self == NamedFiles::Nowhere {
            return Err(format!("a {what} is read from a file where the configuration is one, too"));
        }
        std::fs::read_to_string(path)
            .map_err(|error| format!("the {what} cannot be read from {}: {error}", path.display()))
    }
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let message =
        format!("{} can be read by others (mode {mode:03o}): who has the salt can try values", path.display());
    (mode & 0o077 != 0).then_some(message)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<String> {
    None
}
