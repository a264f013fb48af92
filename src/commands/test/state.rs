//! What a case expects of the state: keys, tables, rows and columns as JSON; only what is named is compared.
//!
//! Values are compared by their texts, so that 1 and 1.0 differ. `null` in place of a key, a table or a row says that there
//! is none.

use super::input::LineFault;
use super::judge::CaseFailure;
use crate::config::did_you_mean;
use crate::core::plan::layout::{Layout, REMOVED};
use crate::core::plan::spec::PlanSpec;
use crate::core::state::row::StoredRow;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The members of an object, by name, with the texts of their values.
type ObjectMembers = BTreeMap<String, Box<RawValue>>;

/// A case's `state`.
#[derive(Debug, Default)]
pub(super) struct ExpectedState {
    values: Vec<ExpectedText>,
}

/// One value: what of which key, and its text.
#[derive(Debug)]
struct ExpectedText {
    key: String,
    /// A table, and a row or a column, as far as named.
    path: Vec<String>,
    text: String,
}

impl ExpectedState {
    /// Reads the text, which names tables and columns of a plan.
    pub(super) fn read(text: &str, plan: &PlanSpec) -> Result<ExpectedState, LineFault> {
        let whole = 0..text.len();
        let hint = r#"write keys, tables and columns: '{"u1":{"user":{"country":"BR"},"subscription":{"pt":{"status":"active"}}}}'"#;
        let keys: ObjectMembers = serde_json::from_str(text).map_err(|error| {
            let what = format!("`state` is no JSON of this form: {error}");
            LineFault::new(whole.clone(), what, hint)
        })?;
        let mut state = ExpectedState::default();
        for (key, tables) in &keys {
            state.key(key, tables, plan).map_err(|(what, hint)| LineFault::new(whole.clone(), what, hint))?;
        }
        Ok(state)
    }

    fn key(&mut self, key: &str, tables: &RawValue, plan: &PlanSpec) -> Result<(), (String, String)> {
        let Some(tables) = object(tables, "tables")? else {
            self.add(key, &[], "null");
            return Ok(());
        };
        for (table, rows) in &tables {
            let Some(spec) = plan.tables.get(table) else {
                let known = plan.tables.keys().map(String::as_str);
                return Err((
                    format!("`state` names the table `{table}`, which does not exist"),
                    did_you_mean(table, "tables", known),
                ));
            };
            let columns = |at: &mut Self, path: &[&str], columns: &RawValue| -> Result<(), (String, String)> {
                let Some(columns) = object(columns, "columns")? else {
                    at.add(key, path, "null");
                    return Ok(());
                };
                for (column, value) in &columns {
                    if !spec.has_column(column) {
                        let known = spec.column_names();
                        let what =
                            format!("`state` names the column `{column}` of table `{table}`, which does not exist");
                        return Err((what, did_you_mean(column, "columns", known)));
                    }
                    at.add(key, &[path, &[column]].concat(), value.get());
                }
                Ok(())
            };
            match (object(rows, "rows or columns")?, &spec.row) {
                (None, _) => self.add(key, &[table], "null"),
                (Some(_), None) => columns(self, &[table], rows)?,
                (Some(rows), Some(_)) => {
                    rows.iter().try_for_each(|(row, value)| columns(self, &[table, row], value))?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, key: &str, path: &[&str], text: &str) {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        self.values.push(ExpectedText { key: key.to_owned(), path, text: text.to_owned() });
    }

    /// Compares with what is stored of each key.
    pub(super) fn judge<E>(
        &self,
        layout: &Layout,
        rows_of: impl Fn(&str) -> Result<Vec<StoredRow>, E>,
    ) -> Result<Vec<CaseFailure>, E> {
        let mut failures = Vec::new();
        for expected in &self.values {
            let stored = stored(layout, &rows_of(&expected.key)?);
            let path: Vec<&str> = expected.path.iter().map(String::as_str).collect();
            let was = stored.get(&expected.path).cloned().or_else(|| below(&stored, &expected.path));
            if was.as_deref().unwrap_or("null") != expected.text {
                let of = if path.is_empty() { String::new() } else { format!(", {}", path.join(".")) };
                failures.push(CaseFailure::State {
                    of: format!("state of key {:?}{of}", expected.key),
                    expected: expected.text.clone(),
                    was: was.unwrap_or_else(|| nothing(&stored)),
                });
            }
        }
        Ok(failures)
    }
}

/// An object's members; `None` for null.
fn object(value: &RawValue, what: &str) -> Result<Option<ObjectMembers>, (String, String)> {
    let wrong = |_| {
        (
            format!("`state` needs an object of {what} where it has {}", value.get()),
            "or null, where there must be nothing".to_owned(),
        )
    };
    serde_json::from_str(value.get()).map_err(wrong)
}

/// Every column by its path, with its text.
fn stored(layout: &Layout, rows: &[StoredRow]) -> BTreeMap<Vec<String>, String> {
    let mut texts = BTreeMap::new();
    for row in rows {
        let Some(table) = layout.table_name(row.table) else { continue };
        if layout.column(row.table, REMOVED).is_some_and(|removed| row.columns.get(removed).is_some()) {
            // Of a removed row only its version is kept.
            continue;
        }
        let mut path = vec![table.to_owned()];
        if !row.row_text.is_empty() {
            path.push(row.row_text.as_ref().to_owned());
        }
        if row.row().columns.iter().next().is_none() {
            // A row without a column is a row all the same.
            texts.insert(path.clone(), "{}".to_owned());
        }
        for (column, text) in row.row().columns.iter() {
            let Some(column) = layout.column_name(row.table, column) else { continue };
            let path = [path.as_slice(), &[column.to_owned()]].concat();
            texts.insert(path, String::from_utf8_lossy(text).into_owned());
        }
    }
    texts
}

/// What stands below a path that is no column; `None` where there is nothing.
fn below(stored: &BTreeMap<Vec<String>, String>, path: &[String]) -> Option<String> {
    let inner =
        stored.iter().filter_map(|(known, text)| Some(format!("{}: {text}", known.strip_prefix(path)?.join("."))));
    let inner: Vec<String> = inner.collect();
    (!inner.is_empty()).then(|| format!("{{{}}}", inner.join(", ")))
}

/// Nothing, and what there is of the key instead.
fn nothing(stored: &BTreeMap<Vec<String>, String>) -> String {
    let columns: Vec<String> = stored.keys().map(|path| path.join(".")).collect();
    match columns.as_slice() {
        [] => "nothing, as of the whole key".to_owned(),
        columns => format!("nothing; the key has {}", columns.join(", ")),
    }
}
