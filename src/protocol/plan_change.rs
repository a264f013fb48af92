//! What differs between two plans, in words.
//!
//! Says which differences the stored state cannot follow; what to do about them is decided elsewhere.

use crate::core::plan::spec::PlanSpec;
use crate::core::plan::state_shape::StateShape;
use serde::Serialize;
use serde_json::Value;

/// The differences in what the state is computed from: those that make the stored state another state.
pub fn of_state(old: &PlanSpec, new: &PlanSpec) -> Vec<String> {
    sentences(&StateShape::of(old), &StateShape::of(new))
}

/// Every difference.
pub fn of_plan(old: &PlanSpec, new: &PlanSpec) -> Vec<String> {
    sentences(old, new)
}

fn sentences<T: Serialize>(old: &T, new: &T) -> Vec<String> {
    let mut changes = Vec::new();
    let json = |plan: &T| serde_json::to_value(plan).expect("texts, numbers and ordered maps");
    differences("", &json(old), &json(new), &mut changes);
    changes
}

fn differences(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
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
            found.push(sentence);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::tests::world::spec;
    use serde_json::json;

    /// A change of plan A, and the sentence about it.
    type Row = (fn(&mut Value), &'static str);

    /// The sentences about what a change of plan A makes of it.
    fn changes(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut new = serde_json::to_value(spec('A')).unwrap();
        change(&mut new);
        of_state(&spec('A'), &serde_json::from_value(new).unwrap())
    }

    #[test]
    fn tables_keys_and_de_duplication_are_the_state() {
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
    fn rules_are_the_state_as_far_as_it_depends_on_them() {
        let derive = |section: Value| move |p: &mut Value| p["derive"] = json!([section]);
        for feeding in [
            json!({ "set": { "title": { "value": "user" } } }),
            json!({ "set": { "uuid": "id" }, "into": ["properties"] }),
            json!({ "remove": ["event_uuid"] }),
            json!({ "mask": { "properties.country": "hide" } }),
            json!({ "rename": { "properties": "p" } }),
        ] {
            assert_eq!(changes(derive(feeding.clone())).len(), 1, "{feeding}");
        }
        for shown in
            [json!({ "set": { "x": "title" } }), json!({ "remove": ["x"] }), json!({ "set": { "country": "x" } })]
        {
            assert_eq!(changes(derive(shown.clone())), Vec::<String>::new(), "{shown}");
        }
        // By way of another section; of a section only what leads there.
        let both = json!([{ "set": { "x": "id", "z": "id" } }, { "set": { "title": "x" } }]);
        let [found] = changes(|p| p["derive"] = both).try_into().unwrap();
        assert_eq!(found, r#"derive is new: [{"set":{"x":"id"}},{"set":{"title":"x"}}]"#);
        let filter = json!([{ "name": "test", "drop": "event.x == 1" }]);
        assert_eq!(changes(|p| p["filter"] = filter).len(), 1);
        assert_eq!(changes(|p| p["tables"]["user"]["when"] = json!("event.x == 1")).len(), 1);
        let route = json!([{ "name": "far", "subject": "far", "when": "event.x == 1" }]);
        assert_eq!(changes(|p| p["route"] = route), Vec::<String>::new());
        let quality = json!([{ "complete": ["x"], "on_violation": "dead_letter" }]);
        assert_eq!(changes(|p| p["quality"] = quality), Vec::<String>::new());
    }

    #[test]
    fn envelopes_conditions_of_kinds_and_made_objects_are_the_state() {
        let rows: &[Row] = &[
            (|p| p["input_only"] = json!(["a.>"]), "input_only is new: [\"a.>\"]"),
            (|p| p["event"]["unwrap"] = json!([{ "at": "payload" }]), "event.unwrap is new: [{\"at\":\"payload\"}]"),
            (|p| p["kinds"]["user"]["id"] = json!(["a", "b"]), "kinds.user.id is new: [\"a\",\"b\"]"),
            (
                |p| p["kinds"]["user"]["key"] = json!(["properties.uuid", "tenant"]),
                "kinds.user.key was \"properties.uuid\", is [\"properties.uuid\",\"tenant\"]",
            ),
            (|p| p["kinds"]["user"]["types"] = json!({ "a": "text" }), "kinds.user.types is new: {\"a\":\"text\"}"),
            (|p| p["tables"]["user"]["unless"] = json!({ "Text": "?" }), "tables.user.unless is new: {\"Text\":\"?\"}"),
            (
                |p| p["tables"]["user"]["version"] = json!({ "at": "v", "as": "time" }),
                "tables.user.version is new: {\"as\":\"time\",\"at\":\"v\"}",
            ),
            (|p| p["tables"]["user"]["row"] = json!(["a", "b"]), "tables.user.row is new: [\"a\",\"b\"]"),
            (|p| p["tables"]["user"]["write"] = json!("replace"), "tables.user.write is new: \"replace\""),
            (|p| p["tables"]["user"]["cascade"] = json!(["x"]), "tables.user.cascade is new: [\"x\"]"),
            (|p| p["tables"]["user"]["delete_empty"] = json!(true), "tables.user.delete_empty is new: true"),
        ];
        for (change, sentence) in rows {
            assert_eq!(changes(*change), [*sentence]);
        }
        let by_condition = changes(|p| {
            p["kinds"]["user"]["when"] = json!("event.a == 1");
            p["kinds_by_condition"] = json!(["user"]);
        });
        assert_eq!(by_condition.len(), 2, "{by_condition:?}");
        let hashed = |member: &str| json!([{ "set": { "title": "x" }, "mask": { member: "hash" }, "salt": "00" }]);
        assert!(changes(|p| p["derive"] = hashed("properties.country"))[0].contains("salt"), "a column is hashed");
        assert!(!changes(|p| p["derive"] = hashed("email"))[0].contains("salt"), "only outputs show it");
        let enrich = |into: Value| {
            json!([{ "kinds": ["user"], "on_miss": "null", "into": into, "create": true,
                "add": { "c": { "table": "user", "row": null, "column": "country" } } }])
        };
        let read = changes(|p| p["enrich"] = enrich(json!(["properties", "country", "of"])));
        assert_eq!(read.len(), 1, "the column would be the object that is made: {read:?}");
        assert_eq!(changes(|p| p["enrich"] = enrich(json!(["properties", "more"]))), Vec::<String>::new());
    }

    #[test]
    fn versions_are_the_state_as_far_as_it_depends_on_them() {
        let user =
            |version: Value, upcast: Value| json!({ "key": "properties.uuid", "version": version, "upcast": upcast });
        let version = json!({ "at": "v", "newest": 3, "missing": 1 });
        let shown = json!([{ "rename": { "a": "b" } }, { "set": { "x": { "value": 1 } } }]);
        assert_eq!(changes(|p| p["kinds"]["user"] = user(version.clone(), shown)), Vec::<String>::new());
        // By way of the next entry, and of a section behind them all.
        let upcast = json!([{ "rename": { "a": "b" }, "remove": ["c"] }, { "set": { "x": "b" } }]);
        let derive = json!([{ "set": { "country": "x" }, "into": ["properties"] }]);
        let plan = |version: Value, upcast: Value| {
            let mut plan = serde_json::to_value(spec('A')).unwrap();
            plan["kinds"]["user"] = user(version, upcast);
            plan["derive"] = derive.clone();
            serde_json::from_value::<PlanSpec>(plan).unwrap()
        };
        let now = plan(version.clone(), upcast.clone());
        let mut longer = upcast.clone();
        longer.as_array_mut().unwrap().push(json!({ "set": { "z": "b" } }));
        let next = json!({ "at": "v", "newest": 4, "missing": 1 });
        assert_eq!(of_state(&now, &plan(next, longer)), Vec::<String>::new(), "a version more that only outputs show");
        let other = json!([{ "rename": { "a": "b" }, "remove": ["c"] }, { "set": { "x": "a" } }]);
        let found = of_state(&now, &plan(version.clone(), other));
        assert!(found.iter().any(|sentence| sentence.starts_with("kinds.user.upcast.2.set.x was")), "{found:?}");
        let missing = of_state(&now, &plan(json!({ "at": "v", "newest": 3, "missing": 2 }), upcast));
        assert_eq!(missing, ["kinds.user.version.missing was 1, is 2"]);
        // What an entry reads, or the version, is made by a section in front of it.
        for made in ["a", "v"] {
            let mut before = now.clone();
            let section = json!({ "set": { made: "raw" } });
            before.derive.insert(0, serde_json::from_value(section).unwrap());
            assert_eq!(of_state(&now, &before).len(), 1, "{made}");
        }
        let kept = changes(|p| {
            p["kinds"]["user"] = user(json!({ "at": "v", "newest": 1 }), json!([]));
            p["tables"]["user"]["columns"]["v"] = json!("v");
        });
        assert_eq!(kept.len(), 2, "{kept:?}");
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
