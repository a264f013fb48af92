//! The figures of the lake; see the catalogue for what each one says.

use super::catalogue as all;
use super::registry::Registry;
use crate::protocol::lake::entry::LakeEntry;
use crate::protocol::lake::table::LakeTable;
use metrics::{Counter, Gauge, Histogram};

/// Handles of everything but the declared columns' counters, which the configuration names.
pub struct LakeMetrics {
    running: Gauge,
    position: Gauge,
    lag: Gauge,
    oldest: Gauge,
    spool: Gauge,
    commits: Counter,
    commit_seconds: Histogram,
    files: [(LakeTable, Counter); 2],
    rows: [(LakeTable, Counter); 2],
    bytes: Counter,
    failures: Counter,
    fallbacks: Counter,
}

impl LakeMetrics {
    pub(super) fn new(registry: &Registry) -> LakeMetrics {
        LakeMetrics {
            running: registry.gauge(&all::LAKE_RUNNING, &[]),
            position: registry.gauge(&all::LAKE_POSITION, &[]),
            lag: registry.gauge(&all::LAKE_LAG, &[]),
            oldest: registry.gauge(&all::LAKE_OLDEST, &[]),
            spool: registry.gauge(&all::LAKE_SPOOL, &[]),
            commits: registry.counter(&all::LAKE_COMMITS, &[]),
            commit_seconds: registry.histogram(&all::LAKE_COMMIT_SECONDS, &[]),
            files: LakeTable::ALL.map(|table| (table, registry.counter(&all::LAKE_FILES, &[table.name()]))),
            rows: LakeTable::ALL.map(|table| (table, registry.counter(&all::LAKE_ROWS, &[table.name()]))),
            bytes: registry.counter(&all::LAKE_BYTES, &[]),
            failures: registry.counter(&all::LAKE_FAILURES, &[]),
            fallbacks: registry.counter(&all::LAKE_FALLBACKS, &[]),
        }
    }

    /// The writer follows the output stream, or does not.
    pub fn runs(&self, runs: bool) {
        self.running.set(f64::from(u8::from(runs)));
    }

    /// So many bytes are spooled, the oldest for so many seconds, and so many messages are still to be read.
    pub fn spooled(&self, bytes: u64, oldest_s: u64, lag: u64) {
        self.spool.set(bytes as f64);
        self.oldest.set(oldest_s as f64);
        self.lag.set(lag as f64);
    }

    /// An entry is published.
    pub fn published(&self, entry: &LakeEntry) {
        if let Some(to) = entry.to {
            self.position.set(to.position as f64);
        }
        for file in &entry.files {
            let count = |counters: &[(LakeTable, Counter); 2], by: u64| {
                for (_, counter) in counters.iter().filter(|(table, _)| *table == file.table) {
                    counter.increment(by);
                }
            };
            count(&self.files, 1);
            count(&self.rows, file.rows);
            self.bytes.increment(file.bytes.unwrap_or_default());
        }
    }

    pub(super) fn committed(&self, seconds: f64) {
        self.commits.increment(1);
        self.commit_seconds.record(seconds);
    }

    /// So many more rows have no time of their own that can be used.
    pub fn fallbacks(&self, rows: u64) {
        self.fallbacks.increment(rows);
    }

    /// The store or the way to the output stream failed.
    pub fn failed(&self) {
        self.failures.increment(1);
    }
}
