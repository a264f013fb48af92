//! The Shard actor: one thread, one range of key groups, one step after the other.
//!
//! Synchronous on purpose. Reads the store for keys that are not in memory; never writes it.

use super::checkpointer::Checkpointer;
use super::crash;
use super::ending::{Alarm, End, Ending};
use super::messages::{Delta, Inspect, Processed, Work};
use super::restore::stored_rows;
use super::sequencer::Sequencer;
use crate::core::event::Events;
use crate::core::ids::{Digest, Position};
use crate::core::plan::compiled::Plan;
use crate::core::state::row::StoredRow;
use crate::core::state::view;
use crate::core::step::Step;
use crate::ports::store::{Store, StoreError};
use crate::telemetry::metrics::{Metrics, Stage};
use actix::{Actor, Addr, Context, Handler};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

/// A shard and what it talks to.
pub struct Shard {
    /// Which one, from 0.
    pub number: usize,
    /// The plan.
    pub plan: Arc<Plan>,
    /// The last position that it has seen, its own events or others'.
    pub through: Position,
    /// The pure part.
    pub step: Step,
    /// Where keys are that are not in memory.
    pub store: Arc<dyn Store>,
    /// The last durable barrier: what it holds may be let go.
    pub durable: Arc<AtomicU64>,
    /// Keys changed since the last barrier, over all shards.
    pub dirty_keys: Arc<AtomicUsize>,
    /// The sequencer.
    pub sequencer: Addr<Sequencer>,
    /// The checkpointer.
    pub checkpointer: Addr<Checkpointer>,
    /// Mailbox room: a message a slice in flight, and inspections.
    pub mailbox: usize,
    /// The metrics.
    pub metrics: Metrics,
    /// Where the end is reported.
    pub ending: Ending,
    /// Reports this actor's death.
    pub alarm: Alarm,
}

impl Actor for Shard {
    type Context = Context<Shard>;

    fn started(&mut self, ctx: &mut Context<Shard>) {
        ctx.set_mailbox_capacity(self.mailbox);
    }
}

impl Handler<Work> for Shard {
    type Result = ();

    fn handle(&mut self, work: Work, _: &mut Context<Shard>) {
        let began = Instant::now();
        if let Err(error) = self.load(&work.events) {
            return self.ending.report(End::Store(error));
        }
        let dirty = self.step.state.rows.dirty_keys();
        let outcomes = self.step.run(&work.events);
        self.through = work.through;
        crash::point("after_apply");
        let changed = self.step.state.rows.dirty_keys().saturating_sub(dirty);
        self.dirty_keys.fetch_add(changed, Ordering::Relaxed);
        let processed = Processed { slice: work.slice, shard: self.number, outcomes };
        if self.sequencer.try_send(processed).is_err() {
            self.ending.broken("a shard could not reach the sequencer");
        }
        if let Some(barrier) = work.barrier {
            let taken = self.step.state.rows.dirty_keys();
            let groups = self.step.state.take_changes(barrier.number, barrier.position, barrier.stream_time);
            self.dirty_keys.fetch_sub(taken, Ordering::Relaxed);
            let delta = Delta { barrier, shard: self.number, groups };
            if self.checkpointer.try_send(delta).is_err() {
                self.ending.broken("a shard could not reach the checkpointer");
            }
            let state = &self.step.state;
            self.metrics.state(self.number, state.rows.rows() as u64, state.ids.len() as u64);
        }
        let evicted = self.step.state.rows.evict(self.durable.load(Ordering::Acquire));
        self.metrics.cache(0, 0, evicted as u64);
        self.metrics.tally(&self.step.tally.take(), &self.plan);
        self.metrics.stage(Stage::Shard, began.elapsed().as_secs_f64());
    }
}

impl Handler<Inspect> for Shard {
    type Result = Result<Option<Value>, String>;

    fn handle(&mut self, inspect: Inspect, _: &mut Context<Shard>) -> Self::Result {
        let digest = Digest::of(inspect.key.as_bytes());
        if let Some(rows) = self.step.state.rows.key(digest) {
            return Ok(view::of_key(&inspect.key, self.through, &self.plan.layout, rows.iter()));
        }
        let rows = stored_rows(self.store.as_ref(), &inspect.key).map_err(|error| error.to_string())?;
        Ok(view::of_key(&inspect.key, self.through, &self.plan.layout, rows.iter().map(StoredRow::row)))
    }
}

impl Shard {
    /// Brings every key of the slice into memory, so that the step never waits for the disk.
    fn load(&mut self, events: &Events) -> Result<(), StoreError> {
        let (mut hits, mut misses) = (0, 0);
        for event in &events.list {
            let Ok(reading) = &event.reading else { continue };
            let Some(key) = &reading.key else { continue };
            if !self.step.state.rows.must_load(key.digest) {
                hits += 1;
                continue;
            }
            misses += 1;
            let text = key.text.get(&event.message.payload);
            let rows = stored_rows(self.store.as_ref(), text)?;
            self.step.state.insert(key.digest, text, event.group, rows);
        }
        self.metrics.cache(hits, misses, 0);
        Ok(())
    }
}
