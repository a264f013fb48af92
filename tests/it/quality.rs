//! Rules of quality over whole events: what is counted, what an output lists, what becomes a dead letter, and what the audit
//! makes of rows that it does not know.

use serde_json::{Value, json};
use sidestream::audit::expected::{ExpectedValue as Expected, LaneWitness};
use sidestream::audit::recompute::Recompute;
use sidestream::core::event::StoredMessage;
use sidestream::core::expr::Why;
use sidestream::core::ids::{Nanos, Position};
use sidestream::core::outcome::Outcome;
use sidestream::core::output::Output;
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::layout::Layout;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::core::rejection::Reason;
use sidestream::protocol::runner::Runner;
use std::sync::Arc;

/// When every event is stored: in seconds since 1970.
const STORED: i64 = 1_700_000_000;

const USER: &str = r#"{"kind":"user","id":"u1","who":"u","country":"BR"}"#;

fn spec(quality: Value) -> PlanSpec {
    serde_json::from_value(json!({
        "input_stream": "EVENTS",
        "event": { "kind": "kind", "id": "id" },
        "quality": quality,
        "unknown_kinds": "forward",
        "kinds": { "user": { "key": "who" }, "order": { "key": "who" } },
        "tables": { "user": { "from": "user", "columns": { "country": "country" } } },
        "enrich": [{ "kinds": ["order"], "on_miss": "null", "into": [], "add": {
            "country": { "table": "user", "column": "country" }, "nation": { "table": "user", "column": "country" },
        } }],
        "output_subject": "out.{kind}",
        "mark": "done",
        "max_bytes": 1_000,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": 60,
    }))
    .unwrap()
}

fn plan(quality: Value) -> Arc<Plan> {
    Arc::new(Plan::compile(spec(quality), &Layout::default()))
}

fn message(sequence: u64, payload: &str) -> StoredMessage {
    let payload = payload.to_owned().into();
    let stored_at = Nanos(STORED * 1_000_000_000);
    StoredMessage { sequence, stored_at, subject: "in.x".into(), headers: None, payload }
}

fn messages(payloads: &[&str]) -> Vec<StoredMessage> {
    (1..).zip(payloads).map(|(sequence, payload)| message(sequence, payload)).collect()
}

/// The last event's output.
fn last(runner: &mut Runner, payloads: &[&str]) -> Output {
    match runner.run(messages(payloads)).pop() {
        Some(Outcome::Publish(output)) => output,
        other => panic!("no output: {other:?}"),
    }
}

/// For each rule of a kind in order: its name, and how many events were checked and broke it.
fn counts(runner: &mut Runner, kind: &str) -> Vec<(String, u64, u64)> {
    let plan = runner.plan.clone();
    let tally = runner.shards[0].tally.take();
    let kind = plan.kinds.iter().find(|section| *section.name == *kind).unwrap();
    let rules = kind.quality.iter().flat_map(|section| &section.rules);
    let count = |number: usize| (tally.checks[number].checked, tally.checks[number].broken);
    rules.map(|rule| (rule.name.to_string(), count(rule.number).0, count(rule.number).1)).collect()
}

/// A rule of each sort, and one over a joined row.
fn sections(on_violation: &str) -> Value {
    let valid = json!({ "big": "event.amount < 100", "home": "user.country == event.land", "past": "timestamp(event.at) <= meta.time" });
    json!([{ "kinds": ["order"], "complete": ["land", "at"], "valid": valid, "on_violation": on_violation }])
}

/// An order's members behind its key, and what it breaks; `-` stands in front of a rule that is not judged.
const ORDERS: &[(&str, &[&str])] = &[
    (r#","land":"BR","at":1700000000,"amount":99.99"#, &[]),
    (r#","land":"BR","at":1700000001,"amount":100"#, &["valid.big", "valid.past"]),
    (r#","land":"PT","at":1600000000,"amount":1"#, &["valid.home"]),
    // Something that is not there breaks what it has to be, and no condition on what it is.
    ("", &["complete.at", "complete.land", "-valid.big", "-valid.home", "-valid.past"]),
    // Null and an empty text are nothing either, but can be compared.
    (r#","land":"","at":null,"amount":1"#, &["complete.at", "complete.land", "valid.home", "valid.past"]),
    (r#","land":"BR","at":"soon","amount":"1""#, &["valid.big", "valid.past"]),
    (r#","land":{},"at":[],"amount":0"#, &["valid.home", "valid.past"]),
];

const RULES: [&str; 5] = ["complete.at", "complete.land", "valid.big", "valid.home", "valid.past"];

#[test]
fn each_rule_is_counted_marked_or_a_dead_letter() {
    for (members, broken) in ORDERS {
        let order = format!(r#"{{"kind":"order","id":"o","who":"u"{members}}}"#);
        let expected: Vec<_> = RULES
            .iter()
            .map(|rule| {
                let checked = !broken.iter().any(|b| b.strip_prefix('-') == Some(*rule));
                (rule.to_string(), u64::from(checked), u64::from(broken.contains(rule)))
            })
            .collect();
        let broken: Vec<&str> = broken.iter().copied().filter(|rule| !rule.starts_with('-')).collect();
        let unruled = last(&mut Runner::new(plan(json!([])), 1), &[USER, &order]);
        for on_violation in ["count", "mark", "dead_letter"] {
            let mut runner = Runner::new(plan(sections(on_violation)), 1);
            let output = last(&mut runner, &[USER, &order]);
            assert_eq!(counts(&mut runner, "order"), expected, "{order} {on_violation}");
            let said = String::from_utf8(output.payload.to_vec()).unwrap();
            let before = String::from_utf8(unruled.payload.to_vec()).unwrap();
            match on_violation {
                "dead_letter" if !broken.is_empty() => {
                    let dead = output.dead.as_ref().unwrap();
                    assert_eq!((dead.reason, said.as_str()), (Reason::Quality, order.as_str()));
                    let named: Vec<String> = broken.iter().map(|rule| format!("`{rule}`")).collect();
                    let sentence = format!("the event breaks {} of its quality", named.join(", "));
                    assert!(dead.headers.iter().any(|(_, value)| *value == sentence), "{dead:?}");
                }
                "mark" if !broken.is_empty() => {
                    // Behind `nation`, in front of the output's own mark.
                    let mark = format!(r#","quality":{},"done":true"#, serde_json::to_string(&broken).unwrap());
                    assert_eq!(said, before.replace(r#","done":true"#, &mark));
                }
                _ => assert_eq!(said, before, "{on_violation}"),
            }
        }
    }
}

#[test]
fn what_is_not_judged_is_counted_as_not_known() {
    let mut runner = Runner::new(plan(sections("count")), 1);
    last(&mut runner, &[USER, r#"{"kind":"order","who":"u","at":"soon"}"#]);
    let tally = runner.shards[0].tally.take();
    let rules = &runner.plan.rules;
    let unknown: Vec<(&str, Why, u64)> =
        tally.unknown.iter().map(|((rule, why), n)| (&*rules[usize::from(*rule)], *why, *n)).collect();
    assert_eq!(unknown, [("valid.big", Why::Absent, 1), ("valid.home", Why::Absent, 1)]);
}

#[test]
fn a_mark_that_is_there_is_replaced_or_taken_away() {
    let plan = plan(json!([{ "complete": ["at"], "on_violation": "mark", "mark": "broken" }]));
    for (event, output) in [
        (r#"{"kind":"x","broken":["old"],"at":1}"#, r#"{"kind":"x","at":1,"done":false}"#),
        (r#"{"kind":"x","broken":["old"]}"#, r#"{"kind":"x","broken":["complete.at"],"done":false}"#),
        (r#"{"kind":"x"}"#, r#"{"kind":"x","broken":["complete.at"],"done":false}"#),
        (r#"{"kind":"user","who":"u","at":0}"#, r#"{"kind":"user","who":"u","at":0,"done":true}"#),
    ] {
        let found = last(&mut Runner::new(plan.clone(), 1), &[event]);
        assert_eq!(found.payload, output);
        assert_eq!(last(&mut Runner::new(plan.clone(), 1), &[output]).payload, output, "a second pass");
    }
}

#[test]
fn a_dead_letter_leaves_no_row_and_no_id() {
    let mut runner =
        Runner::new(plan(json!([{ "kinds": ["user"], "complete": ["name"], "on_violation": "dead_letter" }])), 1);
    let order = r#"{"kind":"order","id":"o","who":"u"}"#;
    let named = USER.replace('}', r#","name":"n"}"#);
    let outcomes = runner.run(messages(&[USER, order, &named, &named]));
    let shown: Vec<String> = outcomes
        .into_iter()
        .flatten()
        .map(|output| format!("{} {}", output.subject, String::from_utf8_lossy(&output.payload)))
        .collect();
    assert_eq!(shown[0], format!("dead.quality {USER}"));
    assert!(shown[1].contains(r#""nation":null"#), "{shown:?}");
    // Its id is new the second time, and known the third.
    assert_eq!(shown.len(), 3);
    assert_eq!(counts(&mut runner, "user"), [("complete.name".to_owned(), 2, 1)]);
}

#[test]
fn a_kind_has_the_rules_of_all_its_sections_and_the_first_refusal_counts() {
    let plan = plan(json!([
        { "complete": ["a"], "on_violation": "mark", "mark": "m" },
        { "kinds": ["order"], "complete": ["b"], "on_violation": "dead_letter" },
        { "kinds": ["order"], "valid": { "c": "event.c == 1" }, "on_violation": "dead_letter" },
    ]));
    let mut runner = Runner::new(plan.clone(), 1);
    let output = last(&mut runner, &[r#"{"kind":"order","who":"u","c":2}"#]);
    assert!(output.dead.unwrap().headers.iter().any(|(_, v)| v == "the event breaks `complete.b` of its quality"));
    let all = ["complete.a", "complete.b", "valid.c"].map(|rule| (rule.to_owned(), 1, 1));
    assert_eq!(counts(&mut runner, "order"), all);
    assert_eq!(counts(&mut Runner::new(plan, 1), "unknown"), [("complete.a".to_owned(), 0, 0)]);
}

#[test]
fn many_broken_rules_are_named_in_part() {
    let places: Vec<String> = (0..11).map(|n| format!("p{n:02}")).collect();
    let plan = plan(json!([{ "complete": places, "on_violation": "dead_letter" }]));
    let dead = last(&mut Runner::new(plan, 1), &["{}"]).dead.unwrap();
    let sentence = &dead.headers.iter().find(|(name, _)| *name == "Sidestream-Error").unwrap().1;
    assert!(sentence.ends_with("`complete.p07` and 3 more of its quality"), "{sentence}");
}

#[test]
fn the_audit_is_not_certain_of_what_depends_on_rows_that_it_does_not_know() {
    // Without the enrichment, so that the rule alone reads the row.
    let recompute = |on_violation: &str| {
        let spec = PlanSpec { enrich: Vec::new(), ..spec(sections(on_violation)) };
        let mut recompute = Recompute::new(&spec, Position(0), Some(Nanos(0)));
        let known = recompute
            .run_with(message(1, &USER.replace("u1", "u2").replace(r#","country":"BR""#, "")), LaneWitness::Output);
        assert!(matches!(known.value, Expected::Output(_)), "{known:?}");
        // A row is there; its country may have come from an event that is gone.
        let order = r#"{"kind":"order","id":"o","who":"u","land":"BR","at":1700000000,"amount":1}"#;
        recompute.run_with(message(2, order), LaneWitness::Output).value
    };
    assert!(matches!(recompute("mark"), Expected::Frame(_)));
    assert!(matches!(recompute("dead_letter"), Expected::Frame(_)));
    assert!(matches!(recompute("count"), Expected::Output(_)));
}
