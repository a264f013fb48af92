//! The Checkpointer actor: the store's only writer, alone on its thread.
//!
//! Writes what `protocol::checkpoint` says is ready, in the steps of `protocol::writes`, and only then
//! lets the input be acknowledged.

use super::crash;
use super::ending::{Alarm, End, Ending};
use super::intake::Intake;
use super::messages::{Delta, Durable, MeetIntake, PlanEnds, Reached};
use crate::core::ids::Position;
use crate::core::record::Checkpoint;
use crate::ports::store::{Batch, Space, Store, StoreError};
use crate::protocol::checkpoint::{Gather, Overlap, Ready};
use crate::protocol::intake::Barrier;
use crate::protocol::writes::{NextPlan, Write, writes};
use crate::telemetry::metrics::Metrics;
use actix::{Actor, Addr, Context, Handler};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::watch;

/// The checkpointer and what it talks to.
pub struct Checkpointer {
    /// Gathers the parts of a barrier.
    pub gather: Gather,
    /// The record of S on disk.
    pub record: Checkpoint,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The plan that follows, if the start waits for one.
    pub next_plan: Option<NextPlan>,
    /// The barrier at which it follows.
    pub plan_ends: Option<PlanEnds>,
    /// The last durable barrier, for the shards.
    pub durable: Arc<AtomicU64>,
    /// S, for the acknowledgement of the input.
    pub position: watch::Sender<Position>,
    /// Who places barriers; met right after the start.
    pub intake: Option<Addr<Intake>>,
    /// How many shards hand over.
    pub shards: usize,
    /// The metrics.
    pub metrics: Metrics,
    /// Where the end is reported.
    pub ending: Ending,
    /// Reports this actor's death.
    pub alarm: Alarm,
}

impl Actor for Checkpointer {
    type Context = Context<Checkpointer>;

    fn started(&mut self, ctx: &mut Context<Checkpointer>) {
        // One barrier at a time: a part of each shard, the sequencer's word, and the plan's end.
        ctx.set_mailbox_capacity(self.shards + 4);
    }
}

impl Handler<MeetIntake> for Checkpointer {
    type Result = ();

    fn handle(&mut self, MeetIntake(intake): MeetIntake, _: &mut Context<Checkpointer>) {
        self.intake = Some(intake);
    }
}

impl Handler<PlanEnds> for Checkpointer {
    type Result = ();

    fn handle(&mut self, ends: PlanEnds, _: &mut Context<Checkpointer>) {
        self.plan_ends = Some(ends);
    }
}

impl Handler<Delta> for Checkpointer {
    type Result = ();

    fn handle(&mut self, delta: Delta, _: &mut Context<Checkpointer>) {
        let ready = self.gather.part(delta.barrier, delta.shard, delta.groups);
        self.go_on(ready);
    }
}

impl Handler<Reached> for Checkpointer {
    type Result = ();

    fn handle(&mut self, reached: Reached, _: &mut Context<Checkpointer>) {
        let ready = self.gather.confirmed(reached.barrier, reached.lane);
        self.go_on(ready);
    }
}

impl Checkpointer {
    fn go_on(&mut self, ready: Result<Option<Ready>, Overlap>) {
        match ready {
            Ok(None) => {}
            Err(overlap) => self.ending.broken(overlap),
            Ok(Some(ready)) => {
                let began = Instant::now();
                let ends = self.plan_ends.as_ref().is_some_and(|ends| ends.barrier == ready.barrier.number);
                let next = self.next_plan.as_ref().filter(|_| ends);
                let barrier = ready.barrier;
                let (steps, record) = writes(ready, &self.record, next);
                match carry_out(self.store.as_ref(), steps, next.is_some()) {
                    Err(error) => self.ending.report(End::Store(error)),
                    Ok(()) => {
                        self.record = record;
                        self.durable(barrier, began);
                    }
                }
            }
        }
    }

    fn durable(&mut self, barrier: Barrier, began: Instant) {
        crash::point("before_the_inputs_ack");
        self.durable.store(barrier.number, Ordering::Release);
        // Nobody listens where the input needs no acknowledgement.
        let _ = self.position.send(barrier.position);
        self.metrics.checkpoint(barrier.position, began.elapsed().as_secs_f64());
        self.metrics.disk(self.store.disk_bytes());
        let told = self.intake.as_ref().is_some_and(|intake| intake.try_send(Durable(barrier)).is_ok());
        if !told {
            self.ending.broken("the checkpointer could not reach intake");
        }
    }
}

/// Carries a checkpoint's steps out. Everything they hold is confirmed by the lane: repeating them is harmless.
pub fn carry_out(store: &dyn Store, steps: Vec<Write>, switches: bool) -> Result<(), StoreError> {
    let mut groups = Vec::new();
    let mut recorded = false;
    for step in steps {
        match step {
            Write::Group(group, batch) => groups.push((Space::Group(group), batch)),
            Write::Sync => {
                write_groups(store, &std::mem::take(&mut groups))?;
                if !recorded {
                    crash::point("before_the_first_fsync");
                }
                store.sync()?;
            }
            Write::Record(batch) => {
                recorded = true;
                crash::point("between_the_fsyncs");
                if switches {
                    crash::point("during_a_plan_switch");
                }
                store.apply(Space::Meta, &batch)?;
            }
        }
    }
    Ok(())
}

/// Writes key groups: the first by itself, for a crash behind it, the others as suits the store.
fn write_groups(store: &dyn Store, groups: &[(Space, Batch)]) -> Result<(), StoreError> {
    let (first, others) = groups.split_at(groups.len().min(1));
    store.apply_all(first)?;
    if !others.is_empty() {
        // The disk may have the first group already, and nothing of the others.
        crash::point_with("between_two_key_groups", || drop(store.sync()));
    }
    store.apply_all(others)
}
