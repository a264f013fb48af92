//! Duplicates that leave aside, and duplicates that a rule of quality counts: outputs, counts, and what the audit says of them.

use serde_json::{Value, json};
use sidestream::adapters::memory::store::MemoryStore;
use sidestream::audit::expected::{ExpectedValue as Expected, LaneWitness};
use sidestream::audit::recompute::Recompute;
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::{Nanos, Position};
use sidestream::core::output::Output;
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::layout::Layout;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::core::record::DEDUP;
use sidestream::core::rejection::Reason;
use sidestream::engine::restore::load_shard;
use sidestream::ports::store::{Batch, Space, Store};
use sidestream::protocol::lake::row::{LakeMessage, LakeRow};
use sidestream::protocol::prepare::IdsOf;
use sidestream::protocol::runner::Runner;
use std::sync::Arc;

/// When every event is stored: in seconds since 1970.
const STORED: i64 = 1_700_000_000;

fn spec(keep: Option<&str>, change: impl FnOnce(&mut Value)) -> PlanSpec {
    let mut plan = json!({
        "input_stream": "EVENTS",
        "event": { "kind": "kind", "id": "id", "time": "at" },
        "derive": [{ "remove": ["secret"], "on_error": "null" }],
        "unknown_kinds": "forward",
        "kinds": { "user": { "key": "who" }, "order": { "key": "who" } },
        "tables": { "user": { "from": "user", "columns": { "country": "country" } } },
        "enrich": [{ "kinds": ["order"], "on_miss": "null", "into": [], "add": {
            "country": { "table": "user", "column": "country" },
        } }],
        "output_subject": "out.{kind}",
        "mark": "done",
        "max_bytes": 1_100,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": 60,
        "quality": [{ "kinds": ["order"], "complete": ["who"], "unique": true, "on_violation": "mark" }],
    });
    if let Some(keep) = keep {
        plan["dedup_keep"] = json!(keep);
    }
    change(&mut plan);
    serde_json::from_value(plan).unwrap()
}

fn compiled(spec: PlanSpec) -> Arc<Plan> {
    Arc::new(Plan::compile(spec, &Layout::default()))
}

fn message(sequence: u64, payload: &str) -> StoredMessage {
    let headers = vec![("Trace".to_owned(), "t".to_owned()), ("Nats-Msg-Id".to_owned(), "7".to_owned())];
    StoredMessage {
        sequence,
        stored_at: Nanos(STORED * 1_000_000_000),
        subject: "in.x".into(),
        headers: Some(headers.into()),
        payload: payload.to_owned().into(),
    }
}

const EVENTS: [&str; 7] = [
    r#"{"kind":"user","id":1,"who":"u","country":"BR"}"#,
    r#"{"kind":"order","id":2,"who":"u","secret":"s"}"#,
    r#"{"kind":"order","id":2,"who":"u","secret":"s","n":1e400}"#,
    r#"{"kind":"user","id":1,"who":"u","country":"PT"}"#,
    r#"{"kind":"order","who":"u"}"#,
    r#"{"kind":"other","id":5}"#,
    r#"{"kind":"other","id":5}"#,
];

fn outputs(runner: &mut Runner, payloads: &[&str]) -> Vec<Output> {
    let messages = (1..).zip(payloads).map(|(sequence, payload)| message(sequence, payload)).collect();
    runner.run(messages).into_iter().flatten().collect()
}

fn shown(output: &Output) -> String {
    format!("{} {} {}", output.position, output.subject, String::from_utf8_lossy(&output.payload))
}

#[test]
fn a_duplicate_leaves_aside_as_it_came_and_changes_nothing() {
    let expected = [
        r#"1 out.user {"kind":"user","id":1,"who":"u","country":"BR","done":true}"#,
        r#"2 out.order {"kind":"order","id":2,"who":"u","country":"BR","done":true}"#,
        r#"3 twice.order {"kind":"order","id":2,"who":"u","n":1e400}"#,
        r#"4 twice.user {"kind":"user","id":1,"who":"u","country":"PT"}"#,
        r#"5 out.order {"kind":"order","who":"u","country":"BR","done":true}"#,
        r#"6 out.unknown {"kind":"other","id":5,"done":false}"#,
        r#"7 twice.unknown {"kind":"other","id":5}"#,
    ];
    let plan = compiled(spec(Some("twice.{kind}"), |_| {}));
    for shards in [1, 2, 7] {
        let mut runner = Runner::new(plan.clone(), shards);
        let outputs = outputs(&mut runner, &EVENTS);
        let lines: Vec<String> = outputs.iter().map(shown).collect();
        assert_eq!(lines, expected, "{shards} shards");
        for (at, output) in outputs.iter().enumerate() {
            let own: Vec<(&str, &str)> = output.own_headers().collect();
            let aside = [2, 3, 6].contains(&at);
            assert_eq!(own, if aside { vec![("Sidestream-Duplicate", "1")] } else { Vec::new() }, "{at}");
            assert_eq!(output.is_duplicate(), aside);
            assert_eq!(output.copied.as_deref().unwrap().len(), 1, "the event's own header and not the server's");
        }
        let count = |of: fn(&sidestream::core::tally::KindTally) -> u64| -> u64 {
            runner.shards.iter().flat_map(|step| &step.tally.kinds).map(of).sum()
        };
        assert_eq!((count(|kind| kind.processed), count(|kind| kind.duplicates), count(|kind| kind.dead)), (4, 3, 0));
    }
    // Without it the same events lead to the same outputs but those.
    let silent = outputs(&mut Runner::new(compiled(spec(None, |_| {})), 1), &EVENTS);
    let kept = outputs(&mut Runner::new(plan, 1), &EVENTS);
    assert_eq!(silent, kept.into_iter().filter(|output| !output.is_duplicate()).collect::<Vec<_>>());
}

#[test]
fn a_duplicate_has_an_envelope_where_outputs_have_one_and_is_no_row_of_the_lake() {
    let plan = compiled(spec(Some("twice"), |plan| plan["envelope"] = json!(true)));
    let outputs = outputs(&mut Runner::new(plan, 1), &EVENTS);
    let names: Vec<&str> = outputs[2].own_headers().map(|(name, _)| name).collect();
    assert_eq!(names, ["Sidestream-Duplicate", "Sidestream-Kind", "Sidestream-Key", "Sidestream-Stored"]);
    let stored = |output: &Output| {
        let run = "187f0a1b2c3d4e5f0000000a.3:00ff:1:1".to_owned();
        let (position, time) = (output.position_header("EVENTS"), output.stored_at.to_string());
        let lane = [("Sidestream-Position", position), ("Sidestream-Time", time), ("Sidestream-Run", run)];
        let mut headers: Vec<(String, String)> = lane.map(|(name, value)| (name.to_owned(), value)).to_vec();
        headers.extend(output.own_headers().map(|(name, value)| (name.to_owned(), value.to_owned())));
        StoredMessage { headers: Some(headers.into()), ..message(output.position.0, "{}") }
    };
    assert_eq!(LakeRow::read(&stored(&outputs[2])), LakeMessage::Duplicate);
    assert!(matches!(LakeRow::read(&stored(&outputs[1])), LakeMessage::Row(_)));
}

#[test]
fn a_duplicate_that_the_lane_cannot_carry_is_a_dead_letter_and_counted_once() {
    let large = format!(r#"{{"kind":"user","id":1,"who":"u","pad":"{}"}}"#, "x".repeat(900));
    let mut runner = Runner::new(compiled(spec(Some("twice"), |_| {})), 1);
    let outputs = outputs(&mut runner, &[EVENTS[0], &large]);
    assert_eq!(outputs[1].dead.as_ref().unwrap().reason, Reason::TooLarge);
    let user = runner.plan.kinds.iter().position(|kind| &*kind.name == "user").unwrap();
    let counted = runner.shards[0].tally.kinds[user];
    assert_eq!((counted.processed, counted.duplicates, counted.dead), (1, 0, 1));
}

#[test]
fn duplicates_break_the_rule_that_ids_are_unique() {
    let mut runner = Runner::new(compiled(spec(None, |_| {})), 1);
    outputs(&mut runner, &EVENTS);
    let order = runner.plan.kinds.iter().find(|kind| &*kind.name == "order").unwrap();
    let rule = order.quality.iter().flat_map(|section| &section.rules).find(|rule| &*rule.name == "unique").unwrap();
    let counted = runner.shards[0].tally.checks[rule.number];
    // The order without an id is not judged, and nobody else is an order.
    assert_eq!((counted.checked, counted.broken), (2, 1));
}

/// How many duplicates of users had another content.
fn conflicts(runner: &mut Runner) -> u64 {
    runner.shards.iter_mut().flat_map(|step| step.tally.take().kinds).map(|kind| kind.conflicts).sum()
}

#[test]
fn a_duplicate_with_another_content_is_a_conflict_also_behind_a_restart() {
    let noting = || compiled(spec(None, |plan| plan["dedup_conflicts"] = json!(true)));
    let user = |country: &str, secret: &str| {
        format!(r#"{{"kind":"user","id":1,"who":"u","country":"{country}","secret":"{secret}"}}"#)
    };
    let mut runner = Runner::new(noting(), 2);
    let first = [user("BR", "a"), user("BR", "b"), user("PT", "a"), EVENTS[4].to_owned(), EVENTS[4].to_owned()];
    outputs(&mut runner, &first.each_ref().map(String::as_str));
    // What is removed from an event is no part of its content, and the first one's counts.
    assert_eq!(conflicts(&mut runner), 1);
    let (barrier, groups) = runner.checkpoint();
    let store = MemoryStore::new();
    let versions: Vec<u8> = groups
        .iter()
        .flat_map(|group| &group.changes)
        .filter(|(key, _)| key.starts_with(&DEDUP))
        .map(|(_, value)| value.as_ref().unwrap()[0])
        .collect();
    assert_eq!(versions, [2]);
    for group in groups {
        store.apply(Space::of(group.group), &Batch { changes: group.changes }).unwrap();
    }
    let again = |plan: Arc<Plan>| {
        let ids = IdsOf { window: plan.dedup_window, other_rule_through: Position(0) };
        let states = (0..2).map(|shard| load_shard(&store, shard, 2, usize::MAX, ids, barrier.position).unwrap());
        Runner::over(plan, states.collect(), barrier.position, barrier.stream_time)
    };
    let later = |runner: &mut Runner, payloads: [String; 3]| {
        let messages = (6..).zip(&payloads).map(|(sequence, payload)| message(sequence, payload)).collect();
        assert!(runner.run(messages).iter().all(|outcome| outcome.outputs().is_empty()), "duplicates all of them");
        conflicts(runner)
    };
    let sent = || [user("BR", "c"), user("FR", "c"), user("PT", "c")];
    assert_eq!(later(&mut again(noting()), sent()), 2);
    // Switched off, nothing is noted, and what is written is what the first build would write.
    let plain = || compiled(spec(None, |_| {}));
    let mut off = again(plain());
    assert_eq!(later(&mut off, sent()), 0);
    let outputs = off.run(vec![message(9, r#"{"kind":"user","id":9,"who":"u"}"#)]);
    assert!(outputs[0].is_processed());
    let chunks: Vec<u8> = off
        .checkpoint()
        .1
        .iter()
        .flat_map(|group| &group.changes)
        .filter_map(|(key, value)| value.as_ref().filter(|_| key.starts_with(&DEDUP)).map(|value| value[0]))
        .collect();
    assert_eq!(chunks, [1]);
}

#[test]
fn an_id_from_before_contents_were_noted_is_no_conflict() {
    let noting = compiled(spec(None, |plan| plan["dedup_conflicts"] = json!(true)));
    let mut before = Runner::new(compiled(spec(None, |_| {})), 1);
    outputs(&mut before, &[EVENTS[0]]);
    let (barrier, _) = before.checkpoint();
    let states = before.shards.drain(..).map(|step| step.state).collect();
    let mut runner = Runner::over(noting, states, barrier.position, barrier.stream_time);
    runner.run(vec![message(2, EVENTS[3])]);
    let counted: Vec<u64> = runner.shards[0].tally.kinds.iter().map(|kind| kind.duplicates).collect();
    assert_eq!((counted.iter().sum::<u64>(), conflicts(&mut runner)), (1, 0));
}

#[test]
fn of_a_lost_past_the_lane_is_the_witness_of_a_duplicate() {
    let spec = spec(Some("twice.{kind}"), |_| {});
    let recompute = || Recompute::new(&spec, Position(1), Some(Nanos(STORED * 1_000_000_000)));
    // The event that it repeats is gone.
    let expected = recompute().run_with(message(2, EVENTS[1]), LaneWitness::Duplicate);
    let Expected::Output(output) = &expected.value else { panic!("{expected:?}") };
    assert_eq!(shown(output), r#"2 twice.order {"kind":"order","id":2,"who":"u"}"#);
    assert!(expected.must && output.is_duplicate());
    // An event without an id is nobody's duplicate, whatever the lane says.
    let expected = recompute().run_with(message(2, EVENTS[4]), LaneWitness::Duplicate);
    assert!(!matches!(&expected.value, Expected::Output(output) if output.is_duplicate()), "{expected:?}");
}

#[test]
fn a_kind_is_as_fresh_as_its_newest_event() {
    let newest = |plan: PlanSpec, payloads: &[&str]| {
        let mut runner = Runner::new(compiled(plan), 1);
        outputs(&mut runner, payloads);
        let order = runner.plan.kinds.iter().position(|kind| &*kind.name == "order").unwrap();
        let tally = runner.shards[0].tally.take();
        assert_eq!(tally.stream_time, Some(Nanos(STORED * 1_000_000_000)));
        assert_eq!(runner.shards[0].tally.kinds[order].newest, None);
        tally.kinds[order].newest.map(|time| time.0 / 1_000_000_000 - STORED)
    };
    let order = |at: &str, id: u64| format!(r#"{{"kind":"order","who":"u","id":{id},"at":{at}}}"#);
    let [old, new, ahead, none] =
        [order("1699999000", 1), order("1699999900", 2), order("4102444800", 3), order("null", 4)];
    let timed = || spec(None, |_| {});
    assert_eq!(newest(timed(), &[&old]), Some(-1000));
    assert_eq!(newest(timed(), &[&new, &old]), Some(-100));
    // A time ahead of its own storage is none that another event could be older than.
    assert_eq!(newest(timed(), &[&old, &ahead]), Some(0));
    assert_eq!(newest(timed(), &[&old, &none, &old]), Some(-1000));
    assert_eq!(newest(timed(), &[&none]), None);
    let untimed = spec(None, |plan| plan["event"]["time"] = Value::Null);
    assert_eq!(newest(untimed, &[&old]), Some(0));
}
