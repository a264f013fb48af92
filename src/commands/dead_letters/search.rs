//! Looking for a redriven event in the input, from a position to the stream's end.
//!
//! Reads every message in between, without bodies, because a hole must be seen: a message that is gone may have been
//! the one. What a search means is decided in `protocol::redrive::decide`.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::{Source, SourceOptions};
use crate::core::event::StoredMessage;
use crate::core::ids::Position;
use crate::ports::stream::{BrokerError, StreamState};
use crate::protocol::redrive::decide::{Searched, Unfinished};
use crate::protocol::redrive::letter::{LetterId, REDRIVE};

/// Messages taken at a time.
const BATCH: usize = 1_000;

/// Searches the input as it is in `state` for the event of an unfinished attempt.
pub async fn search(
    connection: &Connection,
    id: &LetterId,
    unfinished: &Unfinished,
    state: StreamState,
) -> Result<Searched, BrokerError> {
    let after = unfinished.after.0;
    if state.last <= after {
        return Ok(Searched { found: None, holes: false });
    }
    let (name, message_id) = (id.to_string(), id.message_id(unfinished.attempt));
    let options = SourceOptions { headers_only: true, ..SourceOptions::default() };
    let mut source = Source::open(connection, &id.input, Position(after), options).await?;
    let mut searched = Searched { found: None, holes: false };
    let mut last = after;
    while searched.found.is_none() {
        let messages = source.next_until(BATCH, state.last).await?;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            searched.holes |= message.sequence != last + 1;
            last = message.sequence;
            if searched.found.is_none() && is_it(&message, &name, &message_id) {
                searched.found = Some(Position(last));
            }
        }
    }
    source.close().await?;
    // Nothing came up to an end that the stream had: the last ones are gone, too.
    searched.holes |= last < state.last;
    Ok(searched)
}

fn is_it(message: &StoredMessage, name: &str, message_id: &str) -> bool {
    let header = |wanted: &str| {
        let list = message.headers.as_deref()?;
        list.iter().find(|(header, _)| header == wanted).map(|(_, value)| value.as_str())
    };
    header(REDRIVE) == Some(name) && header("Nats-Msg-Id") == Some(message_id)
}
