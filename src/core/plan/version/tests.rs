//! Versions over whole events: what leaves, what is refused, and a chain that is its entries one after the other.

#![allow(clippy::unwrap_used)]

use crate::core::decode::Decoder;
use crate::core::event::{Event, Stop, StoredMessage};
use crate::core::ids::Nanos;
use crate::core::plan::compiled::Plan;
use crate::core::plan::fixture::spec;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::PlanSpec;
use crate::core::rejection::Reason;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A plan whose kind `user` has these versions, and these sections behind them.
fn plan(version: Value, upcast: Value, derive: Value) -> Plan {
    let mut plan = serde_json::to_value(spec('A')).unwrap();
    plan["kinds"]["user"] = json!({ "key": "customer", "version": version, "upcast": upcast });
    plan["derive"] = derive;
    Plan::compile(serde_json::from_value::<PlanSpec>(plan).unwrap(), &Layout::default())
}

/// Versions 1 to 3: the customer got another name, then the gross amount came.
fn orders(newer: &str) -> Plan {
    let upcast =
        json!([{ "rename": { "cust": "customer" } }, { "set": { "gross": { "calc": "event.net + event.tax" } } }]);
    plan(json!({ "at": "v", "newest": 3, "missing": 1, "newer": newer }), upcast, json!([]))
}

fn decoded(plan: &Plan, payload: &str) -> Event {
    let (subject, payload) = ("events.user".into(), payload.to_owned().into());
    let message = StoredMessage { sequence: 1, stored_at: Nanos(0), subject, headers: None, payload };
    Decoder::default().decode(plan, message, Nanos(0), &mut Vec::new())
}

fn text(event: &Event) -> String {
    String::from_utf8(event.message.payload.to_vec()).unwrap()
}

fn key(event: &Event) -> Option<String> {
    let key = event.reading.clone().ok()?.key?;
    Some(key.text.get(&event.message.payload).to_owned())
}

#[test]
fn every_version_becomes_the_newest_and_all_have_their_key() {
    let plan = orders("forward");
    for (payload, expected) in [
        (
            r#"{"title":"user", "cust":"c1","net":1.50,"tax":0.5}"#,
            r#"{"title":"user","net":1.50,"tax":0.5,"customer":"c1","gross":2.00,"v":3}"#,
        ),
        (
            r#"{"title":"user","v":1,"cust":"c1","net":1,"tax":2}"#,
            r#"{"title":"user","v":3,"net":1,"tax":2,"customer":"c1","gross":3}"#,
        ),
        (
            r#"{"title":"user","v":null,"cust":"c1","net":1,"tax":2}"#,
            r#"{"title":"user","v":3,"net":1,"tax":2,"customer":"c1","gross":3}"#,
        ),
        (
            r#"{"title":"user","v":"2","customer":"c1","net":1e0,"tax":[ ]}"#,
            r#"{"title":"user","v":"3","customer":"c1","net":1e0,"tax":[ ],"gross":null}"#,
        ),
        // The kind's place in the text moves.
        (r#"{"cust":"c1","title":"user"}"#, r#"{"title":"user","customer":"c1","gross":null,"v":3}"#),
        (r#"{ "title":"user","v":3,"customer":"c1" }"#, r#"{ "title":"user","v":3,"customer":"c1" }"#),
        (r#"{"title":"user","v":"3","customer":"c1"}"#, r#"{"title":"user","v":"3","customer":"c1"}"#),
        // Newer ones are forwarded as they are.
        (r#"{"title":"user","v":4,"customer":"c1"}"#, r#"{"title":"user","v":4,"customer":"c1"}"#),
        (
            r#"{"title":"user","v":99999999999999999999999,"customer":"c1"}"#,
            r#"{"title":"user","v":99999999999999999999999,"customer":"c1"}"#,
        ),
    ] {
        let event = decoded(&plan, payload);
        assert_eq!((text(&event).as_str(), key(&event).as_deref()), (expected, Some("c1")), "{payload}");
        assert_eq!(event.kind_text.as_ref().unwrap().get(&event.message.payload), "user");
        assert_eq!(text(&decoded(&plan, expected)), expected, "a second pass");
    }
    let other = r#"{"title":"visit","v":1,"cust":"c1"}"#;
    assert_eq!(text(&decoded(&plan, other)), other, "another kind has no versions");
}

#[test]
fn what_is_no_version_of_the_kind_is_a_dead_letter() {
    let not_whole = "the field that `version.at` names is no whole number and no text of digits";
    let plan = orders("dead_letter");
    for (version, sentence) in [
        ("4", "the event's version is newer than `version.newest`"),
        (r#""4""#, "the event's version is newer than `version.newest`"),
        ("0", "the event's version is older than the first"),
        ("2.0", not_whole),
        ("1e0", not_whole),
        ("-1", not_whole),
        ("true", not_whole),
        ("[]", not_whole),
        (r#""""#, not_whole),
        (r#""two""#, not_whole),
        (r#""+2""#, not_whole),
    ] {
        let event = decoded(&plan, &format!(r#"{{"title":"user","v":{version},"cust":"c1"}}"#));
        let Err(Stop::Rejected(rejection)) = event.reading else { panic!("{version} is taken") };
        assert_eq!(rejection.reason, Reason::Version);
        assert!(rejection.sentence.starts_with(sentence), "{version}: {}", rejection.sentence);
    }
    let strict = self::plan(json!({ "at": "v", "newest": 1 }), json!([]), json!([]));
    let Err(Stop::Rejected(rejection)) = decoded(&strict, r#"{"title":"user"}"#).reading else { panic!("it is taken") };
    assert_eq!(rejection.reason, Reason::Version);
    assert!(rejection.sentence.ends_with("`version.missing` is not set"), "{}", rejection.sentence);
}

#[test]
fn a_chain_may_begin_later_and_what_is_older_is_refused() {
    let plan = plan(json!({ "at": "m.v", "newest": 4, "missing": 3 }), json!([{ "remove": ["x"] }]), json!([]));
    let upcast = |payload: &str| text(&decoded(&plan, payload));
    assert_eq!(upcast(r#"{"title":"user","m":{},"x":1}"#), r#"{"title":"user","m":{"v":4}}"#);
    assert_eq!(upcast(r#"{"title":"user","x":1}"#), r#"{"title":"user"}"#, "no object, no version");
    assert!(decoded(&plan, r#"{"title":"user","m":{"v":2},"x":1}"#).reading.is_err());
}

#[test]
fn a_dead_letter_has_the_bytes_as_they_came_unless_an_entry_hides_something() {
    let letter = |upcast: Value| {
        let plan = plan(json!({ "at": "v", "newest": 2, "missing": 1 }), upcast, json!([]));
        let event = decoded(&plan, r#"{"title":"user","card":"4111","customer":[]}"#);
        let Err(Stop::Rejected(rejection)) = event.reading.clone() else { panic!("its key is taken") };
        assert_eq!(rejection.reason, Reason::BadKey);
        let letter = crate::core::dead_letter::encode(&plan, &event, &rejection);
        String::from_utf8(letter.payload.to_vec()).unwrap()
    };
    let shown = letter(json!([{ "set": { "x": { "value": 1 } } }]));
    assert_eq!(shown, r#"{"title":"user","card":"4111","customer":[]}"#);
    let masked = letter(json!([{ "mask": { "card": "hide" } }]));
    assert_eq!(masked, r#"{"title":"user","card":"***","customer":[],"v":2}"#);
}

/// Entries of all sorts.
fn entry() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({}),
        json!({ "rename": { "a": "b" } }),
        json!({ "rename": { "b": "a", "p.q": "r" } }),
        json!({ "set": { "c": { "first": ["a", "b"] } } }),
        json!({ "set": { "a": { "calc": "event.b + 1" } }, "on_error": "omit" }),
        json!({ "set": { "q": "c" }, "into": ["p"] }),
        json!({ "remove": ["c", "p.r"] }),
        json!({ "mask": { "b": "last4" } }),
        json!({ "set": { "d": { "value": "x" } }, "when": "event.v == 1 || event.a > 1" }),
    ])
}

proptest! {
    #[test]
    fn a_chain_is_its_entries_one_after_the_other(
        upcast in prop::collection::vec(entry(), 0..6), from in 0..6_usize, pretty in any::<bool>(),
        a in prop::option::of(0..4), b in prop::option::of("[a-z]{0,9}"), p in prop::option::of(prop::option::of(0..9)),
    ) {
        let (newest, from) = (upcast.len() + 1, from.min(upcast.len()));
        let mut event = json!({ "title": "user", "v": from + 1, "customer": "c" });
        if let Some(a) = a { event["a"] = json!(a) }
        if let Some(b) = b { event["b"] = json!(b) }
        if let Some(q) = p { event["p"] = json!({ "q": q }) }
        let event = if pretty { serde_json::to_string_pretty(&event) } else { serde_json::to_string(&event) }.unwrap();
        let mut sections: Vec<Value> = upcast.iter().skip(from).cloned().collect();
        sections.push(json!({ "set": { "v": { "value": newest } } }));
        for section in &mut sections {
            section["kinds"] = json!(["user"]);
        }
        let mut one_by_one = serde_json::to_value(spec('A')).unwrap();
        one_by_one["kinds"]["user"] = json!({ "key": "customer" });
        one_by_one["derive"] = json!(sections);
        let one_by_one = Plan::compile(serde_json::from_value(one_by_one).unwrap(), &Layout::default());
        let chain = plan(json!({ "at": "v", "newest": newest }), json!(upcast), json!([]));
        prop_assert_eq!(text(&decoded(&chain, &event)), text(&decoded(&one_by_one, &event)));
    }
}
