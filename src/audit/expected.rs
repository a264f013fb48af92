//! What must stand in the lane for one position, and how sure that is.
//!
//! Plain data between `recompute`, which makes it, and `judge`, which holds the lane against it.

use super::report::Doubt;
use crate::core::outcome::{Outcome, Silence};
use crate::core::output::Output;

/// What the lane shows of an event's outcome, where the input alone cannot tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneWitness {
    /// An output: the event was processed.
    Output,
    /// A dead letter: the event left no trace in the state.
    Dead,
    /// A duplicate that is kept aside: it left no trace either.
    Duplicate,
    /// Nothing, although the lane has later causes.
    Nothing,
    /// The lane cannot tell.
    Silent,
}

/// What must stand in the lane for one position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What it is; of several messages the first.
    pub value: ExpectedValue,
    /// The messages behind the first.
    pub further: Vec<ExpectedValue>,
    /// Whether further messages may stand behind something that is not known.
    pub several: bool,
    /// Whether it must be there; otherwise the event may be a duplicate of one that is gone.
    pub must: bool,
}

/// Why a duplicate has no message.
pub const DUPLICATE: &str = "its event is a duplicate";

/// The value of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedValue {
    /// This output or dead letter.
    Output(Output),
    /// This output, but for its body, which depends on state that is not known.
    Frame(Output),
    /// This output or dead letter, unless rows that lost events changed made another one of it.
    Likely(Output),
    /// Something that is not known, for this reason.
    NotKnown(Doubt),
    /// No message at all, for this reason.
    Nothing(&'static str),
}

impl Expected {
    /// Something that is not known.
    pub fn not_known(doubt: Doubt, must: bool) -> Expected {
        Expected::one(ExpectedValue::NotKnown(doubt), must)
    }

    /// One message, or none.
    pub fn one(value: ExpectedValue, must: bool) -> Expected {
        Expected { value, further: Vec::new(), several: false, must }
    }

    /// What the core said.
    pub fn outcome(outcome: Outcome, must: bool) -> Expected {
        let value = match outcome {
            Outcome::Publish(_) | Outcome::Several(_) => {
                let mut outputs = outcome.into_iter().map(ExpectedValue::Output);
                let value = outputs.next().expect("an outcome that is not silent has an output");
                return Expected { further: outputs.collect(), ..Expected::one(value, must) };
            }
            Outcome::Silent(Silence::Duplicate) => ExpectedValue::Nothing(DUPLICATE),
            Outcome::Silent(Silence::Dropped) => {
                ExpectedValue::Nothing("its event's kind is unknown, and such are dropped")
            }
            Outcome::Silent(Silence::Filtered(_)) => ExpectedValue::Nothing("a filter drops its event"),
            Outcome::Silent(Silence::Outside) => ExpectedValue::Nothing("its event is outside the replay's range"),
            Outcome::Silent(Silence::Waits) => ExpectedValue::Nothing("its event waits for a row"),
            Outcome::Silent(Silence::Tick) => ExpectedValue::Nothing("it only moves time on"),
            // Only a state that was loaded holds anything beforehand; this one never is.
            Outcome::Silent(Silence::Held) => ExpectedValue::NotKnown(Doubt::RecomputeFailed),
        };
        Expected::one(value, must)
    }

    /// What must stand at a place of the position; `None` where there is no such place.
    pub fn at(&self, n: u32) -> Option<&ExpectedValue> {
        let listed = match n.checked_sub(1) {
            None => Some(&self.value),
            Some(further) => self.further.get(further as usize),
        };
        let open = self.several && matches!(self.value, ExpectedValue::NotKnown(_));
        listed.or((open && n > 0).then_some(&self.value))
    }

    /// How many messages must stand there, if any.
    pub fn count(&self) -> u32 {
        u32::try_from(self.further.len()).expect("a plan has fewer maps than that") + 1
    }
}
