//! Which way an output goes: the first of its kind's routes that holds, or the usual subject.
//!
//! Looks at the event and its joined rows, and decides nothing about the state.

use super::expr::{Answer, Why};
use super::plan::compiled::Kind;
use super::plan::condition::{RuleId, Seen};
use super::plan::template::Template;

/// The way of one output.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// To the subject of `output.subject`.
    Usual,
    /// To another subject.
    To(&'a Template),
    /// Nowhere: the rule that drops it.
    Dropped(RuleId),
}

/// The way of an event's usual output; `unknown` takes the conditions on the way there that could not be judged.
pub fn way<'a>(kind: &'a Kind, seen: Seen<'_>, unknown: &mut Vec<(RuleId, Why)>) -> Way<'a> {
    for route in &kind.routes {
        match route.when.as_ref().map_or(Answer::True, |when| when.holds(seen)) {
            Answer::True => return route.subject.as_deref().map_or(Way::Dropped(route.rule), Way::To),
            Answer::False => {}
            Answer::Unknown(why) => unknown.push((route.rule, why)),
        }
    }
    Way::Usual
}
