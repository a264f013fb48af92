//! A table that a kind feeds, as the step changes it: names resolved to numbers.
//!
//! Works on a plan that `check` accepted; what does not resolve is an error of ours.

use super::aggregate::Counter;
use super::building::{Building, no_rows};
use super::compiled::Place;
use super::condition::ResolvedCondition;
use super::key_spec::KeyPlaces;
use super::layout::{Layout, REMOVED, TableId, VERSION};
use super::row_version::{Compared, Invalid, RowVersion};
use super::spec::{Literal, PlanSpec};
use super::table::WriteMode;
use crate::core::columns::ColumnId;

/// A table that a kind feeds.
#[derive(Clone, Debug)]
pub struct TableFeed {
    /// The table's number.
    pub table: TableId,
    /// Whether every shard has its rows.
    pub global: bool,
    /// Where the row selector is, for a table with several rows a key.
    pub row: Option<KeyPlaces>,
    /// The columns, by rising number.
    pub columns: Vec<(ColumnId, Place)>,
    /// The columns of an aggregate, by rising number.
    pub counters: Vec<(ColumnId, Counter)>,
    /// The value that leaves a column as it is.
    pub unless: Option<Literal>,
    /// The column that is set in a row which was removed, in a table with versions.
    pub removed: Option<ColumnId>,
    /// Where it says how new it is.
    pub version: Option<Box<FeedVersion>>,
    /// Whether columns that the event does not have are gone.
    pub replaces: bool,
    /// Where the event feeds the table at all.
    pub when: Option<ResolvedCondition>,
    /// When the event removes the row instead.
    pub delete: Option<(Place, Literal)>,
    /// Whether an event without a body removes it, too.
    pub delete_empty: bool,
    /// The tables whose rows of the key go with it.
    pub cascade: Vec<Cascaded>,
}

/// A table whose rows of a key go with a row of another one.
#[derive(Clone, Copy, Debug)]
pub struct Cascaded {
    /// The table's number.
    pub table: TableId,
    /// Its columns of the version and of its being removed, in a table with versions.
    pub versioned: Option<(ColumnId, ColumnId)>,
}

/// The version of an event for a table, and where its row keeps it.
#[derive(Clone, Debug)]
pub struct FeedVersion {
    /// Where the event says it.
    pub at: Place,
    /// What it is.
    pub compared: Compared,
    /// What becomes of an event without one.
    pub invalid: Invalid,
    /// What a dead letter says of it.
    pub sentence: String,
    /// The row's column of the version.
    pub version: ColumnId,
}

impl TableFeed {
    /// The tables that a kind feeds, by name.
    pub(super) fn of_kind(spec: &PlanSpec, layout: &Layout, fields: &mut Building<'_>, kind: &str) -> Vec<TableFeed> {
        let fed = spec.tables.iter().filter(|(_, table)| table.from == kind);
        fed.map(|(name, table)| {
            let id = layout.table(name).expect("the layout has every table of its plan");
            let number = |column: &str| layout.column(id, column).expect("the layout has every column of its plan");
            let mut columns: Vec<(ColumnId, Place)> =
                table.columns.iter().map(|(column, source)| (number(column), fields.place(source))).collect();
            columns.sort_by_key(|(column, _)| *column);
            let counters = table.aggregates.iter().map(|(column, counted)| (number(column), counted.compile(fields)));
            let mut counters: Vec<(ColumnId, Counter)> = counters.collect();
            counters.sort_by_key(|(column, _)| *column);
            TableFeed {
                table: id,
                global: table.scope.is_global(),
                when: table
                    .when
                    .as_ref()
                    .map(|when| fields.test(when, &format!("tables.{name}.when"), |_, _| no_rows())),
                row: table.row.as_ref().map(|row| row.compile(|s| fields.place(s))),
                columns,
                counters,
                unless: table.unless.clone(),
                removed: layout.column(id, REMOVED),
                version: table
                    .version
                    .as_ref()
                    .map(|version| Box::new(compile_version(layout, fields, name, id, version))),
                delete_empty: table.delete_empty,
                replaces: table.write == WriteMode::Replace,
                cascade: table.cascade.iter().map(|other| cascaded(spec, layout, other)).collect(),
                delete: table.delete.as_ref().map(|d| (fields.place(&d.field), d.equals.clone())),
            }
        })
        .collect()
    }
}

fn cascaded(spec: &PlanSpec, layout: &Layout, name: &str) -> Cascaded {
    let table = layout.table(name).expect("a deletion cascades to tables of its plan");
    let has_versions = spec.tables.get(name).is_some_and(|table| table.version.is_some());
    let column = |name: &str| layout.column(table, name);
    let versioned = column(VERSION).zip(column(REMOVED)).filter(|_| has_versions);
    Cascaded { table, versioned }
}

fn compile_version(
    layout: &Layout,
    fields: &mut Building<'_>,
    name: &str,
    table: TableId,
    spec: &RowVersion,
) -> FeedVersion {
    let column = |name: &str| layout.column(table, name).expect("the layout has the columns of versions");
    let RowVersion { at, compared, invalid } = spec;
    let word = compared.word();
    FeedVersion {
        at: fields.place(at),
        compared: *compared,
        invalid: *invalid,
        sentence: format!("the field `{at}`, the version of rows of the table `{name}`, is missing or no {word}"),
        version: column(VERSION),
    }
}
