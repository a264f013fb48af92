//! Versions of a kind's events: where an event says its version, and the sections that make the next one of each.
//!
//! An entry of `upcast` makes one version of the one before it; an event runs through all entries from its own version on, and
//! says the newest version then. Whatever comes later knows no other.

use super::compiled::Place;
use crate::core::derive::compiled::{CompiledSection, SlotRequests};
use crate::core::derive::constant::Constant;
use crate::core::derive::section::{DeriveSection, MemberPath};
use crate::core::derive::spec::DeriveSpec;
use crate::core::derive::value::ValueSpec;
use crate::core::event::StoredMessage;
use crate::core::read::{KeyFault, Value};
use crate::core::rejection::{Reason, Rejection};
use crate::json::fields::Span;
use serde::{Deserialize, Serialize};

/// `version` of `[kinds.NAME]`. What it does not use is left out of its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionSpec {
    /// The member that says an event's version.
    pub at: MemberPath,
    /// The newest version, which all events have in the end.
    pub newest: u64,
    /// The version of events that do not say one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
    /// What becomes of events of a newer version.
    #[serde(default, skip_serializing_if = "NewerPolicy::is_default")]
    pub newer: NewerPolicy,
}

/// `version.newer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewerPolicy {
    /// They become dead letters.
    #[default]
    DeadLetter,
    /// They are processed as they are.
    Forward,
}

impl NewerPolicy {
    fn is_default(&self) -> bool {
        *self == NewerPolicy::DeadLetter
    }
}

impl VersionSpec {
    /// The version that the first of so many entries of `upcast` begins with: the last one makes the newest.
    pub fn oldest(&self, entries: usize) -> u64 {
        self.newest.saturating_sub(entries as u64)
    }

    /// The section that sets the version's member to the newest.
    fn says(&self, newest: Constant) -> DeriveSection {
        let (object, name) = self.at.split();
        let set = [(name.to_owned(), DeriveSpec::Value(ValueSpec { value: newest }))].into();
        DeriveSection { into: object.to_vec(), set, ..DeriveSection::default() }
    }
}

/// The versions of a kind, ready to run.
#[derive(Clone, Debug)]
pub struct Versions {
    spec: VersionSpec,
    at: Place,
    oldest: u64,
    steps: Vec<CompiledSection>,
    number: CompiledSection,
    text: CompiledSection,
}

/// What an event runs through to become one of the newest version.
#[derive(Clone, Copy, Debug)]
pub struct UpcastWay<'a> {
    /// The entries of `upcast` from its own version on.
    pub steps: &'a [CompiledSection],
    /// What makes it say the newest version, where it does not.
    pub says: Option<&'a CompiledSection>,
}

impl Versions {
    /// Over a version and an `upcast` that go together; `rule` is the name of the kind for its rules.
    pub fn compile(
        spec: &VersionSpec,
        upcast: &[DeriveSection],
        rule: &str,
        places: &mut dyn SlotRequests,
    ) -> Versions {
        let step =
            |(number, section)| CompiledSection::compile(&format!("{rule}.upcast.{number}.when"), section, places);
        let steps = upcast.iter().enumerate().map(step).collect();
        let number = spec.says(Constant::Number(spec.newest.into()));
        let text = spec.says(Constant::Text(spec.newest.to_string()));
        Versions {
            at: Place::Field(places.member(spec.at.names())),
            oldest: spec.oldest(upcast.len()),
            steps,
            number: CompiledSection::compile("", &number, places),
            text: CompiledSection::compile("", &text, places),
            spec: spec.clone(),
        }
    }

    /// The way of an event, or why it has none.
    pub fn way(&self, message: &StoredMessage, spans: &[Span]) -> Result<UpcastWay<'_>, Rejection> {
        let said = Value::at(&self.at, message, spans);
        let is_text = matches!(&said, Value::Json { raw, .. } if raw.first() == Some(&b'"'));
        let (version, is_said) = match said.key() {
            Ok(text) => (whole(text.bytes(&message.payload)).ok_or_else(no_version)?, true),
            Err(KeyFault::Bad) => return Err(no_version()),
            Err(KeyFault::None) => (self.spec.missing.ok_or_else(says_none)?, false),
        };
        if version > self.spec.newest {
            return match self.spec.newer {
                NewerPolicy::DeadLetter => Err(newer()),
                NewerPolicy::Forward => Ok(UpcastWay { steps: &[], says: None }),
            };
        }
        let done = version.checked_sub(self.oldest).and_then(|done| usize::try_from(done).ok()).ok_or_else(older)?;
        let says = if is_text { &self.text } else { &self.number };
        let is_newest = is_said && version == self.spec.newest;
        Ok(UpcastWay { steps: self.steps.get(done..).unwrap_or_default(), says: (!is_newest).then_some(says) })
    }
}

/// A whole number in digits alone; one that is too large for any version is the largest.
fn whole(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(digits.parse().unwrap_or(u64::MAX))
}

fn rejected(sentence: &'static str) -> Rejection {
    Rejection::new(Reason::Version, sentence)
}

fn no_version() -> Rejection {
    rejected("the field that `version.at` names is no whole number and no text of digits")
}

fn says_none() -> Rejection {
    rejected("the field that `version.at` names is absent or null, and `version.missing` is not set")
}

fn older() -> Rejection {
    rejected("the event's version is older than the first that `upcast` begins with")
}

fn newer() -> Rejection {
    rejected(
        "the event's version is newer than `version.newest`: add the version, or set `version.newer = \"forward\"`",
    )
}

#[cfg(test)]
mod tests;
