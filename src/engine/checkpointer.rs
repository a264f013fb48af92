//! The checkpointer's hands: the store's only writer, alone on its thread.
//!
//! Decides nothing: `protocol::machines::checkpointer` says what is written and who hears of it.

use super::crash;
use super::ending::End;
use super::host::{Address, Hands, tell};
use super::intake::IntakeHands;
use crate::core::ids::Position;
use crate::ports::store::{Batch, Space, Store, StoreError};
use crate::protocol::machines::checkpointer::{Checkpointer, CheckpointerAct, ToCheckpointer};
use crate::protocol::machines::intake::ToIntake;
use crate::protocol::writes::CheckpointWrite;
use crate::telemetry::metrics::Metrics;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio::sync::watch;

/// What the checkpointer works with.
pub struct CheckpointerHands {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The steps at work.
    pub steps: Steps,
    /// The last durable barrier, for the shards.
    pub durable: Arc<AtomicU64>,
    /// S, for the acknowledgement of the input.
    pub position: watch::Sender<Position>,
    /// Who places barriers; known right after the start.
    pub intake: Arc<OnceLock<Address<IntakeHands>>>,
    /// How many shards hand over.
    pub shards: usize,
    /// When the message at work came.
    pub began: Instant,
    /// The metrics.
    pub metrics: Metrics,
}

impl Hands for CheckpointerHands {
    type Machine = Checkpointer;

    const NAME: &'static str = "checkpointer";

    fn mailbox(&self) -> usize {
        // One barrier at a time: a part of each shard, the sequencer's word, and the plan's end.
        self.shards + 4
    }

    fn hear(&mut self, _: &ToCheckpointer) -> Option<ToCheckpointer> {
        self.began = Instant::now();
        None
    }

    fn carry_out(&mut self, act: CheckpointerAct) -> Result<(), End> {
        match act {
            CheckpointerAct::Write(step) => self.steps.step(self.store.as_ref(), step).map_err(End::Store)?,
            CheckpointerAct::Crash(point) => {
                self.steps.flush(self.store.as_ref()).map_err(End::Store)?;
                crash::at(point);
            }
            CheckpointerAct::CrashWritten(point) => crash::point_with(point.0, || drop(self.store.sync())),
            CheckpointerAct::Durable(barrier) => self.durable.store(barrier, Ordering::Release),
            CheckpointerAct::Acknowledge(position) => {
                // Nobody listens where the input needs no acknowledgement.
                let _ = self.position.send(position);
                self.metrics.checkpoint(position, self.began.elapsed().as_secs_f64());
                self.metrics.disk(self.store.disk_bytes());
            }
            CheckpointerAct::Next => {
                let intake = self.intake.get().expect("nothing is written before the engine is launched");
                tell(Self::NAME, intake, ToIntake::Durable)?;
            }
            CheckpointerAct::Broken(overlap) => return Err(End::Broken(overlap.to_string())),
        }
        Ok(())
    }
}

/// The steps of a checkpoint over a store: key groups wait for each other, so that the store gets them together.
#[derive(Debug, Default)]
pub struct Steps {
    groups: Vec<(Space, Batch)>,
    /// The first group is written.
    begun: bool,
}

impl Steps {
    /// Takes one step.
    pub fn step(&mut self, store: &dyn Store, step: CheckpointWrite) -> Result<(), StoreError> {
        match step {
            CheckpointWrite::Group(group, batch) => {
                self.groups.push((Space::of(group), batch));
                // The first by itself, for a crash behind it.
                if !std::mem::replace(&mut self.begun, true) { self.flush(store) } else { Ok(()) }
            }
            CheckpointWrite::Sync => {
                self.flush(store)?;
                store.sync()
            }
            CheckpointWrite::Record(batch) => {
                self.flush(store)?;
                self.begun = false;
                store.apply(Space::Meta, &batch)
            }
        }
    }

    /// Writes the groups that wait.
    pub fn flush(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let groups = std::mem::take(&mut self.groups);
        if groups.is_empty() { Ok(()) } else { store.apply_all(&groups) }
    }
}

/// Carries out all steps of a checkpoint. Everything they hold is confirmed by the lane: repeating them is harmless.
pub fn carry_out(store: &dyn Store, steps: Vec<CheckpointWrite>) -> Result<(), StoreError> {
    let mut at_work = Steps::default();
    steps.into_iter().try_for_each(|step| at_work.step(store, step))
}
