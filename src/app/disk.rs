//! The state directory: opening it, and beginning a new one.
//!
//! A directory that cannot be read is set aside, never deleted. Nothing here knows what a start decides.

use crate::adapters::sled::{SledStore, set_aside};
use crate::core::plan::spec::PlanSpec;
use crate::core::protocol::facts::Disk;
use crate::core::record::Format;
use crate::engine::restore::read;
use crate::ports::store::StoreError;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// An open state directory and what it holds.
pub struct Opened {
    /// The store.
    pub store: Arc<SledStore>,
    /// Its account.
    pub disk: Disk,
}

/// Opens the directory; one that cannot be read is set aside and a new one takes its place.
pub fn open(path: &Path) -> Result<Opened, StoreError> {
    let open = || {
        let store = SledStore::open(path)?;
        let differences = Format::current().differences(store.format());
        if !differences.is_empty() {
            return Err(StoreError::Format { path: path.display().to_string(), differences });
        }
        let disk = read(&store)?;
        Ok(Opened { store: Arc::new(store), disk })
    };
    match open() {
        Err(StoreError::Unreadable { why, .. }) => {
            let aside = set_aside(path)?;
            tracing::warn!(path = %path.display(), aside = %aside.display(), why, "the state directory is unreadable and was set aside");
            open()
        }
        other => other,
    }
}

/// The plans whose text the directory holds.
pub fn plans(path: &Path) -> Result<BTreeMap<String, PlanSpec>, StoreError> {
    Ok(read(&SledStore::open(path)?)?.plans)
}

/// Sets the directory aside and opens a new one, which keeps the texts of the plans.
pub fn begin_anew(path: &Path, opened: Opened) -> Result<Opened, StoreError> {
    let Opened { store, disk } = opened;
    let fresh = disk.checkpoint.is_none() && disk.marks.is_empty();
    if fresh {
        return Ok(Opened { store, disk });
    }
    drop(store);
    let aside = set_aside(path)?;
    tracing::warn!(aside = %aside.display(), "the old state directory was set aside");
    Ok(Opened { store: Arc::new(SledStore::open(path)?), disk })
}
