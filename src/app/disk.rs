//! The state directory: opening it with the configured engine, and beginning a new one.
//!
//! The only place that knows which engines there are. A directory that cannot be read is set aside, never deleted; one
//! that another engine made, or that holds half an import, is left alone. Nothing here knows what a start decides.

use crate::adapters::directory::{importing, set_aside};
use crate::adapters::fjall::FjallStore;
use crate::adapters::sled::SledStore;
use crate::config::StateSection;
use crate::core::plan::spec::PlanSpec;
use crate::core::protocol::facts::Disk;
use crate::core::record::{Engine, Format};
use crate::engine::restore::read;
use crate::ports::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An open state directory and what it holds.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its account.
    pub disk: Disk,
}

/// Opens the store of a directory, or makes one where there is none; compares the format settings.
pub fn open_store(state: &StateSection) -> Result<Arc<dyn Store>, StoreError> {
    let path = &state.path;
    let (store, format): (Arc<dyn Store>, Format) = match state.engine {
        Engine::Sled => {
            let store = SledStore::open(path)?;
            let format = store.format().clone();
            (Arc::new(store), format)
        }
        Engine::Fjall => {
            let store = FjallStore::open(path)?;
            let format = store.format().clone();
            (Arc::new(store), format)
        }
    };
    let differences = Format::current().differences(&format);
    if differences.is_empty() {
        Ok(store)
    } else {
        Err(StoreError::Format { path: path.display().to_string(), differences })
    }
}

/// Opens the directory as it is: whatever is wrong with it is an error, and nothing is set aside.
pub fn open_as_it_is(state: &StateSection) -> Result<Opened, StoreError> {
    importing::refuse(&state.path)?;
    let store = open_store(state)?;
    let disk = read(store.as_ref())?;
    Ok(Opened { store, disk })
}

/// Opens the directory; one that cannot be read is set aside and a new one takes its place.
pub fn open(state: &StateSection) -> Result<Opened, StoreError> {
    match open_as_it_is(state) {
        Err(StoreError::Unreadable { why, .. }) => {
            let path = &state.path;
            let aside = set_aside(path)?;
            tracing::warn!(path = %path.display(), aside = %aside.display(), why, "the state directory is unreadable and was set aside");
            open_as_it_is(state)
        }
        other => other,
    }
}

/// The plans whose text the directory holds.
pub fn plans(state: &StateSection) -> Result<BTreeMap<String, PlanSpec>, StoreError> {
    Ok(open_as_it_is(state)?.disk.plans)
}

/// Sets the directory aside and opens a new one, which keeps the texts of the plans.
pub fn begin_anew(state: &StateSection, opened: Opened) -> Result<Opened, StoreError> {
    let Opened { store, disk } = opened;
    let fresh = disk.checkpoint.is_none() && disk.marks.is_empty();
    if fresh {
        return Ok(Opened { store, disk });
    }
    drop(store);
    let aside = set_aside(&state.path)?;
    tracing::warn!(aside = %aside.display(), "the old state directory was set aside");
    Ok(Opened { store: open_store(state)?, disk })
}
