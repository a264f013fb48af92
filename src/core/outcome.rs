//! What became of an event: the messages that it leads to, or why there are none.
//!
//! Plain data between the step, which makes it, and those who publish, compare or count it.

use super::mutants::{Mutant, planted};
use super::output::Output;
use super::plan::condition::RuleId;
use std::iter::Chain;
use std::{option, slice, vec};

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// One output or a dead letter, which is what nearly every event leads to.
    Publish(Output),
    /// Several outputs, in the order of their numbers.
    Several(Vec<Output>),
    /// Nothing, and why.
    Silent(Silence),
}

/// Why an event has no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It was processed before.
    Duplicate,
    /// Its kind is unknown and such events are dropped, or a rule drops it.
    Dropped,
    /// A filter of this number drops it.
    Filtered(RuleId),
    /// The stored state holds it already, and so does the lane: recovery passes over it.
    Held,
    /// It stands outside what the plan lets out: it worked on the state, and that was all.
    Outside,
    /// It waits for a row; its outputs come at the position that releases it.
    Waits,
    /// It only moves stream time on.
    Tick,
}

impl Silence {
    /// The same without saying which rule it was.
    pub fn any_rule(self) -> Silence {
        match self {
            Silence::Filtered(_) => Silence::Dropped,
            other => other,
        }
    }
}

impl Outcome {
    /// These outputs, each but the last one saying that another follows, or this silence where there are none.
    pub fn of(mut outputs: Vec<Output>, silence: Silence) -> Outcome {
        match (outputs.pop(), outputs.is_empty()) {
            (None, _) => Outcome::Silent(silence),
            (Some(only), true) => Outcome::Publish(only),
            (Some(last), false) => {
                let followed = !planted(Mutant::LaterMessagesUntold);
                outputs.iter_mut().for_each(|output| output.followed = followed);
                outputs.push(last);
                Outcome::Several(outputs)
            }
        }
    }

    /// This and, behind it, what events lead to that waited and that it releases.
    pub fn releasing(self, released: impl IntoIterator<Item = Outcome>) -> Outcome {
        let silence = match &self {
            Outcome::Silent(silence) => *silence,
            Outcome::Publish(_) | Outcome::Several(_) => Silence::Outside,
        };
        let mut outputs: Vec<Output> = self.into_iter().chain(released.into_iter().flatten()).collect();
        for (n, output) in (0..).zip(&mut outputs) {
            (output.n, output.followed) = (n, false);
        }
        Outcome::of(outputs, silence)
    }

    /// The messages that it leads to, in the order of their numbers.
    pub fn outputs(&self) -> &[Output] {
        match self {
            Outcome::Publish(output) => slice::from_ref(output),
            Outcome::Several(outputs) => outputs,
            Outcome::Silent(_) => &[],
        }
    }

    /// The same, to be changed.
    pub fn outputs_mut(&mut self) -> &mut [Output] {
        match self {
            Outcome::Publish(output) => slice::from_mut(output),
            Outcome::Several(outputs) => outputs,
            Outcome::Silent(_) => &mut [],
        }
    }

    /// Whether the event was processed: it leads to something that is neither a dead letter nor a duplicate kept aside.
    pub fn is_processed(&self) -> bool {
        self.outputs().first().is_some_and(|output| output.dead.is_none() && !output.is_duplicate())
    }
}

impl IntoIterator for Outcome {
    type Item = Output;
    type IntoIter = Chain<option::IntoIter<Output>, vec::IntoIter<Output>>;

    /// The messages that it leads to, in the order of their numbers.
    fn into_iter(self) -> Self::IntoIter {
        let (one, several) = match self {
            Outcome::Publish(output) => (Some(output), Vec::new()),
            Outcome::Several(outputs) => (None, outputs),
            Outcome::Silent(_) => (None, Vec::new()),
        };
        one.into_iter().chain(several)
    }
}
