//! The Intake actor: feeds become slices, slices go to the shards, barriers go with them.
//!
//! Decides nothing about events (`core::protocol::intake` does) and never waits: the permits that come with
//! feeds bound what is in flight, so its messages always find room.

use super::checkpointer::Checkpointer;
use super::crash;
use super::ending::{Alarm, End, Ending};
use super::messages::{Drain, Durable, EndPlan, Expect, Fed, Feed, PlanEnds, Work};
use super::sequencer::Sequencer;
use super::shard::Shard;
use crate::core::protocol::intake::{Intake as Cutter, Slice};
use crate::telemetry::metrics::{Metrics, Stage};
use actix::{Actor, Addr, AsyncContext, Context, Handler, MessageResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// Why nothing is taken any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    /// The process is asked to stop.
    Drain,
    /// The plan at work ends; the barrier that records the next one still has to be placed.
    PlanEnds,
    /// The barrier that records the next plan is placed.
    PlanEnded,
}

/// What Intake talks to.
pub struct Intake {
    /// Cuts slices.
    pub cutter: Cutter,
    /// The shards, in order.
    pub shards: Vec<Addr<Shard>>,
    /// The sequencer.
    pub sequencer: Addr<Sequencer>,
    /// The checkpointer.
    pub checkpointer: Addr<Checkpointer>,
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
    /// What changes from message to message.
    pub phase: Phase,
}

/// What changes from message to message.
#[derive(Debug, Default)]
pub struct Phase {
    due: bool,
    /// A barrier is placed and not durable yet.
    open: bool,
    closing: Option<Closing>,
}

impl Actor for Intake {
    type Context = Context<Intake>;

    fn started(&mut self, ctx: &mut Context<Intake>) {
        // One feed at a time, and a message from each of the others.
        ctx.set_mailbox_capacity(16);
        ctx.run_interval(self.checkpoint_interval, |intake, _| intake.checkpoint_due());
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
        self.phase.closing.get_or_insert(Closing::Drain);
        self.close();
    }
}

impl Handler<EndPlan> for Intake {
    type Result = ();

    fn handle(&mut self, _: EndPlan, _: &mut Context<Intake>) {
        self.phase.closing.get_or_insert(Closing::PlanEnds);
        self.close();
    }
}

impl Handler<Durable> for Intake {
    type Result = ();

    fn handle(&mut self, _: Durable, _: &mut Context<Intake>) {
        self.phase.open = false;
        self.close();
    }
}

impl Intake {
    fn feed(&mut self, feed: Feed) -> Fed {
        if self.phase.closing.is_some() {
            return Fed::Closed;
        }
        if !feed.pass_jumps {
            let jumps = self.cutter.jumps(&feed.messages);
            if !jumps.is_empty() {
                return Fed::Jumps(jumps, feed);
            }
        }
        let began = Instant::now();
        let early = self.dirty_keys.load(Ordering::Relaxed) > self.dirty_keys_max;
        let due = (self.phase.due || early) && !self.phase.open;
        if let Some(slice) = self.cutter.take(feed.messages, due) {
            self.metrics.received(slice.order.len() as u64, slice.bytes as u64);
            self.metrics.taken(slice.through);
            self.metrics.stage(Stage::Decode, began.elapsed().as_secs_f64());
            crash::point("after_intake");
            self.dispatch(slice, Some(feed.permit), began);
        }
        if self.cutter.is_done() {
            self.phase.closing = Some(Closing::PlanEnds);
            self.close();
        }
        Fed::Taken
    }

    /// The interval is over: a quiet engine places its barrier at once, a busy one behind the next slice.
    fn checkpoint_due(&mut self) {
        if self.phase.open || self.phase.closing.is_some() {
            return;
        }
        if self.phase.due && self.cutter.has_news() {
            self.barrier_alone();
        } else {
            self.phase.due = true;
        }
    }

    /// Goes on with closing as far as it can: barriers come one at a time.
    fn close(&mut self) {
        let Some(closing) = self.phase.closing else { return };
        if self.phase.open {
            return;
        }
        match closing {
            Closing::Drain if self.cutter.has_news() && self.barrier_alone() => {}
            Closing::Drain => self.ending.report(End::Drained),
            Closing::PlanEnds => {
                self.phase.closing = Some(Closing::PlanEnded);
                if !self.barrier_alone() {
                    self.ending.broken("a plan ends below the position from which checkpoints are taken");
                }
            }
            Closing::PlanEnded => self.ending.report(End::PlanEnded),
        }
    }

    fn barrier_alone(&mut self) -> bool {
        match self.cutter.barrier_alone() {
            Some(slice) => {
                self.dispatch(slice, None, Instant::now());
                true
            }
            None => false,
        }
    }

    fn dispatch(&mut self, slice: Slice, permit: Option<OwnedSemaphorePermit>, taken: Instant) {
        let Slice { number, shards, order, barrier, through, bytes } = slice;
        if let Some(barrier) = barrier {
            self.phase.open = true;
            self.phase.due = false;
            if self.phase.closing == Some(Closing::PlanEnded) {
                let ends = PlanEnds { barrier: barrier.number, position: barrier.position };
                self.sent("checkpointer", self.checkpointer.try_send(ends).is_ok());
            }
        }
        let expect = Expect { slice: number, order, barrier, through, bytes, permit, taken };
        self.sent("sequencer", self.sequencer.try_send(expect).is_ok());
        for (shard, events) in self.shards.iter().zip(shards) {
            self.sent("shard", shard.try_send(Work { slice: number, through, events, barrier }).is_ok());
        }
    }

    /// Bounds are arithmetic: a full mailbox is our fault, a closed one an actor's death.
    fn sent(&self, to: &str, ok: bool) {
        if !ok {
            self.ending.broken(format!("intake could not reach the {to}"));
        }
    }
}
