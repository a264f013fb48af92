//! The checkpointer: when state may be written, in which steps, and who hears of it afterwards.
//!
//! A barrier is written once every shard has handed over and the lane has confirmed R at it (`checkpoint` gathers that), in the
//! steps of `writes`. Only when all of them are on disk may its rows be let go, the input be acknowledged, and the next
//! barrier be placed.

use super::machine::{CrashPoint, Machine};
use super::shard::Delta;
use crate::core::ids::{LaneSequence, Position};
use crate::core::mutants::{Mutant, planted};
use crate::protocol::checkpoint::{Gather, Overlap, Ready};
use crate::protocol::cutter::Barrier;
use crate::protocol::facts::Checkpoint;
use crate::protocol::writes::{CheckpointWrite, NextPlan, writes};

/// What the checkpointer is told.
#[derive(Debug)]
pub enum ToCheckpointer {
    /// What a shard changed up to a barrier.
    Delta(Delta),
    /// The lane has confirmed every output up to a barrier, the last one being `lane`.
    Reached {
        /// The barrier.
        barrier: Barrier,
        /// R at its position.
        lane: LaneSequence,
    },
    /// The plan at work ends at the barrier of this number.
    PlanEnds(u64),
}

/// What the checkpointer asks for.
#[derive(Debug)]
pub enum CheckpointerAct {
    /// The process may die here.
    Crash(CrashPoint),
    /// The process may die here, and everything that was written so far may be on disk by then.
    CrashWritten(CrashPoint),
    /// A step of a checkpoint.
    Write(CheckpointWrite),
    /// The checkpoint of the barrier with this number is on disk: to the shards.
    Durable(u64),
    /// The input may be acknowledged up to S.
    Acknowledge(Position),
    /// The next barrier may be placed: to the intake.
    Next,
    /// An invariant does not hold.
    Broken(Overlap),
}

/// The checkpointer of one start.
#[derive(Debug)]
pub struct Checkpointer {
    gather: Gather,
    record: Checkpoint,
    next_plan: Option<NextPlan>,
    plan_ends: Option<u64>,
    /// The barrier whose checkpoint is being written, and the record that it leaves.
    writing: Option<(Barrier, Checkpoint)>,
}

impl Checkpointer {
    /// Over the record of S on disk, for so many shards. The plan that follows begins at the barrier at which this one ends.
    pub fn new(shards: usize, record: Checkpoint, next_plan: Option<NextPlan>) -> Checkpointer {
        Checkpointer { gather: Gather::new(shards), record, next_plan, plan_ends: None, writing: None }
    }

    /// The record of S on disk.
    pub fn record(&self) -> &Checkpoint {
        &self.record
    }

    fn write(&mut self, ready: Ready, acts: &mut Vec<CheckpointerAct>) {
        let barrier = ready.barrier;
        let next = self.next_plan.as_ref().filter(|_| self.plan_ends == Some(barrier.number));
        let switches = next.is_some();
        let (steps, record) = writes(ready, &self.record, next);
        if planted(Mutant::AcknowledgedBeforeWritten) {
            acts.push(CheckpointerAct::Acknowledge(barrier.position));
        }
        if planted(Mutant::LetGoBeforeWritten) {
            acts.push(CheckpointerAct::Durable(barrier.number));
        }
        if planted(Mutant::NextBeforeWritten) {
            acts.push(CheckpointerAct::Next);
        }
        let (mut groups, mut recorded) = (0, false);
        for step in steps {
            match &step {
                CheckpointWrite::Group(..) => {
                    if groups == 1 {
                        acts.push(CheckpointerAct::CrashWritten(CrashPoint("between_two_key_groups")));
                    }
                    groups += 1;
                }
                CheckpointWrite::Sync if recorded => {}
                CheckpointWrite::Sync => acts.push(CheckpointerAct::Crash(CrashPoint("before_the_first_fsync"))),
                CheckpointWrite::Record(_) => {
                    recorded = true;
                    acts.push(CheckpointerAct::Crash(CrashPoint("between_the_fsyncs")));
                    if switches {
                        acts.push(CheckpointerAct::Crash(CrashPoint("during_a_plan_switch")));
                    }
                }
            }
            acts.push(CheckpointerAct::Write(step));
        }
        self.writing = Some((barrier, record));
    }
}

impl Machine for Checkpointer {
    type Message = ToCheckpointer;
    type Act = CheckpointerAct;

    fn on(&mut self, message: ToCheckpointer, acts: &mut Vec<CheckpointerAct>) {
        let ready = match message {
            ToCheckpointer::Delta(Delta { barrier, shard, groups }) => self.gather.part(barrier, shard, groups),
            ToCheckpointer::Reached { barrier, lane } => self.gather.confirmed(barrier, lane),
            ToCheckpointer::PlanEnds(barrier) => {
                self.plan_ends = Some(barrier);
                return;
            }
        };
        match ready {
            Ok(None) => {}
            Ok(Some(ready)) => self.write(ready, acts),
            Err(overlap) => acts.push(CheckpointerAct::Broken(overlap)),
        }
    }

    fn done(&mut self, acts: &mut Vec<CheckpointerAct>) {
        let Some((barrier, record)) = self.writing.take() else { return };
        self.record = record;
        acts.push(CheckpointerAct::Crash(CrashPoint("before_the_inputs_ack")));
        acts.push(CheckpointerAct::Durable(barrier.number));
        acts.push(CheckpointerAct::Acknowledge(barrier.position));
        if !planted(Mutant::NextBeforeWritten) {
            acts.push(CheckpointerAct::Next);
        }
    }
}
