//! The rows that an event's enrichments take their columns from.
//!
//! Sees the event's own changes before the state, and never writes either.

use super::apply::is_there;
use super::columns::ColumnsRef;
use super::event::Event;
use super::ids::Digest;
use super::plan::compiled::{Join, Kind};
use super::plan::layout::TableId;
use super::read::KeyFault;
use super::rejection::{Reason, Rejection};
use super::state::row::{Change, ONLY_ROW};
use super::state::rows::KeyRows;
use crate::json::fields::Span;
use smallvec::SmallVec;

/// What a join found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'s> {
    /// The columns of its row.
    Row(ColumnsRef<'s>),
    /// No row.
    Miss,
    /// Nothing was looked for: its condition does not hold.
    NotAsked,
}

impl<'s> Lookup<'s> {
    /// The row's columns, where there is one.
    pub fn row(&self) -> Option<ColumnsRef<'s>> {
        match self {
            Lookup::Row(columns) => Some(*columns),
            Lookup::Miss | Lookup::NotAsked => None,
        }
    }
}

/// The rows of one event, in the order of `Kind::joins`.
#[derive(Debug, Default)]
pub struct Joined<'s> {
    /// The rows' columns.
    pub rows: SmallVec<[Lookup<'s>; 4]>,
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
        if join.when.as_ref().is_some_and(|when| !when.holds(event.seen(spans)).is_true()) {
            joined.rows.push(Lookup::NotAsked);
            continue;
        }
        let row = selector(join, event, spans)?.and_then(|row| find(known, changes, join, row));
        if row.is_none() {
            if join.required {
                return Err(Rejection::new(Reason::Miss, "a join found no row, and on_miss is \"dead_letter\""));
            }
            if !join.quiet {
                joined.missed.push(join.table);
            }
        }
        joined.rows.push(row.map_or(Lookup::Miss, Lookup::Row));
    }
    Ok(joined)
}

/// The row selector's digest; `None` when the event carries none, which is a miss.
fn selector(join: &Join, event: &Event, spans: &[Span]) -> Result<Option<Digest>, Rejection> {
    let Some(place) = &join.row else { return Ok(Some(ONLY_ROW)) };
    match place.key(&event.message, spans) {
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
    join: &Join,
    row: Digest,
) -> Option<ColumnsRef<'s>> {
    let own = changes.iter().find(|change| change.table == join.table && change.row == row);
    let columns = match own {
        Some(own) => own.columns.as_ref().map(ColumnsRef::from)?,
        None => known?.get(join.table, row)?.columns,
    };
    is_there(columns, join.removed).then_some(columns)
}
