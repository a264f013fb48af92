//! A school's events, plain and hard: every event is accounted for, and plain ones as serde_json sees them.

use super::{catalog, listed};
use crate::harness::bed::Bed;
use crate::harness::load::{publish, school};
use serde_json::Value;
use std::collections::BTreeMap;

/// Events of each kind, and how often each of their names and of those in `properties` has a value of each type.
type Naive = BTreeMap<String, (u64, BTreeMap<String, BTreeMap<&'static str, u64>>)>;

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "text",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn naive(count: u64) -> Naive {
    let (mut school, mut found) = (school(5, 0), Naive::new());
    for _ in 0..count {
        let event: Value = serde_json::from_slice(&school.next().payload).unwrap();
        let (events, places) = found.entry(event["title"].as_str().unwrap().to_owned()).or_default();
        *events += 1;
        for (name, value) in event.as_object().unwrap() {
            *places.entry(name.clone()).or_default().entry(kind(value)).or_default() += 1;
            for (inner, value) in value.as_object().into_iter().flatten() {
                *places.entry(format!("{name}.{inner}")).or_default().entry(kind(value)).or_default() += 1;
            }
        }
    }
    found
}

#[test]
fn a_plain_school_is_listed_as_serde_json_sees_it() {
    let mut bed = Bed::new();
    publish(&mut bed.wire, &mut school(5, 0), 1_500).unwrap();
    let found = listed(&bed, &[]);
    let (expected, kinds) = (naive(1_500), found["kinds"].as_object().unwrap());
    assert!(expected.keys().eq(kinds.keys()) && expected.len() == 3, "{:?}", kinds.keys());
    for (name, (events, places)) in expected {
        let listed = &kinds[&name];
        assert_eq!((&listed["known"], &listed["events"]), (&Value::from(true), &Value::from(events)));
        let listed = listed["places"].as_object().unwrap();
        assert!(places.keys().eq(listed.keys()), "{name}: {:?} {:?}", places.keys(), listed.keys());
        for (place, types) in places {
            assert_eq!(listed[&place]["types"], serde_json::to_value(&types).unwrap(), "{name}.{place}");
            assert_eq!(listed[&place]["present"], Value::from(types.values().sum::<u64>()), "{name}.{place}");
        }
    }
}

/// Everything that is counted: events of kinds, those of kinds that are not listed, and those that cannot be read.
fn accounted(catalogue: &Value) -> u64 {
    let sum = |of: &Value, count: fn(&Value) -> &Value| {
        of.as_object().unwrap().values().map(|one| count(one).as_u64().unwrap()).sum::<u64>()
    };
    sum(&catalogue["kinds"], |kind| &kind["events"])
        + sum(&catalogue["unreadable"], |count| count)
        + catalogue["more"].as_u64().unwrap()
}

#[test]
fn of_a_hard_school_every_event_is_accounted_for() {
    const EVENTS: u64 = 4_000;
    let mut bed = Bed::new();
    publish(&mut bed.wire, &mut school(9, 500), EVENTS).unwrap();
    let whole = catalog(&bed, &[]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert_eq!(whole.out, catalog(&bed, &[]).out, "the same events give the same bytes");
    let catalogue: Value = serde_json::from_str(&whole.out).unwrap();
    assert_eq!((&catalogue["events"], accounted(&catalogue)), (&Value::from(EVENTS), EVENTS));
    for reason in ["not_json", "not_object", "too_deep", "duplicate_key"] {
        assert!(catalogue["unreadable"][reason].as_u64() > Some(0), "{reason}: {}", catalogue["unreadable"]);
    }
    for kind in ["lesson", "subscription", "user", "(none)"] {
        assert!(catalogue["kinds"][kind]["events"].as_u64() > Some(0), "{kind}");
        assert_eq!(catalogue["kinds"][kind]["known"], Value::from(kind != "(none)"));
    }
    // An event without a key can be read.
    let user = &catalogue["kinds"]["user"]["places"]["properties.uuid"];
    assert!(user["types"]["null"].as_u64() > Some(0) && user["present"].as_u64() < user["of"].as_u64(), "{user}");

    let half = (EVENTS / 2).to_string();
    let after = (EVENTS / 2 + 1).to_string();
    let (one, other) = (listed(&bed, &["--until", &half]), listed(&bed, &["--from", &after]));
    assert_eq!((accounted(&one), accounted(&other)), (EVENTS / 2, EVENTS / 2));
    let lessons = |of: &Value| of["kinds"]["lesson"]["events"].as_u64().unwrap();
    assert_eq!(lessons(&one) + lessons(&other), lessons(&catalogue));
    let sample = listed(&bed, &["--from", "11", "--every", "100"]);
    assert_eq!((&sample["events"], accounted(&sample)), (&Value::from(40), 40));
}
