//! The file `FORMAT`: with which settings the store was created, and which store it is.
//!
//! It is written last at creation, so a directory with a `FORMAT` once held a whole store. The same id stands
//! inside the database; without that, a deleted one would look like a new one. What an earlier build made is opened;
//! what a later one made, or one with other settings, is refused before its database is touched.

use super::files::{failed, sync, unreadable};
use crate::core::record::version::GENERATION;
use crate::core::record::{StateEngine, StoreFormat};
use crate::ports::store::StoreError;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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
    pub engine: StateEngine,
    /// The format settings at creation.
    pub format: StoreFormat,
}

/// The name of an engine's database in a state directory.
pub fn database(engine: StateEngine) -> &'static str {
    match engine {
        StateEngine::Sled => "db",
        StateEngine::Fjall => "fjall",
    }
}

impl Manifest {
    /// A new store of this engine and of this build's format.
    pub fn new(engine: StateEngine) -> Manifest {
        // The standard library seeds its hashers from the system's random source: two of them are 128 random bits.
        let random = || RandomState::new().hash_one(std::process::id());
        Manifest { store_id: format!("{:016x}{:016x}", random(), random()), engine, format: StoreFormat::first() }
    }

    /// Reads the directory's manifest; `None` when it has none.
    pub fn read(directory: &Path) -> Result<Option<Manifest>, StoreError> {
        let path = directory.join(FORMAT);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed(&path, "cannot read it"))?,
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| unknown(directory, &bytes, &error))
    }

    /// The same for an engine that is about to open the directory: another engine's is refused, as it is. Another's
    /// database without a manifest is not a new directory either.
    pub fn read_for(engine: StateEngine, directory: &Path) -> Result<Option<Manifest>, StoreError> {
        let manifest = Manifest::read(directory)?;
        match &manifest {
            Some(theirs) if theirs.engine != engine => {
                let path = directory.display().to_string();
                Err(StoreError::OtherEngine { path, found: theirs.engine, wanted: engine })
            }
            None if StateEngine::NAMED
                .iter()
                .any(|(_, other)| *other != engine && directory.join(database(*other)).exists()) =>
            {
                Err(unreadable(directory, format!("there is another engine's data, but no file {FORMAT}")))
            }
            _ => Ok(manifest),
        }
    }

    /// Refuses what was made with other settings than this build's, or by a later one.
    pub fn suits(&self, directory: &Path) -> Result<(), StoreError> {
        let path = directory.display().to_string();
        let differences = self.format.differences();
        match self.format.later() {
            _ if !differences.is_empty() => Err(StoreError::Format { path, differences }),
            Some(why) => Err(StoreError::Later { path, why }),
            None => Ok(()),
        }
    }

    /// Writes it and makes it durable with its directory. It appears whole or not at all.
    pub fn write(&self, directory: &Path) -> Result<(), StoreError> {
        let (new, path) = (directory.join("FORMAT.new"), directory.join(FORMAT));
        let mut text = serde_json::to_vec_pretty(self).expect("names and numbers into memory");
        text.push(b'\n');
        let written = File::create(&new).and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()));
        written.map_err(failed(&new, "cannot write it"))?;
        fs::rename(&new, &path).map_err(failed(&path, "cannot put it in place"))?;
        sync(directory)
    }
}

/// A file that does not parse: of a later build where it says so, which a build that adds a member must; else damaged.
fn unknown(directory: &Path, bytes: &[u8], error: &serde_json::Error) -> StoreError {
    let value = serde_json::from_slice::<serde_json::Value>(bytes).unwrap_or_default();
    let generation = value.pointer("/format/record").and_then(serde_json::Value::as_u64);
    match generation {
        Some(found) if found > u64::from(GENERATION) => {
            let why = format!("its records are of generation {found}, and this build knows {GENERATION}");
            StoreError::Later { path: directory.display().to_string(), why }
        }
        _ => unreadable(directory, format!("the file {FORMAT} is damaged: {error}")),
    }
}

/// The manifest of an open store.
#[derive(Debug)]
pub struct KeptManifest {
    directory: PathBuf,
    manifest: Mutex<Manifest>,
}

impl KeptManifest {
    /// Of the store that is open in a directory.
    pub fn new(directory: &Path, manifest: Manifest) -> KeptManifest {
        KeptManifest { directory: directory.to_owned(), manifest: Mutex::new(manifest) }
    }

    /// The file as it is now.
    pub fn now(&self) -> Manifest {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes a generation of records, durably and before any of them is written; an earlier one changes nothing.
    pub fn raise(&self, generation: u8) -> Result<(), StoreError> {
        let mut manifest = self.manifest.lock().unwrap_or_else(PoisonError::into_inner);
        if generation > manifest.format.record {
            let mut raised = manifest.clone();
            raised.format.record = generation;
            raised.write(&self.directory)?;
            *manifest = raised;
        }
        Ok(())
    }
}
