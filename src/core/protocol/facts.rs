//! What a start knows: the disk's account, the broker's account, and what the operator asked for.
//!
//! Plain data; `start` judges it, `app` gathers it.

use super::header::{LaneMessage, RunId};
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::PlanSpec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The record of S: the durable state as of one position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// S itself.
    pub position: Position,
    /// R(S): the lane's sequence after all outputs of positions up to S.
    pub lane: LaneSequence,
    /// When event S was stored; zero before the first event.
    pub stored_at: Nanos,
    /// Stream time at S.
    pub stream_time: Nanos,
    /// When the input stream was created.
    pub input_created: Nanos,
    /// When the output stream was created.
    pub output_created: Nanos,
    /// The first position that ever went into this state.
    pub origin: Position,
    /// The plans so far and the first position of each; the last one is in force after S.
    pub plans: Vec<PlanSince>,
    /// The numbers of tables and columns.
    pub layout: Layout,
    /// How many gaps an operator accepted.
    pub gaps: u64,
}

/// A plan and where it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSince {
    /// The plan's fingerprint.
    pub plan: String,
    /// Its first position.
    pub since: Position,
}

/// What a key group holds, where that is further than S.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupMark {
    /// The position of the checkpoint that wrote it.
    pub position: Position,
    /// When the event at that position was stored.
    pub stored_at: Nanos,
    /// R at that position.
    pub lane: LaneSequence,
}

/// What the state directory holds.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// The record of S; `None` for a new or lost directory.
    pub checkpoint: Option<Checkpoint>,
    /// The marks of the key groups that were ever written.
    pub marks: Vec<GroupMark>,
    /// The plans whose text is there, by fingerprint.
    pub plans: BTreeMap<String, PlanSpec>,
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
    /// When the events at the witness positions were stored; a position that is gone is not listed.
    pub stored_at: BTreeMap<Position, Nanos>,
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
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Asked {
    /// This process.
    pub run: RunId,
    /// The configured plan.
    pub plan: PlanSpec,
    /// The flags.
    pub consent: Consent,
}

impl Disk {
    /// The positions whose stored-at times prove that the input is still the one we know.
    pub fn witnesses(&self, newest: &Newest) -> Vec<(Position, Nanos)> {
        let record = self.checkpoint.iter().map(|c| (c.position, c.stored_at));
        let marks = self.marks.iter().map(|m| (m.position, m.stored_at));
        let lane = match newest {
            Newest::Ours(message) => Some((message.cause, message.time)),
            _ => None,
        };
        let mut all: Vec<_> = record.chain(marks).chain(lane).filter(|(_, time)| time.0 != 0).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
