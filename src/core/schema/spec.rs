//! A schema as the plan keeps it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// Whose answers decide: the library and its version.
pub const BY: &str = "jsonschema 0.60.2";

/// A schema's text, and who reads it; a plan with another reader is none of this build's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct SchemaSpec {
    text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    by: String,
    text: String,
}

impl SchemaSpec {
    /// Of what a file or the configuration says; where its blanks are is no part of it.
    pub fn parse(text: &str) -> Result<SchemaSpec, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("the schema is no JSON: {error}"))?;
        match value {
            Value::Object(_) => Ok(SchemaSpec { text: value.to_string() }),
            _ => Err("the schema is JSON but no object".to_owned()),
        }
    }

    /// The members that it speaks of at an event's top.
    pub fn members(&self) -> BTreeSet<String> {
        let schema = self.value();
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|all| all.keys());
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        properties.cloned().chain(required.filter_map(Value::as_str).map(str::to_owned)).collect()
    }

    /// The schema.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.text).expect("its text was a value's")
    }
}

impl From<SchemaSpec> for Stored {
    fn from(spec: SchemaSpec) -> Stored {
        Stored { by: BY.to_owned(), text: spec.text }
    }
}

impl TryFrom<Stored> for SchemaSpec {
    type Error = String;

    fn try_from(stored: Stored) -> Result<SchemaSpec, String> {
        if !cfg!(feature = "schema") {
            return Err("this build has no JSON Schema".to_owned());
        }
        if stored.by != BY {
            return Err(format!("its schemas are read by {}, and this build has {BY}", stored.by));
        }
        SchemaSpec::parse(&stored.text)
    }
}
