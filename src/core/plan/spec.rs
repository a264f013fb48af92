//! The plan as data: what the configuration compiles to and what a checkpoint keeps.
//!
//! The text of a plan is its JSON; maps are ordered, so equal plans have equal texts. What a plan has to obey is `check`'s
//! business; this file has no opinion on it.

use super::condition::Condition;
use super::emit::EmitSpec;
use super::enrich::EnrichSpec;
use super::field_type::FieldTypes;
use super::filter::FilterSpec;
use super::key_spec::{KeySpec, KindPlaces};
use super::map::MapSpec;
use super::quality::QualitySpec;
use super::route::RouteSpec;
use super::selector::Selector;
use super::table::TableSpec;
use super::template::Template;
use super::version::VersionSpec;
use crate::core::derive::salt::Salt;
use crate::core::derive::section::DeriveSection;
use crate::core::output::RESERVED_PREFIXES;
use crate::core::schema::spec::SchemaSpec;
use crate::core::unwrap::spec::{SplitSpec, UnwrapSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Everything that decides outcomes.
///
/// A text of it is read to the last word or not at all. A member that is added must be left out of the text where it is not
/// used, so that the texts and fingerprints of all plans before stay what they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanSpec {
    /// The input stream's name; it stands in every output's position header.
    pub input_stream: String,
    /// The subjects whose events are processed, as filters; all without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_only: Vec<String>,
    /// Where things are in an event.
    pub event: EventSpec,
    /// The sections of derived fields, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derive: Vec<DeriveSection>,
    /// The filters, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<FilterSpec>,
    /// The sections of quality, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quality: Vec<QualitySpec>,
    /// The maps, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub map: Vec<MapSpec>,
    /// The routes, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route: Vec<RouteSpec>,
    /// What becomes of events that no kind section matches.
    pub unknown_kinds: UnknownKinds,
    /// The kinds, by exact name or pattern.
    pub kinds: BTreeMap<String, KindSpec>,
    /// The kinds with a condition or a schema, in the order in which they are asked: that of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds_by_condition: Vec<String>,
    /// The tables, by name.
    pub tables: BTreeMap<String, TableSpec>,
    /// The enrichments, in the order of the configuration.
    pub enrich: Vec<EnrichSpec>,
    /// `engine.max_waiting`: the events of a key group that may wait; left out of the text where none do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_waiting: Option<u32>,
    /// `clock.subject`: the subject of the messages that only move stream time on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick_subject: Option<String>,
    /// `output.subject`.
    pub output_subject: Template,
    /// `output.mark`.
    pub mark: Option<String>,
    /// `output.max_bytes`: the largest message that the lane may carry, headers included.
    pub max_bytes: u64,
    /// `output.envelope`: whether outputs say of which kind and key they are, and when their event was stored.
    #[serde(default, skip_serializing_if = "is_off")]
    pub envelope: bool,
    /// `dead_letters.subject`.
    pub dead_subject: Template,
    /// `dedup.window_s`; 0 switches de-duplication off.
    pub dedup_window_s: u64,
    /// `dedup.conflicts`: whether duplicates with another content are counted.
    #[serde(default, skip_serializing_if = "is_off")]
    pub dedup_conflicts: bool,
    /// `dedup.keep`: where duplicates leave instead of being dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup_keep: Option<Template>,
    /// `dedup.identity`. Left out of the text under the first rule: plans of before it stay what they were.
    #[serde(default, skip_serializing_if = "IdentityRule::is_first")]
    pub identity: IdentityRule,
    /// Which outcomes leave, in a replay. Left out of the text where all do: fingerprints of other plans stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emit: Option<EmitSpec>,
}

/// What is switched off is left out of a plan's text.
fn is_off(flag: &bool) -> bool {
    !flag
}

/// `[event]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSpec {
    /// What events are taken out of, step by step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwrap: Vec<UnwrapSpec>,
    /// Where the list of events is that a message may hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitSpec>,
    /// Where the kind is.
    pub kind: KindPlaces,
    /// Where the id is, if events have one.
    pub id: Option<KeySpec>,
    /// Where the event's own time is; used for latency only.
    pub time: Option<Selector>,
}

/// `engine.unknown_kinds`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownKinds {
    /// They go out as they are, marked unprocessed.
    #[default]
    Forward,
    /// Each becomes a dead letter.
    DeadLetter,
    /// They are counted and nothing else.
    Drop,
}

/// `dedup.identity`: what makes two events one. Stands in a plan as a number, so that a rule that a build does not know
/// is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum IdentityRule {
    /// 1: key and id, whatever the kind. Plans without a number have it.
    #[default]
    Key,
    /// 2: kind, key and id.
    Kind,
}

impl IdentityRule {
    /// The rule that is not this one.
    pub fn other(self) -> IdentityRule {
        match self {
            IdentityRule::Key => IdentityRule::Kind,
            IdentityRule::Kind => IdentityRule::Key,
        }
    }

    fn is_first(&self) -> bool {
        *self == IdentityRule::Key
    }
}

impl From<IdentityRule> for u8 {
    fn from(rule: IdentityRule) -> u8 {
        match rule {
            IdentityRule::Key => 1,
            IdentityRule::Kind => 2,
        }
    }
}

impl TryFrom<u8> for IdentityRule {
    type Error = String;

    fn try_from(number: u8) -> Result<IdentityRule, String> {
        match number {
            1 => Ok(IdentityRule::Key),
            2 => Ok(IdentityRule::Kind),
            _ => Err(format!("{number} is no rule of identity that this build knows")),
        }
    }
}

/// `[kinds.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindSpec {
    /// Where the partition key is; a kind without one is sharded by its id or position.
    pub key: Option<KeySpec>,
    /// Where the id is, where that is another place than `event.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<KeySpec>,
    /// The events that are of this kind, whatever the kind that they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// A JSON Schema: the events that it takes are of this kind, whatever the kind that they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaSpec>,
    /// What fields of its events are, for conditions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: FieldTypes,
    /// Where an event says its version, and what becomes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionSpec>,
    /// How each version becomes the next one, the last entry leading to the newest; the sections name no kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upcast: Vec<DeriveSection>,
}

impl KindSpec {
    /// Whether a condition or a schema says what is of this kind, and not the kind that an event says.
    pub fn has_rule(&self) -> bool {
        self.when.is_some() || self.schema.is_some()
    }
}

/// A scalar of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Literal {
    /// Equals a JSON string of this text.
    Text(String),
    /// Equals a JSON integer with these digits.
    Integer(i64),
    /// Equals `true` or `false`.
    Bool(bool),
}

impl PlanSpec {
    /// The members that decide an event's kind.
    pub fn kind_paths(&self) -> Vec<Vec<String>> {
        let conditions = self.kinds.values().filter_map(|kind| kind.when.as_ref());
        let read = conditions.flat_map(Condition::places).filter_map(|place| place.path().map(<[String]>::to_vec));
        let schemas = self.kinds.values().filter_map(|kind| kind.schema.as_ref());
        let members = schemas.flat_map(SchemaSpec::members).map(|member| vec![member]);
        self.event.kind.paths().map(<[String]>::to_vec).chain(read).chain(members).collect()
    }

    /// The plan's text: equal plans have equal texts.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("owned strings, numbers and ordered maps into memory")
    }

    /// This plan under the rule of identity that builds of before it had: what they made of the same configuration.
    pub fn of_before(&self) -> PlanSpec {
        PlanSpec { identity: IdentityRule::Key, ..self.clone() }
    }

    /// Takes over the secrets of salts that another plan has, too.
    pub fn borrow_salts(&mut self, from: &PlanSpec) {
        let known: Vec<Salt> = from.sections().filter_map(|section| section.salt.clone()).collect();
        let upcast = self.kinds.values_mut().flat_map(|kind| &mut kind.upcast);
        for salt in self.derive.iter_mut().chain(upcast).filter_map(|section| section.salt.as_mut()) {
            known.iter().for_each(|other| salt.borrow(other));
        }
    }

    /// Whether every salt is known itself: else nothing that is hashed comes out as it did.
    pub fn has_its_salts(&self) -> bool {
        self.sections().filter_map(|section| section.salt.as_ref()).all(Salt::is_known)
    }

    fn sections(&self) -> impl Iterator<Item = &DeriveSection> {
        self.derive.iter().chain(self.kinds.values().flat_map(|kind| &kind.upcast))
    }

    /// Whether something is told by a header of the server or of our own (`output::RESERVED_PREFIXES`).
    pub fn reads_reserved_headers(&self) -> bool {
        if self.tick_subject.is_some() || self.event.split.is_some() {
            return true;
        }
        let text = self.text().to_ascii_lowercase();
        RESERVED_PREFIXES.iter().any(|prefix| text.contains(&format!("$header.{}", prefix.to_ascii_lowercase())))
    }

    /// The plan's fingerprint: XXH3 of its text, 16 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        format!("{:016x}", xxh3_64(self.text().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::plan::enrich::{JoinSpec, OnMiss};

    #[test]
    fn reserved_headers_are_found_wherever_a_selector_may_stand() {
        let plain = crate::core::plan::fixture::spec('a');
        assert!(!plain.reads_reserved_headers());
        for (header, expected) in
            [("Nats-Msg-Id", true), ("sidestream-Time", true), ("Trace", false), ("X-Nats-", false)]
        {
            let id = Some(Selector::Header(header.to_owned()).into());
            let spec = PlanSpec { event: EventSpec { id, ..plain.event.clone() }, ..plain.clone() };
            assert_eq!(spec.reads_reserved_headers(), expected, "{header}");
        }
        let row = JoinSpec::parse("t[$header.Nats-Msg-Id].c").unwrap();
        let enrich = EnrichSpec {
            kinds: vec!["user".to_owned()],
            when: None,
            into: Vec::new(),
            create: false,
            add: [("x".to_owned(), row)].into(),
            on_miss: OnMiss::Null,
            wait: None,
        };
        assert!(PlanSpec { enrich: vec![enrich], ..plain }.reads_reserved_headers());
    }
}
