//! What an event breaks of the rules of its quality, and what follows.
//!
//! Looks at the event and its joined rows, and decides nothing about the state: a dead letter leaves it as it was, whatever
//! the reason.

use super::event::Event;
use super::expr::{ConditionAnswer, Why};
use super::join::JoinedRows;
use super::plan::compiled::{Kind, Plan};
use super::plan::condition::SeenEvent;
use super::plan::quality::{OnViolation, Quality, QualityCheck, Rule};
use super::read::Value;
use super::rejection::{Reason, Rejection};
use super::tally::Tally;
use crate::json::fields::Span;
use crate::json::text::escape_into;

/// So many broken rules are named in the sentence of a dead letter: a header is no report.
const NAMED: usize = 8;

/// What the marks of an output hold: of each of the kind's sections that broke something and marks it, the section's place
/// in `Kind::quality` and a JSON array.
pub type Marks = Vec<(usize, Vec<u8>)>;

/// Asks all rules of the event's kind, and counts each that could be judged.
pub fn judge(
    kind: &Kind,
    event: &Event,
    spans: &[Span],
    joined: &JoinedRows<'_>,
    tally: &mut Tally,
) -> Result<Marks, Rejection> {
    let mut marks = Marks::new();
    if event.message.payload.is_empty() {
        // It only takes something away: there is nothing in it to judge.
        return Ok(marks);
    }
    let mut refused = None;
    let has_id = event.reading.as_ref().is_ok_and(|reading| reading.identity.is_some());
    let seen = SeenEvent { rows: &joined.rows, ..event.seen(spans) };
    for (at, section) in kind.quality.iter().enumerate() {
        let broken = broken(section, seen, has_id, tally);
        if broken.is_empty() {
            continue;
        }
        match section.on_violation {
            OnViolation::Count => {}
            OnViolation::Mark => marks.push((at, list(&broken))),
            OnViolation::DeadLetter => {
                refused.get_or_insert_with(|| Rejection::new(Reason::Quality, sentence(&broken)));
            }
        }
    }
    refused.map_or(Ok(marks), Err)
}

/// Counts a duplicate of a kind whose events should be unique.
pub fn repeated(plan: &Plan, event: &Event, tally: &mut Tally) {
    if event.message.payload.is_empty() {
        return;
    }
    let sections = plan.kinds.get(usize::from(event.kind)).into_iter().flat_map(|kind| &kind.quality);
    let rules = sections.flat_map(|section| &section.rules);
    rules.filter(|rule| matches!(rule.check, QualityCheck::Unique)).for_each(|rule| tally.judged(rule.number, false));
}

/// The rules of a section that an event breaks, in the order of their names.
fn broken<'a>(section: &'a Quality, seen: SeenEvent<'_>, has_id: bool, tally: &mut Tally) -> Vec<&'a Rule> {
    let mut broken = Vec::new();
    for rule in &section.rules {
        let holds = match &rule.check {
            QualityCheck::Complete(place) => is_there(&Value::at(place, seen.message, seen.spans)),
            // That something has to be there is another rule; what comes so far is no duplicate.
            QualityCheck::Unique if has_id => true,
            QualityCheck::Unique => continue,
            QualityCheck::Valid(test) => match test.holds(seen) {
                ConditionAnswer::True => true,
                ConditionAnswer::False | ConditionAnswer::Unknown(Why::Broken) => false,
                // That something has to be there is another rule.
                ConditionAnswer::Unknown(Why::Absent) => {
                    tally.unknown(&[(test.rule, Why::Absent)]);
                    continue;
                }
            },
        };
        tally.judged(rule.number, holds);
        if !holds {
            broken.push(rule);
        }
    }
    broken
}

fn is_there(value: &Value<'_>) -> bool {
    match value {
        Value::Absent => false,
        Value::Json { raw, .. } => !matches!(*raw, b"null" | b"\"\""),
        Value::Outside(text) => !text.is_empty(),
    }
}

/// The rules' names as a JSON array.
fn list(broken: &[&Rule]) -> Vec<u8> {
    let mut json = vec![b'['];
    for (number, rule) in broken.iter().enumerate() {
        if number > 0 {
            json.push(b',');
        }
        escape_into(&mut json, &rule.name);
    }
    json.push(b']');
    json
}

fn sentence(broken: &[&Rule]) -> String {
    let names: Vec<String> =
        broken.iter().take(NAMED).map(|rule| format!("`{}`", rule.name.escape_default())).collect();
    let further = match broken.len() - names.len() {
        0 => String::new(),
        further => format!(" and {further} more"),
    };
    format!("the event breaks {}{further} of its quality", names.join(", "))
}
