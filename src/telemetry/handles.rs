//! The kept handles of all metrics whose labels are known from the start.
//!
//! Made once, so that recording is an atomic operation; every series exists from the first scrape.

use super::catalogue as all;
use super::gateway::GatewayMetrics;
use super::lake::LakeMetrics;
use super::registry::Registry;
use crate::core::rejection::Reason;
use metrics::{Counter, Gauge, Histogram};

/// Where a slice spends its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Intake: from the messages to decoded events.
    Decode,
    /// A shard: de-duplicate, apply, join, encode.
    Shard,
    /// The sequencer: waiting for the other shards' parts.
    Merge,
    /// The sequencer: waiting for room in the lane, until the last output is with its writer.
    Lane,
    /// From there to the server's confirmation of that output.
    Confirm,
}

impl Stage {
    /// Every stage, in the order in which a slice passes them.
    pub const ALL: [Stage; 5] = [Stage::Decode, Stage::Shard, Stage::Merge, Stage::Lane, Stage::Confirm];

    /// The label's value.
    pub fn label(self) -> &'static str {
        match self {
            Stage::Decode => "decode",
            Stage::Shard => "shard",
            Stage::Merge => "merge",
            Stage::Lane => "lane",
            Stage::Confirm => "confirm",
        }
    }
}

/// Why the server refused a message of the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A message of another engine or program stands in its place.
    Another,
    /// A message of an earlier start of this process stands there.
    Own,
    /// The server would not store it, such as into a full stream.
    Server,
    /// Nothing stands there, or it could not be asked.
    Unknown,
}

impl Refused {
    /// Every cause.
    pub const ALL: [Refused; 4] = [Refused::Another, Refused::Own, Refused::Server, Refused::Unknown];

    /// The label's value.
    pub fn label(self) -> &'static str {
        match self {
            Refused::Another => "another",
            Refused::Own => "own",
            Refused::Server => "server",
            Refused::Unknown => "unknown",
        }
    }
}

/// A handle for each value of one label.
pub(super) struct Family<L, H>(Vec<(L, H)>);

impl<L: Copy + PartialEq, H> Family<L, H> {
    fn new(values: &[L], make: impl Fn(L) -> H) -> Family<L, H> {
        Family(values.iter().map(|value| (*value, make(*value))).collect())
    }

    /// The handle for a value; families are short, so a search is as fast as a map.
    pub(super) fn get(&self, value: L) -> Option<&H> {
        self.0.iter().find(|(known, _)| *known == value).map(|(_, handle)| handle)
    }
}

/// See the catalogue for what each one says.
pub(super) struct Handles {
    pub(super) events_received: Counter,
    pub(super) input_bytes: Counter,
    pub(super) dead_letters: Family<Reason, Counter>,
    pub(super) latency: Histogram,
    pub(super) event_time_latency: Histogram,
    pub(super) stages: Family<Stage, Histogram>,
    pub(super) input_position: Gauge,
    pub(super) stream_time: Gauge,
    pub(super) lag: Gauge,
    pub(super) slices_in_flight: Gauge,
    pub(super) bytes_in_flight: Gauge,
    pub(super) lane_unconfirmed: Gauge,
    pub(super) lane_published: Counter,
    pub(super) lane_recomputed: Counter,
    pub(super) lane_refusals: Family<Refused, Counter>,
    pub(super) lane_foreign: Gauge,
    pub(super) unsuitable_settings: Gauge,
    pub(super) starts: Family<&'static str, Counter>,
    pub(super) source_restarts: Counter,
    pub(super) deleted_positions: Counter,
    pub(super) unreadable_headers: Counter,
    pub(super) accepted_gaps: Gauge,
    pub(super) accepted_rewinds: Gauge,
    pub(super) checkpoint_age: Gauge,
    pub(super) checkpoint_position: Gauge,
    pub(super) checkpoint_seconds: Histogram,
    pub(super) checkpoints: Counter,
    pub(super) cache_hits: Counter,
    pub(super) cache_misses: Counter,
    pub(super) cache_evictions: Counter,
    pub(super) state_disk: Gauge,
    pub(super) ready: Gauge,
    pub(super) lake: LakeMetrics,
    pub(super) gateway: GatewayMetrics,
}

impl Handles {
    /// Registers everything; `build_info` gets its 1 here and is never touched again.
    pub(super) fn new(registry: &Registry) -> Handles {
        registry.gauge(&all::BUILD_INFO, &[env!("CARGO_PKG_VERSION")]).set(1.0);
        Handles {
            events_received: registry.counter(&all::EVENTS_RECEIVED, &[]),
            input_bytes: registry.counter(&all::INPUT_BYTES, &[]),
            dead_letters: Family::new(&Reason::ALL, |reason| registry.counter(&all::DEAD_LETTERS, &[reason.code()])),
            latency: registry.histogram(&all::LATENCY_SECONDS, &[]),
            event_time_latency: registry.histogram(&all::EVENT_TIME_LATENCY, &[]),
            stages: Family::new(&Stage::ALL, |stage| registry.histogram(&all::STAGE_SECONDS, &[stage.label()])),
            stream_time: registry.gauge(&all::STREAM_TIME, &[]),
            input_position: registry.gauge(&all::INPUT_POSITION, &[]),
            lag: registry.gauge(&all::LAG, &[]),
            slices_in_flight: registry.gauge(&all::SLICES_IN_FLIGHT, &[]),
            bytes_in_flight: registry.gauge(&all::BYTES_IN_FLIGHT, &[]),
            lane_unconfirmed: registry.gauge(&all::LANE_UNCONFIRMED, &[]),
            lane_published: registry.counter(&all::LANE_PUBLISHED, &[]),
            lane_recomputed: registry.counter(&all::LANE_RECOMPUTED, &[]),
            lane_refusals: Family::new(&Refused::ALL, |c| registry.counter(&all::LANE_REFUSALS, &[c.label()])),
            lane_foreign: registry.gauge(&all::LANE_FOREIGN, &[]),
            unsuitable_settings: registry.gauge(&all::UNSUITABLE_SETTINGS, &[]),
            starts: Family::new(&["fresh", "resume", "rebuild"], |kind| registry.counter(&all::STARTS, &[kind])),
            source_restarts: registry.counter(&all::SOURCE_RESTARTS, &[]),
            deleted_positions: registry.counter(&all::DELETED_POSITIONS, &[]),
            unreadable_headers: registry.counter(&all::UNREADABLE_HEADERS, &[]),
            accepted_gaps: registry.gauge(&all::ACCEPTED_GAPS, &[]),
            accepted_rewinds: registry.gauge(&all::ACCEPTED_REWINDS, &[]),
            checkpoint_age: registry.gauge(&all::CHECKPOINT_AGE, &[]),
            checkpoint_position: registry.gauge(&all::CHECKPOINT_POSITION, &[]),
            checkpoint_seconds: registry.histogram(&all::CHECKPOINT_SECONDS, &[]),
            checkpoints: registry.counter(&all::CHECKPOINTS, &[]),
            cache_hits: registry.counter(&all::CACHE_HITS, &[]),
            cache_misses: registry.counter(&all::CACHE_MISSES, &[]),
            cache_evictions: registry.counter(&all::CACHE_EVICTIONS, &[]),
            state_disk: registry.gauge(&all::STATE_DISK, &[]),
            ready: registry.gauge(&all::READY, &[]),
            lake: LakeMetrics::new(registry),
            gateway: GatewayMetrics::new(registry),
        }
    }
}
