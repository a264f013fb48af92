//! What happens in the engine, told once a slice: one method an event of the engine.
//!
//! No method waits, fails or decides; a lost figure never stops a slice. The engine's actors call them, the HTTP
//! server renders them, the live display polls `figures`.

use super::catalogue as all;
use super::figures::{Figures, Live};
use super::gateway::GatewayMetrics;
use super::handles::Handles;
use super::lake::LakeMetrics;
use super::outcomes::Outcomes;
use super::recent::Recent;
use super::registry::Registry;
use super::waiting::{self, WaitingGauges};
use crate::core::ids::{Nanos, Position};
use crate::core::plan::compiled::Plan;
use crate::core::tally::Tally;
use crate::protocol::machines::shard::{Holds, Waits};
use crate::protocol::start::StartKind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub use super::handles::{Refused, Stage};

/// All metrics of one engine. A clone is another hand on the same figures.
#[derive(Clone)]
pub struct Metrics(Arc<MetricsInner>);

struct MetricsInner {
    registry: Registry,
    handles: Handles,
    outcomes: Mutex<Option<Arc<Outcomes>>>,
    live: Live,
    waiting: WaitingGauges,
    recent: Mutex<Recent>,
    started: Instant,
    /// When the last checkpoint was written, in nanoseconds after `started`.
    checkpoint_ns: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// Metrics of their own, at zero.
    pub fn new() -> Metrics {
        let registry = Registry::new();
        let handles = Handles::new(&registry);
        Metrics(Arc::new(MetricsInner {
            registry,
            handles,
            outcomes: Mutex::new(None),
            live: Live::default(),
            waiting: WaitingGauges::default(),
            recent: Mutex::new(Recent::new()),
            started: Instant::now(),
            checkpoint_ns: AtomicU64::new(0),
        }))
    }

    /// The figures of the lake.
    pub fn lake(&self) -> &LakeMetrics {
        &self.0.handles.lake
    }

    /// So many more values did not fit a declared column of the lake.
    pub fn lake_misfits(&self, column: &str, values: u64) {
        self.0.registry.counter(&all::LAKE_MISFITS, &[column]).increment(values);
    }

    /// The figures of the gateway.
    pub fn gateway(&self) -> &GatewayMetrics {
        &self.0.handles.gateway
    }

    /// The gateway answered a request with this status after so many seconds.
    pub fn gateway_answered(&self, status: u16, seconds: f64) {
        self.gateway().answered(status, seconds);
        self.0.registry.recorded(1);
    }

    /// The lake's writer took so many seconds to publish what was spooled.
    pub fn lake_committed(&self, seconds: f64) {
        self.lake().committed(seconds);
        self.0.registry.recorded(1);
    }

    /// Intake took events with so many payload bytes.
    pub fn received(&self, events: u64, bytes: u64) {
        self.0.handles.events_received.increment(events);
        self.0.handles.input_bytes.increment(bytes);
        self.0.live.received.fetch_add(events, Relaxed);
        self.0.live.input_bytes.fetch_add(bytes, Relaxed);
    }

    /// A part of a slice went through the step of `plan`.
    pub fn tally(&self, tally: &Tally, plan: &Plan) {
        self.outcomes(plan).add(tally, &self.0.live);
        waiting::count(&self.0.registry, tally);
        for (reason, count) in &tally.reasons {
            if let Some(counter) = self.0.handles.dead_letters.get(*reason) {
                counter.increment(*count);
            }
        }
    }

    /// What waits in a shard.
    pub fn waits(&self, shard: usize, waits: Waits) {
        self.0.waiting.set(&self.0.registry, shard, waits, self.0.live.stream_time.load(Relaxed));
    }

    /// A start begins: what the shards of the one before said counts no more.
    pub fn nothing_waits(&self) {
        self.0.waiting.clear();
    }

    /// The stream time that releases the first event that waits.
    pub fn first_deadline(&self) -> Option<Nanos> {
        self.0.waiting.deadline()
    }

    /// A message was published that only moves time on.
    pub fn ticked(&self) {
        self.0.registry.counter(&all::TICKS, &[]).increment(1);
    }

    /// The counters of a plan, made anew when the plan changed; the series of the earlier plan stay.
    fn outcomes(&self, plan: &Plan) -> Arc<Outcomes> {
        let mut kept = lock(&self.0.outcomes);
        match kept.as_ref().filter(|outcomes| outcomes.fingerprint == plan.fingerprint) {
            Some(outcomes) => Arc::clone(outcomes),
            None => Arc::clone(kept.insert(Arc::new(Outcomes::new(&self.0.registry, plan)))),
        }
    }

    /// Outputs were confirmed: for each, the seconds since its event was stored in the input.
    ///
    /// A negative one (two servers' clocks) counts as 0.
    pub fn latencies(&self, seconds: &[f64]) {
        for latency in seconds {
            self.0.handles.latency.record(latency.max(0.0));
        }
        self.0.registry.recorded(seconds.len());
        lock(&self.0.recent).record(self.0.started.elapsed().as_secs(), seconds);
    }

    /// An output was confirmed so many seconds after its event's own time; a time in the future counts as 0.
    pub fn event_time_latency(&self, seconds: f64) {
        self.0.handles.event_time_latency.record(seconds.max(0.0));
        self.0.registry.recorded(1);
    }

    /// A slice spent so many seconds in a stage.
    pub fn stage(&self, stage: Stage, seconds: f64) {
        if let Some(histogram) = self.0.handles.stages.get(stage) {
            histogram.record(seconds);
            self.0.registry.recorded(1);
        }
    }

    /// A start begins behind this position of an input that ends there: both may be lower than before.
    pub fn input_begins(&self, after: Position, last: u64) {
        self.0.live.input_position.store(after.0, Relaxed);
        self.0.live.input_first.store(0, Relaxed);
        self.0.live.input_last.store(last, Relaxed);
    }

    /// Everything up to this position is taken from the input.
    pub fn taken(&self, through: Position) {
        self.0.live.input_position.store(through.0, Relaxed);
    }

    /// The input's last sequence is at least this, as a delivery says.
    pub fn input_reaches(&self, last: u64) {
        self.0.live.input_last.fetch_max(last, Relaxed);
    }

    /// The input's first and last sequence, as the stream says; first is `last + 1` when it is empty.
    pub fn input_holds(&self, first: u64, last: u64) {
        self.0.live.input_first.store(first, Relaxed);
        self.input_reaches(last);
    }

    /// So many messages stand in the output stream behind the last one sent.
    pub fn lane_foreign(&self, messages: u64) {
        self.0.handles.lane_foreign.set(messages as f64);
    }

    /// So many settings of the streams would be refused by the next start.
    pub fn unsuitable_settings(&self, settings: usize) {
        self.0.handles.unsuitable_settings.set(settings as f64);
    }

    /// So many slices, with so many payload bytes, are between the input and the lane's confirmation.
    pub fn in_flight(&self, slices: u64, bytes: u64) {
        self.0.handles.slices_in_flight.set(slices as f64);
        self.0.handles.bytes_in_flight.set(bytes as f64);
        self.0.live.slices_in_flight.store(slices, Relaxed);
        self.0.live.bytes_in_flight.store(bytes, Relaxed);
    }

    /// So many messages are sent and not confirmed.
    pub fn unconfirmed(&self, messages: u64) {
        self.0.handles.lane_unconfirmed.set(messages as f64);
        self.0.live.unconfirmed.store(messages, Relaxed);
    }

    /// The output stream confirmed so many more messages.
    pub fn published(&self, messages: u64) {
        self.0.handles.lane_published.increment(messages);
        self.0.live.published.fetch_add(messages, Relaxed);
    }

    /// So many more outputs were out already and were only compared.
    pub fn recomputed(&self, messages: u64) {
        self.0.handles.lane_recomputed.increment(messages);
        self.0.live.recomputed.fetch_add(messages, Relaxed);
    }

    /// The server refused a message of the lane.
    pub fn lane_refused(&self, cause: Refused) {
        if let Some(counter) = self.0.handles.lane_refusals.get(cause) {
            counter.increment(1);
        }
    }

    /// The engine starts, or starts again after a reconnect.
    pub fn started(&self, kind: &StartKind) {
        let label = match kind {
            StartKind::Fresh => "fresh",
            StartKind::Resume => "resume",
            StartKind::Rebuild(_) => "rebuild",
        };
        if let Some(counter) = self.0.handles.starts.get(label) {
            counter.increment(1);
        }
    }

    /// The source created its consumer again.
    pub fn source_restarted(&self) {
        self.0.handles.source_restarts.increment(1);
        self.0.live.source_restarts.fetch_add(1, Relaxed);
    }

    /// So many more events had headers or a subject that the client library cannot read.
    pub fn unreadable_headers(&self, events: u64) {
        self.0.handles.unreadable_headers.increment(events);
    }

    /// So many more positions were deleted before they were taken.
    pub fn deleted(&self, positions: u64) {
        self.0.handles.deleted_positions.increment(positions);
    }

    /// The checkpoint records so many accepted gaps.
    pub fn accepted_gaps(&self, gaps: u64) {
        self.0.handles.accepted_gaps.set(gaps as f64);
    }

    /// So often the input lost its tail and an operator accepted that.
    pub fn accepted_rewinds(&self, rewinds: u32) {
        self.0.handles.accepted_rewinds.set(f64::from(rewinds));
    }

    /// The state was read back as of this position: nothing was written, so the age goes on.
    pub fn restored(&self, position: Position) {
        self.0.handles.checkpoint_position.set(position.0 as f64);
        self.0.live.checkpoint_position.store(position.0, Relaxed);
    }

    /// A checkpoint at this position is durable, and took so many seconds to write.
    pub fn checkpoint(&self, position: Position, seconds: f64) {
        self.restored(position);
        self.0.handles.checkpoints.increment(1);
        self.0.handles.checkpoint_seconds.record(seconds);
        self.0.registry.recorded(1);
        let now = u64::try_from(self.0.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.checkpoint_ns.store(now, Relaxed);
    }

    /// A shard holds so many rows in memory and remembers so many ids.
    pub fn state(&self, shard: usize, holds: Holds) {
        // The registry finds the gauges again by their label: shards are few and this is called once a slice.
        let shard = shard.to_string();
        self.0.registry.gauge(&all::STATE_ROWS, &[&shard]).set(holds.rows as f64);
        self.0.registry.gauge(&all::STATE_GLOBAL_ROWS, &[&shard]).set(holds.global_rows as f64);
        self.0.registry.gauge(&all::STATE_IDS, &[&shard]).set(holds.ids as f64);
    }

    /// So many more keys were found in memory, were loaded, and were evicted.
    pub fn cache(&self, hits: u64, misses: u64, evictions: u64) {
        self.0.handles.cache_hits.increment(hits);
        self.0.handles.cache_misses.increment(misses);
        self.0.handles.cache_evictions.increment(evictions);
    }

    /// The state directory has so many bytes.
    pub fn disk(&self, bytes: u64) {
        self.0.handles.state_disk.set(bytes as f64);
    }

    /// Whether the engine is ready; `Health` says so at every change of phase.
    pub fn ready(&self, ready: bool) {
        self.0.handles.ready.set(if ready { 1.0 } else { 0.0 });
    }

    /// Everything in Prometheus's text format, version 0.0.4.
    pub fn render(&self) -> String {
        // Here, where both are read at one moment: neither the feed nor the watch knows both.
        self.0.handles.input_position.set(self.0.live.input_position.load(Relaxed) as f64);
        self.0.handles.lag.set(self.0.live.lag() as f64);
        self.0.handles.checkpoint_age.set(self.checkpoint_age());
        let stream_time = self.0.live.stream_time.load(Relaxed);
        self.0.handles.stream_time.set(stream_time as f64 / 1e9);
        if let Some(outcomes) = lock(&self.0.outcomes).as_ref() {
            outcomes.age(&self.0.registry, stream_time);
        }
        self.0.registry.render()
    }

    /// The figures of this moment, for a live display.
    pub fn figures(&self) -> Figures {
        let recent = lock(&self.0.recent).quantiles(self.0.started.elapsed().as_secs(), [0.5, 0.99]);
        let (p50_s, p99_s) = recent.map(|[p50, p99]| (p50, p99)).unzip();
        Figures { checkpoint_age_s: self.checkpoint_age(), p50_s, p99_s, ..self.0.live.read() }
    }

    fn checkpoint_age(&self) -> f64 {
        let written = self.0.checkpoint_ns.load(Relaxed) as f64 / 1e9;
        (self.0.started.elapsed().as_secs_f64() - written).max(0.0)
    }
}

/// A panic elsewhere leaves at worst a half-counted slice behind, which is no reason to stop counting.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
