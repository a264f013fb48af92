//! The few numbers that a live display polls once a second.
//!
//! Not read back from the exporter, which would render everything; plain atomics beside it, set by `metrics`.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// A moment's figures. Counts are since the process started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Events taken from the input.
    pub received: u64,
    /// Their payload bytes.
    pub input_bytes: u64,
    /// Events with an output, published or only compared.
    pub processed: u64,
    /// Dead letters.
    pub dead: u64,
    /// Duplicates.
    pub duplicates: u64,
    /// Events dropped by a rule.
    pub dropped: u64,
    /// Events outside a replay's range or filter.
    pub outside: u64,
    /// Joins without a row.
    pub misses: u64,
    /// Messages confirmed by the output stream.
    pub published: u64,
    /// Outputs that were out already and only compared.
    pub recomputed: u64,
    /// Position of the last event taken, or of the checkpoint that a start began from.
    pub input_position: u64,
    /// Events of the input not taken yet.
    pub lag: u64,
    /// Slices in flight.
    pub slices_in_flight: u64,
    /// Their payload bytes.
    pub bytes_in_flight: u64,
    /// Messages sent and not confirmed yet.
    pub unconfirmed: u64,
    /// Position of the newest durable checkpoint; 0 before the first.
    pub checkpoint_position: u64,
    /// Seconds since the last checkpoint of this process, or since its start.
    pub checkpoint_age_s: f64,
    /// How often the input's consumer was made anew.
    pub source_restarts: u64,
    /// Median latency of the last ten seconds, in seconds; `None` when nothing was confirmed in them.
    pub p50_s: Option<f64>,
    /// The latency below which 99 % of the last ten seconds' events lie.
    pub p99_s: Option<f64>,
}

/// The figures as they are kept.
#[derive(Default)]
pub(super) struct Live {
    pub(super) received: AtomicU64,
    pub(super) input_bytes: AtomicU64,
    pub(super) processed: AtomicU64,
    pub(super) dead: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) outside: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) published: AtomicU64,
    pub(super) recomputed: AtomicU64,
    pub(super) input_position: AtomicU64,
    pub(super) input_first: AtomicU64,
    pub(super) input_last: AtomicU64,
    pub(super) slices_in_flight: AtomicU64,
    pub(super) bytes_in_flight: AtomicU64,
    pub(super) unconfirmed: AtomicU64,
    pub(super) checkpoint_position: AtomicU64,
    pub(super) source_restarts: AtomicU64,
    /// In nanoseconds since 1970.
    pub(super) stream_time: AtomicI64,
}

impl Live {
    /// What the input holds behind the last position taken; what it has dropped before its first is not to come.
    pub(super) fn lag(&self) -> u64 {
        let behind = self.input_position.load(Relaxed).max(self.input_first.load(Relaxed).saturating_sub(1));
        self.input_last.load(Relaxed).saturating_sub(behind)
    }

    /// The kept figures; age and latencies are left for `metrics`, which has the clock.
    pub(super) fn read(&self) -> Figures {
        Figures {
            received: self.received.load(Relaxed),
            input_bytes: self.input_bytes.load(Relaxed),
            processed: self.processed.load(Relaxed),
            dead: self.dead.load(Relaxed),
            duplicates: self.duplicates.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            outside: self.outside.load(Relaxed),
            misses: self.misses.load(Relaxed),
            published: self.published.load(Relaxed),
            recomputed: self.recomputed.load(Relaxed),
            input_position: self.input_position.load(Relaxed),
            lag: self.lag(),
            slices_in_flight: self.slices_in_flight.load(Relaxed),
            bytes_in_flight: self.bytes_in_flight.load(Relaxed),
            unconfirmed: self.unconfirmed.load(Relaxed),
            checkpoint_position: self.checkpoint_position.load(Relaxed),
            source_restarts: self.source_restarts.load(Relaxed),
            ..Figures::default()
        }
    }
}
