//! What came of a case against what it expects: every difference, and nothing passes unnamed.
//!
//! Finds, and does not print.

use super::align::pairs;
use super::body::{BodyDifference, CompareManner, agree, differences, fits};
use super::file::Case;
use super::output::{ActualLine, ExpectedLine, NOTE};
use super::ways::CaseRun;
use crate::core::outcome::{Outcome, Silence};
use crate::core::plan::compiled::Plan;
use crate::core::rejection::Reason;
use crate::engine::restore::stored_rows;
use crate::ports::store::StoreError;

/// A way in which a case is not as it says.
#[derive(Debug)]
pub(super) enum CaseFailure {
    /// An output is another one.
    Differs(Box<Differs>),
    /// An output did not come.
    Missing {
        /// What was expected.
        expected: ExpectedLine,
    },
    /// An output that nobody expected.
    Extra {
        /// Which of the outputs, from 1.
        at: usize,
        /// What came.
        was: ActualLine,
    },
    /// Events without an output, for a reason that the case names another number of times.
    Silent {
        /// The reason.
        why: Silence,
        /// How many the case names.
        named: u64,
        /// The numbers of the input lines.
        lines: Vec<u64>,
    },
    /// The state is another one.
    State {
        /// What of it.
        of: String,
        /// What was expected.
        expected: String,
        /// What is there.
        was: String,
    },
}

/// An output that is another one than expected.
#[derive(Debug)]
pub(super) struct Differs {
    /// Which of the outputs, from 1.
    pub(super) at: usize,
    /// How many came.
    pub(super) of: usize,
    /// What was expected.
    pub(super) expected: ExpectedLine,
    /// What came.
    pub(super) was: ActualLine,
    /// What was expected of headers, body, and reason.
    pub(super) parts: ExpectedParts,
    /// The members of the body that differ.
    pub(super) members: Vec<BodyDifference>,
    /// Everything that differs, by name.
    pub(super) fields: Vec<String>,
}

/// What follows the subject of an expected line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ExpectedParts {
    /// The headers, with a space behind.
    pub(super) headers: String,
    /// The body.
    pub(super) body: String,
    /// A dead letter's reason and sentence.
    pub(super) note: Option<String>,
}

/// What was found, and what `--update` would write.
#[derive(Debug)]
pub(super) struct JudgedCase {
    /// What is wrong; nothing where the case passes.
    pub(super) failures: Vec<CaseFailure>,
    /// The lines of the outputs that came; those that agree as the case wrote them.
    pub(super) lines: Vec<String>,
    /// Events that a rule dropped.
    pub(super) dropped: u64,
    /// Duplicates.
    pub(super) duplicates: u64,
    /// Events that still wait at the end.
    pub(super) waiting: u64,
}

/// Judges a case.
pub(super) fn judge(plan: &Plan, case: &Case, ran: &CaseRun) -> Result<JudgedCase, StoreError> {
    let was: Vec<ActualLine> = ran.outcomes.iter().cloned().flatten().map(|output| ActualLine::of(&output)).collect();
    let as_expected = |expected: usize, at: usize| match (case.expected.get(expected), was.get(at)) {
        (Some(expected), Some(was)) => agrees(expected, was, case.manner),
        _ => false,
    };
    let (mut failures, mut lines) = (Vec::new(), Vec::new());
    for (left, right) in pairs(case.expected.len(), was.len(), as_expected) {
        let (expected, came) = (left.and_then(|at| case.expected.get(at)), right.and_then(|at| was.get(at)));
        let at = right.unwrap_or_default() + 1;
        lines.extend(came.map(|came| match expected {
            Some(expected) if agrees(expected, came, case.manner) => expected.text.clone(),
            _ => came.line(),
        }));
        match (expected, came) {
            (Some(expected), Some(came)) if agrees(expected, came, case.manner) => {}
            (Some(expected), Some(came)) => failures.push(differs(at, was.len(), expected, came, case.manner)),
            (Some(expected), None) => failures.push(CaseFailure::Missing { expected: expected.clone() }),
            (None, Some(came)) => failures.push(CaseFailure::Extra { at, was: came.clone() }),
            (None, None) => {}
        }
    }
    let counts = [
        (Silence::Dropped, case.dropped),
        (Silence::Duplicate, case.duplicates),
        (Silence::Outside, 0),
        (Silence::Held, 0),
    ];
    let [dropped, duplicates, outside, held] = counts.map(|(why, named)| (why, named, silent(ran, why)));
    let mut silent = [dropped, duplicates, outside, held, (Silence::Waits, case.waiting, ran.waiting.clone())];
    let [dropped, duplicates, _, _, waiting] = silent.each_ref().map(|(.., lines)| lines.len() as u64);
    for (why, named, lines) in &mut silent {
        if *named != lines.len() as u64 {
            let first = ran.each.iter().find_map(|outcome| match outcome {
                Outcome::Silent(of) if of.any_rule() == *why => Some(*of),
                _ => None,
            });
            failures.push(CaseFailure::Silent {
                why: first.unwrap_or(*why),
                named: *named,
                lines: std::mem::take(lines),
            });
        }
    }
    failures.extend(case.state.judge(&plan.layout, |key| stored_rows(&ran.store, key))?);
    Ok(JudgedCase { failures, lines, dropped, duplicates, waiting })
}

/// The input lines of the events that have no output for a reason.
fn silent(ran: &CaseRun, why: Silence) -> Vec<u64> {
    let events = ran.explained.iter().zip(&ran.each);
    let silent = events.filter(|(_, outcome)| matches!(outcome, Outcome::Silent(of) if of.any_rule() == why));
    silent.map(|(event, _)| event.position.0).collect()
}

fn agrees(expected: &ExpectedLine, was: &ActualLine, manner: CompareManner) -> bool {
    let place = expected.number.is_none_or(|number| number == was.number) && expected.subject == was.subject;
    place
        && match manner {
            CompareManner::Bytes => fits(&expected.rest, &was.rest()),
            CompareManner::Members => {
                let parts = ExpectedParts::of(&expected.rest, &was.headers);
                let headers = parts.headers.is_empty() || parts.headers == was.headers;
                headers && note_fits(&parts, was, manner) && agree(&parts.body, &was.body, manner)
            }
        }
}

/// Whether a dead letter has the reason that was expected; members alone may leave it out.
fn note_fits(parts: &ExpectedParts, was: &ActualLine, manner: CompareManner) -> bool {
    match (&parts.note, &was.note) {
        (None, None) => true,
        (None, Some(_)) => manner == CompareManner::Members,
        (Some(expected), Some(was)) => fits(expected, was),
        (Some(_), None) => false,
    }
}

fn differs(at: usize, of: usize, expected: &ExpectedLine, was: &ActualLine, manner: CompareManner) -> CaseFailure {
    let parts = ExpectedParts::of(&expected.rest, &was.headers);
    let mut fields: Vec<String> = Vec::new();
    if expected.number.is_some_and(|number| number != was.number) {
        fields.push("input line".to_owned());
    }
    if expected.subject != was.subject {
        fields.push("subject".to_owned());
    }
    if parts.headers != was.headers && (manner == CompareManner::Bytes || !parts.headers.is_empty()) {
        fields.push("headers".to_owned());
    }
    let mut members = Vec::new();
    if !agree(&parts.body, &was.body, manner) {
        members = differences(&parts.body, &was.body, manner);
        fields.extend(members.iter().map(|member| member.name.clone()));
        if members.is_empty() {
            fields.push("bytes".to_owned());
        }
    }
    if !note_fits(&parts, was, manner) {
        fields.push("reason".to_owned());
    }
    let (expected, was) = (expected.clone(), was.clone());
    CaseFailure::Differs(Box::new(Differs { at, of, expected, was, parts, members, fields }))
}

impl ExpectedParts {
    /// Takes what follows a subject apart; `headers` are those of the output at its place, which it begins with as a rule.
    fn of(rest: &str, headers: &str) -> ExpectedParts {
        // Without a body, nothing stands behind the headers' last space.
        let whole = || (rest == headers.trim_end()).then_some("");
        let (of, behind) = match rest.strip_prefix(headers).or_else(whole).filter(|_| !headers.is_empty()) {
            Some(behind) => (headers, behind),
            // Other headers than those that came, if what stands before the body looks like headers.
            None => match rest.find(" {").map(|at| rest.split_at(at + 1)) {
                Some((of, behind))
                    if !of.starts_with(['{', '[', '"', '…'])
                        && of.split_whitespace().all(|word| word.contains('=')) =>
                {
                    (of, behind)
                }
                _ => ("", rest),
            },
        };
        let is_reason = |note: &str| {
            let word = note.split_whitespace().next().unwrap_or_default();
            Reason::ALL.iter().any(|reason| reason.code() == word)
        };
        // A dead letter without a body has nothing before its note.
        let (body, note) = match behind.rsplit_once(NOTE).or_else(|| Some(("", behind.strip_prefix("# ")?))) {
            Some((body, note)) if is_reason(note) => (body, Some(note.to_owned())),
            _ => (behind, None),
        };
        ExpectedParts { headers: of.to_owned(), body: body.to_owned(), note }
    }
}
