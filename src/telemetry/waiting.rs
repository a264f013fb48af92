//! How many events wait for rows, shard by shard, and when time releases the first of them.
//!
//! Told once a slice where anything waits at all; the task that moves time on reads it.

use super::catalogue as all;
use super::registry::Registry;
use crate::core::ids::Nanos;
use crate::core::tally::Tally;
use crate::protocol::machines::shard::Waits;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What the shards said last.
#[derive(Default)]
pub(super) struct WaitingGauges(Mutex<BTreeMap<usize, Waits>>);

impl WaitingGauges {
    /// A shard's word replaces its last one; the gauges are those of all shards.
    pub(super) fn set(&self, registry: &Registry, shard: usize, waits: Waits, stream_time: i64) {
        let mut shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shards.insert(shard, waits);
        let events: u64 = shards.values().map(|waits| waits.events).sum();
        let bytes: u64 = shards.values().map(|waits| waits.bytes).sum();
        let first = shards.values().filter_map(|waits| waits.first).min();
        let age = first.map_or(0, |(_, since)| stream_time.saturating_sub(since.0).max(0));
        registry.gauge(&all::WAITING_EVENTS, &[]).set(events as f64);
        registry.gauge(&all::WAITING_BYTES, &[]).set(bytes as f64);
        registry.gauge(&all::OLDEST_WAIT, &[]).set(age as f64 / 1e9);
    }

    /// Forgets the shards of an earlier start.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The stream time that releases the first event that waits.
    pub(super) fn deadline(&self) -> Option<Nanos> {
        let shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shards.values().filter_map(|waits| waits.first).map(|(deadline, _)| deadline).min()
    }
}

/// Counts who began and ceased to wait.
pub(super) fn count(registry: &Registry, tally: &Tally) {
    let (by_row, by_time) = tally.released;
    if tally.parked + by_row + by_time + tally.wait_overflow == 0 {
        return;
    }
    registry.counter(&all::WAITS, &[]).increment(tally.parked);
    registry.counter(&all::WAITS_ENDED, &["row"]).increment(by_row);
    registry.counter(&all::WAITS_ENDED, &["time"]).increment(by_time);
    registry.counter(&all::WAIT_OVERFLOW, &[]).increment(tally.wait_overflow);
    // There from now on, so that the first one is seen as a rise from 0.
    registry.counter(&all::TICKS, &[]).increment(0);
}
