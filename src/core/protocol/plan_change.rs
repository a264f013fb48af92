//! What differs between two plans, in words.
//!
//! Says which differences the stored state cannot follow; what to do about them is decided elsewhere.

use crate::core::plan::spec::PlanSpec;
use serde_json::Value;

/// The differences in tables, keys and de-duplication: those that make the stored state another state.
pub fn of_state(old: &PlanSpec, new: &PlanSpec) -> Vec<String> {
    let mut changes = Vec::new();
    let json = |spec: &PlanSpec| serde_json::to_value(spec).unwrap_or_default();
    differences("", &json(old), &json(new), &mut changes);
    changes.retain(|(path, _)| {
        let key = path.strip_prefix("kinds.").is_some_and(|rest| rest.ends_with(".key"));
        let exact = ["dedup_window_s", "event.id", "event.kind", "input_stream"];
        key || path.starts_with("tables.") || exact.contains(&path.as_str())
    });
    changes.into_iter().map(|(_, sentence)| sentence).collect()
}

fn differences(path: &str, old: &Value, new: &Value, found: &mut Vec<(String, String)>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let none = Value::Null;
                differences(&path, old.get(name).unwrap_or(&none), new.get(name).unwrap_or(&none), found);
            }
        }
        _ if old != new => {
            let sentence = match (old, new) {
                (Value::Null, new) => format!("{path} is new: {new}"),
                (old, Value::Null) => format!("{path} is gone, it was {old}"),
                _ => format!("{path} was {old}, is {new}"),
            };
            found.push((path.to_owned(), sentence));
        }
        _ => {}
    }
}
