//! What the step counted: plain numbers that the engine turns into metrics, a slice at a time.
//!
//! Counts nothing that an outcome depends on.

use super::apply::Unchanged;
use super::expr::Why;
use super::ids::Nanos;
use super::outcome::Silence;
use super::plan::compiled::{KindId, Plan};
use super::plan::condition::RuleId;
use super::plan::layout::TableId;
use super::rejection::Reason;
use std::collections::BTreeMap;

/// Counts by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindTally {
    /// Outputs.
    pub processed: u64,
    /// Duplicates.
    pub duplicates: u64,
    /// Of those, the ones whose content is another than that of the event that they repeat.
    pub conflicts: u64,
    /// Dropped by a rule.
    pub dropped: u64,
    /// Outside what the plan lets out.
    pub outside: u64,
    /// Dead letters.
    pub dead: u64,
    /// Of those with outputs, the events without the id that the plan looks for: none can be told from its repetition.
    pub without_id: u64,
    /// Of those with outputs, the events without a time of their own where the plan looks for it.
    pub without_time: u64,
    /// The latest time of those with outputs: their own where the plan looks for it, else that of their storage, and never
    /// later than that.
    pub newest: Option<Nanos>,
}

/// Counts of a rule of quality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckTally {
    /// Events that it could be told of.
    pub checked: u64,
    /// Those of them that break it.
    pub broken: u64,
}

/// What happened since the tally was last taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By kind section, in the order of `Plan::kinds`.
    pub kinds: Vec<KindTally>,
    /// Stream time behind the last event.
    pub stream_time: Option<Nanos>,
    /// Dead letters by reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// Joins without a row, by table.
    pub misses: BTreeMap<TableId, u64>,
    /// Rows that an event left as they were, by table and why.
    pub rows_kept: BTreeMap<(TableId, Unchanged), u64>,
    /// Events that a rule dropped, by the rule's number.
    pub dropped: BTreeMap<RuleId, u64>,
    /// Messages that a map made, by the map's number among the rules.
    pub mapped: BTreeMap<RuleId, u64>,
    /// By rule of quality, in the order of the kinds and of their rules.
    pub checks: Vec<CheckTally>,
    /// Events that began to wait for a row.
    pub parked: u64,
    /// Events that a row released, and that time released.
    pub released: (u64, u64),
    /// Events that should have waited and left at once, because as many of their key group waited as may.
    pub wait_overflow: u64,
    /// Conditions that could not be judged, by the rule's number and why.
    pub unknown: BTreeMap<(RuleId, Why), u64>,
}

impl Tally {
    /// A tally of zeros for a plan.
    pub fn new(plan: &Plan) -> Tally {
        Tally::zeros(plan.kinds.len(), plan.checks)
    }

    fn zeros(kinds: usize, checks: usize) -> Tally {
        let (kinds, checks) = (vec![KindTally::default(); kinds], vec![CheckTally::default(); checks]);
        Tally { kinds, checks, ..Tally::default() }
    }

    /// Takes the counts and leaves zeros.
    pub fn take(&mut self) -> Tally {
        let zeros = Tally::zeros(self.kinds.len(), self.checks.len());
        std::mem::replace(self, zeros)
    }

    pub(super) fn processed(&mut self, kind: KindId, missed: &[TableId]) {
        if let Some(kind) = self.kinds.get_mut(usize::from(kind)) {
            kind.processed += 1;
        }
        for table in missed {
            *self.misses.entry(*table).or_default() += 1;
        }
    }

    /// Takes in what an event with an output lacks of what the plan looks for.
    pub(super) fn lacks(&mut self, kind: KindId, id: bool, time: bool) {
        if let Some(kind) = self.kinds.get_mut(usize::from(kind)) {
            kind.without_id += u64::from(id);
            kind.without_time += u64::from(time);
        }
    }

    /// Takes in when an event with an output was made, or stored.
    pub(super) fn newest(&mut self, kind: KindId, time: Nanos) {
        if let Some(kind) = self.kinds.get_mut(usize::from(kind)) {
            kind.newest = kind.newest.max(Some(time));
        }
    }

    pub(super) fn conflict(&mut self, kind: KindId) {
        if let Some(kind) = self.kinds.get_mut(usize::from(kind)) {
            kind.conflicts += 1;
        }
    }

    /// Takes in the stream time behind an event; it never falls.
    pub(super) fn reached(&mut self, stream_time: Nanos) {
        self.stream_time = Some(stream_time);
    }

    pub(super) fn silent(&mut self, kind: KindId, silence: Silence) {
        let Some(kind) = self.kinds.get_mut(usize::from(kind)) else { return };
        match silence {
            Silence::Duplicate => kind.duplicates += 1,
            Silence::Dropped => kind.dropped += 1,
            Silence::Filtered(rule) => {
                kind.dropped += 1;
                *self.dropped.entry(rule).or_default() += 1;
            }
            Silence::Outside => kind.outside += 1,
            Silence::Waits | Silence::Held | Silence::Tick => {}
        }
    }

    /// Takes in whether an event leaves at once because too many of its key group wait.
    pub(super) fn overflow(&mut self, overflows: bool) {
        self.wait_overflow += u64::from(overflows);
    }

    pub(super) fn rows_kept(&mut self, rows: &[(TableId, Unchanged)]) {
        for row in rows {
            *self.rows_kept.entry(*row).or_default() += 1;
        }
    }

    /// Takes in that a route keeps the usual output of an event from leaving, while other messages of it leave.
    pub(super) fn kept(&mut self, rule: RuleId) {
        *self.dropped.entry(rule).or_default() += 1;
    }

    pub(super) fn mapped(&mut self, rule: RuleId) {
        *self.mapped.entry(rule).or_default() += 1;
    }

    pub(super) fn unknown(&mut self, rules: &[(RuleId, Why)]) {
        for rule in rules {
            *self.unknown.entry(*rule).or_default() += 1;
        }
    }

    /// Takes in whether an event keeps a rule of quality, by the rule's number.
    pub(super) fn judged(&mut self, rule: usize, holds: bool) {
        let Some(check) = self.checks.get_mut(rule) else { return };
        check.checked += 1;
        check.broken += u64::from(!holds);
    }

    pub(super) fn dead(&mut self, kind: KindId, reason: Reason) {
        if let Some(kind) = self.kinds.get_mut(usize::from(kind)) {
            kind.dead += 1;
        }
        *self.reasons.entry(reason).or_default() += 1;
    }
}
