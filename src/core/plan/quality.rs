//! `[[quality]]`: rules about what an event should be, and what becomes of one that breaks them.
//!
//! As data and compiled; `core::quality` asks them. They are asked behind the joins, so that a condition may read rows.

use super::compiled::Place;
use super::condition::{Condition, ResolvedCondition};
use super::kinds::applies;
use super::selector::Selector;
use crate::core::columns::ColumnId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The member of an output that lists the broken rules, where the operator names none.
const MARK: &str = "quality";
/// The name of the rule about ids.
pub const UNIQUE: &str = "unique";

/// One section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualitySpec {
    /// The kind sections that it applies to; none: every event, also those of unknown kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Places at which there must be something, neither null nor `""`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complete: Vec<Selector>,
    /// Whether duplicates are counted: no two events should have one id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// What must hold, by the name that it is counted by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub valid: BTreeMap<String, Condition>,
    /// What becomes of an event that breaks a rule; it is counted in any case.
    #[serde(default)]
    pub on_violation: OnViolation,
    /// Where an output lists what its event broke, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
}

/// `quality.on_violation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnViolation {
    /// Nothing.
    #[default]
    Count,
    /// Its output lists the rules.
    Mark,
    /// It becomes a dead letter.
    DeadLetter,
}

impl QualitySpec {
    /// Whether it applies to a kind section; `None` is the unknown kind.
    pub fn applies_to(&self, kind: Option<&str>) -> bool {
        applies(&self.kinds, kind)
    }

    /// The member that lists the broken rules, where outputs have one.
    pub fn marks(&self) -> Option<&str> {
        (self.on_violation == OnViolation::Mark).then(|| self.mark.as_deref().unwrap_or(MARK))
    }

    /// The names of its rules, in the order of the configuration.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        let unique = self.unique.then(|| UNIQUE.to_owned());
        self.complete.iter().map(complete_name).chain(self.valid.keys().map(|name| valid_name(name))).chain(unique)
    }
}

/// The name of a rule about a place.
pub fn complete_name(place: &Selector) -> String {
    format!("complete.{place}")
}

/// The name of a rule with a condition.
pub fn valid_name(name: &str) -> String {
    format!("valid.{name}")
}

/// A section, ready to be asked about the events of one kind.
#[derive(Clone, Debug)]
pub struct Quality {
    /// The section's number in the plan.
    pub number: usize,
    /// Its rules, in the order of their names.
    pub rules: Vec<Rule>,
    /// What becomes of an event that breaks one.
    pub on_violation: OnViolation,
}

/// A rule about the events of one kind.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// Its number among all such rules of the plan, kind by kind: what is counted, is counted under it.
    pub number: usize,
    /// What it asks.
    pub check: QualityCheck,
}

/// What a rule asks.
#[derive(Clone, Debug)]
pub enum QualityCheck {
    /// That something is there.
    Complete(Place),
    /// That a condition holds.
    Valid(ResolvedCondition),
    /// That no other event has its id.
    Unique,
}

impl Quality {
    /// The columns that an outcome depends on by these rules: joins by their places in `Kind::joins`, and columns.
    pub fn columns(&self) -> impl Iterator<Item = (usize, ColumnId)> + '_ {
        let decides = self.on_violation != OnViolation::Count;
        let rules = self.rules.iter().filter(move |_| decides);
        let tests = rules.filter_map(|rule| match &rule.check {
            QualityCheck::Valid(test) => Some(test),
            QualityCheck::Complete(_) | QualityCheck::Unique => None,
        });
        tests.flat_map(ResolvedCondition::columns)
    }
}
