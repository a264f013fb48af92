//! What a schema wants at an event's top: told from the first bytes of a few members, before a tree of values is made.
//!
//! Only what every event that the schema takes has: an event without it is none, and of one with it the library decides.

use crate::core::event::StoredMessage;
use crate::core::plan::compiled::Place;
use crate::core::plan::selector::Selector;
use crate::core::read::Value as Read;
use crate::json::fields::Span;
use crate::json::text::Scalar;
use serde_json::{Map, Value};

/// What an event must have.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    members: Vec<TopNeed>,
}

/// What one member must be.
#[derive(Clone, Debug)]
struct TopNeed {
    place: Place,
    required: bool,
    /// The first bytes that its values may have; any without it.
    begins: Option<Vec<u8>>,
    /// The texts that it may be; any value without them.
    texts: Option<Vec<String>>,
}

impl Needs {
    /// Of a schema; `place` says where a member is.
    pub fn of(schema: &Value, mut place: impl FnMut(&Selector) -> Place) -> Needs {
        let Some(schema) = schema.as_object() else { return Needs::default() };
        // Beside a reference, early drafts pass over everything.
        if schema.contains_key("$ref") {
            return Needs::default();
        }
        let required: Vec<&str> = list(schema, "required").filter_map(Value::as_str).collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut names: Vec<&str> = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
        names.extend(required.iter().filter(|name| !names.contains(*name)).collect::<Vec<_>>());
        let old = schema.get("$schema").and_then(Value::as_str).is_some_and(|draft| draft.contains("draft-04"));
        let needs = names.into_iter().map(|name| {
            let member = properties.and_then(|all| all.get(name)?.as_object()).filter(|all| !all.contains_key("$ref"));
            (name, required.contains(&name), member.and_then(begins), member.and_then(|member| texts(member, old)))
        });
        let told = needs.filter(|(_, required, begins, texts)| *required || begins.is_some() || texts.is_some());
        let members = told.map(|(name, required, begins, texts)| {
            let place = place(&Selector::Path(vec![name.to_owned()]));
            TopNeed { place, required, begins, texts }
        });
        Needs { members: members.collect() }
    }

    /// Whether nothing is missing that the first bytes tell.
    pub fn has_all(&self, message: &StoredMessage, spans: &[Span]) -> bool {
        self.members.iter().all(|need| need.is_met(message, spans))
    }
}

impl TopNeed {
    fn is_met(&self, message: &StoredMessage, spans: &[Span]) -> bool {
        let Read::Json { raw, .. } = Read::at(&self.place, message, spans) else { return !self.required };
        let begins = |bytes: &Vec<u8>| raw.first().is_some_and(|first| bytes.contains(first));
        let is_one = |texts: &Vec<String>| match Scalar::read(raw) {
            Scalar::Text(text) => texts.iter().any(|one| *one == *text),
            // A text with a lone surrogate is none, and the library says so.
            Scalar::Other => true,
            _ => false,
        };
        self.begins.as_ref().is_none_or(begins) && self.texts.as_ref().is_none_or(is_one)
    }
}

fn list<'s>(schema: &'s Map<String, Value>, name: &str) -> impl Iterator<Item = &'s Value> {
    schema.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The first bytes of what `type` allows.
fn begins(member: &Map<String, Value>) -> Option<Vec<u8>> {
    let types: Vec<&str> = match member.get("type")? {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().map(Value::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    let mut bytes = Vec::new();
    for of in types {
        bytes.extend_from_slice(match of {
            "string" => b"\"".as_slice(),
            "number" | "integer" => b"-0123456789",
            "boolean" => b"tf",
            "null" => b"n",
            "array" => b"[",
            "object" => b"{",
            _ => return None,
        });
    }
    Some(bytes)
}

/// The texts that `const` or `enum` allow, where they allow texts alone.
fn texts(member: &Map<String, Value>, old: bool) -> Option<Vec<String>> {
    let of = |value: &Value| value.as_str().map(str::to_owned);
    match (member.get("const").filter(|_| !old), member.get("enum")) {
        (Some(one), _) => Some(vec![of(one)?]),
        (None, Some(Value::Array(all))) => all.iter().map(of).collect(),
        _ => None,
    }
}
