//! Files in the lake's folders that no entry names: a reader who takes every file would take them too.

use crate::app::exit::Exit;
use crate::ports::lake::LakeStore;
use crate::protocol::lake::entry::LakeEntry;
use crate::protocol::lake::table::LakeTable;
use std::collections::BTreeSet;

/// Their paths, in order.
pub fn orphans(store: &dyn LakeStore, entries: &[LakeEntry]) -> Result<Vec<String>, Exit> {
    let named: BTreeSet<&str> = entries.iter().flat_map(|entry| &entry.files).map(|file| file.path.as_str()).collect();
    let mut orphans = Vec::new();
    let mut folders: Vec<String> = LakeTable::ALL.iter().map(|table| format!("{}/data", table.name())).collect();
    while let Some(folder) = folders.pop() {
        for name in store.names(&folder)? {
            let path = format!("{folder}/{name}");
            // A folder is named after a column and its value; a file's name has neither.
            if name.contains('=') {
                folders.push(path);
            } else if !named.contains(path.as_str()) {
                orphans.push(path);
            }
        }
    }
    orphans.sort();
    Ok(orphans)
}
