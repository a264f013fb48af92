//! `[[map]]`: another message that an event leads to, beside its usual output or instead of it.
//!
//! As data here, with its rules in `check::maps`; `core::map` makes the messages. A map reads an event behind its derived
//! fields and the rows that it joins, and changes nothing: the state does not depend on it.

use super::building::Building;
use super::condition::{Condition, ResolvedCondition, RuleId};
use super::kinds::applies;
use super::selector::dotted;
use super::template::Template;
use crate::core::derive::compiled::Computed;
use crate::core::derive::section::{MemberPath, OnError};
use crate::core::derive::spec::DeriveSpec;
use crate::json::text::escape_into;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value as Words, json};

/// One map. What it does not use is left out of its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapSpec {
    /// The name under which its messages are counted.
    pub name: String,
    /// The kind sections that it applies to; none: every event, also those of unknown kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// The events that it makes a message of; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Where the message goes.
    pub subject: Template,
    /// Whether the usual output does not leave.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub instead: bool,
    /// What becomes of a member that cannot be worked out.
    #[serde(default, skip_serializing_if = "OnError::is_default")]
    pub on_error: OnError,
    /// The members in their order, by their paths in the message.
    pub fields: Vec<(MemberPath, MapField)>,
}

/// How a member of a message is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapField {
    /// By an operator of derived fields.
    Derived(DeriveSpec),
    /// By an expression, which may read joined rows.
    Calc(Condition),
}

impl MapField {
    /// Reads a place or a table of words that is no expression; the error is a sentence.
    pub fn read(words: Words) -> Result<MapField, String> {
        match words.get("calc").and_then(Words::as_str) {
            Some(text) if words.as_object().is_some_and(|words| words.len() == 1) => Condition::parse(text)
                .map(MapField::Calc)
                .map_err(|fault| format!("`{text}` cannot be computed: {}", fault.what)),
            _ => DeriveSpec::read(words).map(MapField::Derived),
        }
    }
}

impl Serialize for MapField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            MapField::Derived(spec) => spec.serialize(serializer),
            MapField::Calc(condition) => json!({ "calc": condition.expression().text() }).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for MapField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MapField, D::Error> {
        MapField::read(Words::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl MapSpec {
    /// Whether it applies to a kind section; `None` is the unknown kind.
    pub fn applies_to(&self, kind: Option<&str>) -> bool {
        applies(&self.kinds, kind)
    }

    /// The expressions of its members, with the members' paths.
    pub fn formulas(&self) -> impl Iterator<Item = (&MemberPath, &Condition)> {
        self.fields.iter().filter_map(|(path, field)| match field {
            MapField::Calc(condition) => Some((path, condition)),
            MapField::Derived(_) => None,
        })
    }
}

/// A map, ready to run.
#[derive(Clone, Debug)]
pub struct Map {
    /// Its number among the plan's rules.
    pub rule: RuleId,
    /// The events that it makes a message of; all without it.
    pub when: Option<ResolvedCondition>,
    /// Where the message goes.
    pub subject: Template,
    /// Whether the usual output does not leave.
    pub instead: bool,
    /// What becomes of a member that cannot be worked out.
    pub on_error: OnError,
    /// The message.
    pub object: MapObject,
}

impl Map {
    /// Its expressions: the condition, and those of its members.
    pub fn tests(&self) -> impl Iterator<Item = &ResolvedCondition> {
        self.when.iter().chain(self.object.tests())
    }
}

/// An object that is made.
#[derive(Clone, Debug, Default)]
pub struct MapObject {
    /// Its members, in order.
    pub members: Vec<MapMember>,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub struct MapMember {
    /// Its name as JSON, with the colon behind it.
    pub label: Box<[u8]>,
    /// What it is.
    pub value: MemberSource,
}

/// What a member is made of.
#[derive(Clone, Debug)]
pub enum MemberSource {
    /// Other members.
    Object(MapObject),
    /// A derived value.
    Derived(Computed),
    /// A computed value: its full path, for messages, and the expression.
    Calc(String, ResolvedCondition),
}

impl MapObject {
    /// The object of these members; `test` compiles an expression.
    pub(super) fn compile(
        map: &MapSpec,
        building: &mut Building<'_>,
        mut test: impl FnMut(&mut Building<'_>, &Condition) -> ResolvedCondition,
    ) -> MapObject {
        let mut root = MapObject::default();
        for (path, field) in &map.fields {
            let name = dotted(path.names());
            let value = match field {
                MapField::Derived(spec) => MemberSource::Derived(Computed::compile(name, spec, building)),
                MapField::Calc(condition) => MemberSource::Calc(name, test(building, condition)),
            };
            root.put(path.names(), value);
        }
        root
    }

    fn tests(&self) -> Vec<&ResolvedCondition> {
        let mut tests = Vec::new();
        for member in &self.members {
            match &member.value {
                MemberSource::Object(object) => tests.extend(object.tests()),
                MemberSource::Calc(_, test) => tests.push(test),
                MemberSource::Derived(_) => {}
            }
        }
        tests
    }

    /// Puts a value at a path; objects on the way stand where their first member does.
    fn put(&mut self, path: &[String], value: MemberSource) {
        let Some((name, inner)) = path.split_first() else { return };
        let mut label = Vec::new();
        escape_into(&mut label, name);
        label.push(b':');
        if inner.is_empty() {
            return self.members.push(MapMember { label: label.into(), value });
        }
        let there = self.members.iter_mut().find_map(|member| match &mut member.value {
            MemberSource::Object(object) if *member.label == *label => Some(object),
            _ => None,
        });
        match there {
            Some(object) => object.put(inner, value),
            None => {
                let mut object = MapObject::default();
                object.put(inner, value);
                self.members.push(MapMember { label: label.into(), value: MemberSource::Object(object) });
            }
        }
    }
}
