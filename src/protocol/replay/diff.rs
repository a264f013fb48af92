//! What a replay published against what was published before: a merge join of two lanes by position.
//!
//! Takes both in their order and holds no more than one side is ahead of the other; `wants` says which is needed next.
//! Subjects are compared without the replay's prefix, and the headers of run and numbering not at all.

use super::fields::{FieldDifference, differences};
use crate::core::event::StoredMessage;
use crate::core::ids::Position;
use crate::core::output::{Output, POSITION, REASON, REWINDS, RUN, TIME};
use crate::protocol::header::LaneMessage;
use bytes::Bytes;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Examples of each sort, and how many more to show a field that none of them shows.
const EXAMPLES: usize = 3;
const MORE_EXAMPLES: usize = 9;
/// Fields that are counted by name; what comes beyond is counted together.
const FIELDS: usize = 1_000;
/// The name under which they are counted.
const OTHERS: &str = "(other fields)";

/// One outcome that was published, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its cause, and which of the cause's outputs it is.
    pub key: (Position, u32),
    /// Its subject.
    pub subject: Arc<str>,
    /// A dead letter's reason.
    pub dead: Option<String>,
    /// The headers that are compared, sorted.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub payload: Bytes,
}

impl Published {
    /// Reads a message of a lane; `None` when it is not ours.
    pub fn read(message: &StoredMessage) -> Option<Published> {
        let ours = LaneMessage::read(message)?;
        let all = message.headers.iter().flat_map(|list| list.iter().cloned());
        Some(Published::new((ours.cause, ours.n), message.subject.clone(), all, message.payload.clone()))
    }

    /// What the core made, before it is in any lane.
    pub fn of(output: &Output) -> Published {
        let copied = output.copied.iter().flat_map(|list| list.iter().cloned());
        let own = output.own_headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Published::new((output.position, output.n), output.subject.clone(), copied.chain(own), output.payload.clone())
    }

    fn new(
        key: (Position, u32),
        subject: Arc<str>,
        headers: impl Iterator<Item = (String, String)>,
        payload: Bytes,
    ) -> Published {
        let counts = |name: &str| ![POSITION, REWINDS, RUN, TIME].contains(&name) && !name.starts_with("Nats-");
        let mut headers: Vec<_> = headers.filter(|(name, _)| counts(name)).collect();
        // Stable: the order of one name's values is all that order means in headers.
        headers.sort_by(|a, b| a.0.cmp(&b.0));
        let dead = headers.iter().find(|(name, _)| name == REASON).map(|(_, reason)| reason.clone());
        Published { key, subject, dead, headers, payload }
    }

    fn outcome(&self) -> String {
        self.dead.as_ref().map_or("output".to_owned(), |reason| format!("dead letter: {reason}"))
    }
}

/// One of the two lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffSide {
    /// What was published before.
    Before,
    /// What the replay published.
    After,
}

/// How often a field differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FieldCount {
    /// There before and after, with another value.
    pub changed: u64,
    /// Only there now.
    pub added: u64,
    /// Only there before.
    pub removed: u64,
}

/// A sort of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Both have it, and it differs.
    Changed,
    /// It was published before, and is not now.
    Missing,
    /// It is published now, and was not before.
    Extra,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiffExample {
    /// The event's position.
    pub position: Position,
    /// The subject that it had before, or has now without the prefix.
    pub subject: String,
    /// `output`, or `dead letter: REASON`; of a change, before.
    pub outcome: String,
    /// In what it differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldDifference>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DiffReport {
    /// Outcomes that are as before.
    pub same: u64,
    /// See `Sort`; the next two likewise.
    pub changed: u64,
    /// Missing.
    pub missing: u64,
    /// Extra.
    pub extra: u64,
    /// Outcomes of positions of which nobody knows what was published: retention took it, or it is not published yet.
    pub unknown: u64,
    /// Which fields differ, and how often.
    pub fields: BTreeMap<String, FieldCount>,
    /// The first findings of each sort.
    pub examples: BTreeMap<Sort, Vec<DiffExample>>,
}

/// A comparison on its way.
#[derive(Debug)]
pub struct Diff {
    /// What stands before every subject of the replay, its dot included.
    prefix: String,
    /// The positions of which it is known what was published.
    known: std::ops::RangeInclusive<u64>,
    before: VecDeque<Published>,
    after: VecDeque<Published>,
    before_ended: bool,
    after_ended: bool,
    shown: BTreeSet<String>,
    report: DiffReport,
}

impl Diff {
    /// Compares a replay whose subjects begin with a prefix; `known` are the positions that the lane before covers.
    pub fn new(prefix: &str, known: std::ops::RangeInclusive<u64>) -> Diff {
        Diff {
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}.") },
            known,
            before: VecDeque::new(),
            after: VecDeque::new(),
            before_ended: false,
            after_ended: false,
            shown: BTreeSet::new(),
            report: DiffReport::default(),
        }
    }

    /// The side whose next message is needed; `None` when both have ended.
    pub fn wants(&self) -> Option<DiffSide> {
        match (self.before_ended, self.after_ended) {
            (true, true) => None,
            (false, true) => Some(DiffSide::Before),
            (true, false) => Some(DiffSide::After),
            (false, false) if self.before.is_empty() => Some(DiffSide::Before),
            (false, false) => Some(DiffSide::After),
        }
    }

    /// Takes the next outcome of a side.
    pub fn take(&mut self, side: DiffSide, published: Published) {
        match side {
            DiffSide::Before => self.before.push_back(published),
            DiffSide::After => self.after.push_back(published),
        }
        self.advance();
    }

    /// A side has no more.
    pub fn end(&mut self, side: DiffSide) {
        match side {
            DiffSide::Before => self.before_ended = true,
            DiffSide::After => self.after_ended = true,
        }
        self.advance();
    }

    /// Ends both and gives the report.
    pub fn finish(mut self) -> DiffReport {
        self.end(DiffSide::Before);
        self.end(DiffSide::After);
        self.report
    }

    fn advance(&mut self) {
        loop {
            let turn = match (self.before.front(), self.after.front()) {
                (Some(before), Some(after)) => before.key.cmp(&after.key),
                (Some(_), None) if self.after_ended => std::cmp::Ordering::Less,
                (None, Some(_)) if self.before_ended => std::cmp::Ordering::Greater,
                _ => return,
            };
            let before = if turn.is_le() { self.before.pop_front() } else { None };
            let after = if turn.is_ge() { self.after.pop_front() } else { None };
            self.weigh(before, after);
        }
    }

    fn weigh(&mut self, before: Option<Published>, after: Option<Published>) {
        match (before, after) {
            (Some(before), Some(after)) => self.pair(&before, &after),
            (Some(before), None) => {
                self.report.missing += 1;
                self.example(Sort::Missing, &before.subject, &before, Vec::new());
            }
            (None, Some(after)) if !self.known.contains(&after.key.0.0) => self.report.unknown += 1,
            (None, Some(after)) => {
                self.report.extra += 1;
                let subject = self.without_prefix(&after.subject).to_owned();
                self.example(Sort::Extra, &subject, &after, Vec::new());
            }
            (None, None) => {}
        }
    }

    fn pair(&mut self, before: &Published, after: &Published) {
        let found = self.compare(before, after);
        if found.is_empty() {
            self.report.same += 1;
            return;
        }
        self.report.changed += 1;
        for difference in &found {
            let known = self.report.fields.len() < FIELDS || self.report.fields.contains_key(&difference.field);
            let name = if known { difference.field.clone() } else { OTHERS.to_owned() };
            let count = self.report.fields.entry(name).or_default();
            match (&difference.before, &difference.after) {
                (None, _) => count.added += 1,
                (_, None) => count.removed += 1,
                _ => count.changed += 1,
            }
        }
        self.example(Sort::Changed, &before.subject, before, found);
    }

    fn compare(&self, before: &Published, after: &Published) -> Vec<FieldDifference> {
        if before.outcome() != after.outcome() {
            // What an output and a dead letter have of their own differs anyway.
            return vec![FieldDifference::of_texts("outcome", Some(&before.outcome()), Some(&after.outcome()))];
        }
        let mut found = differences(&before.payload, &after.payload);
        let subject = self.without_prefix(&after.subject);
        if *before.subject != *subject {
            found.push(FieldDifference::of_texts("subject", Some(&before.subject), Some(subject)));
        }
        if before.headers != after.headers {
            header_differences(&before.headers, &after.headers, &mut found);
        }
        found
    }

    fn without_prefix<'a>(&self, subject: &'a str) -> &'a str {
        subject.strip_prefix(self.prefix.as_str()).unwrap_or(subject)
    }

    fn example(&mut self, sort: Sort, subject: &str, of: &Published, fields: Vec<FieldDifference>) {
        let examples = self.report.examples.entry(sort).or_default();
        let new = fields.iter().any(|field| !self.shown.contains(&field.field));
        if examples.len() < EXAMPLES || (new && examples.len() < EXAMPLES + MORE_EXAMPLES) {
            self.shown.extend(fields.iter().map(|field| field.field.clone()));
            examples.push(DiffExample {
                position: of.key.0,
                subject: subject.to_owned(),
                outcome: of.outcome(),
                fields,
            });
        }
    }
}

fn header_differences(before: &[(String, String)], after: &[(String, String)], found: &mut Vec<FieldDifference>) {
    let values = |list: &[(String, String)], name: &str| -> Option<String> {
        let all: Vec<&str> = list.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
        (!all.is_empty()).then(|| all.join(", "))
    };
    let names: BTreeSet<&str> = before.iter().chain(after).map(|(name, _)| name.as_str()).collect();
    for name in names {
        let (old, new) = (values(before, name), values(after, name));
        if old != new {
            found.push(FieldDifference::of_texts(format!("header {name}"), old.as_deref(), new.as_deref()));
        }
    }
}

#[cfg(test)]
mod tests;
