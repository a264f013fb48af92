//! Which outcomes leave: the range of positions and the subjects of a replay.
//!
//! Every event works on the state, wherever it stands; one outside has the outcome "nothing". Belongs to the plan, so
//! that outcomes stay a function of input and plan. No broker and no clock: times are positions by now.

use crate::core::event::StoredMessage;
use crate::core::ids::Position;
use crate::core::subject::covers;
use serde::{Deserialize, Serialize};

/// The events that have outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmitSpec {
    /// The first position.
    pub from: Position,
    /// The last position.
    pub until: Position,
    /// The subjects, with the wildcards of NATS; all of them without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl EmitSpec {
    /// Whether an event has an outcome.
    pub fn holds(&self, message: &StoredMessage) -> bool {
        self.holds_at(Position(message.sequence), &message.subject)
    }

    /// Whether what is caused at a position by an event of that subject leaves.
    pub fn holds_at(&self, cause: Position, subject: &str) -> bool {
        let within = (self.from..=self.until).contains(&cause);
        within && self.subject.as_ref().is_none_or(|filter| covers(filter, subject))
    }
}
