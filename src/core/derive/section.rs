//! `[[derive]]` as data: what is worked out from an event alone, before anything else is done with it.
//!
//! A section makes a new text of the event, in which members are set, renamed, masked or removed; whatever comes later sees
//! that text and no other. A section's members are all worked out from the text that it began with. Rules about sections are
//! those of `plan::check`.

use super::mask::Mask;
use super::salt::Salt;
use super::spec::DeriveSpec;
use crate::core::plan::condition::Condition;
use crate::core::plan::kinds::applies;
use crate::core::plan::selector::{Selector, dotted, index};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One section. What it does not use is left out of its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeriveSection {
    /// The kind sections that it applies to; none: every event, also those of unknown kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Where it applies; everywhere without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// The path of the object whose members are set; empty for the top level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub into: Vec<String>,
    /// Whether that object is made where it is not there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
    /// What becomes of a member that cannot be worked out.
    #[serde(default, skip_serializing_if = "OnError::is_default")]
    pub on_error: OnError,
    /// The members that go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<MemberPath>,
    /// Members that get another name in the same object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<MemberPath, String>,
    /// Members whose values are hidden where they are there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mask: BTreeMap<MemberPath, Mask>,
    /// The salt of those that are hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<Salt>,
    /// Members of `into` and how their values are worked out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, DeriveSpec>,
}

/// `derive.on_error`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The member is null.
    #[default]
    Null,
    /// The member is left out, and removed where the event has it.
    Omit,
    /// The event becomes a dead letter.
    DeadLetter,
}

impl OnError {
    /// Whether nothing has to be said of it.
    pub fn is_default(&self) -> bool {
        *self == OnError::Null
    }
}

/// The path of one member of the event's JSON, never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MemberPath(Vec<String>);

impl MemberPath {
    /// Parses the notation with dots.
    pub fn parse(text: &str) -> Result<MemberPath, String> {
        match Selector::parse(text)? {
            Selector::Path(names) if names.iter().any(|name| index(name).is_some()) => {
                Err(format!("`{text}` lies in an array: only members of objects can be named here"))
            }
            Selector::Path(names) => Ok(MemberPath(names)),
            _ => Err(format!(
                "`{text}` is outside the event's JSON: name one of its members, such as `properties.email`"
            )),
        }
    }

    /// The names, from the top level on.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The object that the member is in, and the member's own name.
    pub fn split(&self) -> (&[String], &str) {
        let (name, object) = self.0.split_last().expect("a path has at least one name");
        (object, name)
    }
}

impl TryFrom<String> for MemberPath {
    type Error = String;

    fn try_from(text: String) -> Result<MemberPath, String> {
        MemberPath::parse(&text)
    }
}

impl From<MemberPath> for String {
    fn from(path: MemberPath) -> String {
        dotted(&path.0)
    }
}

/// Whether one of two places is the other or lies in it.
pub fn overlap(one: &[String], other: &[String]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

impl DeriveSection {
    /// Whether it applies to a kind section; `None` is the unknown kind.
    pub fn applies_to(&self, kind: Option<&str>) -> bool {
        applies(&self.kinds, kind)
    }

    /// Whether members go or are hidden: then no dead letter may carry the event as it came.
    pub fn hides(&self) -> bool {
        !self.remove.is_empty() || !self.mask.is_empty()
    }

    /// Whether a salt is used.
    pub fn hashes(&self) -> bool {
        self.mask.values().any(|mask| *mask == Mask::Hash)
    }

    /// Whether it does nothing at all.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.rename.is_empty() && !self.hides()
    }

    /// The full path of a member that it sets.
    pub fn set_path(&self, name: &str) -> Vec<String> {
        self.into.iter().map(String::as_str).chain([name]).map(str::to_owned).collect()
    }

    /// The same section with only what it does to some members.
    pub fn part(&self, wanted: impl Fn(&[String]) -> bool) -> DeriveSection {
        let mut part = self.clone();
        part.set.retain(|name, _| wanted(&self.set_path(name)));
        part.rename.retain(|from, to| wanted(from.names()) || wanted(&renamed(from, to)));
        part.remove.retain(|path| wanted(path.names()));
        part.mask.retain(|path, _| wanted(path.names()));
        if !part.hashes() {
            part.salt = None;
        }
        part
    }

    /// Every member that it writes, removes or moves, as full paths.
    pub fn written(&self) -> impl Iterator<Item = Vec<String>> + '_ {
        let set = self.set.keys().map(|name| self.set_path(name));
        let renamed = self.rename.iter().flat_map(|(from, to)| [from.names().to_vec(), renamed(from, to)]);
        let hidden = self.remove.iter().chain(self.mask.keys()).map(|path| path.names().to_vec());
        set.chain(renamed).chain(hidden)
    }
}

/// The path of a member under its new name.
pub fn renamed(from: &MemberPath, to: &str) -> Vec<String> {
    from.split().0.iter().map(String::as_str).chain([to]).map(str::to_owned).collect()
}
