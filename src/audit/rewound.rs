//! What of a lane stands for events that the input lost, where an operator consented to go on behind them.
//!
//! In the present input, a position is of the history behind the last rewind whose floor is before it. An output of an
//! earlier history beyond a later floor stands for an event that is gone; all others are judged as ever, and their
//! positions rise along the lane.

use super::expected::{DUPLICATE, Expected, ExpectedValue};
use super::report::Doubt;
use crate::core::ids::{Nanos, Position};
use crate::core::output::Output;
use crate::core::rejection::Reason;
use crate::protocol::epoch;
use crate::protocol::facts::Rewind;
use crate::protocol::header::LaneMessage;

/// What a lane message is, as far as rewinds tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewoundMessage {
    /// An event that the input should have.
    Present,
    /// An event that the input lost: the rewind's number.
    Lost(u32),
    /// A marker.
    Marker,
    /// Another history than its place in the lane.
    Elsewhere,
}

/// The lane's rewinds, as its newest message and the last marker list them.
#[derive(Clone, Debug, Default)]
pub struct Rewinds(Vec<Rewind>);

impl Rewinds {
    /// These, in order.
    pub fn new(rewinds: Vec<Rewind>) -> Rewinds {
        Rewinds(rewinds)
    }

    /// What a message is.
    pub fn of(&self, message: &LaneMessage) -> RewoundMessage {
        let Rewinds(all) = self;
        let marker = all.iter().find(|rewind| rewind.lane == message.sequence);
        if message.marks().is_some() || marker.is_some() {
            let same = message.marks() == marker && marker.is_some_and(|marker| marker.floor == message.cause);
            return if same { RewoundMessage::Marker } else { RewoundMessage::Elsewhere };
        }
        let before = all.partition_point(|rewind| rewind.lane < message.sequence);
        let (before, behind) = all.split_at(before);
        let fits = match before.last() {
            Some(last) => message.rewinds.last() == Some(last),
            // Of rewinds before the first that is listed nothing is known but how many there were.
            None => message.epoch() == behind.first().map_or(message.epoch(), |first| first.number - 1),
        };
        if !fits || (all.is_empty() && message.epoch() > 0) {
            return RewoundMessage::Elsewhere;
        }
        let lost = behind.iter().find(|rewind| message.cause > rewind.floor);
        lost.map_or(RewoundMessage::Present, |rewind| RewoundMessage::Lost(rewind.number))
    }

    /// A message's cause in the present input: what stands for lost events, and a marker, counts as of the floor. Never
    /// falls along the lane.
    pub fn cause(&self, message: &LaneMessage) -> Position {
        let behind = self.0.iter().filter(|rewind| rewind.lane > message.sequence);
        behind.map(|rewind| rewind.floor).fold(message.cause, Position::min)
    }

    /// The first position at or behind `next` before which events were lost that may have left something in the state.
    pub fn next_edge(&self, next: Position) -> Position {
        let edges = self.0.iter().map(|rewind| Position(rewind.floor.0 + 1));
        edges.filter(|edge| *edge >= next).min().unwrap_or(Position(u64::MAX))
    }

    /// Whether events were lost between two positions that the input has.
    pub fn lost_between(&self, passed: Position, next: Position) -> bool {
        self.0.iter().any(|rewind| passed <= rewind.floor && rewind.floor < next)
    }
}

/// Behind a rewind, the engine's state may hold what events did that the input lost, and their ids. What is recomputed
/// knows nothing of them, so that it is likely and no more.
#[derive(Clone, Copy, Debug)]
pub struct Taint {
    /// No lost event was stored later.
    pub by: Nanos,
    /// The window of de-duplication.
    pub window: Nanos,
}

impl Taint {
    /// What is to be expected of the event that was stored at `now`.
    pub fn doubted(&self, expected: Expected, now: Nanos) -> Expected {
        let age = now.0.saturating_sub(self.by.0);
        match &expected.value {
            // What the bytes alone make a dead letter is one, whatever was seen before.
            ExpectedValue::Output(output) if of_bytes(output) => expected,
            // A lost event's id silences another one for a window; and that one is then no reason to silence a third.
            value if is_duplicate(value) && age < self.window.0.saturating_mul(2) => {
                Expected { several: expected.several, ..Expected::not_known(Doubt::DuplicateUnknown, false) }
            }
            _ => {
                let likely = |value| {
                    if let ExpectedValue::Output(output) = value { ExpectedValue::Likely(output) } else { value }
                };
                let Expected { value, further, several, must } = expected;
                let further = further.into_iter().map(likely).collect();
                Expected { value: likely(value), further, several, must: must && age >= self.window.0 }
            }
        }
    }
}

fn is_duplicate(value: &ExpectedValue) -> bool {
    match value {
        ExpectedValue::Nothing(why) => *why == DUPLICATE,
        ExpectedValue::Output(output) => output.is_duplicate(),
        _ => false,
    }
}

fn of_bytes(output: &Output) -> bool {
    output.dead.as_ref().is_some_and(|dead| {
        ![Reason::Miss, Reason::WaitFull, Reason::TooLarge, Reason::Internal].contains(&dead.reason)
    })
}

/// The stream part of `Sidestream-Position` in the output of a message's history.
pub fn stream(name: &str, message: &LaneMessage) -> String {
    epoch::stream(name, &message.rewinds)
}
