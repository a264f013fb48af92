//! Sections over whole events: what leaves, what stays as it was, and what a dead letter shows.

use crate::core::decode::Decoder;
use crate::core::derive::section::DeriveSection;
use crate::core::event::{Event, Stop, StoredMessage};
use crate::core::ids::Nanos;
use crate::core::plan::compiled::Plan;
use crate::core::plan::fixture::spec;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::PlanSpec;
use crate::core::rejection::Reason;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn plan(sections: &[Value]) -> Plan {
    let section = |section: &Value| serde_json::from_value::<DeriveSection>(section.clone()).unwrap();
    Plan::compile(PlanSpec { derive: sections.iter().map(section).collect(), ..spec('A') }, &Layout::default())
}

fn decoded(plan: &Plan, payload: &str) -> Event {
    let (subject, payload) = ("events.user".into(), payload.to_owned().into());
    let message = StoredMessage { sequence: 1, stored_at: Nanos(0), subject, headers: None, payload };
    Decoder::default().decode(plan, message, Nanos(0), &mut Vec::new())
}

/// The event's text behind these sections.
fn derived(sections: &[Value], payload: &str) -> String {
    let event = decoded(&plan(sections), payload);
    String::from_utf8(event.message.payload.to_vec()).unwrap()
}

#[test]
fn members_are_added_replaced_renamed_and_removed_and_the_rest_stays() {
    for (section, payload, expected) in [
        (json!({"set": {"x": {"value": 1}}}), r#"{ "a" : 1 }"#, r#"{ "a" : 1,"x":1 }"#),
        (json!({"set": {"x": {"value": 1}}}), "{}", r#"{"x":1}"#),
        (json!({"set": {"x": {"value": 1}}}), r#"{"x":[1, 2],"a":1e2}"#, r#"{"x":1,"a":1e2}"#),
        (
            json!({"set": {"b": "a.b", "c": "$subject.1"}}),
            r#"{"a":{"b":1.0}}"#,
            r#"{"a":{"b":1.0},"b":1.0,"c":"events"}"#,
        ),
        (json!({"set": {"x": {"value": 1}}, "into": ["p"]}), r#"{"p":{"q":2},"z":0}"#, r#"{"p":{"q":2,"x":1},"z":0}"#),
        (json!({"set": {"x": {"value": 1}}, "into": ["p"]}), r#"{"p":7}"#, r#"{"p":7}"#),
        (json!({"set": {"x": "no"}}), r#"{"a":1}"#, r#"{"a":1,"x":null}"#),
        (json!({"set": {"x": "no"}, "on_error": "omit"}), r#"{"x":1,"a":1}"#, r#"{"a":1}"#),
        (json!({"rename": {"a": "b"}}), r#"{"a":1.50,"c":2}"#, r#"{"c":2,"b":1.50}"#),
        (json!({"rename": {"a": "b"}}), r#"{"a":1,"b":2}"#, r#"{"b":1}"#),
        (json!({"rename": {"p.a": "b"}}), r#"{"p":{"a":[ ]}}"#, r#"{"p":{"b":[ ]}}"#),
        (json!({"rename": {"a": "b"}}), r#"{"b":2}"#, r#"{"b":2}"#),
        (json!({"remove": ["a", "p.q"]}), r#"{"a":1,"p":{"q":1,"r":2}}"#, r#"{"p":{"r":2}}"#),
        (json!({"remove": ["a"]}), r#"{"a":1}"#, "{}"),
        (
            json!({"mask": {"a": "hide", "b": "last4"}}),
            r#"{"a":17,"b":"1234567890"}"#,
            r#"{"a":"***","b":"************7890"}"#,
        ),
        (json!({"mask": {"a": "hide"}}), r#"{"b":1}"#, r#"{"b":1}"#),
    ] {
        let section = [section];
        let found = derived(&section, payload);
        assert_eq!(found, expected, "{section:?} of {payload}");
        assert_eq!(derived(&section, &found), found, "a second pass of {section:?}");
    }
}

#[test]
fn a_later_section_sees_what_an_earlier_one_made() {
    let sections =
        [json!({"set": {"x": {"part": "name", "at": 1}}}), json!({"rename": {"x": "y"}}), json!({"set": {"z": "y"}})];
    assert_eq!(derived(&sections, r#"{"name":"a:b"}"#), r#"{"name":"a:b","y":"a","z":"a"}"#);
}

#[test]
fn kind_key_and_id_may_be_derived_and_sections_of_a_kind_are_for_it_alone() {
    let sections = [
        json!({"set": {"title": {"part": "name", "at": 1}}}),
        json!({"set": {"uuid": "who"}, "into": ["properties"], "kinds": ["user"]}),
        json!({"set": {"event_uuid": {"id": ["name"]}}}),
    ];
    let plan = plan(&sections);
    let event = decoded(&plan, r#"{"name":"user:new","who":"u1","properties":{}}"#);
    let text = &event.message.payload;
    assert_eq!((event.kind, event.kind_text.as_ref().unwrap().get(text)), (0, "user"));
    let reading = event.reading.clone().unwrap();
    assert_eq!(reading.key.unwrap().text.get(text), "u1");
    assert!(reading.identity.is_some());
    let other = decoded(&plan, r#"{"name":"visit:new","who":"u1","properties":{}}"#);
    assert_eq!(other.kind, plan.unknown_kind());
    assert!(!String::from_utf8_lossy(&other.message.payload).contains("uuid\":\"u1"));
}

#[test]
fn an_event_that_cannot_be_derived_is_rejected_and_names_the_field() {
    let section = json!({"set": {"at": {"time": "when"}}, "on_error": "dead_letter"});
    let rejection = decoded(&plan(&[section]), r#"{"when":"soon"}"#).reading.unwrap_err();
    let Stop::Rejected(rejection) = rejection else { panic!("{rejection:?}") };
    assert_eq!(rejection.reason, Reason::Derive);
    assert_eq!(rejection.sentence, "the field `at` cannot be derived: what it is worked out from has another form");
}

/// What a dead letter of this event shows, and the length that it tells.
fn shown(plan: &Plan, payload: &str) -> (String, Option<String>) {
    let event = decoded(plan, payload);
    let Err(Stop::Rejected(rejection)) = event.reading.clone() else { panic!("it is not rejected") };
    let letter = crate::core::dead_letter::encode(plan, &event, &rejection);
    let length = letter.dead.unwrap().headers.into_iter().find(|(name, _)| *name == "Sidestream-Length");
    (String::from_utf8(letter.payload.to_vec()).unwrap(), length.map(|(_, value)| value))
}

#[test]
fn a_dead_letter_shows_the_stored_bytes_unless_something_is_hidden() {
    let no_key = r#"{"title":"user","card":"4111111111111234"}"#;
    let plain = plan(&[json!({"set": {"x": {"value": 1}}})]);
    assert_eq!(shown(&plain, no_key), (no_key.to_owned(), None));
    let hiding = plan(&[json!({"mask": {"card": "hide"}})]);
    let masked = r#"{"title":"user","card":"***"}"#;
    assert_eq!(shown(&hiding, no_key), (masked.to_owned(), Some(no_key.len().to_string())));
    for broken in [r#"{"card":"4111111111111234""#, r#"{"card":"4111111111111234","card":1}"#, r#""4111111111111234""#]
    {
        assert_eq!(shown(&hiding, broken), (String::new(), Some(broken.len().to_string())), "{broken}");
    }
    let late =
        plan(&[json!({"set": {"t": {"time": "no"}}, "on_error": "dead_letter"}), json!({"mask": {"card": "hide"}})]);
    assert_eq!(shown(&late, no_key), (String::new(), Some(no_key.len().to_string())), "not all masks are on");
}

#[cfg(feature = "failpoints")]
#[test]
fn a_panic_in_a_section_costs_its_event_alone() {
    let plan = plan(&[json!({"set": {"x": {"value": 1}}, "mask": {"card": "hide"}})]);
    let mut decoder = Decoder::default();
    let mut decode = |headers| {
        let (subject, payload) = ("events.user".into(), r#"{"card":"4111"}"#.into());
        let message = StoredMessage { sequence: 1, stored_at: Nanos(0), subject, headers, payload };
        decoder.decode(&plan, message, Nanos(0), &mut Vec::new())
    };
    let bad = decode(Some(std::sync::Arc::new(vec![("Test-Panic".to_owned(), "1".to_owned())])));
    let Err(Stop::Rejected(rejection)) = &bad.reading else { panic!("it is taken") };
    assert_eq!(rejection.reason, Reason::Internal);
    assert_eq!(crate::core::dead_letter::encode(&plan, &bad, rejection).payload, "", "not all masks are on");
    let next = decode(None);
    assert_eq!(next.message.payload, r#"{"card":"***","x":1}"#);
}

/// Any JSON value of no great depth.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z\"\\\\é]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-f]", value(), 0..6).prop_map(|map| map.into_iter().collect())
}

proptest! {
    /// The same by way of a tree of values.
    #[test]
    fn a_section_does_what_a_map_would_do(
        event in object(), set in prop::collection::btree_map("[ab]", 0..100_i64, 0..3), remove in prop::bool::ANY,
        rename in prop::option::of("[eg]"), pretty in prop::bool::ANY,
    ) {
        let mut section = json!({ "set": set.iter().map(|(name, n)| (name.clone(), json!({ "value": n }))).collect::<Map<_, _>>() });
        let mut expected = event.clone();
        expected.extend(set.into_iter().map(|(name, n)| (name, Value::from(n))));
        if remove {
            section["remove"] = json!(["c"]);
            expected.remove("c");
        }
        if let Some(to) = rename {
            section["rename"] = json!({ "d": to });
            if let Some(moved) = expected.remove("d") {
                expected.insert(to, moved);
            }
        }
        let text = if pretty { serde_json::to_string_pretty(&event) } else { serde_json::to_string(&event) }.unwrap();
        let found = derived(&[section], &text);
        prop_assert_eq!(serde_json::from_str::<Value>(&found).unwrap(), Value::Object(expected), "{} of {}", found, text);
    }
}
