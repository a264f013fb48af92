//! The counters of a plan's kinds and tables, kept by number so that a slice's tally looks no name up.
//!
//! Label values are names of configuration sections, never an event's text: the number of series is bounded by
//! the configuration.

use super::catalogue as all;
use super::figures::Live;
use super::registry::Registry;
use crate::core::apply::Unchanged;
use crate::core::expr::Why;
use crate::core::plan::compiled::Plan;
use crate::core::plan::condition::RuleId;
use crate::core::plan::layout::TableId;
use crate::core::tally::Tally;
use metrics::Counter;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The time of no event.
const NEVER: i64 = i64::MIN;

/// One plan's counters.
pub(super) struct Outcomes {
    /// The plan that the numbers belong to; another plan may number its kinds otherwise.
    pub(super) fingerprint: String,
    kinds: Vec<KindCounters>,
    misses: BTreeMap<TableId, Counter>,
    /// Rows left as they were, of tables with a version.
    rows_kept: BTreeMap<(TableId, Unchanged), Counter>,
    /// By the number of a rule.
    rules: Vec<RuleCounters>,
    /// Messages of maps, by the map's number among the rules.
    maps: BTreeMap<RuleId, Counter>,
    /// By the number of a rule of quality.
    checks: Vec<CheckCounters>,
}

struct CheckCounters {
    checked: Counter,
    broken: Counter,
}

struct RuleCounters {
    dropped: Counter,
    absent: Counter,
    broken: Counter,
}

struct KindCounters {
    name: Arc<str>,
    /// The latest time of an event with an output, in nanoseconds since 1970; [`NEVER`] before the first one.
    newest: AtomicI64,
    processed: Counter,
    dead: Counter,
    duplicate: Counter,
    dropped: Counter,
    /// Only where the plan notes contents.
    conflicts: Option<Counter>,
    /// Only where the plan looks for one.
    without_id: Option<Counter>,
    without_time: Option<Counter>,
}

impl Outcomes {
    /// The counters of a plan, all of them there from now on, so that a first count is seen as a rise from 0.
    pub(super) fn new(registry: &Registry, plan: &Plan) -> Outcomes {
        let kinds = (0..).zip(&plan.kinds).map(|(number, kind)| {
            let without = |wanted: bool, what| wanted.then(|| registry.counter(&all::WITHOUT, &[&kind.name, what]));
            let counter = |outcome| registry.counter(&all::EVENTS, &[&kind.name, outcome]);
            KindCounters {
                name: kind.name.clone(),
                newest: AtomicI64::new(NEVER),
                processed: counter("processed"),
                dead: counter("dead_letter"),
                duplicate: counter("duplicate"),
                dropped: counter("dropped"),
                conflicts: plan.spec.dedup_conflicts.then(|| registry.counter(&all::CONFLICTS, &[&kind.name])),
                without_id: without(plan.looks_for_id(number), "id"),
                without_time: without(plan.time.is_some(), "time"),
            }
        });
        let tables = plan.spec.tables.keys();
        let misses =
            tables.filter_map(|name| Some((plan.layout.table(name)?, registry.counter(&all::MISSES, &[name]))));
        let versioned = plan.spec.tables.iter().filter(|(_, table)| table.version.is_some());
        let rows_kept = versioned.flat_map(|(name, _)| {
            let table = plan.layout.table(name);
            let counter = move |(why, kept)| Some(((table?, kept), registry.counter(&all::ROWS_KEPT, &[name, why])));
            Unchanged::NAMED.into_iter().filter_map(counter)
        });
        let rules = plan.rules.iter().map(|rule| RuleCounters {
            dropped: registry.counter(&all::FILTERED, &[rule]),
            absent: registry.counter(&all::UNKNOWN, &[rule, "absent"]),
            broken: registry.counter(&all::UNKNOWN, &[rule, "broken"]),
        });
        let checks = plan.kinds.iter().flat_map(|kind| {
            let rules = kind.quality.iter().flat_map(|section| &section.rules);
            rules.map(|rule| CheckCounters {
                checked: registry.counter(&all::QUALITY_CHECKED, &[&kind.name, &rule.name]),
                broken: registry.counter(&all::QUALITY_BROKEN, &[&kind.name, &rule.name]),
            })
        });
        let maps = plan.kinds.iter().flat_map(|kind| &kind.maps);
        let maps = maps.filter_map(|map| {
            let name = plan.rules.get(usize::from(map.rule))?;
            Some((map.rule, registry.counter(&all::MAPPED, &[name])))
        });
        Outcomes {
            maps: maps.collect(),
            fingerprint: plan.fingerprint.clone(),
            kinds: kinds.collect(),
            misses: misses.collect(),
            rows_kept: rows_kept.collect(),
            rules: rules.collect(),
            checks: checks.collect(),
        }
    }

    /// Sets the age of each kind's newest event as of a stream time; a kind without one has none.
    pub(super) fn age(&self, registry: &Registry, stream_time: i64) {
        for kind in &self.kinds {
            let newest = kind.newest.load(Relaxed);
            if newest != NEVER {
                let age = stream_time.saturating_sub(newest).max(0) as f64 / 1e9;
                registry.gauge(&all::FRESHNESS, &[&kind.name]).set(age);
            }
        }
    }

    /// Adds a tally of the same plan.
    pub(super) fn add(&self, tally: &Tally, live: &Live) {
        live.stream_time.fetch_max(tally.stream_time.unwrap_or_default().0, Relaxed);
        for (counts, counters) in tally.kinds.iter().zip(&self.kinds) {
            counters.newest.fetch_max(counts.newest.map_or(NEVER, |time| time.0), Relaxed);
            counters.processed.increment(counts.processed);
            counters.dead.increment(counts.dead);
            counters.duplicate.increment(counts.duplicates);
            counters.dropped.increment(counts.dropped);
            counters.conflicts.iter().for_each(|counter| counter.increment(counts.conflicts));
            counters.without_id.iter().for_each(|counter| counter.increment(counts.without_id));
            counters.without_time.iter().for_each(|counter| counter.increment(counts.without_time));
            live.processed.fetch_add(counts.processed, Relaxed);
            live.dead.fetch_add(counts.dead, Relaxed);
            live.duplicates.fetch_add(counts.duplicates, Relaxed);
            live.dropped.fetch_add(counts.dropped, Relaxed);
            // A figure only: a replay, which alone has such events, shows no page.
            live.outside.fetch_add(counts.outside, Relaxed);
        }
        for (rule, count) in &tally.dropped {
            if let Some(counters) = self.rules.get(usize::from(*rule)) {
                counters.dropped.increment(*count);
            }
        }
        for (map, count) in &tally.mapped {
            if let Some(counter) = self.maps.get(map) {
                counter.increment(*count);
            }
        }
        for ((rule, why), count) in &tally.unknown {
            let Some(counters) = self.rules.get(usize::from(*rule)) else { continue };
            match why {
                Why::Absent => counters.absent.increment(*count),
                Why::Broken => counters.broken.increment(*count),
            }
        }
        for (counts, counters) in tally.checks.iter().zip(&self.checks) {
            counters.checked.increment(counts.checked);
            counters.broken.increment(counts.broken);
        }
        for (table, count) in &tally.misses {
            if let Some(counter) = self.misses.get(table) {
                counter.increment(*count);
            }
            live.misses.fetch_add(*count, Relaxed);
        }
        for (row, count) in &tally.rows_kept {
            if let Some(counter) = self.rows_kept.get(row) {
                counter.increment(*count);
            }
        }
    }
}
