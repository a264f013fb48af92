//! Which outcomes leave: the range of positions and the subjects of a replay.
//!
//! Every event works on the state, wherever it stands; one outside has the outcome "nothing". Belongs to the plan, so
//! that outcomes stay a function of input and plan. No broker and no clock: times are positions by now.

use crate::core::event::StoredMessage;
use crate::core::ids::Position;
use serde::{Deserialize, Serialize};

/// The events that have outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        let within = (self.from.0..=self.until.0).contains(&message.sequence);
        within && self.subject.as_ref().is_none_or(|filter| matches(filter, &message.subject))
    }
}

/// Whether a filter (`*` is one token, `>` at the end one or more) covers a subject.
pub fn matches(filter: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for part in filter.split('.') {
        match (part, tokens.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (part, Some(token)) if part == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

/// What is wrong with a filter, as a sentence.
pub fn filter_fault(filter: &str) -> Option<String> {
    let tokens: Vec<&str> = filter.split('.').collect();
    let bad = |(at, token): (usize, &&str)| {
        let wildcard = *token == "*" || (*token == ">" && at + 1 == tokens.len());
        let unsafe_text = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '>');
        token.is_empty() || (token.contains(unsafe_text) && !wildcard)
    };
    tokens.iter().enumerate().any(bad).then(|| {
        format!(
            "`{filter}` is no subject filter: tokens stand between single dots, `*` is a whole token, `>` only the last"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_follow_the_rules_of_nats() {
        for (filter, subject, expected) in [
            ("events.user", "events.user", true),
            ("events.user", "events.users", false),
            ("events.*", "events.user", true),
            ("events.*", "events.user.x", false),
            ("events.>", "events.user.x", true),
            ("events.>", "events", false),
            (">", "a", true),
            ("*.user", "events.user", true),
            ("events", "events.user", false),
        ] {
            assert_eq!(matches(filter, subject), expected, "{filter} {subject}");
        }
        for good in ["a", "a.*.b", "a.>", ">"] {
            assert_eq!(filter_fault(good), None);
        }
        for bad in ["", "a..b", "a*", "a.>.b", "a b"] {
            assert!(filter_fault(bad).is_some(), "{bad}");
        }
    }
}
