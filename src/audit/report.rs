//! What the audit found: counts, and the first examples of each sort.
//!
//! Decides nothing but the verdict; the judge calls it once a finding, and `cli` prints it.

use super::compare::Difference;
use crate::core::ids::{LaneSequence, Position};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many examples of each sort are kept.
const EXAMPLES: usize = 5;

/// The audit's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditVerdict {
    /// Nothing that could be checked is wrong.
    Clean,
    /// At least one fault was found.
    NotClean,
    /// No fault was found, but something could not be checked that can be: the text of a plan is not at hand; or nothing
    /// could be checked at all.
    NotChecked,
}

/// A sort of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditFinding {
    /// An output that must be there is not, though a later one is.
    Missing,
    /// The same position again, directly after itself.
    Doubled,
    /// A position below one that stands before it.
    OutOfOrder,
    /// An output that is not what recomputation gives.
    Different,
    /// A message that no event of the input explains.
    Unknown,
    /// An output or a position that cannot be judged, because what it depends on is gone.
    Unchecked,
    /// An output that must still come.
    Pending,
    /// An output that stands for an event which the input lost, as an operator accepted.
    Rewound,
    /// A dead letter that says in other words why, as another build put it, and is right in everything else.
    Reworded,
}

/// Why something could not be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The input no longer holds the event.
    InputGone,
    /// The output stream no longer holds the output.
    LaneGone,
    /// The text of the plan in force there is not at hand, or that of the one before, which made the state.
    PlanUnknown,
    /// Its value depends on events that are gone.
    StateUnknown,
    /// Whether it is a duplicate depends on events that are gone.
    DuplicateUnknown,
    /// The recomputation itself failed: a fault of this program, not of the lane.
    RecomputeFailed,
}

impl Doubt {
    /// The reason as part of a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Doubt::InputGone => "the input no longer holds its event",
            Doubt::LaneGone => "the output stream no longer holds it",
            Doubt::PlanUnknown => "the text of the plan in force there, or of the one before, is not at hand",
            Doubt::StateUnknown => "its value depends on events that are gone",
            Doubt::DuplicateUnknown => "whether it is a duplicate depends on events that are gone",
            Doubt::RecomputeFailed => "recomputing it failed: please report it with the event",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingExample {
    /// The position that it is about, where there is one.
    pub position: Option<Position>,
    /// Where it stands in the output stream, if it does.
    pub lane_sequence: Option<LaneSequence>,
    /// What is wrong, in words.
    pub what: String,
    /// What differs, expected against found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

impl FindingExample {
    /// A finding without differences.
    pub fn new(position: Option<Position>, lane: Option<LaneSequence>, what: impl Into<String>) -> FindingExample {
        FindingExample { position, lane_sequence: lane, what: what.into(), differences: Vec::new() }
    }
}

/// Everything that the audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// The answer.
    pub verdict: AuditVerdict,
    /// Outputs that were compared whole.
    pub checked: u64,
    /// See `AuditFinding::Missing`; the next five likewise.
    pub missing: u64,
    /// Doubled.
    pub doubled: u64,
    /// Out of order.
    pub out_of_order: u64,
    /// Different.
    pub different: u64,
    /// Unknown.
    pub unknown: u64,
    /// Not judged.
    pub unchecked: u64,
    /// Not yet in the lane; a fault only when the audit was asked for a complete lane.
    pub pending: u64,
    /// Of events that the input lost; see `AuditFinding::Rewound`. No fault.
    #[serde(skip_serializing_if = "is_zero")]
    pub rewound: u64,
    /// Dead letters in another build's words; see `AuditFinding::Reworded`. No fault.
    #[serde(skip_serializing_if = "is_zero")]
    pub reworded: u64,
    /// Why how many were not judged.
    pub unchecked_because: BTreeMap<Doubt, u64>,
    /// The first findings of each sort.
    pub examples: BTreeMap<AuditFinding, Vec<FindingExample>>,
}

impl Default for AuditReport {
    fn default() -> AuditReport {
        AuditReport {
            verdict: AuditVerdict::Clean,
            checked: 0,
            missing: 0,
            doubled: 0,
            out_of_order: 0,
            different: 0,
            unknown: 0,
            unchecked: 0,
            pending: 0,
            rewound: 0,
            reworded: 0,
            unchecked_because: BTreeMap::new(),
            examples: BTreeMap::new(),
        }
    }
}

impl AuditReport {
    /// Counts one finding; `example` is only asked while examples are still collected.
    pub fn note(&mut self, finding: AuditFinding, example: impl FnOnce() -> FindingExample) {
        *self.count(finding) += 1;
        let examples = self.examples.entry(finding).or_default();
        if examples.len() < EXAMPLES {
            examples.push(example());
        }
    }

    /// Counts something that cannot be judged.
    pub fn doubt(&mut self, doubt: Doubt, position: Position, lane: Option<LaneSequence>) {
        *self.unchecked_because.entry(doubt).or_default() += 1;
        self.note(AuditFinding::Unchecked, || FindingExample::new(Some(position), lane, doubt.sentence()));
    }

    /// Takes a missing output back: it stands elsewhere in the lane.
    pub fn found_elsewhere(&mut self, position: Position) {
        self.missing = self.missing.saturating_sub(1);
        if let Some(examples) = self.examples.get_mut(&AuditFinding::Missing) {
            examples.retain(|example| example.position != Some(position));
        }
        self.examples.retain(|_, examples| !examples.is_empty());
    }

    /// Gives the verdict; outputs still to come are a fault only of a lane that should be complete.
    pub fn judged(mut self, complete: bool) -> AuditReport {
        let faults = self.missing + self.doubled + self.out_of_order + self.different + self.unknown;
        let late = if complete { self.pending } else { 0 };
        let nothing = self.checked == 0 && self.unchecked > 0;
        self.verdict = match faults + late {
            0 if nothing || self.lacks_a_plan() => AuditVerdict::NotChecked,
            0 => AuditVerdict::Clean,
            _ => AuditVerdict::NotClean,
        };
        self
    }

    /// Whether something would be checked if the text of another plan were at hand.
    pub fn lacks_a_plan(&self) -> bool {
        self.unchecked_because.contains_key(&Doubt::PlanUnknown)
    }

    fn count(&mut self, finding: AuditFinding) -> &mut u64 {
        match finding {
            AuditFinding::Missing => &mut self.missing,
            AuditFinding::Doubled => &mut self.doubled,
            AuditFinding::OutOfOrder => &mut self.out_of_order,
            AuditFinding::Different => &mut self.different,
            AuditFinding::Unknown => &mut self.unknown,
            AuditFinding::Unchecked => &mut self.unchecked,
            AuditFinding::Pending => &mut self.pending,
            AuditFinding::Rewound => &mut self.rewound,
            AuditFinding::Reworded => &mut self.reworded,
        }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
