//! What a start knows: the disk's account, the broker's account, and what the operator asked for.
//!
//! Plain data; `start` judges it, `app` gathers it.

use super::header::{LaneMessage, RunId};
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::mutants::{Mutant, planted};
use crate::core::plan::spec::PlanSpec;
use std::collections::BTreeMap;

pub use crate::core::record::{Checkpoint, GroupMark, PlanSince, Rewind};

/// What the state directory holds.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// The record of S; `None` for a new or lost directory.
    pub checkpoint: Option<Checkpoint>,
    /// The marks of the key groups that were ever written.
    pub marks: Vec<GroupMark>,
    /// The B that a start over an empty state began with.
    pub floor: Option<GroupMark>,
    /// The plans whose text is there, by fingerprint.
    pub plans: BTreeMap<String, PlanSpec>,
    /// Whether the state is of another history than the lane, as `rewind::adopt` found: it must be built anew.
    pub lost: bool,
}

/// A stream's own account, as far as the start needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamFacts {
    /// When it was created.
    pub created: Nanos,
    /// Its first sequence; `last + 1` when it is empty.
    pub first: u64,
    /// The last sequence ever stored.
    pub last: u64,
    /// Whether the stream's age limit, and not a person, may have taken its last message.
    pub aged_out: bool,
}

/// The message at the lane's last sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Newest {
    /// Nothing was ever stored.
    Never,
    /// It is no longer there.
    Gone,
    /// It carries no headers of ours.
    Foreign,
    /// It is ours.
    Ours(Box<LaneMessage>),
}

/// What the broker says.
#[derive(Clone, Debug)]
pub struct Broker {
    /// The input stream.
    pub input: StreamFacts,
    /// The output stream.
    pub output: StreamFacts,
    /// The lane's newest message.
    pub newest: Newest,
    /// The lane's oldest message that is still there, when it is ours.
    pub oldest: Option<LaneMessage>,
    /// When the events at the witness positions were stored; a position that is gone is not listed.
    pub stored_at: BTreeMap<Position, Nanos>,
    /// A position that an earlier start of this process found missing between others.
    pub hole: Option<Position>,
    /// The rewinds that the lane tells of, as far as they are listed; the last one is the one that its end stands behind.
    pub rewinds: Vec<Rewind>,
    /// Where the input lost its tail: the last position that is still the event that was processed, and when that was
    /// stored. Looked for only where somebody consents to go on behind it.
    pub floor: Option<(Position, Nanos)>,
}

/// What the operator asked for, beside the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// `--accept-gap`.
    pub accept_gap: bool,
    /// `--rebuild-state`.
    pub rebuild_state: bool,
    /// `--keep-state`.
    pub keep_state: bool,
    /// `--accept-rewind`.
    pub accept_rewind: bool,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// This process.
    pub run: RunId,
    /// The configured plan.
    pub plan: PlanSpec,
    /// The flags.
    pub consent: Consent,
}

impl Newest {
    /// The message, when it is ours.
    pub fn ours(&self) -> Option<&LaneMessage> {
        match self {
            Newest::Ours(message) => Some(message),
            _ => None,
        }
    }
}

impl Disk {
    /// The mark that is furthest ahead of S, if any is.
    pub fn ahead(&self) -> Option<&GroupMark> {
        let position = self.checkpoint.as_ref().map_or(Position(0), |c| c.position);
        let marks = self.marks.iter().filter(|_| !planted(Mutant::GroupsAheadIgnored));
        marks.chain(&self.floor).filter(|mark| mark.position > position).max_by_key(|mark| mark.position)
    }

    /// B: the furthest position that the state knows of.
    pub fn reached(&self) -> Position {
        let record = self.checkpoint.as_ref().map_or(Position(0), |c| c.position);
        self.ahead().map_or(record, |mark| mark.position)
    }

    /// R(B).
    pub fn reached_lane(&self) -> LaneSequence {
        let record = self.checkpoint.as_ref().map_or(LaneSequence(0), |c| c.lane);
        self.ahead().map_or(record, |mark| mark.lane)
    }

    /// The lane sequence up to which the state knows that outputs were stored.
    pub fn lane_known(&self) -> LaneSequence {
        let record = self.checkpoint.iter().map(|c| c.lane);
        self.marks.iter().chain(&self.floor).map(|mark| mark.lane).chain(record).max().unwrap_or_default()
    }

    /// The furthest position of the input that record and marks say was processed, whether or not it is known when that event
    /// was stored. No input that is the one we know ends before it.
    pub fn processed(&self) -> Position {
        let record = self.checkpoint.iter().map(|c| c.position);
        self.marks.iter().map(|mark| mark.position).chain(record).max().unwrap_or_default()
    }

    /// Whether the input has every event that record, marks and the newest output say was processed.
    pub fn is_of(&self, broker: &Broker) -> bool {
        let has = |(position, time): &(Position, Nanos)| broker.stored_at.get(position) == Some(time);
        self.processed().0 <= broker.input.last && self.witnesses(&broker.newest).iter().all(has)
    }

    /// The positions whose stored-at times prove that the input is still the one we know.
    pub fn witnesses(&self, newest: &Newest) -> Vec<(Position, Nanos)> {
        let record = self.checkpoint.iter().map(|c| (c.position, c.stored_at));
        let marks = self.marks.iter().map(|m| (m.position, m.stored_at));
        let lane = newest.ours().map(|message| (message.cause, message.time));
        let mut all: Vec<_> = record.chain(marks).chain(lane).filter(|(_, time)| time.0 != 0).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
