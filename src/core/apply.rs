//! What an event does to the tables it feeds, worked out but not done.
//!
//! Reads rows, never writes one: `step` commits the changes once the whole event is known to go through.

use super::columns::{ColumnId, Columns, ColumnsRef};
use super::decode::key_rejection;
use super::event::Event;
use super::ids::Digest;
use super::mutants::{Mutant, planted};
use super::plan::aggregate::NextValue;
use super::plan::compiled::Kind;
use super::plan::feed::{FeedVersion, TableFeed};
use super::plan::layout::TableId;
use super::plan::row_version::Invalid;
use super::read::Value;
use super::rejection::{Reason, Rejection};
use super::state::row::{ONLY_ROW, RowChange};
use super::state::rows::KeyRows;
use super::state::visible::VisibleRows;
use crate::json::fields::Span;
use smallvec::SmallVec;
use std::borrow::Cow;

/// What is set in a row that was removed and keeps its version.
const SET: &[u8] = b"true";

/// What one event does to rows.
#[derive(Debug, Default)]
pub struct Applied {
    /// The rows that change, by table name.
    pub changes: Vec<RowChange>,
    /// The tables whose row it leaves as it is, or in part.
    pub kept: SmallVec<[(TableId, Unchanged); 1]>,
}

/// Why an event leaves a row as it is, or a column of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unchanged {
    /// The row is newer.
    Older,
    /// The event says no version.
    Invalid,
    /// The event says nothing that a column of an aggregate could count.
    Uncounted,
}

impl Unchanged {
    /// All of them, as labels of a metric.
    pub const NAMED: [(&'static str, Unchanged); 3] =
        [("older", Unchanged::Older), ("invalid", Unchanged::Invalid), ("uncounted", Unchanged::Uncounted)];
}

/// The changes of one event.
pub fn apply(known: VisibleRows<'_>, kind: &Kind, event: &Event, spans: &[Span]) -> Result<Applied, Rejection> {
    let mut applied = Applied::default();
    for feed in &kind.feeds {
        let deleted = change(known, feed, event, spans, &mut applied)?;
        if let Some(known) = known.key.filter(|_| deleted) {
            cascade(known, feed, &mut applied.changes);
        }
    }
    Ok(applied)
}

/// The rows of other tables that go with a row that was removed: the last ones first, so that each leaves from the end of the
/// key's rows.
fn cascade(known: &KeyRows, feed: &TableFeed, changes: &mut Vec<RowChange>) {
    for cascaded in &feed.cascade {
        let rows = known.iter().filter(|row| row.table == cascaded.table);
        let first = changes.len();
        changes.extend(rows.filter_map(|row| {
            let columns = match cascaded.versioned {
                None => None,
                Some((_, removed)) if row.columns.get(removed).is_some() => return None,
                Some((version, removed)) => {
                    let text = row.columns.get(version).map(|text| (version, Cow::Borrowed(text)));
                    Some(removed_but_for(text, removed))
                }
            };
            let (table, row, row_text) = (row.table, row.row, row.text().into());
            Some(RowChange { table, row, row_text, columns, replaces: true, rests_on_rows: feed.version.is_some() })
        }));
        changes.get_mut(first..).into_iter().for_each(<[RowChange]>::reverse);
    }
}

/// What the event does to the table's row; nothing where the row stays as it is, so that no checkpoint writes it again. Says
/// whether the event removes it.
fn change(
    known: VisibleRows<'_>,
    feed: &TableFeed,
    event: &Event,
    spans: &[Span],
    applied: &mut Applied,
) -> Result<bool, Rejection> {
    if feed.when.as_ref().is_some_and(|when| !when.holds(event.seen(spans)).is_true()) {
        return Ok(false);
    }
    let is_empty = event.message.payload.is_empty();
    if is_empty && !feed.delete_empty {
        return Ok(false);
    }
    let at = |place| Value::at(place, &event.message, spans);
    let (row, row_text) = row_of(feed, event, spans)?;
    let before = known.row(feed.table, row, feed.global);
    let version = match &feed.version {
        None => None,
        Some(version) => match newer(version, at(&version.at), before)? {
            Ok(text) => Some((version.version, text)),
            Err(why) => {
                applied.kept.push((feed.table, why));
                return Ok(false);
            }
        },
    };
    let deleted = is_empty || feed.delete.as_ref().is_some_and(|(place, equals)| at(place).equals(equals));
    let columns = match (deleted, version) {
        (true, None) => None,
        (true, Some(_)) if planted(Mutant::RemovedVersionForgotten) => None,
        (true, Some(version)) => Some(removed_but_for(Some(version), feed.removed.expect("versions come with it"))),
        (false, version) => {
            let before = before.filter(|columns| is_there(*columns, feed.removed)).unwrap_or_default();
            Some(if feed.counters.is_empty() {
                merged(before, feed, event, spans, version)
            } else {
                counted(before, feed, event, spans, applied)
            })
        }
    };
    if columns.as_ref().is_none_or(|columns| before != Some(columns.into())) {
        let replaces = deleted || feed.replaces && feed.unless.is_none();
        let rests_on_rows = !feed.counters.is_empty();
        applied.changes.push(RowChange { table: feed.table, row, row_text, columns, replaces, rests_on_rows });
    }
    Ok(deleted)
}

/// Which row of the table an event feeds, and its text.
fn row_of(feed: &TableFeed, event: &Event, spans: &[Span]) -> Result<(Digest, Box<str>), Rejection> {
    let Some(place) = &feed.row else { return Ok((ONLY_ROW, Box::default())) };
    let text = place.key(&event.message, spans).map_err(|fault| key_rejection(fault, "row"))?;
    let text = text.get(&event.message.payload);
    Ok((Digest::of(text.as_bytes()), text.into()))
}

/// The rows of global tables that an event feeds.
pub fn global_rows<'a>(
    kind: &'a Kind,
    event: &'a Event,
    spans: &'a [Span],
) -> impl Iterator<Item = (TableId, Digest)> + 'a {
    let feeds = kind.feeds.iter().filter(|feed| feed.global);
    feeds.filter_map(|feed| Some((feed.table, row_of(feed, event, spans).ok()?.0)))
}

/// Whether a row with these columns is there, and was not removed; `removed` is the column that says so.
pub(super) fn is_there(columns: ColumnsRef<'_>, removed: Option<ColumnId>) -> bool {
    removed.is_none_or(|removed| columns.get(removed).is_none())
}

/// The version of an event that is not older than the row; else why the row stays.
fn newer<'a>(
    version: &FeedVersion,
    value: Value<'a>,
    before: Option<ColumnsRef<'_>>,
) -> Result<Result<Cow<'a, [u8]>, Unchanged>, Rejection> {
    let text = value.column().unwrap_or_default();
    let Some(own) = version.compared.read(&text) else {
        return match version.invalid {
            Invalid::Ignore => Ok(Err(Unchanged::Invalid)),
            Invalid::DeadLetter => Err(Rejection::new(Reason::Version, version.sentence.clone())),
        };
    };
    // A row of before the table had versions, or had these, is older than any.
    let of_row = before.and_then(|columns| version.compared.read(columns.get(version.version)?));
    if of_row.is_some_and(|of_row| own.is_older_than(&of_row)) && !planted(Mutant::OlderRowWritten) {
        return Ok(Err(Unchanged::Older));
    }
    drop(own);
    Ok(Ok(text))
}

/// A row that is there no more but for its version.
fn removed_but_for(version: Option<(ColumnId, Cow<'_, [u8]>)>, removed: ColumnId) -> Columns {
    let set = (removed, Cow::Borrowed(SET));
    let mut columns: SmallVec<[(ColumnId, Cow<'_, [u8]>); 2]> = version.into_iter().chain([set]).collect();
    columns.sort_by_key(|(id, _)| *id);
    Columns::default().merged(columns)
}

/// The row of an aggregate behind the event.
fn counted(before: ColumnsRef<'_>, feed: &TableFeed, event: &Event, spans: &[Span], applied: &mut Applied) -> Columns {
    let mut uncounted = false;
    let updates = feed.counters.iter().filter_map(|(id, counter)| {
        match counter.next(before.get(*id), |place| Value::at(place, &event.message, spans)) {
            NextValue::Is(text) => Some((*id, text)),
            NextValue::Stays => None,
            NextValue::Uncounted(begins) => {
                uncounted = true;
                Some((*id, Cow::Borrowed(begins?)))
            }
        }
    });
    let columns = before.merged(updates);
    if uncounted {
        applied.kept.push((feed.table, Unchanged::Uncounted));
    }
    columns
}

/// The row's columns with those of the event written over them, or in their place.
fn merged<'a>(
    before: ColumnsRef<'a>,
    feed: &TableFeed,
    event: &'a Event,
    spans: &[Span],
    version: Option<(ColumnId, Cow<'a, [u8]>)>,
) -> Columns {
    let is_none = |value: &Value<'_>| feed.unless.as_ref().is_some_and(|unless| value.equals(unless));
    let updates = feed.columns.iter().filter_map(|(id, place)| {
        let value = Value::at(place, &event.message, spans);
        if !is_none(&value) {
            return Some((*id, value.column()?));
        }
        Some((*id, Cow::Borrowed(before.get(*id).filter(|_| feed.replaces)?)))
    });
    let before = if feed.replaces { ColumnsRef::default() } else { before };
    let Some((own, text)) = version else { return before.merged(updates) };
    let mut all: SmallVec<[(ColumnId, Cow<'a, [u8]>); 8]> = updates.collect();
    let place = all.iter().position(|(id, _)| *id > own).unwrap_or(all.len());
    all.insert(place, (own, text));
    before.merged(all)
}
