//! The Intake actor: feeds become slices, slices go to the shards, barriers go with them.
//!
//! Decides nothing (`protocol::intake` and `pace` do) and never waits: the permits that come with
//! feeds bound what is in flight, so its messages always find room.

use super::checkpointer::CheckpointerHands;
use super::crash;
use super::ending::{Alarm, End, Ending};
use super::host::{Host, Tell};
use super::messages::{Drain, Durable, Expect, Fed, Feed, LaneIsOurs};
use super::sequencer::Sequencer;
use super::shard::ShardHands;
use crate::protocol::intake::Slice;
use crate::protocol::machines::checkpointer::ToCheckpointer;
use crate::protocol::machines::shard::{ToShard, Work};
use crate::protocol::pace::{Next, Pace};
use crate::telemetry::metrics::{Metrics, Stage};
use actix::{Actor, Addr, AsyncContext, Context, Handler, MessageResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// What Intake talks to.
pub struct Intake {
    /// Cuts slices and places barriers.
    pub pace: Pace,
    /// The shards, in order.
    pub shards: Vec<Addr<Host<ShardHands>>>,
    /// The sequencer.
    pub sequencer: Addr<Sequencer>,
    /// The checkpointer.
    pub checkpointer: Addr<Host<CheckpointerHands>>,
    /// The time between checkpoints.
    pub checkpoint_interval: Duration,
    /// Keys changed since the last barrier, over all shards.
    pub dirty_keys: Arc<AtomicUsize>,
    /// How many of them ask for a checkpoint before its time.
    pub dirty_keys_max: usize,
    /// The metrics.
    pub metrics: Metrics,
    /// Where the end is reported.
    pub ending: Ending,
    /// Reports this actor's death.
    pub alarm: Alarm,
}

impl Actor for Intake {
    type Context = Context<Intake>;

    fn started(&mut self, ctx: &mut Context<Intake>) {
        // One feed at a time, and a message from each of the others.
        ctx.set_mailbox_capacity(16);
        ctx.run_interval(self.checkpoint_interval, |intake, _| {
            let next = intake.pace.interval();
            intake.go_on(next);
        });
    }
}

impl Handler<Feed> for Intake {
    type Result = MessageResult<Feed>;

    fn handle(&mut self, feed: Feed, _: &mut Context<Intake>) -> MessageResult<Feed> {
        MessageResult(self.feed(feed))
    }
}

impl Handler<Drain> for Intake {
    type Result = ();

    fn handle(&mut self, _: Drain, _: &mut Context<Intake>) {
        let next = self.pace.drain();
        self.go_on(next);
    }
}

impl Handler<LaneIsOurs> for Intake {
    type Result = ();

    fn handle(&mut self, _: LaneIsOurs, _: &mut Context<Intake>) {
        let next = self.pace.lane_is_ours();
        self.go_on(next);
    }
}

impl Handler<Durable> for Intake {
    type Result = ();

    fn handle(&mut self, _: Durable, _: &mut Context<Intake>) {
        let next = self.pace.durable();
        self.go_on(next);
    }
}

impl Intake {
    fn feed(&mut self, feed: Feed) -> Fed {
        if self.pace.is_closed() {
            return Fed::Closed;
        }
        if !feed.pass_jumps {
            let jumps = self.pace.jumps(&feed.messages);
            if !jumps.is_empty() {
                return Fed::Jumps(jumps, feed);
            }
        }
        let began = Instant::now();
        let early = self.dirty_keys.load(Ordering::Relaxed) > self.dirty_keys_max;
        if let Some(slice) = self.pace.take(feed.messages, early) {
            self.metrics.received(slice.order.len() as u64, slice.bytes as u64);
            self.metrics.taken(slice.through);
            self.metrics.stage(Stage::Decode, began.elapsed().as_secs_f64());
            crash::point("after_intake");
            self.dispatch(slice, Some(feed.permit));
        }
        let next = self.pace.after_take();
        self.go_on(next);
        Fed::Taken
    }

    fn go_on(&mut self, next: Vec<Next>) {
        for next in next {
            match next {
                Next::Slice(slice) => self.dispatch(slice, None),
                Next::PlanEnds(barrier) => {
                    let ends = Tell(ToCheckpointer::PlanEnds(barrier.number));
                    self.sent("checkpointer", self.checkpointer.try_send(ends).is_ok());
                }
                Next::Drained => self.ending.report(End::Drained),
                Next::PlanEnded => self.ending.report(End::PlanEnded),
                Next::Broken => {
                    self.ending.broken("a plan ends below the position from which checkpoints are taken");
                }
            }
        }
    }

    fn dispatch(&mut self, slice: Slice, permit: Option<OwnedSemaphorePermit>) {
        let Slice { number, shards, order, barrier, through, bytes } = slice;
        let expect = Expect { slice: number, order, barrier, through, bytes, permit };
        self.sent("sequencer", self.sequencer.try_send(expect).is_ok());
        for (shard, events) in self.shards.iter().zip(shards) {
            self.sent(
                "shard",
                shard.try_send(Tell(ToShard::Work(Work { slice: number, through, events, barrier }))).is_ok(),
            );
        }
    }

    /// Bounds are arithmetic: a full mailbox is our fault, a closed one an actor's death.
    fn sent(&self, to: &str, ok: bool) {
        if !ok {
            self.ending.broken(format!("intake could not reach the {to}"));
        }
    }
}
