//! What the first version of a record that is JSON could say: its members, and the words in their places.
//!
//! What says more is of a later version, whoever wrote it and whichever member it is: nobody has to remember to count a
//! new member. The tables here are what the first build wrote and never change; a null stands where nothing is said.

use serde_json::Value;

/// What a place of a record may hold.
#[derive(Debug)]
pub enum RecordShape {
    /// Any text, number or truth.
    Plain,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A place in an event, in the notation of `core::plan::selector`.
    Place,
    /// A subject with holes, in the notation of `core::plan::template`.
    Subject,
    /// An object with no other members than these.
    Members(&'static [(&'static str, RecordShape)]),
    /// An object whose names somebody else gave.
    Named(&'static RecordShape),
    /// A list.
    List(&'static RecordShape),
}

use RecordShape::{List, Members, Named, Place, Plain, Subject, Word};

/// The first version of the checkpoint.
pub const CHECKPOINT_1: RecordShape = Members(&[
    ("position", Plain),
    ("lane", Plain),
    ("stored_at", Plain),
    ("stream_time", Plain),
    ("input_created", Plain),
    ("output_created", Plain),
    ("origin", Plain),
    ("plans", List(&Members(&[("plan", Plain), ("since", Plain)]))),
    ("layout", Members(&[("tables", List(&Members(&[("name", Plain), ("columns", List(&Plain))])))])),
    ("gaps", Plain),
]);

/// The first version of a plan's text.
pub const PLAN_1: RecordShape = Members(&[
    ("input_stream", Plain),
    ("event", Members(&[("kind", Place), ("id", Place), ("time", Place)])),
    ("unknown_kinds", Word(&["forward", "dead_letter", "drop"])),
    ("kinds", Named(&Members(&[("key", Place)]))),
    (
        "tables",
        Named(&Members(&[
            ("from", Plain),
            ("row", Place),
            ("columns", Named(&Place)),
            (
                "delete",
                Members(&[
                    ("field", Place),
                    ("equals", Members(&[("Text", Plain), ("Integer", Plain), ("Bool", Plain)])),
                ]),
            ),
        ])),
    ),
    (
        "enrich",
        List(&Members(&[
            ("kinds", List(&Plain)),
            ("on_miss", Word(&["null", "omit", "dead_letter"])),
            ("into", List(&Plain)),
            ("add", Named(&Members(&[("table", Plain), ("row", Place), ("column", Plain)]))),
        ])),
    ),
    ("output_subject", Subject),
    ("mark", Plain),
    ("max_bytes", Plain),
    ("dead_subject", Subject),
    ("dedup_window_s", Plain),
    ("emit", Members(&[("from", Plain), ("until", Plain), ("subject", Plain)])),
]);

impl RecordShape {
    /// Whether a value says nothing that this place could not hold.
    pub fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Null) => true,
            (Plain, value) => !value.is_array() && !value.is_object(),
            (Word(words), Value::String(word)) => words.contains(&word.as_str()),
            (Place, Value::String(place)) => {
                !place.starts_with('$')
                    || place == "$time"
                    || ["$subject.", "$header."].iter().any(|known| place.starts_with(known))
            }
            (Subject, Value::String(subject)) => subject.split('{').skip(1).all(known_hole),
            (Members(members), Value::Object(object)) => object.iter().all(|(name, value)| {
                members.iter().find(|(known, _)| known == name).is_some_and(|(_, shape)| shape.holds(value))
            }),
            (Named(shape), Value::Object(object)) => object.values().all(|value| shape.holds(value)),
            (List(shape), Value::Array(list)) => list.iter().all(|value| shape.holds(value)),
            _ => false,
        }
    }

    /// Whether an object of this shape has a member of that name.
    pub fn names(&self, name: &str) -> bool {
        matches!(self, Members(members) if members.iter().any(|(known, _)| *known == name))
    }

    /// The version of a record: 1 where this shape holds it, else 2. What is no JSON has nothing new in it.
    pub fn version(&self, text: &[u8]) -> u8 {
        let holds = serde_json::from_slice::<Value>(text).map_or(true, |value| self.holds(&value));
        if holds { 1 } else { 2 }
    }
}

/// Whether a hole, without its opening brace, is one of the first ones.
fn known_hole(hole: &str) -> bool {
    let name = hole.split('}').next().unwrap_or(hole);
    ["kind", "type", "subtype", "reason"].contains(&name) || name.starts_with("subject.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::plan::fixture::spec;
    use serde_json::json;

    /// A plan with one change, as JSON.
    fn changed(change: impl FnOnce(&mut Value)) -> u8 {
        let mut plan = serde_json::to_value(spec('A')).unwrap();
        plan["enrich"] = json!([{
            "kinds": ["user"], "on_miss": "omit", "into": ["a"],
            "add": { "x": { "table": "user", "row": "$subject.2", "column": "country" } }
        }]);
        plan["tables"]["user"]["delete"] = json!({ "field": "a.b", "equals": { "Bool": true } });
        change(&mut plan);
        PLAN_1.version(plan.to_string().as_bytes())
    }

    #[test]
    fn what_the_first_build_could_say_is_version_1() {
        assert_eq!(changed(|_| {}), 1);
        assert_eq!(changed(|plan| plan["emit"] = json!({ "from": 1, "until": 9, "subject": "a.>" })), 1);
        assert_eq!(changed(|plan| plan["output_subject"] = json!("e.{type}.{subject.2}")), 1);
        assert_eq!(PLAN_1.version(b"no plan"), 1);
    }

    #[test]
    fn any_new_member_or_word_anywhere_is_version_2() {
        for (what, version) in [
            ("a member", changed(|plan| plan["semantics"] = json!(2))),
            ("one of a kind", changed(|plan| plan["kinds"]["user"]["entity"] = json!("user"))),
            ("one of a table", changed(|plan| plan["tables"]["user"]["ttl_s"] = json!(60))),
            ("one of a join", changed(|plan| plan["enrich"][0]["add"]["x"]["else"] = json!(1))),
            ("a word", changed(|plan| plan["enrich"][0]["on_miss"] = json!("wait"))),
            ("a place", changed(|plan| plan["event"]["id"] = json!("$hash"))),
            ("a list for a place", changed(|plan| plan["event"]["id"] = json!(["a", "b"]))),
            ("a hole", changed(|plan| plan["output_subject"] = json!("e.{tenant}"))),
            ("a literal", changed(|plan| plan["tables"]["user"]["delete"]["equals"] = json!({ "Null": true }))),
        ] {
            assert_eq!(version, 2, "{what}");
        }
    }
}
