//! The shard's hands, and the questions that a running shard answers.
//!
//! One thread, synchronous on purpose. Decides nothing: `protocol::machines::shard` does.

use super::checkpointer::CheckpointerHands;
use super::crash;
use super::ending::End;
use super::host::{Address, Hands, Host, tell};
use super::messages::Inspect;
use super::sequencer::SequencerHands;
use crate::core::plan::compiled::Plan;
use crate::ports::store::StoreError;
use crate::protocol::machines::checkpointer::ToCheckpointer;
use crate::protocol::machines::sequencer::ToSequencer;
use crate::protocol::machines::shard::{Shard, ShardAct, SliceReport, ToShard};
use crate::telemetry::metrics::{Metrics, Stage};
use actix::{Context, Handler};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// What a shard works with.
pub struct ShardHands {
    /// Which one, from 0.
    pub number: usize,
    /// The plan, whose names the metrics have.
    pub plan: Arc<Plan>,
    /// The last durable barrier: what it holds may be let go.
    pub durable: Arc<AtomicU64>,
    /// Keys changed since the last barrier, over all shards.
    pub dirty_keys: Arc<AtomicUsize>,
    /// This shard's part of them.
    pub own_dirty_keys: usize,
    /// The sequencer.
    pub sequencer: Address<SequencerHands>,
    /// The checkpointer.
    pub checkpointer: Address<CheckpointerHands>,
    /// Mailbox room: a message a slice in flight, and inspections.
    pub mailbox: usize,
    /// When the slice at work came.
    pub began: Instant,
    /// The metrics.
    pub metrics: Metrics,
}

impl Hands for ShardHands {
    type Machine = Shard<StoreError>;

    const NAME: &'static str = "shard";

    fn mailbox(&self) -> usize {
        self.mailbox
    }

    fn hear(&mut self, _: &ToShard) -> Option<ToShard> {
        self.began = Instant::now();
        Some(ToShard::Durable(self.durable.load(Ordering::Acquire)))
    }

    fn carry_out(&mut self, act: ShardAct<StoreError>) -> Result<(), End> {
        match act {
            ShardAct::Crash(point) => crash::at(point),
            ShardAct::Processed(processed) => tell(Self::NAME, &self.sequencer, ToSequencer::Processed(processed))?,
            ShardAct::Delta(delta) => tell(Self::NAME, &self.checkpointer, ToCheckpointer::Delta(delta))?,
            ShardAct::Report(report) => self.report(&report),
            ShardAct::Failed(error) => return Err(End::Store(error)),
        }
        Ok(())
    }
}

impl ShardHands {
    fn report(&mut self, report: &SliceReport) {
        let before = std::mem::replace(&mut self.own_dirty_keys, report.dirty_keys);
        self.dirty_keys.fetch_add(report.dirty_keys.saturating_sub(before), Ordering::Relaxed);
        self.dirty_keys.fetch_sub(before.saturating_sub(report.dirty_keys), Ordering::Relaxed);
        if let Some(holds) = report.holds {
            self.metrics.state(self.number, holds);
        }
        if let Some(waits) = report.waits {
            self.metrics.waits(self.number, waits);
        }
        let (hits, misses) = report.keys;
        self.metrics.cache(hits, misses, report.evicted);
        self.metrics.tally(&report.tally, &self.plan);
        self.metrics.stage(Stage::Shard, self.began.elapsed().as_secs_f64());
    }
}

impl Handler<Inspect> for Host<ShardHands> {
    type Result = Result<Option<Value>, String>;

    fn handle(&mut self, inspect: Inspect, _: &mut Context<Host<ShardHands>>) -> Self::Result {
        self.machine.inspect(&inspect.0).map_err(|error| error.to_string())
    }
}
