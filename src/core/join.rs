//! The rows that an event's enrichments take their columns from.
//!
//! Sees the event's own changes before the state, and never writes either.

use super::columns::ColumnsRef;
use super::event::Event;
use super::ids::Digest;
use super::plan::compiled::{Join, Kind};
use super::plan::layout::TableId;
use super::read::{KeyFault, Value};
use super::rejection::{Reason, Rejection};
use super::state::row::{Change, ONLY_ROW};
use super::state::rows::KeyRows;
use crate::json::fields::Span;
use smallvec::SmallVec;

/// The rows of one event, in the order of `Kind::joins`; `None` is a miss.
#[derive(Debug, Default)]
pub struct Joined<'s> {
    /// The rows' columns.
    pub rows: SmallVec<[Option<ColumnsRef<'s>>; 4]>,
    /// The tables that were missed, once for each join.
    pub missed: Vec<TableId>,
}

/// Looks up every row that the kind's enrichments need; `known` are the rows of the event's key.
pub fn join<'s>(
    known: Option<&'s KeyRows>,
    changes: &'s [Change],
    kind: &Kind,
    event: &Event,
    spans: &[Span],
) -> Result<Joined<'s>, Rejection> {
    let mut joined = Joined::default();
    for join in &kind.joins {
        let row = selector(join, event, spans)?.and_then(|row| find(known, changes, join.table, row));
        if row.is_none() {
            if join.required {
                return Err(Rejection::new(Reason::Miss, "a join found no row, and on_miss is \"dead_letter\""));
            }
            joined.missed.push(join.table);
        }
        joined.rows.push(row);
    }
    Ok(joined)
}

/// The row selector's digest; `None` when the event carries none, which is a miss.
fn selector(join: &Join, event: &Event, spans: &[Span]) -> Result<Option<Digest>, Rejection> {
    let Some(place) = &join.row else { return Ok(Some(ONLY_ROW)) };
    match Value::at(place, &event.message, spans).key() {
        Ok(text) => Ok(Some(Digest::of(text.bytes(&event.message.payload)))),
        Err(KeyFault::None) => Ok(None),
        Err(KeyFault::Bad) => {
            let place = &join.place;
            let sentence = format!(
                "the field `{place}`, which selects a row of an enrichment, is no integer and no non-empty text"
            );
            Err(Rejection::new(Reason::BadKey, sentence))
        }
    }
}

/// A row as the event sees it: its own change, or what the state holds.
pub(super) fn find<'s>(
    known: Option<&'s KeyRows>,
    changes: &'s [Change],
    table: TableId,
    row: Digest,
) -> Option<ColumnsRef<'s>> {
    if let Some(own) = changes.iter().find(|change| change.table == table && change.row == row) {
        return own.columns.as_ref().map(ColumnsRef::from);
    }
    known?.get(table, row).map(|row| row.columns)
}
