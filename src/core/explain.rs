//! What an event asks of the state and does to it, told before it is run: for people, never for an outcome.
//!
//! Names tables by their numbers and rows by their texts. Changes nothing.

use super::apply::{Applied, apply, is_there};
use super::columns::{ColumnId, ColumnsRef};
use super::event::Event;
use super::ids::{Digest, Position};
use super::join::find;
use super::plan::compiled::{Join, KindId, Plan};
use super::plan::layout::{REMOVED, TableId};
use super::state::changes::State;
use super::state::row::{ONLY_ROW, RowChange};
use super::state::rows::KeyRows;
use super::state::visible::VisibleRows;
use crate::json::fields::Span;

/// An event as the step sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its position.
    pub position: Position,
    /// Its kind section, the unknown one included.
    pub kind: KindId,
    /// The kind's text, where there is one.
    pub kind_text: Option<String>,
    /// Its key, where it has one.
    pub key: Option<String>,
    /// What it is known by for de-duplication.
    pub identity: Option<Digest>,
    /// The rows that it changes if it is processed.
    pub feeds: Vec<ChangedRow>,
    /// The rows that its joins ask for, in the plan's order.
    pub asks: Vec<AskedRow>,
}

/// A row that an event changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedRow {
    /// The row's table.
    pub table: TableId,
    /// The text of its selector, empty in a table with one row a key.
    pub row: String,
    /// Whether the event removes it.
    pub removed: bool,
}

/// A row that a join asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedRow {
    /// The table.
    pub table: TableId,
    /// The text of the selector, empty in a table with one row a key; `None` where the event carries none.
    pub row: Option<String>,
    /// Whether it is there.
    pub found: bool,
    /// The rows of that table that the key has, the event's own change included; of a global table, only its own.
    pub has: Vec<String>,
}

/// Tells of an event over the state of its shard.
pub fn explain(plan: &Plan, state: &State, event: &Event, spans: &[Span]) -> Explained {
    let payload = &event.message.payload;
    let mut explained = Explained {
        position: event.position(),
        kind: event.kind,
        kind_text: event.kind_text.as_ref().map(|text| text.get(payload).to_owned()),
        key: None,
        identity: None,
        feeds: Vec::new(),
        asks: Vec::new(),
    };
    let (Ok(reading), Some(kind)) = (&event.reading, plan.kinds.get(usize::from(event.kind))) else { return explained };
    explained.identity = reading.identity;
    explained.key = reading.key.as_ref().map(|key| key.text.get(payload).to_owned());
    let known = VisibleRows::of(&state.rows, reading.key.as_ref().map(|key| key.digest));
    let Ok(Applied { changes, .. }) = apply(known, kind, event, spans) else { return explained };
    let fed = |change: &RowChange| ChangedRow {
        table: change.table,
        row: change.row_text.as_ref().to_owned(),
        removed: !there(change, plan.layout.column(change.table, REMOVED)),
    };
    explained.feeds = changes.iter().map(fed).collect();
    explained.asks = kind.joins.iter().map(|join| asked(join, known, &changes, event, spans)).collect();
    explained
}

/// Whether a row is there behind a change of it.
fn there(change: &RowChange, removed: Option<ColumnId>) -> bool {
    change.columns.as_ref().is_some_and(|columns| is_there(ColumnsRef::from(columns), removed))
}

fn asked(join: &Join, known: VisibleRows<'_>, changes: &[RowChange], event: &Event, spans: &[Span]) -> AskedRow {
    let payload = &event.message.payload;
    let row = match &join.row {
        None => Some(String::new()),
        Some(place) => place.key(&event.message, spans).ok().map(|text| text.get(payload).to_owned()),
    };
    let digest = row.as_ref().map(|row| if row.is_empty() { ONLY_ROW } else { Digest::of(row.as_bytes()) });
    let found = digest.is_some_and(|row| find(known, changes, join, row).is_some());
    let own = changes.iter().filter(|change| change.table == join.table);
    let mut has: Vec<String> = own.clone().filter(|c| there(c, join.removed)).map(|c| c.row_text.to_string()).collect();
    // Of a global table's rows only the one that is asked for is looked at.
    let stored = known
        .key
        .filter(|_| !join.global)
        .into_iter()
        .flat_map(KeyRows::iter)
        .filter(|row| row.table == join.table && is_there(row.columns, join.removed));
    has.extend(stored.filter(|row| !own.clone().any(|c| c.row == row.row)).map(|row| row.text().to_owned()));
    has.sort();
    AskedRow { table: join.table, row, found, has }
}
