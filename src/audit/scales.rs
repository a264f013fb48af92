//! The lane held against what is expected, and the report that comes of it.
//!
//! Knows no plan and runs no core; `judge` says what is expected, position by position in rising order.

use super::compare::{Difference, Extent, differences, only_worded_otherwise, time_difference};
use super::expected::{Expected, ExpectedValue, LaneWitness};
use super::lane::{Arrival, AuditedLane, LaneEntry, LanePlace, OrderKey};
use super::report::{AuditFinding, AuditReport, Doubt, FindingExample};
use crate::core::event::StoredMessage;
use crate::core::ids::{LaneSequence, Nanos, Position};
use std::collections::BTreeSet;
use std::ops::Range;

/// How many places are remembered as missing, or as found out of order. Beyond that a displaced output
/// counts as missing too, in a lane that is not clean either way.
const REMEMBERED: usize = 65_536;

/// The lane and the findings so far.
#[derive(Debug)]
pub struct Scales {
    /// The lane.
    pub lane: AuditedLane,
    /// The findings.
    pub report: AuditReport,
    input_stream: String,
    /// Places found out of order whose turn has not come.
    strays: BTreeSet<OrderKey>,
    /// Places found missing that may still turn up out of order.
    missing: BTreeSet<OrderKey>,
    /// Whether the lane shows that an event after the last one passed, now gone, changed the state.
    changed_in_gap: bool,
    /// Whether it is for want of a plan's text, and of nothing else, that the state is not known.
    pub state_lacks_a_plan: bool,
}

impl Scales {
    /// Empty scales.
    pub fn new(input_stream: String, lane: AuditedLane) -> Scales {
        Scales {
            lane,
            report: AuditReport::default(),
            input_stream,
            strays: BTreeSet::new(),
            missing: BTreeSet::new(),
            changed_in_gap: false,
            state_lacks_a_plan: false,
        }
    }

    /// Takes the next message of the output stream; `passed` is the last position that was weighed.
    pub fn arrive(&mut self, message: StoredMessage, passed: Position) {
        let sequence = Some(LaneSequence(message.sequence));
        match self.lane.take(message) {
            Arrival::Queued => {}
            Arrival::Doubled((cause, n)) => self.report.note(AuditFinding::Doubled, || {
                FindingExample::new(
                    Some(cause),
                    sequence,
                    format!("output {n} of this position stands directly before it"),
                )
            }),
            Arrival::OutOfOrder(key) => {
                self.report.note(AuditFinding::OutOfOrder, || {
                    FindingExample::new(Some(key.0), sequence, "outputs of later positions stand before it")
                });
                if self.missing.remove(&key) {
                    self.report.found_elsewhere(key.0);
                } else if key.0 > passed && self.strays.len() < REMEMBERED {
                    self.strays.insert(key);
                }
            }
            Arrival::Marker => {}
            Arrival::Rewound(cause, number) => self.report.note(AuditFinding::Rewound, || {
                FindingExample::new(
                    Some(cause),
                    sequence,
                    format!("it stands for an event that the input lost (rewind {number})"),
                )
            }),
            Arrival::Unknown(cause, why) => {
                self.report.note(AuditFinding::Unknown, || FindingExample::new(cause, sequence, why));
            }
        }
    }

    /// Takes out the lane's messages before the next event, or all of them at the input's end. Returns how
    /// many there were.
    pub fn orphans(&mut self, next: Option<Position>, passed: Position) -> usize {
        let mut count = 0;
        while let Some(entry) = self.lane.pop(|cause| next.is_none_or(|next| cause < next)) {
            count += 1;
            if entry.key.0 == passed {
                self.unknown(&entry, "its event has no such output");
            } else {
                self.changed_in_gap |= !entry.leaves_no_trace();
                self.report.doubt(Doubt::InputGone, entry.key.0, Some(entry.sequence()));
            }
        }
        count
    }

    /// Whether no event from `first_gone` to `next`, all of them gone, can have changed the state: the lane
    /// reaches back so far and shows nothing but dead letters of them.
    pub fn is_harmless(&self, first_gone: Position, next: Position) -> bool {
        let displaced = first_gone < next && self.strays.range((first_gone, 0)..(next, 0)).next().is_some();
        !self.changed_in_gap && !displaced && self.lane.place((first_gone, 0)) != LanePlace::Before
    }

    /// What the lane shows of the next event's outcome.
    pub fn witness(&self, position: Position) -> LaneWitness {
        let key = (position, 0);
        match self.lane.front() {
            Some(entry) if entry.key == key && entry.is_dead() => LaneWitness::Dead,
            Some(entry) if entry.key == key && entry.is_duplicate() => LaneWitness::Duplicate,
            Some(entry) if entry.key == key => LaneWitness::Output,
            // It stands somewhere else, where it is not looked at.
            _ if self.strays.contains(&key) => LaneWitness::Silent,
            _ if self.lane.place(key) == LanePlace::Within => LaneWitness::Nothing,
            _ => LaneWitness::Silent,
        }
    }

    /// Holds the lane's messages of the next position against what is expected there.
    pub fn weigh(&mut self, position: Position, stored_at: Nanos, expected: &Expected) {
        self.changed_in_gap = false;
        let mut due = 0;
        while let Some(entry) = self.lane.pop(|cause| cause == position) {
            let n = entry.key.1;
            match expected.at(n) {
                Some(ExpectedValue::Nothing(why)) => self.unknown(&entry, why),
                None => self.unknown(&entry, "its event has no such output"),
                Some(value) => {
                    self.lack(position, due..n, expected);
                    due = n + 1;
                    self.compare(&entry, stored_at, value);
                }
            }
        }
        self.lack(position, due..expected.count(), expected);
    }

    /// No messages in order stand for these places of a position.
    fn lack(&mut self, position: Position, places: Range<u32>, expected: &Expected) {
        for n in places {
            if let Some(value) = expected.at(n) {
                self.absent((position, n), value, expected.must);
            }
        }
    }

    /// Passes over a position of which nothing can be told, for this reason.
    pub fn leave(&mut self, position: Position, stored_at: Nanos, doubt: Doubt) {
        let expected = Expected { several: true, ..Expected::not_known(doubt, false) };
        self.weigh(position, stored_at, &expected);
    }

    fn compare(&mut self, entry: &LaneEntry, stored_at: Nanos, value: &ExpectedValue) {
        let (found, sequence) = (&entry.message, entry.sequence());
        let stream = entry.stream.as_deref().unwrap_or(&self.input_stream);
        let (differences, doubt) = match value {
            ExpectedValue::Output(output) => (differences(output, stream, found, Extent::Whole), None),
            ExpectedValue::Frame(output) => {
                (differences(output, stream, found, Extent::AllButBody), Some(Doubt::StateUnknown))
            }
            ExpectedValue::Likely(output) => {
                let whole = differences(output, stream, found, Extent::Whole);
                let of_state = output.dead.is_some() || output.is_duplicate() || entry.leaves_no_trace();
                let may_be = of_state || differences(output, stream, found, Extent::AllButBody).is_empty();
                if !whole.is_empty() && may_be { (Vec::new(), Some(Doubt::StateUnknown)) } else { (whole, None) }
            }
            ExpectedValue::NotKnown(doubt) => {
                (time_difference(&stored_at.to_string(), found).into_iter().collect(), Some(*doubt))
            }
            ExpectedValue::Nothing(_) => return,
        };
        match doubt {
            Some(doubt) if differences.is_empty() => {
                self.report.doubt(self.why(doubt), entry.key.0, Some(sequence));
            }
            _ => self.report.checked += 1,
        }
        if !differences.is_empty() {
            let finding =
                if only_worded_otherwise(&differences) { AuditFinding::Reworded } else { AuditFinding::Different };
            self.report.note(finding, || {
                let what = named(&differences);
                FindingExample { differences, ..FindingExample::new(Some(entry.key.0), Some(sequence), what) }
            });
        }
    }

    /// No message in order stands for this place.
    fn absent(&mut self, key: OrderKey, value: &ExpectedValue, must: bool) {
        let doubt = match value {
            ExpectedValue::Nothing(_) => return,
            ExpectedValue::NotKnown(doubt) => *doubt,
            ExpectedValue::Output(_) | ExpectedValue::Likely(_) | ExpectedValue::Frame(_) => Doubt::DuplicateUnknown,
        };
        let doubt = self.why(doubt);
        // It was counted where it stands.
        if self.strays.remove(&key) {
            return;
        }
        match self.lane.place(key) {
            LanePlace::Before => self.report.doubt(Doubt::LaneGone, key.0, None),
            _ if !must => self.report.doubt(doubt, key.0, None),
            LanePlace::Beyond => self
                .report
                .note(AuditFinding::Pending, || FindingExample::new(Some(key.0), None, "it is not in the lane yet")),
            LanePlace::Within => {
                self.report.note(AuditFinding::Missing, || {
                    FindingExample::new(Some(key.0), None, "later outputs are in the lane")
                });
                if self.missing.len() < REMEMBERED {
                    self.missing.insert(key);
                }
            }
        }
    }

    /// A doubt about the state, for the reason that it has.
    fn why(&self, doubt: Doubt) -> Doubt {
        match doubt {
            Doubt::StateUnknown | Doubt::DuplicateUnknown if self.state_lacks_a_plan => Doubt::PlanUnknown,
            other => other,
        }
    }

    fn unknown(&mut self, entry: &LaneEntry, why: &'static str) {
        self.report.note(AuditFinding::Unknown, || FindingExample::new(Some(entry.key.0), Some(entry.sequence()), why));
    }
}

/// The differences in one line.
fn named(differences: &[Difference]) -> String {
    let fields: Vec<&str> = differences.iter().map(|difference| difference.field.as_str()).collect();
    format!("differs in {}", fields.join(", "))
}
