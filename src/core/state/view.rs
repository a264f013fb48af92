//! Rows as a person asks for them and sees them: tables and columns by name.
//!
//! Only for showing; nothing here is stored or published.

use super::row::{ONLY_ROW, Row};
use crate::core::ids::{Digest, KeyGroup, Position};
use crate::core::plan::layout::{Layout, TableId};
use serde_json::{Map, Value, json};

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateQuery {
    /// All rows of a key.
    Key(String),
    /// A row of a global table.
    Row {
        /// The table's name.
        table: String,
        /// What tells its rows apart; `None` in a table with one row.
        row: Option<String>,
    },
}

impl StateQuery {
    /// Whose state it is.
    pub fn owner(&self) -> KeyGroup {
        match self {
            StateQuery::Key(key) => KeyGroup::of(key),
            StateQuery::Row { .. } => KeyGroup::EVERYONE,
        }
    }
}

/// Under which numbers a row of a global table is kept; `None` where there is no such table.
pub fn number(layout: &Layout, table: &str, row: Option<&str>) -> Option<(TableId, Digest)> {
    Some((layout.table(table)?, row.map_or(ONLY_ROW, |row| Digest::of(row.as_bytes()))))
}

/// `{"table":…,"row":…,"position":…,"columns":{…}}`.
pub fn of_row(position: Position, layout: &Layout, row: Row<'_>) -> Value {
    let text = (row.row != ONLY_ROW).then(|| row.text());
    json!({ "table": layout.table_name(row.table), "row": text, "position": position, "columns": columns(layout, row) })
}

/// `{"key":…,"position":…,"tables":{…}}`; `None` when there are no rows.
pub fn of_key<'a>(
    key: &str,
    position: Position,
    layout: &Layout,
    rows: impl Iterator<Item = Row<'a>>,
) -> Option<Value> {
    let tables = tables(layout, rows)?;
    Some(json!({ "key": key, "position": position, "tables": tables }))
}

/// `{"user":{…},"subscription":{"pt-BR":{…}}}`; `None` when there are no rows.
fn tables<'a>(layout: &Layout, rows: impl Iterator<Item = Row<'a>>) -> Option<Value> {
    let mut tables = Map::new();
    for row in rows {
        let Some(name) = layout.table_name(row.table) else { continue };
        let columns = columns(layout, row);
        let table = tables.entry(name).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(table) = table {
            if row.row == ONLY_ROW {
                table.extend(columns);
            } else {
                table.insert(row.text().to_owned(), Value::Object(columns));
            }
        }
    }
    (!tables.is_empty()).then_some(Value::Object(tables))
}

fn columns(layout: &Layout, row: Row<'_>) -> Map<String, Value> {
    let mut columns = Map::new();
    for (id, text) in row.columns.iter() {
        let Some(column) = layout.column_name(row.table, id) else { continue };
        // A number that no f64 holds is shown as its text.
        let shown = || Value::String(String::from_utf8_lossy(text).into_owned());
        columns.insert(column.to_owned(), serde_json::from_slice(text).unwrap_or_else(|_| shown()));
    }
    columns
}
