//! What an event does to the tables it feeds, worked out but not done.
//!
//! Reads rows, never writes one: `step` commits the changes once the whole event is known to go through.

use super::columns::Columns;
use super::decode::key_rejection;
use super::event::Event;
use super::ids::Digest;
use super::json::fields::Span;
use super::plan::compiled::{Feed, Kind};
use super::read::Value;
use super::rejection::Rejection;
use super::state::row::{Change, ONLY_ROW};
use super::state::rows::KeyRows;

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

#[cfg(test)]
mod tests {
    use crate::core::event::StoredMessage;
    use crate::core::ids::Nanos;
    use crate::core::plan::compiled::Plan;
    use crate::core::plan::layout::Layout;
    use crate::core::protocol::start_world::spec;
    use crate::core::runner::Runner;
    use std::sync::Arc;

    #[test]
    fn a_row_that_stays_as_it_was_is_not_written_again() {
        let plan = Arc::new(Plan::compile(spec('C'), &Layout::default()));
        let mut runner = Runner::new(plan, 1);
        let mut written = |sequence: u64, properties: &str| {
            let payload = format!(r#"{{"title":"user","properties":{{"uuid":"u"{properties}}}}}"#).into();
            let (subject, stored_at) = ("events.user".into(), Nanos(sequence as i64));
            let message = StoredMessage { sequence, stored_at, subject, headers: None, payload };
            assert_eq!(runner.run(vec![message]).len(), 1);
            let (_, groups) = runner.checkpoint();
            groups.iter().map(|group| group.changes.len()).sum::<usize>()
        };
        let cases = [
            ("", 1, "a row without columns is a row"),
            ("", 0, "and stays one"),
            (r#","country":"PT","name":"Ana""#, 1, "two columns"),
            (r#","country":"PT""#, 0, "the same again"),
            (r#","city":"Faro""#, 0, "nothing that the plan keeps"),
            (r#","country":"DE""#, 1, "one of them changes"),
            (r#","country":null"#, 1, "and is null"),
            (r#","country":null,"name":"Ana""#, 0, "the same again"),
        ];
        for (at, (properties, expected, why)) in cases.into_iter().enumerate() {
            assert_eq!(written(at as u64 + 1, properties), expected, "{why}: {properties}");
        }
    }
}
