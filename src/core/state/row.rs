//! One row: where it lies in memory, as the store holds it, and what an event does to it.

use super::texts;
use crate::core::columns::{Columns, ColumnsRef};
use crate::core::ids::Digest;
use crate::core::plan::layout::TableId;
use crate::core::record::{RowName, RowView};

/// The row selector's digest in a table that has one row a key.
pub const ONLY_ROW: Digest = Digest(0);

/// A row's table and the digest of its row selector, or `ONLY_ROW`.
pub type RowId = (TableId, Digest);

/// One row, where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its table.
    pub table: TableId,
    /// The digest of its row selector, or `ONLY_ROW`.
    pub row: Digest,
    /// Its row selector's text, empty for `ONLY_ROW`.
    pub(super) text: &'a [u8],
    /// Its columns.
    pub columns: ColumnsRef<'a>,
    /// How many records it fills on disk; 0 when it was never written.
    pub parts: u16,
}

impl<'a> Row<'a> {
    /// Its row selector's text, empty for `ONLY_ROW`.
    pub fn text(&self) -> &'a str {
        texts::text(self.text)
    }

    /// The row's name on disk.
    pub fn name(&self, key: &'a str) -> RowName<'a> {
        RowName { key, table: self.table, row: (self.row != ONLY_ROW).then(|| self.text()) }
    }
}

/// A row as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// Its table.
    pub table: TableId,
    /// The digest of its row selector, or `ONLY_ROW`.
    pub row: Digest,
    /// Its row selector's text, empty for `ONLY_ROW`.
    pub row_text: Box<str>,
    /// Its columns.
    pub columns: Columns,
    /// How many records it fills there.
    pub parts: u16,
}

impl StoredRow {
    /// What a scan found.
    pub fn of(view: &RowView<'_>) -> StoredRow {
        let text = view.name.row;
        StoredRow {
            table: view.name.table,
            row: text.map_or(ONLY_ROW, |text| Digest::of(text.as_bytes())),
            row_text: text.unwrap_or_default().into(),
            columns: view.columns.clone(),
            parts: view.parts,
        }
    }

    /// The row.
    pub fn row(&self) -> Row<'_> {
        let StoredRow { table, row, ref row_text, ref columns, parts } = *self;
        Row { table, row, text: row_text.as_bytes(), columns: columns.into(), parts }
    }
}

/// What one event does to one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The row's table.
    pub table: TableId,
    /// The digest of its row selector.
    pub row: Digest,
    /// Its row selector's text.
    pub row_text: Box<str>,
    /// Its columns from now on; `None` removes the row.
    pub columns: Option<Columns>,
    /// Whether nothing of the row before is in them.
    pub replaces: bool,
    /// Whether it rests on what this row was, or another one: what lost events made of that, nobody knows.
    pub rests_on_rows: bool,
}
