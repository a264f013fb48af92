//! What differs between two plans, in words.
//!
//! Says which differences the stored state cannot follow; what to do about them is decided elsewhere.

use crate::core::plan::spec::PlanSpec;
use serde_json::Value;

/// The differences in tables, keys and de-duplication: those that make the stored state another state.
pub fn of_state(old: &PlanSpec, new: &PlanSpec) -> Vec<String> {
    let mut changes = all(old, new);
    changes.retain(|(path, _)| {
        // A kind that is new or gone takes its events from another kind, or from those of unknown kind: their key
        // changes with it, and with the key what identifies them.
        let exact = ["dedup_window_s", "event.id", "event.kind", "input_stream"];
        path.starts_with("kinds.") || path.starts_with("tables.") || exact.contains(&path.as_str())
    });
    changes.into_iter().map(|(_, sentence)| sentence).collect()
}

/// Every difference.
pub fn of_plan(old: &PlanSpec, new: &PlanSpec) -> Vec<String> {
    all(old, new).into_iter().map(|(_, sentence)| sentence).collect()
}

fn all(old: &PlanSpec, new: &PlanSpec) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    let json = |spec: &PlanSpec| serde_json::to_value(spec).expect("texts, numbers and ordered maps");
    differences("", &json(old), &json(new), &mut changes);
    changes
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::start_world::spec;
    use serde_json::json;

    /// The sentences about what a change of plan A makes of it.
    fn changes(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut new = serde_json::to_value(spec('A')).unwrap();
        change(&mut new);
        of_state(&spec('A'), &serde_json::from_value(new).unwrap())
    }

    #[test]
    fn tables_keys_and_de_duplication_are_the_state() {
        type Row = (fn(&mut Value), &'static str);
        let rows: &[Row] = &[
            (|p| p["dedup_window_s"] = json!(0), "dedup_window_s was 60, is 0"),
            (|p| p["event"]["id"] = json!(null), "event.id is gone, it was \"event_uuid\""),
            (|p| p["event"]["kind"] = json!("kind"), "event.kind was \"title\", is \"kind\""),
            (|p| p["kinds"]["user"]["key"] = json!("id"), "kinds.user.key was \"properties.uuid\", is \"id\""),
            (|p| p["kinds"]["u*"] = json!({ "key": "id" }), "kinds.u* is new: {\"key\":\"id\"}"),
            (|p| p["kinds"] = json!({}), "kinds.user is gone, it was {\"key\":\"properties.uuid\"}"),
            (|p| p["tables"]["user"]["row"] = json!("id"), "tables.user.row is new: \"id\""),
            (|p| p["tables"]["user"]["from"] = json!("x"), "tables.user.from was \"user\", is \"x\""),
            (
                |p| p["tables"]["user"]["columns"]["country"] = json!("x"),
                "tables.user.columns.country was \"properties.country\", is \"x\"",
            ),
            (
                |p| p["tables"]["user"]["delete"] = json!({ "field": "op", "equals": { "Text": "delete" } }),
                "tables.user.delete is new: {\"equals\":{\"Text\":\"delete\"},\"field\":\"op\"}",
            ),
        ];
        for (change, sentence) in rows {
            assert_eq!(changes(*change), [*sentence]);
        }
    }

    #[test]
    fn what_only_outputs_depend_on_is_not() {
        let rows: &[fn(&mut Value)] = &[
            |_| {},
            |p| p["mark"] = json!("done"),
            |p| p["event"]["time"] = json!("created_at"),
            |p| p["output_subject"] = json!("out.{type}"),
            |p| p["dead_subject"] = json!("rest.{reason}"),
            |p| p["max_bytes"] = json!(1000),
            |p| p["unknown_kinds"] = json!("drop"),
            |p| {
                p["enrich"] = json!([{ "kinds": ["user"], "on_miss": "null", "into": [],
                    "add": { "c": { "table": "user", "row": null, "column": "country" } } }]);
            },
        ];
        for (n, change) in rows.iter().enumerate() {
            assert_eq!(changes(*change), Vec::<String>::new(), "row {n}");
        }
    }
}
