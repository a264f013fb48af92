//! What the start rules need to know of the broker, gathered before every start.
//!
//! Asks the streams' leaders only; judges nothing but whether the streams suit at all.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::core::ids::{Nanos, Position};
use crate::core::protocol::facts::{Broker, Disk, Newest, StreamFacts};
use crate::core::protocol::header::LaneMessage;
use crate::ports::stream::{BrokerError, StreamState};
use std::collections::BTreeMap;

/// The broker's account, and its clock.
pub async fn gather(
    connection: &Connection,
    input: &str,
    output: &str,
    disk: &Disk,
    hole: Option<Position>,
) -> Result<(Broker, Nanos), BrokerError> {
    let output_state = streams::state(connection, output).await?;
    let newest = newest(connection, output, output_state.last).await?;
    let oldest = oldest(connection, output, output_state).await?;
    // Asked after the lane: whatever the lane's newest message answers, the input has it by now.
    let input_state = streams::state(connection, input).await?;
    let mut stored_at = BTreeMap::new();
    for (position, _) in disk.witnesses(&newest) {
        if let Some(message) = streams::message_at(connection, input, position.0).await? {
            stored_at.insert(Position(message.sequence), message.stored_at);
        }
    }
    let time = input_state.server_time;
    let (input, output) = (facts(input_state), facts(output_state));
    Ok((Broker { input, output, newest, oldest, stored_at, hole }, time))
}

async fn newest(connection: &Connection, output: &str, last: u64) -> Result<Newest, BrokerError> {
    if last == 0 {
        return Ok(Newest::Never);
    }
    // The message at the last sequence itself: after a deletion the newest one left says nothing about the end.
    let message = streams::message_at(connection, output, last).await?;
    Ok(match message {
        None => Newest::Gone,
        Some(message) => LaneMessage::read(&message).map_or(Newest::Foreign, |ours| Newest::Ours(Box::new(ours))),
    })
}

async fn oldest(connection: &Connection, output: &str, state: StreamState) -> Result<Option<LaneMessage>, BrokerError> {
    if state.messages == 0 {
        return Ok(None);
    }
    Ok(streams::message_at(connection, output, state.first).await?.as_ref().and_then(LaneMessage::read))
}

fn facts(state: StreamState) -> StreamFacts {
    StreamFacts { created: state.created, first: state.first, last: state.last }
}
