//! The lake's log as readers take it: every published entry, in order.

use crate::app::exit::Exit;
use crate::ports::lake::LakeStore;
use crate::protocol::lake::entry::LakeEntry;
use crate::protocol::lake::writer::{Head, LOG, StoreObject};

/// The newest entry, and the head behind it.
pub fn newest(store: &dyn LakeStore) -> Result<(Head, Option<LakeEntry>), Exit> {
    let Some(number) = numbers(store)?.pop() else { return Ok((Head::default(), None)) };
    let (entry, text) = read(store, number)?;
    Ok((Head::behind(&entry, &text), Some(entry)))
}

/// The numbers of all published entries, rising.
pub fn numbers(store: &dyn LakeStore) -> Result<Vec<u64>, Exit> {
    let number = |name: &String| name.strip_suffix(".json").and_then(|name| name.parse().ok());
    Ok(store.names(LOG)?.iter().filter_map(number).collect())
}

/// A published entry and its text.
pub fn read(store: &dyn LakeStore, number: u64) -> Result<(LakeEntry, String), Exit> {
    let path = StoreObject::Log(number).path();
    let bytes = store.read(&path)?.ok_or_else(|| damaged(&path, "it is gone"))?;
    let text = String::from_utf8(bytes).map_err(|_| damaged(&path, "it is not UTF-8"))?;
    let entry = LakeEntry::parse(&text).map_err(|why| damaged(&path, &why))?;
    Ok((entry, text))
}

/// All published entries.
pub fn all(store: &dyn LakeStore) -> Result<Vec<LakeEntry>, Exit> {
    numbers(store)?.into_iter().map(|number| Ok(read(store, number)?.0)).collect()
}

fn damaged(path: &str, why: &str) -> Exit {
    Exit::new(
        crate::app::exit::CONFIG,
        format!("{path} cannot be used: {why}"),
        "is lake.url right? Nothing may change files in a lake",
    )
}
