//! `[tables.NAME]` and `[aggregates.NAME]` as data: what is kept of a kind's events, and who sees it.
//!
//! What a table has to obey is `check`'s business; `feed` is how the step changes it.

use super::aggregate::Aggregate;
use super::condition::Condition;
use super::key_spec::KeySpec;
use super::row_version::RowVersion;
use super::selector::Selector;
use super::spec::Literal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[tables.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// The kind section whose events feed the table.
    pub from: String,
    /// Who sees its rows.
    #[serde(default, skip_serializing_if = "TableScope::is_key")]
    pub scope: TableScope,
    /// What tells several rows of one key apart, if there are several.
    pub row: Option<KeySpec>,
    /// Column name to the place of its value; none where it is an aggregate.
    #[serde(default)]
    pub columns: BTreeMap<String, Selector>,
    /// Column name to what it counts; in an aggregate alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aggregates: BTreeMap<String, Aggregate>,
    /// The value that stands for one that the producer did not send: it leaves a column as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Literal>,
    /// Where an event says how new it is: an older one leaves the row as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<RowVersion>,
    /// What becomes of columns that an event does not have.
    #[serde(default, skip_serializing_if = "WriteMode::is_merge")]
    pub write: WriteMode,
    /// The events that feed it; all of its kind without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// When an event removes the row instead.
    pub delete: Option<DeleteSpec>,
    /// Whether an event without a body removes it, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delete_empty: bool,
    /// The tables whose rows of the same key go with a row that an event removes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cascade: Vec<String>,
}

impl TableSpec {
    /// The names of its columns.
    pub fn column_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.columns.keys().chain(self.aggregates.keys()).map(String::as_str)
    }

    /// Whether it has a column of this name.
    pub fn has_column(&self, name: &str) -> bool {
        self.columns.contains_key(name) || self.aggregates.contains_key(name)
    }

    /// The places that an event's part in it is read from, but for those of its row and its version.
    pub fn read(&self) -> impl Iterator<Item = &Selector> {
        self.columns.values().chain(self.aggregates.values().filter_map(|aggregate| aggregate.of.as_ref()))
    }
}

/// `tables.NAME.scope`: who sees the rows of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableScope {
    /// Events of the key that wrote them.
    #[default]
    Key,
    /// All events.
    Global,
}

impl TableScope {
    fn is_key(&self) -> bool {
        *self == TableScope::Key
    }

    /// Whether all events see them.
    pub fn is_global(self) -> bool {
        self == TableScope::Global
    }
}

/// `tables.NAME.write`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteMode {
    /// They stay as they are.
    #[default]
    Merge,
    /// They are gone: the row is what the event says.
    Replace,
}

impl WriteMode {
    fn is_merge(&self) -> bool {
        *self == WriteMode::Merge
    }
}

/// `delete = { field = …, equals = … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteSpec {
    /// The place that is compared.
    pub field: Selector,
    /// The value that removes the row.
    pub equals: Literal,
}
