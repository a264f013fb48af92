//! What an event does to the tables it feeds, worked out but not done.
//!
//! Reads rows, never writes one: `step` commits the changes once the whole event is known to go through.

use super::columns::Columns;
use super::decode::key_rejection;
use super::event::Event;
use super::ids::Digest;
use super::plan::compiled::{Feed, Kind};
use super::read::Value;
use super::rejection::Rejection;
use super::state::row::{Change, ONLY_ROW};
use super::state::rows::KeyRows;
use crate::json::fields::Span;

/// The changes of one event, by table name; `known` are the rows of its key.
pub fn apply(known: Option<&KeyRows>, kind: &Kind, event: &Event, spans: &[Span]) -> Result<Vec<Change>, Rejection> {
    kind.feeds.iter().filter_map(|feed| change(known, feed, event, spans).transpose()).collect()
}

/// What the event does to the table's row; `None` where the row stays as it is, so that no checkpoint writes it again.
fn change(known: Option<&KeyRows>, feed: &Feed, event: &Event, spans: &[Span]) -> Result<Option<Change>, Rejection> {
    let at = |place| Value::at(place, &event.message, spans);
    let (row, row_text) = match &feed.row {
        None => (ONLY_ROW, Box::default()),
        Some(place) => {
            let text = at(place).key().map_err(|fault| key_rejection(fault, "row"))?;
            let text = text.get(&event.message.payload);
            (Digest::of(text.as_bytes()), text.into())
        }
    };
    let deleted = feed.delete.as_ref().is_some_and(|(place, equals)| at(place).equals(equals));
    if deleted {
        return Ok(Some(Change { table: feed.table, row, row_text, columns: None }));
    }
    let updates = feed.columns.iter().filter_map(|(id, place)| Some((*id, at(place).column()?)));
    let before = known.and_then(|known| known.get(feed.table, row));
    let columns = match before.map(|row| row.columns) {
        Some(before) => Some(before.merged(updates)).filter(|columns| before != columns.into()),
        None => Some(Columns::default().merged(updates)),
    };
    Ok(columns.map(|columns| Change { table: feed.table, row, row_text, columns: Some(columns) }))
}
