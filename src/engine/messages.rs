//! What goes to actors from outside and over channels; what a machine is told stands beside the machine.
//!
//! Mailboxes are bounded: at most `slices_in_flight` slices exist at a time, each is one message to every
//! shard and `shards + 1` messages to the sequencer, and there is at most one barrier at a time.

use crate::core::ids::LaneSequence;
use crate::core::output::Output;
use crate::core::state::view::StateQuery;
use crate::protocol::machines::intake;
use crate::protocol::machines::sequencer::ToSequencer;
use actix::Message;
use tokio::sync::OwnedSemaphorePermit;

/// The permit of a slice, or of a batch of old messages; given back by being dropped.
pub type Permit = OwnedSemaphorePermit;
/// To the intake: messages of the input, and the permit of the slice that they become.
pub type IntakeMessage = intake::Feed<Permit>;
/// What the intake did with a feed.
pub type IntakeAnswer = intake::Fed<Permit>;
/// What the sequencer is told.
pub type SequencerMessage = ToSequencer<Permit, Permit>;

/// A message to the machine that an actor hosts.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Tell<T>(pub T);

impl Message for IntakeMessage {
    type Result = IntakeAnswer;
}

/// To a shard: what it keeps of that, as JSON; `None` when there are no rows.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<serde_json::Value>, String>")]
pub struct Inspect(pub StateQuery);

/// To the lane's writer, through a channel: outputs to publish behind each other.
#[derive(Debug)]
pub struct Publish {
    /// The sequence of the first.
    pub first: LaneSequence,
    /// The outputs.
    pub outputs: Vec<Output>,
}
