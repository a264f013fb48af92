//! Where in the output stream a lake goes on: behind a row, wherever that stands now.

use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::core::event::StoredMessage;
use crate::ports::stream::{BrokerError, StreamState};
use crate::protocol::header::LaneMessage;
use crate::protocol::lake::row::LakeRowId;
use crate::protocol::lake::writer::Head;

/// Where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumePlace {
    /// The sequence behind which the next rows stand.
    pub after: u64,
    /// Rows may have been there that are gone: the last one that is missing for sure or perhaps.
    pub gap: Option<LakeRowId>,
}

/// The row's number of a message of the output stream; `None` for a stranger's.
pub fn id_of(message: &StoredMessage) -> Option<LakeRowId> {
    let lane = LaneMessage::read(message)?;
    Some(LakeRowId { rewinds: lane.epoch(), position: lane.cause.0, n: lane.n })
}

/// Where a lake with this head goes on in a stream of this state.
pub async fn behind(
    connection: &Connection,
    stream: &str,
    state: &StreamState,
    head: &Head,
) -> Result<ResumePlace, BrokerError> {
    let Some(to) = head.to else { return Ok(ResumePlace { after: 0, gap: None }) };
    let same = state.created.0 == head.lane_created;
    if same && head.lane >= state.first && head.lane <= state.last {
        let there = streams::message_at(connection, stream, head.lane).await?;
        if there.as_ref().and_then(id_of) == Some(to) {
            return Ok(ResumePlace { after: head.lane, gap: None });
        }
    }
    // Numbers rise along the stream, so halving finds the first one behind the row.
    let (mut low, mut high) = (state.first, state.last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match streams::message_from(connection, stream, middle, ">").await? {
            Some(message) if id_of(&message).is_none_or(|id| id <= to) => low = message.sequence + 1,
            _ => high = middle,
        }
    }
    let after = low.saturating_sub(1);
    let first = streams::message_from(connection, stream, state.first.max(1), ">").await?;
    Ok(ResumePlace { after, gap: gap(state, head, to, same, first.as_ref()) })
}

/// Whether rows behind `to` may have been in the stream that are not there any more.
fn gap(
    state: &StreamState,
    head: &Head,
    to: LakeRowId,
    same: bool,
    first: Option<&StoredMessage>,
) -> Option<LakeRowId> {
    let Some((message, id)) = first.and_then(|message| Some((message, id_of(message)?))) else {
        // Empty: nothing follows, or it is all gone.
        return (same && state.last > head.lane).then_some(to);
    };
    if id <= to {
        return None;
    }
    let before = LakeRowId { position: id.position.saturating_sub(1), n: u32::MAX, ..id };
    if same {
        return (state.first > head.lane + 1).then_some(before);
    }
    let origin = LaneMessage::read(message).map_or(0, |lane| lane.run.origin.0);
    let begins_late = id.rewinds == to.rewinds && origin > to.position + 1;
    (state.first > 1 || begins_late).then_some(before)
}
