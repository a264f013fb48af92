//! What the start rules need to know of the broker, gathered before every start, and whether the input is still the
//! same after its consumer was made anew.
//!
//! Asks the streams' leaders only: messages are looked up between two accounts of their stream by one leader. Judges
//! nothing but whether the streams suit at all.

use super::floor;
use crate::core::ids::{Nanos, Position};
use crate::core::mutants::{Mutant, planted};
use crate::engine::ending::End;
use crate::ports::stream::{BrokerError, StreamState, Streams};
use crate::protocol::evidence::Leader;
use crate::protocol::facts::{Broker, Disk, Newest, Rewind, StreamFacts};
use crate::protocol::header::LaneMessage;
use crate::protocol::rewind;
use std::collections::BTreeMap;

/// What was gathered.
#[derive(Clone, Debug)]
pub struct BrokerFacts {
    /// The broker's account.
    pub broker: Broker,
    /// Its clock.
    pub server_time: Nanos,
    /// Who led the input stream, and the output stream.
    pub leaders: (Leader, Leader),
}

/// The broker's account, and who gave it. `accept_rewind`: where the input lost its tail, it is also found out how far.
pub async fn gather(
    streams: &impl Streams,
    (input, output): (&str, &str),
    disk: &Disk,
    accept_rewind: bool,
) -> Result<BrokerFacts, BrokerError> {
    let (output_state, newest) = loop {
        let state = lane_state(streams, output).await?;
        let newest = newest(streams, output, state.last).await?;
        // Gone since the stream was asked, or before? Only of one moment do the two belong together.
        if newest != Newest::Gone || facts(lane_state(streams, output).await?) == facts(state) {
            break (state, newest);
        }
    };
    let oldest = oldest(streams, output, output_state).await?;
    // Asked after the lane: whatever the lane's newest message answers, the input has it by now.
    let input_state = streams.state(input).await?;
    let rewinds = match newest.ours().or(oldest.as_ref()) {
        Some(told) => listed(streams, output, told).await?,
        None => Vec::new(),
    };
    let (input_facts, output_facts) = (facts(input_state), facts(output_state));
    let (stored_at, floor) = (BTreeMap::new(), None);
    let mut broker =
        Broker { input: input_facts, output: output_facts, newest, oldest, stored_at, hole: None, rewinds, floor };
    let adopted = rewind::adopt(disk, &broker, accept_rewind).disk;
    // What a directory says that is to be set aside counts, too: it may know of a loss that nobody consented to.
    let own = if adopted.lost { disk.witnesses(&Newest::Never) } else { Vec::new() };
    for (position, _) in adopted.witnesses(&broker.newest).into_iter().chain(own) {
        if let Some(message) = streams.message_at(input, position.0).await? {
            broker.stored_at.insert(Position(message.sequence), message.stored_at);
        }
    }
    let consented = accept_rewind || rewind::consented_before(disk, &broker, Position(u64::MAX));
    if consented && !adopted.is_of(&broker) {
        broker.floor = floor::floor(streams, (input, output), &adopted, &broker).await?;
    }
    input_state.same_leader(&streams.state(input).await?, input)?;
    output_state.same_leader(&streams.state(output).await?, output)?;
    let (server_time, leaders) = (input_state.server_time, (input_state.leader, output_state.leader));
    Ok(BrokerFacts { broker, server_time, leaders })
}

/// The rewinds that a lane message stands behind: a marker lists all, any other message the newest one alone.
pub async fn listed(streams: &impl Streams, output: &str, message: &LaneMessage) -> Result<Vec<Rewind>, BrokerError> {
    let told = &message.rewinds;
    let Some(last) = told.last().filter(|_| message.marks().is_none()) else { return Ok(told.clone()) };
    let marker = streams.message_at(output, last.lane.0).await?.as_ref().and_then(LaneMessage::read);
    Ok(marker.filter(|marker| marker.marks() == Some(last)).map_or(told.clone(), |marker| marker.rewinds))
}

async fn lane_state(streams: &impl Streams, output: &str) -> Result<StreamState, BrokerError> {
    let state = streams.state(output).await?;
    #[cfg(feature = "mutants")]
    if planted(Mutant::NewestStillThere) {
        let mut last = state.last;
        while last > 0 && streams.message_at(output, last).await?.is_none() {
            last -= 1;
        }
        return Ok(StreamState { last, ..state });
    }
    Ok(state)
}

async fn newest(streams: &impl Streams, output: &str, last: u64) -> Result<Newest, BrokerError> {
    if last == 0 || planted(Mutant::EmptyIsFresh) && streams.message_at(output, last).await?.is_none() {
        return Ok(Newest::Never);
    }
    // The message at the last sequence itself: after a deletion the newest one left says nothing about the end.
    let message = streams.message_at(output, last).await?;
    Ok(match message {
        None => Newest::Gone,
        Some(message) => LaneMessage::read(&message).map_or(Newest::Foreign, |ours| Newest::Ours(Box::new(ours))),
    })
}

async fn oldest(streams: &impl Streams, output: &str, state: StreamState) -> Result<Option<LaneMessage>, BrokerError> {
    if state.messages == 0 {
        return Ok(None);
    }
    Ok(streams.message_at(output, state.first).await?.as_ref().and_then(LaneMessage::read))
}

fn facts(state: StreamState) -> StreamFacts {
    StreamFacts { created: state.created, first: state.first, last: state.last, aged_out: state.aged_out }
}

/// The input's consumer was made anew: the stream may have been, too, and then these are other events. `newest` is the
/// last position taken and when its event was stored. `None` when the start may go on.
pub async fn same_stream(
    streams: &impl Streams,
    input: &str,
    created: Nanos,
    newest: Option<(u64, Nanos)>,
) -> Option<End> {
    if planted(Mutant::SameStreamAssumed) {
        return None;
    }
    let state = match streams.state(input).await {
        Ok(state) if state.created == created => state,
        // The start rules refuse it, if they see it, too.
        Ok(_) => {
            let why = "the input stream seems to have been made anew";
            return Some(End::Broker(BrokerError::Transient(why.to_owned())));
        }
        Err(error) => return Some(End::Broker(error)),
    };
    // A server that lost its tail may have stored other events in its place by now.
    let (position, stored_at) = newest?;
    let other = match streams.message_at(input, position).await {
        Ok(found) => found.is_some_and(|found| found.stored_at != stored_at),
        Err(error) => return Some(End::Broker(error)),
    };
    let after = streams.state(input).await;
    if let Err(error) = after.and_then(|after| state.same_leader(&after, input)) {
        return Some(End::Broker(error));
    }
    if other || state.last < position {
        // The start rules know what to do about it.
        let why = format!("the input stream lost events up to position {position}, which were taken");
        return Some(End::Broker(BrokerError::Transient(why)));
    }
    None
}
