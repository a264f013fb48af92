//! Where an input that lost its tail is still the one that was processed: the floor of a rewind.
//!
//! What the lane says of each position, and after that when events were stored, is looked up by halving: some forty
//! questions, however long the streams are. Decides nothing but where; asks the leaders only.

use crate::core::ids::{Nanos, Position};
use crate::core::mutants::{Mutant, planted};
use crate::ports::stream::{BrokerError, Streams};
use crate::protocol::facts::{Broker, Disk};
use crate::protocol::header::LaneMessage;

/// What is known so far: up to `same` the events are those that were processed, from `other` on they are not.
struct Bracket<'a, S> {
    streams: &'a S,
    input: &'a str,
    first: u64,
    last: u64,
    /// No event that was processed was stored later.
    newest: Nanos,
    same: u64,
    other: u64,
}

/// The last position that is still the event that was processed, and when that was stored. `None` where nothing shows
/// that the input lost anything, or where what it holds is no rest of what was processed.
pub async fn floor(
    streams: &impl Streams,
    (input, output): (&str, &str),
    disk: &Disk,
    broker: &Broker,
) -> Result<Option<(Position, Nanos)>, BrokerError> {
    let witnesses = disk.witnesses(&broker.newest);
    let Some((_, newest)) = witnesses.last().copied() else { return Ok(None) };
    let (first, last) = (broker.input.first, broker.input.last);
    let same = first.saturating_sub(1);
    let mut bracket = Bracket { streams, input, first, last, newest, same, other: last + 1 };
    let mut lost = disk.processed().0 > last;
    for (position, time) in witnesses {
        lost |= !bracket.look(position, time).await?;
    }
    if !lost || !bracket.ask_the_lane(output, broker).await? || bracket.same >= bracket.other {
        return Ok(None);
    }
    bracket.go_by_time().await.map(Some)
}

impl<S: Streams> Bracket<'_, S> {
    /// Whether the event at a position is still the one that was stored then.
    async fn look(&mut self, position: Position, time: Nanos) -> Result<bool, BrokerError> {
        let Position(at) = position;
        let is_same = if at > self.last {
            false
        } else if at < self.first {
            true
        } else {
            match self.streams.message_from(self.input, at).await? {
                Some(found) if found.sequence == at => found.stored_at == time,
                // It was deleted; its neighbour was stored before or after what is lost.
                Some(next) => next.stored_at <= self.newest,
                None => false,
            }
        };
        if is_same {
            self.same = self.same.max(at);
        } else {
            self.other = self.other.min(at);
        }
        Ok(is_same)
    }

    /// Halves the outputs behind the last marker by whether their events are still there. False for a lane that cannot tell.
    async fn ask_the_lane(&mut self, output: &str, broker: &Broker) -> Result<bool, BrokerError> {
        let Some(newest) = broker.newest.ours() else { return Ok(true) };
        if self.look(newest.cause, newest.time).await? {
            return Ok(true);
        }
        let marker = newest.rewinds.last().map_or(0, |rewind| rewind.lane.0);
        let (mut before, mut behind) = (marker.max(broker.output.first.saturating_sub(1)), newest.sequence.0);
        while before + 1 < behind {
            let middle = before + (behind - before) / 2;
            let Some(found) = self.streams.message_from(output, middle).await? else { return Ok(false) };
            if found.sequence >= behind {
                behind = middle;
                continue;
            }
            let Some(ours) = LaneMessage::read(&found) else { return Ok(false) };
            if self.look(ours.cause, ours.time).await? {
                before = found.sequence;
            } else {
                behind = middle;
            }
        }
        Ok(true)
    }

    /// Halves what is left, of which the lane says nothing: what came in the lost events' place was stored later.
    async fn go_by_time(&mut self) -> Result<(Position, Nanos), BrokerError> {
        if planted(Mutant::FloorAtTheInputsEnd) {
            self.same = self.last;
        }
        while self.same + 1 < self.other {
            let middle = self.same + (self.other - self.same) / 2;
            match self.streams.message_from(self.input, middle).await? {
                Some(found) if found.sequence < self.other && found.stored_at <= self.newest => {
                    self.same = found.sequence;
                }
                _ => self.other = middle,
            }
        }
        let floor = Position(self.same);
        let there = if floor.0 == 0 { None } else { self.streams.message_at(self.input, floor.0).await? };
        Ok((floor, there.map_or(Nanos(0), |event| event.stored_at)))
    }
}
