//! Every actor message, in the order of an event's path.
//!
//! Mailboxes are bounded: at most `slices_in_flight` slices exist at a time, each is one message to every
//! shard and `shards + 1` messages to the sequencer, and there is at most one barrier at a time.

use super::intake::Intake;
use crate::core::event::StoredMessage;
use crate::core::ids::{LaneSequence, Position};
use crate::core::output::Output;
use crate::ports::stream::LaneEvent;
use crate::protocol::header::LaneMessage;
use crate::protocol::intake::{Barrier, Jump};
use crate::protocol::machines::shard::Processed;
use crate::protocol::merge::SliceNumber;
use actix::{Addr, Message};
use tokio::sync::OwnedSemaphorePermit;

/// To Intake: messages of the input, and the permit of the slice that they become.
#[derive(Debug, Message)]
#[rtype(result = "Fed")]
pub struct Feed {
    /// The messages, by rising sequence.
    pub messages: Vec<StoredMessage>,
    /// Given back once the slice's outputs are with the lane.
    pub permit: OwnedSemaphorePermit,
    /// Whether jumps in the positions were looked into and are to be passed.
    pub pass_jumps: bool,
}

/// What Intake did with a feed.
#[derive(Debug)]
pub enum Fed {
    /// It took the messages.
    Taken,
    /// Positions are missing: here everything is back, with the question what became of them.
    Jumps(Vec<Jump>, Feed),
    /// It takes nothing any more.
    Closed,
}

/// To Intake: take nothing new, finish what is in flight, write a checkpoint, and end.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Drain;

/// To Intake, from the sequencer: an output of this start is confirmed for the first time.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LaneIsOurs;

/// To Intake, from the checkpointer: the barrier's checkpoint is on disk.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Durable;

/// To sequencer and checkpointer: who places barriers.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MeetIntake(pub Addr<Intake>);

/// To a shard: what a key holds, as JSON; `None` when it has no rows.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<serde_json::Value>, String>")]
pub struct Inspect {
    /// The key's text.
    pub key: String,
}

/// To the sequencer: a slice is on its way.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Expect {
    /// The slice.
    pub slice: SliceNumber,
    /// The shard of each event, in input order.
    pub order: Vec<u8>,
    /// The barrier behind it.
    pub barrier: Option<Barrier>,
    /// Everything up to here is taken.
    pub through: Position,
    /// Bytes of its payloads.
    pub bytes: usize,
    /// Given back once its outputs are with the lane.
    pub permit: Option<OwnedSemaphorePermit>,
}

/// To the sequencer: what the lane's writer heard.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LaneNews(pub LaneEvent);

/// To the sequencer: messages that were in the lane when the engine started, for comparison.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OldLane {
    /// The messages that are still there; `None` for one without headers of ours.
    pub messages: Vec<(LaneSequence, Option<LaneMessage>)>,
    /// Nothing up to here is still to come.
    pub through: LaneSequence,
    /// Given back once they are compared.
    pub permit: OwnedSemaphorePermit,
}

/// To the lane's writer, through a channel: outputs to publish behind each other.
#[derive(Debug)]
pub struct Publish {
    /// The sequence of the first.
    pub first: LaneSequence,
    /// The outputs.
    pub outputs: Vec<Output>,
}

impl Message for Processed {
    type Result = ();
}
