//! Which plan was in force at which position, as the lane's own headers tell it.
//!
//! Reads no plan's text beyond asking whether two plans keep the same state. `judge` asks at every change.

use crate::core::ids::Position;
use crate::core::plan::spec::PlanSpec;
use crate::protocol::header::RunHeader;
use crate::protocol::plan_change;

/// A stretch of the lane under one plan and one origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regime {
    /// The plan's fingerprint.
    pub plan: String,
    /// The first position that ever went into the state.
    pub origin: Position,
    /// The first position under the plan.
    pub since: Position,
}

impl Regime {
    /// The regime that a lane message names.
    pub fn of(run: RunHeader) -> Regime {
        Regime { plan: run.plan, origin: run.origin, since: run.since }
    }

    /// Whether a run header names this regime.
    pub fn is_of(&self, run: &RunHeader) -> bool {
        (self.origin, self.since) == (run.origin, run.since) && self.plan == run.plan
    }
}

/// What the state is where a regime begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Empty for certain.
    Empty,
    /// What the regime before left.
    Carried,
    /// Something that cannot be recomputed from here.
    Lost,
}

/// What is known at a change of regime.
#[derive(Clone, Copy, Debug)]
pub struct RegimeChange<'a> {
    /// The regime before, and its plan where the text is at hand.
    pub before: Option<(&'a Regime, Option<&'a PlanSpec>)>,
    /// The last position of the input that was passed, whatever became of it.
    pub passed: Position,
    /// The first position under the new regime.
    pub at: Position,
    /// Whether no position between the last one passed and `at` can have changed the state.
    pub harmless: bool,
}

/// Decides with which state a regime begins.
pub fn begin(change: &RegimeChange<'_>, regime: &Regime, plan: &PlanSpec) -> Begin {
    let from_origin = change.at == regime.origin || change.harmless;
    match change.before {
        None if from_origin => Begin::Empty,
        None => Begin::Lost,
        Some((before, _)) if before.origin != regime.origin => {
            // A new origin means that a state was lost and its input with it. What the new one made of
            // positions that were passed under the old one is not known here.
            if regime.origin > change.passed && from_origin { Begin::Empty } else { Begin::Lost }
        }
        // The plan was applied to positions whose outputs came from another: the state was built anew.
        Some(_) if regime.since <= change.passed => Begin::Lost,
        Some((_, Some(old))) if plan_change::of_state(old, plan).is_empty() => Begin::Carried,
        Some(_) => Begin::Lost,
    }
}
