//! The counters of a plan's kinds and tables, kept by number so that a slice's tally looks no name up.
//!
//! Label values are names of configuration sections, never an event's text: the number of series is bounded by
//! the configuration.

use super::catalogue as all;
use super::figures::Live;
use super::registry::Registry;
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::TableId;
use crate::core::tally::Tally;
use metrics::Counter;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

/// One plan's counters.
pub(super) struct Outcomes {
    /// The plan that the numbers belong to; another plan may number its kinds otherwise.
    pub(super) fingerprint: String,
    kinds: Vec<KindCounters>,
    misses: BTreeMap<TableId, Counter>,
}

struct KindCounters {
    processed: Counter,
    dead: Counter,
    duplicate: Counter,
    dropped: Counter,
}

impl Outcomes {
    /// The counters of a plan, all of them there from now on, so that a first count is seen as a rise from 0.
    pub(super) fn new(registry: &Registry, plan: &Plan) -> Outcomes {
        let kinds = plan.kinds.iter().map(|kind| {
            let counter = |outcome| registry.counter(&all::EVENTS, &[&kind.name, outcome]);
            KindCounters {
                processed: counter("processed"),
                dead: counter("dead_letter"),
                duplicate: counter("duplicate"),
                dropped: counter("dropped"),
            }
        });
        let tables = plan.spec.tables.keys();
        let misses =
            tables.filter_map(|name| Some((plan.layout.table(name)?, registry.counter(&all::MISSES, &[name]))));
        Outcomes { fingerprint: plan.fingerprint.clone(), kinds: kinds.collect(), misses: misses.collect() }
    }

    /// Adds a tally of the same plan.
    pub(super) fn add(&self, tally: &Tally, live: &Live) {
        for (counts, counters) in tally.kinds.iter().zip(&self.kinds) {
            counters.processed.increment(counts.processed);
            counters.dead.increment(counts.dead);
            counters.duplicate.increment(counts.duplicates);
            counters.dropped.increment(counts.dropped);
            live.processed.fetch_add(counts.processed, Relaxed);
            live.dead.fetch_add(counts.dead, Relaxed);
            live.duplicates.fetch_add(counts.duplicates, Relaxed);
            live.dropped.fetch_add(counts.dropped, Relaxed);
            // A figure only: a replay, which alone has such events, shows no page.
            live.outside.fetch_add(counts.outside, Relaxed);
        }
        for (table, count) in &tally.misses {
            if let Some(counter) = self.misses.get(table) {
                counter.increment(*count);
            }
            live.misses.fetch_add(*count, Relaxed);
        }
    }
}
