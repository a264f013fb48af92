//! The file `FORMAT`: with which settings the store was created, and which store it is.
//!
//! It is written last at creation, so a directory with a `FORMAT` once held a whole store. The same id stands
//! inside the database; without that, a deleted one would look like a new one. Whether the settings suit this build
//! is the caller's question, not this file's.

use super::files::{failed, sync, unreadable};
use crate::core::record::{Engine, Format};
use crate::ports::store::StoreError;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::Path;

/// The manifest's file name.
pub const FORMAT: &str = "FORMAT";

/// What the file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// A random name, given at creation: 32 hexadecimal digits.
    pub store_id: String,
    /// The engine whose database it is; a file from before there were two says nothing.
    #[serde(default)]
    pub engine: Engine,
    /// The format settings at creation.
    pub format: Format,
}

/// The name of an engine's database in a state directory.
pub fn database(engine: Engine) -> &'static str {
    match engine {
        Engine::Sled => "db",
        Engine::Fjall => "fjall",
    }
}

impl Manifest {
    /// A new store of this engine and of this build's format.
    pub fn new(engine: Engine) -> Manifest {
        // The standard library seeds its hashers from the system's random source: two of them are 128 random bits.
        let random = || RandomState::new().hash_one(std::process::id());
        Manifest { store_id: format!("{:016x}{:016x}", random(), random()), engine, format: Format::current() }
    }

    /// Reads the directory's manifest; `None` when it has none.
    pub fn read(directory: &Path) -> Result<Option<Manifest>, StoreError> {
        let path = directory.join(FORMAT);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed(&path, "cannot read it"))?,
        };
        let manifest = serde_json::from_slice(&bytes);
        manifest.map(Some).map_err(|error| unreadable(directory, format!("the file {FORMAT} is damaged: {error}")))
    }

    /// The same for an engine that is about to open the directory: another engine's is refused, as it is. Another's
    /// database without a manifest is not a new directory either.
    pub fn read_for(engine: Engine, directory: &Path) -> Result<Option<Manifest>, StoreError> {
        let manifest = Manifest::read(directory)?;
        match &manifest {
            Some(theirs) if theirs.engine != engine => {
                let path = directory.display().to_string();
                Err(StoreError::OtherEngine { path, found: theirs.engine, wanted: engine })
            }
            None if Engine::NAMED
                .iter()
                .any(|(_, other)| *other != engine && directory.join(database(*other)).exists()) =>
            {
                Err(unreadable(directory, format!("there is another engine's data, but no file {FORMAT}")))
            }
            _ => Ok(manifest),
        }
    }

    /// Writes it and makes it durable with its directory. It appears whole or not at all.
    pub fn write(&self, directory: &Path) -> Result<(), StoreError> {
        let (new, path) = (directory.join("FORMAT.new"), directory.join(FORMAT));
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        let written = File::create(&new).and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()));
        written.map_err(failed(&new, "cannot write it"))?;
        fs::rename(&new, &path).map_err(failed(&path, "cannot put it in place"))?;
        sync(directory)
    }
}
