//! A schema, ready to be asked.

use super::needs::Needs;
use super::spec::SchemaSpec;
use crate::core::event::StoredMessage;
use crate::core::plan::compiled::Place;
use crate::core::plan::selector::Selector;
use crate::json::fields::Span;
use serde_json::Value;

/// A schema: what an event must have at its top, and the rest.
#[derive(Clone, Debug)]
pub struct Schema {
    needs: Needs,
    #[cfg(feature = "schema")]
    validator: std::sync::Arc<jsonschema::Validator>,
}

/// An event as a tree of values: made once for all schemas, and only where one has to look inside.
#[derive(Debug, Default)]
pub struct EventTree(Option<Option<Value>>);

impl EventTree {
    /// The tree; `None` where the text holds what no tree can, such as a number that is larger than a float may be.
    fn of(&mut self, text: &[u8]) -> Option<&Value> {
        self.0.get_or_insert_with(|| serde_json::from_slice(text).ok()).as_ref()
    }
}

impl Schema {
    /// Of a schema that `fault` finds nothing against; `place` says where a field is.
    pub fn compile(spec: &SchemaSpec, place: impl FnMut(&Selector) -> Place) -> Schema {
        Schema {
            needs: Needs::of(&spec.value(), place),
            #[cfg(feature = "schema")]
            validator: std::sync::Arc::new(build(spec).expect("`plan::check` refused what cannot be built")),
        }
    }

    /// Whether an event is as the schema has it. The scan has seen that its text is JSON.
    pub fn takes(&self, message: &StoredMessage, spans: &[Span], tree: &mut EventTree) -> bool {
        self.needs.has_all(message, spans) && tree.of(&message.payload).is_some_and(|event| self.validates(event))
    }

    #[cfg(feature = "schema")]
    fn validates(&self, event: &Value) -> bool {
        self.validator.is_valid(event)
    }

    #[cfg(not(feature = "schema"))]
    fn validates(&self, _: &Value) -> bool {
        unreachable!("a plan with a schema is refused by a build without")
    }
}

/// Why a schema cannot be used; `None` where it can.
#[cfg(feature = "schema")]
pub fn fault(spec: &SchemaSpec) -> Option<String> {
    build(spec).err()
}

/// Why a schema cannot be used; `None` where it can.
#[cfg(not(feature = "schema"))]
pub fn fault(_: &SchemaSpec) -> Option<String> {
    Some("this program was built without JSON Schema (feature `schema`)".to_owned())
}

/// Whether a schema takes an event without any member, as one does that requires nothing.
#[cfg(feature = "schema")]
pub fn takes_anything(spec: &SchemaSpec) -> bool {
    build(spec).is_ok_and(|validator| validator.is_valid(&serde_json::json!({})))
}

/// Whether a schema takes an event without any member, as one does that requires nothing.
#[cfg(not(feature = "schema"))]
pub fn takes_anything(_: &SchemaSpec) -> bool {
    false
}

/// The most that a compiled regular expression may take, in bytes.
#[cfg(feature = "schema")]
const PATTERN_BYTES: usize = 1 << 20;

#[cfg(feature = "schema")]
fn build(spec: &SchemaSpec) -> Result<jsonschema::Validator, String> {
    let patterns = jsonschema::PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
    let options = jsonschema::options().offline().should_validate_formats(false).with_pattern_options(patterns);
    let schema = spec.value();
    options.build(&schema).map_err(|error| {
        if let Some(reference) = elsewhere(&schema) {
            return format!("the schema refers to `{reference}`, and nothing is fetched");
        }
        let at = error.instance_path().to_string();
        let at = if at.is_empty() { String::new() } else { format!(" at {at}") };
        format!("the schema cannot be used{at}: {error}")
    })
}

/// The first reference to another document.
#[cfg(feature = "schema")]
fn elsewhere(schema: &Value) -> Option<&str> {
    let inside = |value| elsewhere(value);
    match schema {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).filter(|reference| !reference.starts_with('#'));
            own.or_else(|| members.values().find_map(inside))
        }
        Value::Array(items) => items.iter().find_map(inside),
        _ => None,
    }
}
