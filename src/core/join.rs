//! The rows that an event's enrichments take their columns from.
//!
//! Sees the event's own changes before the state, and never writes either.

use super::apply::is_there;
use super::columns::ColumnsRef;
use super::event::Event;
use super::ids::{Digest, Nanos};
use super::parked::{FoundRow, Parked};
use super::plan::compiled::{Join, Kind, Miss};
use super::plan::layout::TableId;
use super::read::KeyFault;
use super::rejection::{Reason, Rejection};
use super::state::row::{ONLY_ROW, RowChange};
use super::state::visible::{VisibleRows, global_digest};
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
pub struct JoinedRows<'s> {
    /// The rows' columns.
    pub rows: SmallVec<[Lookup<'s>; 4]>,
    /// The tables that were missed, once for each join.
    pub missed: Vec<TableId>,
    /// How long the event waits for rows that it missed, if it does.
    pub wait: Option<Nanos>,
    /// Whether one that it missed makes it a dead letter once it waits no longer.
    pub dead_at_last: bool,
}

/// Looks up every row that the kind's enrichments need.
pub fn join<'s>(
    known: VisibleRows<'s>,
    changes: &'s [RowChange],
    kind: &Kind,
    event: &Event,
    spans: &[Span],
) -> Result<JoinedRows<'s>, Rejection> {
    joined(kind, event, spans, |join, row| find(known, changes, join, row))
}

/// Asks every join of a kind for its row.
#[inline]
fn joined<'s>(
    kind: &Kind,
    event: &Event,
    spans: &[Span],
    find: impl Fn(&Join, Digest) -> Option<ColumnsRef<'s>>,
) -> Result<JoinedRows<'s>, Rejection> {
    let mut joined = JoinedRows::default();
    for join in &kind.joins {
        if join.when.as_ref().is_some_and(|when| !when.holds(event.seen(spans)).is_true()) {
            joined.rows.push(Lookup::NotAsked);
            continue;
        }
        let asked = selector(join, event, spans)?;
        joined.take(join, asked, asked.and_then(|row| find(join, row)))?;
    }
    Ok(joined)
}

impl<'s> JoinedRows<'s> {
    /// Takes in what a join found of the row that it asked for.
    fn take(&mut self, join: &Join, asked: Option<Digest>, row: Option<ColumnsRef<'s>>) -> Result<(), Rejection> {
        if row.is_none() {
            if join.on_miss == Miss::DeadLetter {
                return Err(Rejection::new(Reason::Miss, "a join found no row, and on_miss is \"dead_letter\""));
            }
            if join.on_miss != Miss::Quiet {
                self.missed.push(join.table);
            }
            if let Miss::Wait { time, dead } = join.on_miss {
                // For a row that the event does not name nobody can wait.
                self.wait = self.wait.max(asked.map(|_| time));
                self.dead_at_last |= dead;
            }
        }
        self.rows.push(row.map_or(Lookup::Miss, Lookup::Row));
        Ok(())
    }
}

/// The same for an event that waited: what it found when it arrived stays what it was then, and only what it missed is looked
/// for in the rows that are there now.
pub fn join_again<'s>(known: VisibleRows<'s>, kind: &Kind, parked: &'s Parked) -> Result<JoinedRows<'s>, Rejection> {
    joined(kind, &parked.event, &parked.spans, |join, row| {
        let then = parked.found.iter().find(|found| found.table == join.table && found.row == row);
        then.map(|found| ColumnsRef::from(&found.columns)).or_else(|| find(known, &[], join, row))
    })
}

/// The rows that an event's joins found, to be kept while it waits.
pub fn found(kind: &Kind, event: &Event, spans: &[Span], joined: &JoinedRows<'_>) -> Vec<FoundRow> {
    let mut list: Vec<FoundRow> = Vec::new();
    for (join, lookup) in kind.joins.iter().zip(&joined.rows) {
        let Some(columns) = lookup.row() else { continue };
        let Ok(Some(row)) = selector(join, event, spans) else { continue };
        if !list.iter().any(|found| found.table == join.table && found.row == row) {
            list.push(FoundRow { table: join.table, row, columns: columns.apart() });
        }
    }
    list
}

/// The rows of global tables that an event asks for, by the names under which they are found.
pub fn global_rows<'a>(
    kind: &'a Kind,
    event: &'a Event,
    spans: &'a [Span],
) -> impl Iterator<Item = (TableId, Digest)> + 'a {
    let joins = kind.joins.iter().filter(|join| join.global);
    joins.filter_map(|join| Some((join.table, selector(join, event, spans).ok()??)))
}

/// The same of those that it would wait for.
pub fn awaited<'a>(kind: &'a Kind, event: &'a Event, spans: &'a [Span]) -> impl Iterator<Item = Digest> + 'a {
    let joins = kind.joins.iter().filter(|join| join.global && matches!(join.on_miss, Miss::Wait { .. }));
    joins.filter_map(|join| Some(global_digest(join.table, selector(join, event, spans).ok()??)))
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
    known: VisibleRows<'s>,
    changes: &'s [RowChange],
    join: &Join,
    row: Digest,
) -> Option<ColumnsRef<'s>> {
    let own = changes.iter().find(|change| change.table == join.table && change.row == row);
    let columns = match own {
        Some(own) => own.columns.as_ref().map(ColumnsRef::from)?,
        None => known.row(join.table, row, join.global)?,
    };
    is_there(columns, join.removed).then_some(columns)
}
