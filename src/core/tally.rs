//! What the step counted: plain numbers that the engine turns into metrics, a slice at a time.
//!
//! Counts nothing that an outcome depends on.

use super::plan::compiled::{KindId, Plan};
use super::plan::layout::TableId;
use super::rejection::Reason;
use super::step::Silence;
use std::collections::BTreeMap;

/// Counts by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindTally {
    /// Outputs.
    pub processed: u64,
    /// Duplicates.
    pub duplicates: u64,
    /// Dropped by a rule.
    pub dropped: u64,
    /// Outside what the plan lets out.
    pub outside: u64,
    /// Dead letters.
    pub dead: u64,
}

/// What happened since the tally was last taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By kind section, in the order of `Plan::kinds`.
    pub kinds: Vec<KindTally>,
    /// Dead letters by reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// Joins without a row, by table.
    pub misses: BTreeMap<TableId, u64>,
}

impl Tally {
    /// A tally of zeros for a plan.
    pub fn new(plan: &Plan) -> Tally {
        Tally { kinds: vec![KindTally::default(); plan.kinds.len()], ..Tally::default() }
    }

    /// Takes the counts and leaves zeros.
    pub fn take(&mut self) -> Tally {
        let zeros = vec![KindTally::default(); self.kinds.len()];
        std::mem::replace(self, Tally { kinds: zeros, ..Tally::default() })
    }

    pub(super) fn processed(&mut self, kind: KindId, missed: &[TableId]) {
        if let Some(kind) = self.kinds.get_mut(usize::from(kind)) {
            kind.processed += 1;
        }
        for table in missed {
            *self.misses.entry(*table).or_default() += 1;
        }
    }

    pub(super) fn silent(&mut self, kind: KindId, silence: Silence) {
        let Some(kind) = self.kinds.get_mut(usize::from(kind)) else { return };
        match silence {
            Silence::Duplicate => kind.duplicates += 1,
            Silence::Dropped => kind.dropped += 1,
            Silence::Outside => kind.outside += 1,
            Silence::Held => {}
        }
    }

    pub(super) fn dead(&mut self, kind: KindId, reason: Reason) {
        if let Some(kind) = self.kinds.get_mut(usize::from(kind)) {
            kind.dead += 1;
        }
        *self.reasons.entry(reason).or_default() += 1;
    }
}
