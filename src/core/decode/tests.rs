//! Kinds, keys and ids of whole events, where the configuration names several places for them.

use crate::core::decode::Decoder;
use crate::core::event::{Event, StoredMessage};
use crate::core::ids::Nanos;
use crate::core::plan::compiled::Plan;
use crate::core::plan::fixture::spec;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::PlanSpec;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

/// The fixture's plan with changes at these places of its JSON.
pub fn plan(changes: &[(&str, Value)]) -> Plan {
    let mut plan = serde_json::to_value(spec('A')).unwrap();
    for (pointer, value) in changes {
        let (object, name) = pointer.rsplit_once('/').unwrap();
        plan.pointer_mut(object).unwrap()[name] = value.clone();
    }
    Plan::compile(serde_json::from_value::<PlanSpec>(plan).unwrap(), &Layout::default())
}

/// An event of these headers and this body, stored under `events.user`.
pub fn decoded(plan: &Plan, headers: &[(&str, &str)], payload: &[u8]) -> Event {
    let headers: Vec<(String, String)> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let message = StoredMessage {
        sequence: 1,
        stored_at: Nanos(0),
        subject: "events.user".into(),
        headers: (!headers.is_empty()).then(|| Arc::new(headers)),
        payload: payload.to_vec().into(),
    };
    Decoder::default().decode(plan, message, Nanos(0), &mut Vec::new())
}

/// The event's key, or the code of the reason why it has none.
pub fn key(event: &Event) -> Result<Option<String>, &'static str> {
    match &event.reading {
        Ok(reading) => Ok(reading.key.as_ref().map(|key| key.text.get(&event.message.payload).to_owned())),
        Err(stop) => Err(stop.rejection().map_or("filtered", |rejection| rejection.reason.code())),
    }
}

fn keyed(key_spec: Value, payload: &str) -> Result<Option<String>, &'static str> {
    key(&decoded(&plan(&[("/kinds/user/key", key_spec)]), &[("Tenant", "acme")], payload.as_bytes()))
}

#[test]
fn a_key_of_several_parts_is_one_text_that_shows_them() {
    for (payload, expected) in [
        (r#"{"title":"user","a":"a|b","b":"c"}"#, Ok(r#"["a|b","c"]"#)),
        (r#"{"title":"user","a":"a","b":"b|c"}"#, Ok(r#"["a","b|c"]"#)),
        (r#"{"title":"user","a":"a\",\"b","b":"c"}"#, Ok(r#"["a\",\"b","c"]"#)),
        (r#"{"title":"user","a":"\u0061","b":7}"#, Ok(r#"["a","7"]"#)),
        (r#"{"title":"user","a":"a","b":"7"}"#, Ok(r#"["a","7"]"#)),
        (r#"{"title":"user","a":"a"}"#, Err("no_key")),
        (r#"{"title":"user","a":null,"b":"b"}"#, Err("no_key")),
        (r#"{"title":"user","a":"","b":"b"}"#, Err("bad_key")),
        (r#"{"title":"user","a":"a","b":7.0}"#, Err("bad_key")),
        (r#"{"title":"user","a":"a","b":"\ud800"}"#, Err("bad_key")),
    ] {
        let expected = expected.map(|key| Some(key.to_owned()));
        assert_eq!(keyed(json!(["a", "b"]), payload), expected, "{payload}");
    }
    let outside = keyed(
        json!(["$header.Tenant", { "first": ["after.id", "before.id"] }]),
        r#"{"title":"user","before":{"id":1}}"#,
    );
    assert_eq!(outside, Ok(Some(r#"["acme","1"]"#.to_owned())));
}

#[test]
fn a_key_may_stand_in_one_of_two_places() {
    let first = json!({ "first": ["after.id", "before.id"] });
    for (payload, expected) in [
        (r#"{"title":"user","before":null,"after":{"id":"n"}}"#, Ok("n")),
        (r#"{"title":"user","before":{"id":"o"},"after":null}"#, Ok("o")),
        (r#"{"title":"user","before":{"id":"o"},"after":{"id":"n"}}"#, Ok("n")),
        (r#"{"title":"user","before":{"id":"o"},"after":{"id":""}}"#, Ok("o")),
        (r#"{"title":"user","before":{"id":"o"},"after":{"id":[]}}"#, Err("bad_key")),
        (r#"{"title":"user","before":null,"after":{"id":null}}"#, Err("no_key")),
        (r#"{"title":"user"}"#, Err("no_key")),
    ] {
        let expected = expected.map(|key| Some(key.to_owned()));
        assert_eq!(keyed(first.clone(), payload), expected, "{payload}");
    }
}

#[test]
fn a_kind_has_its_own_id_where_it_says_so() {
    let plan =
        plan(&[("/event/id", json!("id")), ("/kinds/user/id", json!(["a", "b"])), ("/kinds/user/key", json!("k"))]);
    let identity = |payload: &str| decoded(&plan, &[], payload.as_bytes()).reading.unwrap().identity;
    let one = identity(r#"{"title":"user","k":"k","id":1,"a":"x","b":"y"}"#);
    assert!(one.is_some());
    assert_eq!(one, identity(r#"{"title":"user","k":"k","id":2,"a":"x","b":"y"}"#), "`id` is no part of it");
    assert_ne!(one, identity(r#"{"title":"user","k":"k","id":1,"a":"x","b":"z"}"#));
    assert_eq!(identity(r#"{"title":"user","k":"k","id":1,"a":"x"}"#), None, "a part is absent");
    let other = |id: u32| identity(&format!(r#"{{"title":"other","id":{id},"a":"x","b":"y"}}"#));
    assert!(other(1).is_some() && other(1) != other(2), "other kinds have the id of [event]");
}

#[test]
fn the_kind_is_read_from_the_first_place_that_has_something() {
    let plan =
        plan(&[("/event/kind", json!(["title", "event.type", "$header.Kind"])), ("/kinds/user/key", json!("k"))]);
    for (payload, expected) in [
        (r#"{"title":"user","event":{"type":"lesson"}}"#, Some("user")),
        (r#"{"title":"","event":{"type":"user"}}"#, Some("user")),
        (r#"{"title":null,"event":{"type":"user"}}"#, Some("user")),
        (r#"{"title":7,"event":{"type":"user"}}"#, None),
        (r#"{"event":{}}"#, Some("of the header")),
    ] {
        let event = decoded(&plan, &[("Kind", "of the header")], payload.as_bytes());
        let kind = event.kind_text.as_ref().map(|text| text.get(&event.message.payload));
        assert_eq!(kind, expected, "{payload}");
    }
}

proptest! {
    #[test]
    fn different_parts_are_different_keys(one in part(), two in part(), three in part(), four in part()) {
        let key = |a: &str, b: &str| {
            let payload = json!({ "title": "user", "a": a, "b": b }).to_string();
            keyed(json!(["a", "b"]), &payload).unwrap().unwrap()
        };
        prop_assert_eq!(key(&one, &two) == key(&three, &four), (&one, &two) == (&three, &four));
        prop_assert_eq!(serde_json::from_str::<Vec<String>>(&key(&one, &two)).unwrap(), vec![one, two]);
    }
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof!["[a|\",\\[\\]\\\\é\u{1}]{1,3}", Just("a".to_owned()), Just("a\",\"a".to_owned())]
}

#[test]
fn a_condition_may_decide_the_kind_the_first_that_holds() {
    let kinds = json!({
        "user": { "key": "k" },
        "big": { "key": null, "when": "event.n > 100" },
        "refund": { "key": "k", "when": "meta.kind == \"user\" && event.n < 0" },
        "odd": { "key": null, "when": "event.odd" },
    });
    let plan = plan(&[
        ("/kinds", kinds),
        ("/kinds_by_condition", json!(["refund", "odd", "big"])),
        ("/derive", json!([{ "set": { "odd": { "calc": "event.n % 2 == 1" } } }])),
        ("/tables/user/from", json!("user")),
    ]);
    for (payload, expected) in [
        (r#"{"title":"user","k":1,"n":-2}"#, "refund"),
        (r#"{"title":"lesson","k":1,"n":-2}"#, "unknown"),
        (r#"{"title":"user","k":1,"n":2}"#, "user"),
        (r#"{"title":"user","k":1,"n":200}"#, "big"),
        (r#"{"title":"user","k":1,"n":201}"#, "odd"),
        (r#"{"title":"user","k":1,"n":"many"}"#, "user"),
        (r#"{"title":"big","k":1}"#, "unknown"),
        (r#"{"n":200}"#, "big"),
    ] {
        let event = decoded(&plan, &[], payload.as_bytes());
        assert_eq!(plan.kinds[usize::from(event.kind)].name.as_ref(), expected, "{payload}");
        let known = expected != "unknown" && expected != "user";
        let text = event.kind_text.as_ref().map(|text| text.get(&event.message.payload));
        assert!(!known || text == Some(expected), "{payload}: {text:?}");
    }
    let broken = decoded(&plan, &[], br#"{"title":"user","k":1,"n":"many"}"#);
    let rules: Vec<&str> = broken.unknown.iter().map(|(rule, _)| plan.rules[usize::from(*rule)].as_ref()).collect();
    assert_eq!(rules, ["kinds.refund.when", "kinds.odd.when", "kinds.big.when"]);
}

#[test]
fn a_declared_type_is_relied_on_in_the_conditions_of_its_kind() {
    let filter = json!([{ "name": "f", "drop": "event.n != 5" }]);
    let dropped = |types: Value, payload: &str| {
        let plan = plan(&[("/kinds/user/types", types), ("/kinds/user/key", json!("k")), ("/filter", filter.clone())]);
        key(&decoded(&plan, &[], payload.as_bytes())) == Err("filtered")
    };
    let text = r#"{"title":"user","k":1,"n":"x"}"#;
    assert!(dropped(json!({}), text), "a text is unequal to a number");
    assert!(!dropped(json!({ "n": "number" }), text), "what is no number is broken, and nothing broken drops an event");
    assert!(dropped(json!({ "n": "number" }), r#"{"title":"user","k":1,"n":6}"#));
}

/// The event's text under `create = true` for an enrichment and a section of derived fields.
#[test]
fn an_object_is_made_where_there_is_none_and_nothing_else_is_touched() {
    let enrich = json!([{ "kinds": ["user"], "on_miss": "null", "into": ["a", "b\"c"], "create": true, "add": { "x": { "table": "user", "row": null, "column": "country" } }, "when": "event.n > 0" }]);
    let derive = json!([{ "into": ["p", "q"], "create": true, "set": { "y": { "value": 1 } } }]);
    for (changes, payload, expected) in [
        (vec![("/enrich", enrich.clone())], r#"{"title":"user","n":1}"#, r#"{"title":"user","n":1,"a":{"b\"c":{}}}"#),
        (
            vec![("/enrich", enrich.clone())],
            r#"{"title":"user","n":1, "a" : { }}"#,
            r#"{"title":"user","n":1, "a" : {"b\"c":{} }}"#,
        ),
        (
            vec![("/enrich", enrich.clone())],
            r#"{"title":"user","n":1,"a":{"b\"c":{"z":1}}}"#,
            r#"{"title":"user","n":1,"a":{"b\"c":{"z":1}}}"#,
        ),
        (vec![("/enrich", enrich.clone())], r#"{"title":"user","n":1,"a":null}"#, r#"{"title":"user","n":1,"a":null}"#),
        (
            vec![("/enrich", enrich.clone())],
            r#"{"title":"user","n":1,"a":{"b\"c":[]}}"#,
            r#"{"title":"user","n":1,"a":{"b\"c":[]}}"#,
        ),
        (vec![("/enrich", enrich.clone())], r#"{"title":"user","n":0}"#, r#"{"title":"user","n":0}"#),
        (vec![("/enrich", enrich)], r#"{"title":"lesson","n":1}"#, r#"{"title":"lesson","n":1}"#),
        (vec![("/derive", derive.clone())], r#"{"title":"user"}"#, r#"{"title":"user","p":{"q":{"y":1}}}"#),
        (
            vec![("/derive", derive.clone())],
            r#"{"title":"user","p":{"q":{"y":2}}}"#,
            r#"{"title":"user","p":{"q":{"y":1}}}"#,
        ),
        (vec![("/derive", derive)], r#"{"title":"user","p":7}"#, r#"{"title":"user","p":7}"#),
    ] {
        let event = decoded(&plan(&changes), &[], payload.as_bytes());
        assert_eq!(String::from_utf8_lossy(&event.message.payload), expected, "{payload}");
        let kind = event.kind_text.as_ref().map(|text| text.get(&event.message.payload));
        assert!(payload.contains(kind.unwrap()), "the kind's place may have moved");
    }
}

#[test]
fn what_lies_in_an_array_is_found_by_its_number_on_both_ways_of_a_scan() {
    for (place, payload, expected) in [
        ("items[1].id", r#"{"title":"user","items":[{"id":"a"},{"id":"b"},{"id":"c"}]}"#, Ok("b")),
        ("items[0].id", r#"{"title":"user","items":[]}"#, Err("no_key")),
        ("items[0].id", r#"{"title":"user","items":{"id":"a"}}"#, Err("no_key")),
        ("items[0].id", r#"{"title":"user","items":["a"]}"#, Err("no_key")),
        ("m[1][0]", r#"{"title":"user","m":[[1],[2,3]]}"#, Ok("2")),
        ("m[0]", r#"{"title":"user","m":["x"],"[0]":"y"}"#, Ok("x")),
        (r#"a."x.y""#, r#"{"title":"user","a":{"x.y":"d","x":{"y":"e"}}}"#, Ok("d")),
        (r#""x.y"[0]"#, r#"{"title":"user","x.y":[7]}"#, Ok("7")),
    ] {
        let expected = expected.map(|key| Some(key.to_owned()));
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(payload).unwrap()).unwrap();
        for payload in [payload, &pretty] {
            assert_eq!(keyed(json!(place), payload), expected, "{place} of {payload}");
        }
    }
    let twice = r#"{"title":"user","items":[{"id":1}],"items":[{"id":2}]}"#;
    assert_eq!(keyed(json!("items[0].id"), twice), Err("duplicate_key"));
    let deep = format!(r#"{{"title":"user","items":[{}1{}]}}"#, "[".repeat(200), "]".repeat(200));
    assert_eq!(keyed(json!("items[0][0][0]"), &deep), Err("too_deep"));
}

#[test]
fn only_the_subjects_that_are_wanted_are_looked_at() {
    for (only, expected) in [
        (json!(["events.user"]), Ok(Some("u".to_owned()))),
        (json!(["events.lesson", "events.*"]), Ok(Some("u".to_owned()))),
        (json!(["events.lesson", "events.user.>"]), Err("filtered")),
    ] {
        let plan = plan(&[("/input_only", only), ("/kinds/user/key", json!("k"))]);
        assert_eq!(key(&decoded(&plan, &[], br#"{"title":"user","k":"u"}"#)), expected);
        assert_eq!(key(&decoded(&plan, &[], b"no json")) == Err("filtered"), expected.is_err());
    }
}

proptest! {
    #[test]
    fn members_of_arrays_are_where_others_find_them(value in tree(), first in 0..3_usize, second in 0..3_usize) {
        let event = json!({ "title": "user", "a": value });
        let place = format!("a[{first}].b[{second}]");
        let pointer = format!("/a/{first}/b/{second}");
        let expected = match event.get("a").filter(|a| a.is_array()).and_then(|_| event.pointer(&pointer)) {
            None | Some(Value::Null) => Err("no_key"),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err("bad_key"),
        };
        let in_array = event.pointer(&format!("/a/{first}/b")).is_none_or(Value::is_array);
        let expected = if in_array { expected } else { Err("no_key") };
        for payload in [event.to_string(), serde_json::to_string_pretty(&event).unwrap()] {
            prop_assert_eq!(keyed(json!(place), &payload), expected.clone(), "{}", payload);
        }
    }
}

/// Arrays and objects of the few names that the test asks for.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), Just(json!([])), (0..9).prop_map(Value::from)];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let object = proptest::collection::btree_map("[ab]|\\[0\\]", inner.clone(), 0..3);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
