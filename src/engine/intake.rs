//! The intake's hands: feeds become slices for the sequencer and the shards.
//!
//! Decides nothing (`protocol::machines::intake` does) and never waits: the permits that come with feeds bound what is in
//! flight, so its messages always find room.

use super::checkpointer::CheckpointerHands;
use super::crash;
use super::ending::End;
use super::host::{Address, Hands, Host, tell};
use super::messages::{IntakeAnswer, IntakeMessage, Permit};
use super::sequencer::SequencerHands;
use super::shard::ShardHands;
use crate::protocol::machines::checkpointer::ToCheckpointer;
use crate::protocol::machines::intake::{Intake, IntakeAct, ToIntake};
use crate::protocol::machines::sequencer::ToSequencer;
use crate::protocol::machines::shard::ToShard;
use crate::telemetry::metrics::{Metrics, Stage};
use actix::{Context, Handler, MessageResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What the intake works with.
pub struct IntakeHands {
    /// The shards, in order.
    pub shards: Vec<Address<ShardHands>>,
    /// The sequencer.
    pub sequencer: Address<SequencerHands>,
    /// The checkpointer.
    pub checkpointer: Address<CheckpointerHands>,
    /// The time between checkpoints.
    pub checkpoint_interval: Duration,
    /// Keys changed since the last barrier, over all shards.
    pub dirty_keys: Arc<AtomicUsize>,
    /// The answer to the feed at hand.
    pub answer: Option<IntakeAnswer>,
    /// When the message at hand came.
    pub began: Instant,
    /// The metrics.
    pub metrics: Metrics,
}

impl Hands for IntakeHands {
    type Machine = Intake<Permit>;

    const NAME: &'static str = "intake";

    fn mailbox(&self) -> usize {
        // One feed at a time, and a message from each of the others.
        16
    }

    fn interval(&self) -> Option<(Duration, ToIntake<Permit>)> {
        Some((self.checkpoint_interval, ToIntake::Interval))
    }

    fn hear(&mut self, _: &ToIntake<Permit>) -> Option<ToIntake<Permit>> {
        self.began = Instant::now();
        Some(ToIntake::DirtyKeys(self.dirty_keys.load(Ordering::Relaxed)))
    }

    fn carry_out(&mut self, act: IntakeAct<Permit>) -> Result<(), End> {
        match act {
            IntakeAct::Crash(point) => crash::at(point),
            IntakeAct::Received { events, bytes, through } => {
                self.metrics.received(events, bytes);
                self.metrics.taken(through);
                self.metrics.stage(Stage::Decode, self.began.elapsed().as_secs_f64());
            }
            IntakeAct::Unused(permit) => drop(permit),
            IntakeAct::Expect(expect) => tell(Self::NAME, &self.sequencer, ToSequencer::Expect(expect))?,
            IntakeAct::Work(shard, work) => {
                let shard = self.shards.get(shard).expect("slices are cut for the shards that there are");
                tell(Self::NAME, shard, ToShard::Work(work))?;
            }
            IntakeAct::PlanEnds(barrier) => tell(Self::NAME, &self.checkpointer, ToCheckpointer::PlanEnds(barrier))?,
            IntakeAct::Answer(fed) => self.answer = Some(fed),
            IntakeAct::Drained => return Err(End::Drained),
            IntakeAct::PlanEnded => return Err(End::PlanEnded),
            IntakeAct::Broken(what) => return Err(End::Broken(what.to_owned())),
        }
        Ok(())
    }
}

impl Handler<IntakeMessage> for Host<IntakeHands> {
    type Result = MessageResult<IntakeMessage>;

    fn handle(&mut self, feed: IntakeMessage, _: &mut Context<Host<IntakeHands>>) -> MessageResult<IntakeMessage> {
        self.tell(ToIntake::Feed(feed));
        // Without an answer the start has ended here.
        MessageResult(self.hands.answer.take().unwrap_or(IntakeAnswer::Closed))
    }
}
