//! A key's rows as a person sees them: tables and columns by name.
//!
//! Only for showing; nothing here is stored or published.

use super::row::{ONLY_ROW, Row};
use crate::core::ids::Position;
use crate::core::plan::layout::Layout;
use serde_json::{Map, Value, json};

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
        let mut columns = Map::new();
        for (id, text) in row.columns.iter() {
            let Some(column) = layout.column_name(row.table, id) else { continue };
            // A number that no f64 holds is shown as its text.
            let shown = || Value::String(String::from_utf8_lossy(text).into_owned());
            columns.insert(column.to_owned(), serde_json::from_slice(text).unwrap_or_else(|_| shown()));
        }
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
