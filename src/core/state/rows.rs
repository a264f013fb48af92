//! The rows of one key.
//!
//! Kept as a short sorted list: a key has a handful of rows. Knows nothing of the cache around it.

use crate::core::columns::Columns;
use crate::core::ids::{Digest, KeyGroup};
use crate::core::plan::layout::TableId;
use crate::core::record::{RowName, RowView};
use std::cell::Cell;

/// The row selector's digest in a table that has one row a key.
pub const ONLY_ROW: Digest = Digest(0);

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its table.
    pub table: TableId,
    /// The digest of its row selector, or `ONLY_ROW`.
    pub row: Digest,
    /// Its row selector's text, empty for `ONLY_ROW`.
    pub row_text: Box<str>,
    /// Its columns.
    pub columns: Columns,
    /// How many records it fills on disk; 0 when it was never written.
    pub parts: u16,
}

impl Row {
    /// The row's name on disk.
    pub fn name<'a>(&'a self, key: &'a str) -> RowName<'a> {
        RowName { key, table: self.table, row: (self.row != ONLY_ROW).then_some(&self.row_text) }
    }

    /// A row as the store holds it.
    pub fn stored(view: &RowView<'_>) -> Row {
        let text = view.name.row;
        Row {
            table: view.name.table,
            row: text.map_or(ONLY_ROW, |text| Digest::of(text.as_bytes())),
            row_text: text.unwrap_or_default().into(),
            columns: view.columns.clone(),
            parts: view.parts,
        }
    }
}

/// What one event does to one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The row's table.
    pub table: TableId,
    /// The digest of its row selector.
    pub row: Digest,
    /// Its row selector's text.
    pub row_text: Box<str>,
    /// Its columns from now on; `None` removes the row.
    pub columns: Option<Columns>,
}

/// All rows of one key.
#[derive(Clone, Debug, Default)]
pub struct KeyRows {
    /// The key's text.
    pub key: Box<str>,
    /// Its key group.
    pub group: KeyGroup,
    rows: Vec<Row>,
    /// Rows changed since the last barrier, by table and row.
    changed: Vec<(TableId, Digest)>,
    /// Rows that were removed since the last barrier.
    removed: Vec<Row>,
    /// The barrier after which its last change is durable; 0 when it never changed.
    pub pinned: u64,
    /// Whether an event asked for it since the clock hand passed. A cell, because asking is no change: it decides
    /// nothing but how long the key stays in memory.
    pub referenced: Cell<bool>,
}

impl KeyRows {
    /// A key with the rows that the store holds.
    pub fn new(key: Box<str>, group: KeyGroup, mut rows: Vec<Row>) -> KeyRows {
        rows.sort_by_key(|row| (row.table, row.row));
        KeyRows { key, group, rows, referenced: Cell::new(true), ..KeyRows::default() }
    }

    /// A row.
    pub fn get(&self, table: TableId, row: Digest) -> Option<&Row> {
        let at = self.rows.binary_search_by_key(&(table, row), |row| (row.table, row.row)).ok()?;
        self.rows.get(at)
    }

    /// The rows, by table and row digest.
    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether there are changes that no barrier has taken.
    pub fn is_dirty(&self) -> bool {
        !self.changed.is_empty() || !self.removed.is_empty()
    }

    /// Applies one change.
    pub fn apply(&mut self, change: Change) {
        let id = (change.table, change.row);
        let found = self.rows.binary_search_by_key(&id, |row| (row.table, row.row));
        match (found, change.columns) {
            (Ok(at), Some(columns)) => {
                if let Some(row) = self.rows.get_mut(at) {
                    row.columns = columns;
                }
                self.mark_changed(id);
            }
            (Err(at), Some(columns)) => {
                // A row that was removed since the last barrier still has its records on disk.
                let before = self.removed.iter().position(|row| (row.table, row.row) == id);
                let parts = before.map_or(0, |n| self.removed.swap_remove(n).parts);
                let row = Row { table: change.table, row: change.row, row_text: change.row_text, columns, parts };
                self.rows.insert(at, row);
                self.mark_changed(id);
            }
            (Ok(at), None) => {
                let row = self.rows.remove(at);
                self.changed.retain(|changed| *changed != id);
                self.removed.push(row);
            }
            (Err(_), None) => {}
        }
    }

    /// Hands over what changed since the last barrier: the rows to write and the rows to remove.
    pub fn take_changes(&mut self) -> (Vec<&mut Row>, Vec<Row>) {
        let changed = std::mem::take(&mut self.changed);
        let removed = std::mem::take(&mut self.removed);
        let rows = self.rows.iter_mut().filter(|row| changed.contains(&(row.table, row.row))).collect();
        (rows, removed)
    }

    fn mark_changed(&mut self, id: (TableId, Digest)) {
        if !self.changed.contains(&id) {
            self.changed.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upsert(row: u128, text: &str) -> Change {
        let columns = Some(Columns::default().merged([(0, text.as_bytes())]));
        Change { table: 1, row: Digest(row), row_text: "r".into(), columns }
    }

    #[test]
    fn a_row_removed_and_written_again_keeps_its_records() {
        let mut stored = Row { table: 1, row: Digest(7), row_text: "r".into(), columns: Columns::default(), parts: 3 };
        let mut key = KeyRows::new("k".into(), KeyGroup(0), vec![stored.clone()]);
        key.apply(Change { columns: None, ..upsert(7, "1") });
        assert!(key.get(1, Digest(7)).is_none() && key.is_dirty());
        key.apply(upsert(7, "2"));
        let (rows, removed) = key.take_changes();
        stored.columns = Columns::default().merged([(0, b"2")]);
        assert_eq!((rows, removed), (vec![&mut stored], vec![]));
        assert!(!key.is_dirty());
        key.apply(Change { columns: None, ..upsert(7, "1") });
        assert_eq!(key.take_changes().1.first().map(|row| (row.row, row.parts)), Some((Digest(7), 3)));
        key.apply(Change { columns: None, ..upsert(8, "1") });
        assert!(!key.is_dirty(), "removing what is not there changes nothing");
    }
}
