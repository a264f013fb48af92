//! Numbers for tables and columns: assigned once, kept in the checkpoint, never reused.
//!
//! Stored rows name their columns by these numbers, so a plan that gains a column can read rows written
//! before it. Only appending is possible here.

use super::spec::PlanSpec;
use crate::core::columns::ColumnId;
use serde::{Deserialize, Serialize};

/// The column that a table with versions keeps the version of a row in.
pub const VERSION: &str = ".version";
/// The column that is set in a row of such a table which was removed: the version stays, so that nothing older comes back.
/// A column of the configuration has no dot in its name.
pub const REMOVED: &str = ".removed";

/// A table's number.
pub type TableId = u16;

/// The tables and columns that ever had a number, in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    tables: Vec<TableLayout>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableLayout {
    name: String,
    columns: Vec<String>,
}

impl Layout {
    /// This layout with everything that `spec` names added at the end.
    pub fn extended(&self, spec: &PlanSpec) -> Layout {
        let mut layout = self.clone();
        for (name, table) in &spec.tables {
            let place = layout.tables.iter().position(|t| t.name == *name).unwrap_or_else(|| {
                layout.tables.push(TableLayout { name: name.clone(), columns: Vec::new() });
                layout.tables.len() - 1
            });
            if let Some(known) = layout.tables.get_mut(place) {
                let own = [VERSION, REMOVED].into_iter().filter(|_| table.version.is_some());
                let columns = table.column_names().chain(own);
                let new = columns.filter(|c| !known.columns.iter().any(|k| k == c)).map(str::to_owned);
                let new: Vec<String> = new.collect();
                known.columns.extend(new);
            }
        }
        layout
    }

    /// A table's number.
    pub fn table(&self, name: &str) -> Option<TableId> {
        self.tables.iter().position(|t| t.name == name).and_then(|n| TableId::try_from(n).ok())
    }

    /// A table's name.
    pub fn table_name(&self, table: TableId) -> Option<&str> {
        self.tables.get(usize::from(table)).map(|t| t.name.as_str())
    }

    /// A column's name.
    pub fn column_name(&self, table: TableId, column: ColumnId) -> Option<&str> {
        self.tables.get(usize::from(table))?.columns.get(usize::from(column)).map(String::as_str)
    }

    /// A column's number in its table.
    pub fn column(&self, table: TableId, name: &str) -> Option<ColumnId> {
        let table = self.tables.get(usize::from(table))?;
        table.columns.iter().position(|c| c == name).and_then(|n| ColumnId::try_from(n).ok())
    }
}
