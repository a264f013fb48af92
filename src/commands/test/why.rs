//! Why an event came out as it did: which row a join asked for and which there are, which kind is unknown, what a duplicate
//! is one of.
//!
//! Told for the input lines whose outputs are not as expected, from what the core itself says of each event.

use super::judge::CaseFailure;
use super::ways::CaseRun;
use crate::config::did_you_mean;
use crate::core::explain::{AskedRow, Explained};
use crate::core::outcome::{Outcome, Silence};
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::TableId;
use std::collections::BTreeSet;

/// What explains the failures of a case, a sentence each.
pub(super) fn why(plan: &Plan, ran: &CaseRun, failures: &[CaseFailure]) -> Vec<String> {
    let why = CaseReason { plan, ran };
    let mut lines = BTreeSet::new();
    for failure in failures {
        match failure {
            CaseFailure::Differs(differs) => lines.extend([Some(differs.was.number), differs.expected.number]),
            CaseFailure::Missing { expected } => lines.extend([expected.number]),
            CaseFailure::Extra { was, .. } => lines.extend([Some(was.number)]),
            CaseFailure::Silent { lines: of, .. } => lines.extend(of.iter().copied().map(Some)),
            CaseFailure::State { .. } => {}
        }
    }
    let mut told = Vec::new();
    for sentence in lines.into_iter().flatten().flat_map(|line| why.line(line)) {
        if !told.contains(&sentence) {
            told.push(sentence);
        }
    }
    told
}

struct CaseReason<'r> {
    plan: &'r Plan,
    ran: &'r CaseRun,
}

impl CaseReason<'_> {
    fn line(&self, line: u64) -> Vec<String> {
        let events = self.ran.explained.iter().zip(&self.ran.each);
        events
            .filter(|(event, _)| event.position.0 == line)
            .flat_map(|(event, outcome)| self.event(event, outcome))
            .collect()
    }

    fn event(&self, event: &Explained, outcome: &Outcome) -> Vec<String> {
        let line = event.position.0;
        match outcome {
            Outcome::Silent(Silence::Duplicate) => self.duplicate(line, event).into_iter().collect(),
            Outcome::Silent(_) => self.unknown(line, event).into_iter().collect(),
            Outcome::Publish(output) if output.is_duplicate() => self.duplicate(line, event).into_iter().collect(),
            // A dead letter has its sentence beside it; only a miss has more to it.
            Outcome::Publish(_) | Outcome::Several(_) => {
                let unknown = self.unknown(line, event).into_iter().filter(|_| outcome.is_processed());
                let misses = event.asks.iter().filter(|asked| !asked.found).map(|asked| self.miss(line, event, asked));
                unknown.chain(misses).collect()
            }
        }
    }

    fn unknown(&self, line: u64, event: &Explained) -> Option<String> {
        if event.kind != self.plan.unknown_kind() {
            return None;
        }
        let known = self.plan.spec.kinds.keys().map(String::as_str);
        Some(match &event.kind_text {
            Some(kind) => format!(
                "line {line} is of the kind {kind:?}, which no section names: {}",
                did_you_mean(kind, "kinds", known)
            ),
            None => format!("line {line} has no kind at `{}`", self.plan.spec.event.kind),
        })
    }

    fn duplicate(&self, line: u64, event: &Explained) -> Option<String> {
        let same = |other: &&Explained| other.identity == event.identity && other.position <= event.position;
        let first = self.ran.explained.iter().rfind(|other| same(other) && self.processed(other))?;
        let window = self.plan.spec.dedup_window_s;
        Some(format!(
            "line {line} has the kind, the key and the id of line {}, less than dedup.window_s = {window} before",
            first.position
        ))
    }

    fn processed(&self, event: &Explained) -> bool {
        let mut events = self.ran.explained.iter().zip(&self.ran.each);
        events.any(|(other, outcome)| std::ptr::eq(other, event) && outcome.is_processed())
    }

    fn miss(&self, line: u64, event: &Explained, asked: &AskedRow) -> String {
        let table = self.plan.layout.table_name(asked.table).unwrap_or_default();
        let Some(key) = &event.key else {
            return format!("line {line} has no key, so that it has no row of table `{table}`");
        };
        let Some(row) = &asked.row else {
            return format!(
                "line {line} asked table `{table}` for no row: the field that selects it is absent or null"
            );
        };
        let wanted = if row.is_empty() { String::new() } else { format!(" {row:?}") };
        let what = format!("line {line} asked table `{table}` for the row{wanted} of key {key:?}");
        let has = match asked.has.as_slice() {
            [] => "that key has none".to_owned(),
            rows => {
                let fed = |row: &String| match self.fed(asked.table, key, row, event) {
                    Some(fed) => format!("line {fed} fed the row {row:?}"),
                    None => format!("there is a row {row:?}"),
                };
                rows.iter().map(fed).collect::<Vec<_>>().join(", ")
            }
        };
        format!("{what}; {has}{}", self.elsewhere(asked.table, key, row, event))
    }

    /// The last line before an event that fed a row.
    fn fed(&self, table: TableId, key: &str, row: &str, before: &Explained) -> Option<u64> {
        let fed = |event: &&Explained| event.position <= before.position && self.feeds(event, table, Some(key), row);
        self.ran.explained.iter().rfind(fed).map(|event| event.position.0)
    }

    fn feeds(&self, event: &Explained, table: TableId, key: Option<&str>, row: &str) -> bool {
        let of_key = key.is_none() || event.key.as_deref() == key;
        of_key
            && self.processed(event)
            && event.feeds.iter().any(|fed| fed.table == table && fed.row == row && !fed.removed)
    }

    /// Where the row is that was asked for: removed before, fed later, or another key's.
    fn elsewhere(&self, table: TableId, key: &str, row: &str, event: &Explained) -> String {
        let all = || self.ran.explained.iter();
        let removes = |other: &&Explained| {
            let removed = other.feeds.iter().any(|fed| fed.table == table && fed.row == row && fed.removed);
            removed && other.key.as_deref() == Some(key) && other.position <= event.position && self.processed(other)
        };
        if let Some(other) = all().rfind(removes) {
            return format!("; line {} removed it", other.position);
        }
        let later = |other: &&Explained| other.position > event.position && self.feeds(other, table, Some(key), row);
        if let Some(other) = all().find(later) {
            return format!("; line {} feeds it, later", other.position);
        }
        match all().find(|other| self.feeds(other, table, None, row)) {
            Some(other) => {
                format!("; line {} feeds it for key {:?}", other.position, other.key.as_deref().unwrap_or_default())
            }
            None => String::new(),
        }
    }
}
