//! Which way an output goes: the first of its kind's routes that holds, or the usual subject.
//!
//! Looks at the event and its joined rows, and decides nothing about the state.

use super::expr::{ConditionAnswer, Why};
use super::plan::compiled::Kind;
use super::plan::condition::{RuleId, SeenEvent};
use super::plan::template::Template;

/// The way of one output.
#[derive(Clone, Copy, Debug)]
pub enum OutputWay<'a> {
    /// To the subject of `output.subject`.
    Usual,
    /// To another subject.
    To(&'a Template),
    /// Nowhere: the rule that drops it.
    Dropped(RuleId),
}

/// The way of an event's usual output; `unknown` takes the conditions on the way there that could not be judged.
pub fn way<'a>(kind: &'a Kind, seen: SeenEvent<'_>, unknown: &mut Vec<(RuleId, Why)>) -> OutputWay<'a> {
    for route in &kind.routes {
        match route.when.as_ref().map_or(ConditionAnswer::True, |when| when.holds(seen)) {
            ConditionAnswer::True => {
                return route.subject.as_deref().map_or(OutputWay::Dropped(route.rule), OutputWay::To);
            }
            ConditionAnswer::False => {}
            ConditionAnswer::Unknown(why) => unknown.push((route.rule, why)),
        }
    }
    OutputWay::Usual
}
