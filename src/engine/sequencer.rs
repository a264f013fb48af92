//! The Sequencer actor: the shards' outcomes back in input order, and the lane's only writer.
//!
//! Numbers nothing itself (`core::protocol::lane` does). What it may not send yet waits in `queue`, together
//! with the permits of its slices, so that a slow lane slows the intake.

use super::checkpointer::Checkpointer;
use super::crash;
use super::ending::{Alarm, End, Ending};
use super::intake::Intake;
use super::messages::{EndPlan, Expect, LaneNews, MeetIntake, OldLane, Processed, Publish, Reached};
use super::waiting::{OldMessages, Timings, WaitingSlice};
use crate::core::ids::LaneSequence;
use crate::core::output::Output;
use crate::core::protocol::lane::{Lane, Send, compare};
use crate::core::protocol::merge::{Broken, Merge};
use crate::core::step::Outcome;
use crate::ports::stream::LaneEvent;
use crate::telemetry::metrics::Metrics;
use actix::{Actor, Addr, Context, Handler};
use std::collections::VecDeque;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

/// Outputs that may be unconfirmed: enough to keep the server busy, few enough for its ingest queue.
pub const WINDOW: u64 = 4_000;
/// Their bytes: large outputs must not fill memory while the server is slow.
const WINDOW_BYTES: usize = 32 << 20;
/// The most outputs in one command to the writer.
const CHUNK: usize = 500;
/// What the writer's channel must hold: each message carries at least one unconfirmed output.
pub const PUBLISHES: usize = WINDOW as usize;

/// The sequencer and what it talks to.
pub struct Sequencer {
    /// Puts slices together.
    pub merge: Merge<Expect, Outcome>,
    /// The account of the lane.
    pub lane: Lane,
    /// Merged slices that are not wholly with the lane.
    pub queue: VecDeque<WaitingSlice>,
    /// What was in the lane at the start.
    pub old: OldMessages,
    /// The plan's fingerprint.
    pub plan: String,
    /// Whether the state is built anew, for the crash table.
    pub rebuilds: bool,
    /// Whether the plan ends with the first output of this start that is confirmed.
    pub ends_with_own_output: bool,
    /// The lane's writer.
    pub writer: mpsc::Sender<Publish>,
    /// Slices announced and not wholly with the lane, and their bytes.
    pub in_flight: (u64, usize),
    /// When what was sent.
    pub timings: Timings,
    /// The checkpointer.
    pub checkpointer: Addr<Checkpointer>,
    /// Who places barriers; met right after the start.
    pub intake: Option<Addr<Intake>>,
    /// Whether everything that was in the lane at the start is passed over.
    pub recovered: watch::Sender<bool>,
    /// Mailbox room.
    pub mailbox: usize,
    /// The metrics.
    pub metrics: Metrics,
    /// Whether something was found that no later output may pass over.
    pub stopped: bool,
    /// Where the end is reported.
    pub ending: Ending,
    /// Reports this actor's death.
    pub alarm: Alarm,
}

impl Actor for Sequencer {
    type Context = Context<Sequencer>;

    fn started(&mut self, ctx: &mut Context<Sequencer>) {
        ctx.set_mailbox_capacity(self.mailbox);
        self.note_recovery();
    }
}

impl Handler<MeetIntake> for Sequencer {
    type Result = ();

    fn handle(&mut self, MeetIntake(intake): MeetIntake, _: &mut Context<Sequencer>) {
        self.intake = Some(intake);
    }
}

impl Handler<Expect> for Sequencer {
    type Result = ();

    fn handle(&mut self, mut expect: Expect, _: &mut Context<Sequencer>) {
        self.in_flight = (self.in_flight.0 + 1, self.in_flight.1 + expect.bytes);
        self.metrics.in_flight(self.in_flight.0, self.in_flight.1 as u64);
        let order = std::mem::take(&mut expect.order);
        let merged = self.merge.slice(expect.slice, expect, order);
        self.take_merged(merged);
    }
}

impl Handler<Processed> for Sequencer {
    type Result = ();

    fn handle(&mut self, processed: Processed, _: &mut Context<Sequencer>) {
        self.timings.part(processed.slice);
        let merged = self.merge.part(processed.slice, processed.shard, processed.outcomes);
        self.take_merged(merged);
    }
}

impl Handler<OldLane> for Sequencer {
    type Result = ();

    fn handle(&mut self, old: OldLane, _: &mut Context<Sequencer>) {
        self.old.add(old);
        self.send_what_fits();
    }
}

impl Handler<LaneNews> for Sequencer {
    type Result = ();

    fn handle(&mut self, LaneNews(event): LaneNews, _: &mut Context<Sequencer>) {
        let LaneEvent::Confirmed(sequence) = event else {
            return self.ending.report(End::Lane(event));
        };
        crash::point("after_confirmation_before_the_barrier");
        let before = self.lane.confirmed().0;
        self.lane.confirm(sequence);
        self.metrics.published(self.lane.confirmed().0 - before);
        self.timings.confirmed(sequence, &self.metrics);
        self.reach_barriers();
        if self.ends_with_own_output && self.lane.is_ours() {
            self.ends_with_own_output = false;
            self.told("intake", self.intake.as_ref().is_some_and(|intake| intake.try_send(EndPlan).is_ok()));
        }
        self.send_what_fits();
    }
}

impl Sequencer {
    fn take_merged(&mut self, added: Result<(), Broken>) {
        let mut result = added;
        while result.is_ok() {
            match self.merge.take_next() {
                Ok(Some((expect, outcomes))) => {
                    self.timings.merged(expect.slice, &self.metrics);
                    self.queue.push_back(WaitingSlice::new(expect, outcomes));
                }
                Ok(None) => break,
                Err(broken) => result = Err(broken),
            }
        }
        match result {
            Ok(()) => self.send_what_fits(),
            Err(broken) => self.ending.broken(broken),
        }
    }

    /// Moves outputs from the queue to the writer while window and comparison allow it.
    fn send_what_fits(&mut self) {
        let mut chunk: Vec<Output> = Vec::new();
        let mut first = LaneSequence(0);
        let mut passed = 0;
        while !self.stopped
            && let Some(slice) = self.queue.front_mut()
        {
            let Some(output) = slice.next_output() else {
                self.slice_is_sent();
                continue;
            };
            let full = self.lane.unconfirmed() >= WINDOW || self.timings.bytes() >= WINDOW_BYTES;
            if chunk.len() == CHUNK || full {
                slice.put_back(output);
                if chunk.len() < CHUNK {
                    break;
                }
                self.publish(first, &mut chunk);
                continue;
            }
            if self.old.must_wait(self.lane.next_sequence(&output)) {
                slice.put_back(output);
                break;
            }
            match self.lane.output(&output) {
                Send::Already => {}
                Send::Publish(sequence) => {
                    if chunk.is_empty() {
                        first = sequence;
                    }
                    self.timings.numbered(sequence, &output);
                    chunk.push(output);
                }
                Send::Compare(sequence) => {
                    passed += 1;
                    crash::point(if self.rebuilds { "during_a_rebuild" } else { "during_suppression" });
                    if let Err(refusal) = self.old.compare(sequence, |found| compare(&output, &self.plan, found)) {
                        self.stopped = true;
                        return self.ending.report(End::Refused(refusal));
                    }
                }
            }
        }
        self.publish(first, &mut chunk);
        if passed > 0 {
            self.metrics.recomputed(passed);
        }
        self.note_recovery();
        self.reach_barriers();
    }

    /// The front slice is wholly with the lane: its barrier follows its outputs, its permit goes back.
    fn slice_is_sent(&mut self) {
        if let Some(slice) = self.queue.pop_front() {
            self.lane.passed(slice.through());
            if let Some(barrier) = slice.barrier() {
                self.lane.barrier(barrier);
            }
            self.in_flight = (self.in_flight.0.saturating_sub(1), self.in_flight.1.saturating_sub(slice.bytes()));
            self.metrics.in_flight(self.in_flight.0, self.in_flight.1 as u64);
            slice.sent(&self.metrics);
            self.timings.handed();
        }
    }

    fn publish(&mut self, first: LaneSequence, chunk: &mut Vec<Output>) {
        if chunk.is_empty() {
            return;
        }
        let outputs = std::mem::take(chunk);
        // A writer that has ended says why itself, or the lane's news do: only a full channel is our fault.
        let sent = self.writer.try_send(Publish { first, outputs });
        self.told("writer", !matches!(sent, Err(TrySendError::Full(_))));
        crash::point("after_publish_before_confirmation");
    }

    fn reach_barriers(&mut self) {
        while let Some((barrier, lane)) = self.lane.reached() {
            let told = self.checkpointer.try_send(Reached { barrier, lane }).is_ok();
            self.told("checkpointer", told);
        }
        self.metrics.unconfirmed(self.lane.unconfirmed());
    }

    fn note_recovery(&mut self) {
        if self.lane.is_past_the_old() {
            self.recovered.send_if_modified(|recovered| !std::mem::replace(recovered, true));
        }
    }

    fn told(&self, whom: &str, ok: bool) {
        if !ok {
            self.ending.broken(format!("the sequencer could not reach the {whom}"));
        }
    }
}
