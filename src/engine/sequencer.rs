//! The Sequencer actor: carries out what `protocol::outlet` says, as the lane's only writer.
//!
//! Numbers and orders nothing itself.

use super::checkpointer::CheckpointerHands;
use super::crash;
use super::ending::{Alarm, End, Ending};
use super::host::{Host, Tell};
use super::intake::Intake;
use super::messages::{Expect, LaneIsOurs, LaneNews, MeetIntake, OldLane, Publish};
use super::timings::Timings;
use crate::core::ids::Nanos;
use crate::core::outcome::Outcome;
use crate::ports::stream::LaneEvent;
use crate::protocol::machines::checkpointer::ToCheckpointer;
use crate::protocol::machines::shard::Processed;
use crate::protocol::old::OldBatch;
use crate::protocol::outlet::{Act, Announced, Outlet};
use crate::telemetry::metrics::Metrics;
use actix::{Actor, Addr, Context, Handler};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

/// What travels with a slice and comes back when it is with the lane.
#[derive(Debug)]
pub struct Carried {
    bytes: usize,
    /// Given back by being dropped.
    _permit: Option<OwnedSemaphorePermit>,
}

/// The sequencer and what it talks to.
pub struct Sequencer {
    /// What decides.
    pub outlet: Outlet<Carried, OwnedSemaphorePermit, Outcome>,
    /// What is to be done; empty between messages.
    pub acts: Vec<Act<Carried>>,
    /// Whether the state is built anew, for the crash table.
    pub rebuilds: bool,
    /// The lane's writer.
    pub writer: mpsc::Sender<Publish>,
    /// Slices announced and not wholly with the lane, and their bytes.
    pub in_flight: (u64, usize),
    /// Latencies of one confirmation, to be recorded in one go.
    pub seconds: Vec<f64>,
    /// How long slices wait.
    pub timings: Timings,
    /// Who writes checkpoints.
    pub checkpointer: Addr<Host<CheckpointerHands>>,
    /// Who places barriers; met right after the start.
    pub intake: Option<Addr<Intake>>,
    /// Whether everything that was in the lane at the start is passed over.
    pub recovered: watch::Sender<bool>,
    /// Mailbox room.
    pub mailbox: usize,
    /// The metrics.
    pub metrics: Metrics,
    /// Where the end is reported.
    pub ending: Ending,
    /// Reports this actor's death.
    pub alarm: Alarm,
}

impl Actor for Sequencer {
    type Context = Context<Sequencer>;

    fn started(&mut self, ctx: &mut Context<Sequencer>) {
        ctx.set_mailbox_capacity(self.mailbox);
        self.outlet.begin(&mut self.acts);
        self.act();
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

    fn handle(&mut self, expect: Expect, _: &mut Context<Sequencer>) {
        self.in_flight = (self.in_flight.0 + 1, self.in_flight.1 + expect.bytes);
        self.metrics.in_flight(self.in_flight.0, self.in_flight.1 as u64);
        let Expect { slice, order, barrier, through, bytes, permit } = expect;
        let carried = Carried { bytes, _permit: permit };
        self.outlet.announced(Announced { number: slice, barrier, through, carried }, order, &mut self.acts);
        self.act();
    }
}

impl Handler<Processed> for Sequencer {
    type Result = ();

    fn handle(&mut self, processed: Processed, _: &mut Context<Sequencer>) {
        self.timings.part(processed.slice);
        self.outlet.processed(processed.slice, processed.shard, processed.outcomes, &mut self.acts);
        self.act();
    }
}

impl Handler<OldLane> for Sequencer {
    type Result = ();

    fn handle(&mut self, OldLane { messages, through, permit }: OldLane, _: &mut Context<Sequencer>) {
        self.outlet.old(OldBatch { messages, through, kept: permit }, &mut self.acts);
        self.act();
    }
}

impl Handler<LaneNews> for Sequencer {
    type Result = ();

    fn handle(&mut self, LaneNews(event): LaneNews, _: &mut Context<Sequencer>) {
        let LaneEvent::Confirmed(sequence) = event else {
            return self.ending.report(End::Lane(event));
        };
        crash::point("after_confirmation_before_the_barrier");
        let before = self.outlet.confirmed_to().0;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i64;
        // Two clocks: theirs and ours. A negative difference is theirs, not a latency.
        let since = |then: Nanos| now.saturating_sub(then.0).max(0) as f64 / 1e9;
        let (seconds, metrics) = (&mut self.seconds, &self.metrics);
        seconds.clear();
        let each = |sent: crate::protocol::outlet::Unconfirmed| {
            seconds.push(since(sent.stored_at));
            if let Some(event_time) = sent.event_time {
                metrics.event_time_latency(since(event_time));
            }
        };
        self.outlet.confirmed(sequence, each, &mut self.acts);
        self.metrics.published(self.outlet.confirmed_to().0 - before);
        self.metrics.latencies(&self.seconds);
        self.timings.confirmed(sequence, &self.metrics);
        self.act();
    }
}

impl Sequencer {
    fn act(&mut self) {
        let mut acts = std::mem::take(&mut self.acts);
        for act in acts.drain(..) {
            match act {
                Act::Recomputed(outputs) => self.recomputed(outputs),
                Act::Publish { first, outputs } => self.publish(Publish { first, outputs }),
                Act::Merged(slice) => self.timings.merged(slice, &self.metrics),
                Act::Sent { number, last, carried } => {
                    self.slice_is_sent(&carried);
                    let confirmed = self.outlet.confirmed_to();
                    self.timings.handed(number, last, confirmed, &self.metrics);
                }
                Act::Reached { barrier, lane } => {
                    let told = self.checkpointer.try_send(Tell(ToCheckpointer::Reached { barrier, lane })).is_ok();
                    self.told("checkpointer", told);
                }
                Act::Recovered => drop(self.recovered.send(true)),
                Act::LaneIsOurs => {
                    let told = self.intake.as_ref().is_some_and(|intake| intake.try_send(LaneIsOurs).is_ok());
                    self.told("intake", told);
                }
                Act::Refuse(refusal) => self.ending.report(End::Refused(refusal)),
                Act::Broken(broken) => self.ending.broken(broken),
            }
        }
        // The room is kept for the next message.
        self.acts = acts;
        self.metrics.unconfirmed(self.outlet.unconfirmed());
    }

    fn recomputed(&self, outputs: u64) {
        for _ in 0..outputs {
            crash::point(if self.rebuilds { "during_a_rebuild" } else { "during_suppression" });
        }
        self.metrics.recomputed(outputs);
    }

    fn publish(&self, publish: Publish) {
        // A writer that has ended says why itself, or the lane's news do: only a full channel is our fault.
        let sent = self.writer.try_send(publish);
        self.told("writer", !matches!(sent, Err(TrySendError::Full(_))));
        crash::point("after_publish_before_confirmation");
    }

    fn slice_is_sent(&mut self, carried: &Carried) {
        self.in_flight = (self.in_flight.0.saturating_sub(1), self.in_flight.1.saturating_sub(carried.bytes));
        self.metrics.in_flight(self.in_flight.0, self.in_flight.1 as u64);
    }

    fn told(&self, whom: &str, ok: bool) {
        if !ok {
            self.ending.broken(format!("the sequencer could not reach the {whom}"));
        }
    }
}
