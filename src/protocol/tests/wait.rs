//! Events that wait for rows: where they leave, as what, and in which order.

use crate::core::event::StoredMessage;
use crate::core::ids::{Nanos, Position};
use crate::core::outcome::{Outcome, Silence};
use crate::core::output::{EVENT, Output, TICK};
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::PlanSpec;
use crate::protocol::runner::Runner;
use serde_json::{Value, json};
use std::sync::Arc;

const SECOND: i64 = 1_000_000_000;
/// The stream begins at some time that is not zero.
const BEGIN: i64 = 1_790_000_000 * SECOND;

/// A school whose lessons wait 30 s for their user and the subscription in their language.
fn spec(change: impl FnOnce(&mut Value)) -> PlanSpec {
    let mut plan = json!({
        "input_stream": "S",
        "event": { "kind": "k", "id": "id", "time": null },
        "unknown_kinds": "forward",
        "kinds": { "user": { "key": "u" }, "sub": { "key": "u" }, "lesson": { "key": "u" }, "x": { "key": "u" } },
        "tables": {
            "user": { "from": "user", "row": null, "columns": { "country": "c" }, "delete": null },
            "sub": { "from": "sub", "row": "l", "columns": { "status": "s" }, "delete": null },
        },
        "enrich": [{ "kinds": ["lesson"], "on_miss": "wait", "wait": { "wait_s": 30 }, "into": [], "add": {
            "country": { "table": "user", "row": null, "column": "country" },
            "status": { "table": "sub", "row": "l", "column": "status" },
        } }],
        "output_subject": "out.{kind}",
        "mark": "ok",
        "max_bytes": 700,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": 600,
        "tick_subject": "s.tick",
    });
    change(&mut plan);
    serde_json::from_value(plan).unwrap()
}

fn runner(spec: PlanSpec, shards: usize) -> Runner {
    Runner::new(Arc::new(Plan::compile(spec, &Layout::default())), shards)
}

fn user(key: &str, country: &str) -> String {
    format!(r#"{{"k":"user","u":"{key}","c":"{country}"}}"#)
}

fn sub(key: &str, language: &str, status: &str) -> String {
    format!(r#"{{"k":"sub","u":"{key}","l":"{language}","s":"{status}"}}"#)
}

fn lesson(key: &str, language: &str, n: u32) -> String {
    format!(r#"{{"k":"lesson","u":"{key}","l":"{language}","n":{n}}}"#)
}

fn other(key: &str) -> String {
    format!(r#"{{"k":"x","u":"{key}"}}"#)
}

/// Events at seconds behind the beginning; the sequence is the place in the list.
fn input(events: &[(f64, String)]) -> Vec<StoredMessage> {
    let message = |(sequence, (second, payload)): (u64, &(f64, String))| StoredMessage {
        sequence,
        stored_at: Nanos(BEGIN + (second * SECOND as f64) as i64),
        subject: "s.x".into(),
        headers: None,
        payload: payload.clone().into(),
    };
    (1..).zip(events).map(message).collect()
}

/// What leaves, as `(position, n) subject body`, and of what waited the position of its event.
fn leaves(outcomes: impl IntoIterator<Item = Outcome>) -> Vec<String> {
    outcomes.into_iter().flatten().map(|output| line(&output)).collect()
}

fn line(output: &Output) -> String {
    let event = output.own_headers().find(|(name, _)| *name == EVENT).map(|(_, value)| format!(" of {value}"));
    let body = String::from_utf8_lossy(&output.payload);
    format!("({},{}) {}{} {body}", output.position, output.n, output.subject, event.unwrap_or_default())
}

/// The lines under any number of shards and any slices, which are all the same.
fn run(spec: &PlanSpec, events: &[(f64, String)]) -> Vec<String> {
    run_messages(spec, &input(events))
}

fn run_messages(spec: &PlanSpec, messages: &[StoredMessage]) -> Vec<String> {
    let whole = leaves(runner(spec.clone(), 1).run(messages.to_vec()));
    for (shards, slice) in [(1, 1), (2, 1), (2, 3), (7, 2), (7, 100)] {
        let mut runner = runner(spec.clone(), shards);
        let sliced: Vec<String> = messages.chunks(slice).flat_map(|slice| leaves(runner.run(slice.to_vec()))).collect();
        assert_eq!(sliced, whole, "{shards} shards, slices of {slice}");
    }
    whole
}

/// A lesson as it leaves.
fn enriched(key: &str, language: &str, n: u32, country: &str, status: &str, ok: bool) -> String {
    let lesson = lesson(key, language, n);
    format!(r#"{},"country":{country},"status":{status},"ok":{ok}}}"#, &lesson[..lesson.len() - 1])
}

fn plain(event: &str) -> String {
    format!(r#"{},"ok":true}}"#, &event[..event.len() - 1])
}

#[test]
fn a_row_releases_at_its_position_behind_its_own_output() {
    let events =
        [(0.0, lesson("a", "fr", 1)), (1.0, user("a", "BR")), (2.0, sub("a", "fr", "on")), (3.0, lesson("a", "fr", 2))];
    assert_eq!(
        run(&spec(|_| {}), &events),
        [
            format!("(2,0) out.user {}", plain(&user("a", "BR"))),
            format!("(3,0) out.sub {}", plain(&sub("a", "fr", "on"))),
            format!("(3,1) out.lesson of S:1 {}", enriched("a", "fr", 1, "\"BR\"", "\"on\"", true)),
            format!("(4,0) out.lesson {}", enriched("a", "fr", 2, "\"BR\"", "\"on\"", true)),
        ]
    );
}

#[test]
fn what_is_released_together_leaves_in_the_order_of_deadlines() {
    let events =
        [(0.0, user("a", "BR")), (0.0, lesson("a", "fr", 1)), (1.0, lesson("a", "fr", 2)), (2.0, sub("a", "fr", "on"))];
    let lines = run(&spec(|_| {}), &events);
    assert_eq!(lines[1], format!("(4,0) out.sub {}", plain(&sub("a", "fr", "on"))));
    assert_eq!(lines[2], format!("(4,1) out.lesson of S:2 {}", enriched("a", "fr", 1, "\"BR\"", "\"on\"", true)));
    assert_eq!(lines[3], format!("(4,2) out.lesson of S:3 {}", enriched("a", "fr", 2, "\"BR\"", "\"on\"", true)));
}

#[test]
fn what_was_found_at_arrival_stays_and_what_was_missed_is_that_of_the_release() {
    let events =
        [(0.0, user("a", "BR")), (1.0, lesson("a", "fr", 1)), (2.0, user("a", "PT")), (3.0, sub("a", "fr", "on"))];
    let lines = run(&spec(|_| {}), &events);
    assert_eq!(lines[3], format!("(4,1) out.lesson of S:2 {}", enriched("a", "fr", 1, "\"BR\"", "\"on\"", true)));
}

#[test]
fn stream_time_releases_exactly_at_the_deadline_whoevers_event_moves_it() {
    let late = enriched("a", "fr", 1, "null", "null", false);
    let events = [(0.0, lesson("a", "fr", 1)), (29.999, other("b")), (30.0, other("c")), (31.0, other("d"))];
    let lines = run(&spec(|_| {}), &events);
    assert_eq!(lines[2], format!("(3,1) out.lesson of S:1 {late}"));
    assert_eq!(lines.len(), 4);
    // At a duplicate it is the first of its cause.
    let again = r#"{"k":"x","u":"b","id":7}"#.to_owned();
    let lines = run(&spec(|_| {}), &[(0.0, lesson("a", "fr", 1)), (1.0, again.clone()), (30.0, again)]);
    assert_eq!(lines[1], format!("(3,0) out.lesson of S:1 {late}"));
    // A row that came, while another one is missing, is there in the end.
    let events = [(0.0, lesson("a", "fr", 1)), (1.0, user("a", "BR")), (40.0, other("b"))];
    let lines = run(&spec(|_| {}), &events);
    assert_eq!(lines[2], format!("(3,1) out.lesson of S:1 {}", enriched("a", "fr", 1, "\"BR\"", "null", false)));
}

#[test]
fn a_tick_moves_time_and_is_told_by_all_three_of_its_marks() {
    let tick = |subject: &str, header: &str, body: &'static str| StoredMessage {
        sequence: 2,
        stored_at: Nanos(BEGIN + 31 * SECOND),
        subject: subject.into(),
        headers: Some(Arc::new(vec![(header.to_owned(), "1".to_owned())])),
        payload: body.into(),
    };
    let first = input(&[(0.0, lesson("a", "fr", 1))]).remove(0);
    let lines = run_messages(&spec(|_| {}), &[first.clone(), tick("s.tick", TICK, "")]);
    assert_eq!(lines, [format!("(2,0) out.lesson of S:1 {}", enriched("a", "fr", 1, "null", "null", false))]);
    for no_tick in [tick("s.x", TICK, ""), tick("s.tick", "X", ""), tick("s.tick", TICK, "{}")] {
        let lines = run_messages(&spec(|_| {}), &[first.clone(), no_tick]);
        assert!(lines[0].starts_with("(2,0) dead.not_json") || lines[0].starts_with("(2,0) out.unknown"), "{lines:?}");
        assert!(lines[1].starts_with("(2,1) out.lesson of S:1"), "{lines:?}");
    }
}

#[test]
fn an_id_counts_from_arrival_and_not_where_the_event_died() {
    let dead = |plan: &mut Value| plan["enrich"][0]["wait"]["then"] = json!("dead_letter");
    let lesson = r#"{"k":"lesson","u":"a","l":"fr","id":1}"#.to_owned();
    let events = [
        (0.0, lesson.clone()),
        (1.0, lesson.clone()),
        (30.0, other("b")),
        (31.0, user("a", "BR")),
        (32.0, sub("a", "fr", "on")),
        (33.0, lesson.clone()),
        (34.0, lesson.clone()),
    ];
    let lines = run(&spec(dead), &events);
    assert_eq!(lines[1], format!("(3,1) dead.miss of S:1 {lesson}"), "once, and the second one is a duplicate of it");
    assert!(lines[4].starts_with("(6,0) out.lesson "), "what died can come again: {lines:?}");
    assert_eq!(lines.len(), 5);
}

#[test]
fn beyond_the_bound_an_event_leaves_at_once() {
    let two = |plan: &mut Value| plan["max_waiting"] = json!(2);
    let events = [(0.0, lesson("a", "fr", 1)), (0.0, lesson("a", "fr", 2)), (0.0, lesson("a", "fr", 3))];
    let lines = run(&spec(two), &events);
    assert_eq!(lines, [format!("(3,0) out.lesson {}", enriched("a", "fr", 3, "null", "null", false))]);
    let mut counted = runner(spec(two), 2);
    counted.run(input(&events));
    let tally =
        |of: fn(&crate::core::tally::Tally) -> u64| counted.shards.iter().map(|step| of(&step.tally)).sum::<u64>();
    assert_eq!((tally(|t| t.parked), tally(|t| t.wait_overflow)), (2, 1));
    let dead = |plan: &mut Value| {
        two(plan);
        plan["enrich"][0]["wait"]["then"] = json!("dead_letter");
    };
    assert!(run(&spec(dead), &events)[0].starts_with("(3,0) dead.miss "));
}

#[test]
fn what_names_no_row_and_what_misses_nothing_does_not_wait() {
    let without = r#"{"k":"lesson","u":"a"}"#.to_owned();
    let events = [(0.0, user("a", "BR")), (0.0, without)];
    let lines = run(&spec(|_| {}), &events);
    assert_eq!(lines[1], r#"(2,0) out.lesson {"k":"lesson","u":"a","country":"BR","status":null,"ok":false}"#);
}

#[test]
fn what_waits_is_outside_a_replay_by_the_cause_that_releases_it() {
    let ranged = |from: u64, until: u64| spec(move |plan| plan["emit"] = json!({ "from": from, "until": until }));
    let events = [(0.0, lesson("a", "fr", 1)), (30.0, other("b")), (31.0, other("b"))];
    assert_eq!(run(&ranged(2, 2), &events).len(), 2, "its event is before the range, its cause inside");
    assert_eq!(run(&ranged(1, 1), &events), [] as [String; 0]);
    assert_eq!(run(&ranged(3, 3), &events).len(), 1);
}

#[test]
fn a_plan_that_lets_nothing_wait_frees_all_at_its_first_position() {
    let events =
        input(&[(0.0, lesson("a", "fr", 1)), (1.0, lesson("b", "fr", 2)), (2.0, other("c")), (3.0, other("d"))]);
    for shards in [1, 2, 7] {
        let mut before = runner(spec(|_| {}), shards);
        before.run(events[..2].to_vec());
        let layout = before.plan.layout.clone();
        let next = spec(|plan| {
            plan["enrich"][0]["on_miss"] = json!("omit");
            plan["enrich"][0].as_object_mut().unwrap().remove("wait");
        });
        let states = before.shards.into_iter().map(|step| step.state).collect();
        let plan = Arc::new(Plan::compile(next, &layout));
        let mut after = Runner::over(plan, states, Position(2), Nanos(BEGIN + SECOND));
        let lines = leaves(after.run(events[2..].to_vec()));
        assert!(lines[0].starts_with("(3,0) out.x"), "{lines:?}");
        assert_eq!(
            lines[1],
            format!("(3,1) out.lesson of S:1 {},\"ok\":false}}", lesson("a", "fr", 1).trim_end_matches('}'))
        );
        assert!(lines[2].starts_with("(3,2) out.lesson of S:2") && lines[3].starts_with("(4,0) out.x"), "{lines:?}");
    }
}

#[test]
fn state_changes_at_arrival_and_a_silent_outcome_says_why() {
    let feeds = spec(|plan| {
        plan["tables"]["last"] = json!({ "from": "lesson", "row": null, "columns": { "n": "n" }, "delete": null });
        plan["enrich"][0]["kinds"] = json!(["lesson"]);
        plan["enrich"].as_array_mut().unwrap().push(json!({ "kinds": ["x"], "on_miss": "null", "into": [], "add": {
            "last": { "table": "last", "row": null, "column": "n" } } }));
    });
    let outcomes = runner(feeds, 2).run(input(&[(0.0, lesson("a", "fr", 9)), (1.0, other("a"))]));
    assert_eq!(outcomes[0], Outcome::Silent(Silence::Waits));
    assert_eq!(leaves(outcomes), [r#"(2,0) out.x {"k":"x","u":"a","last":9,"ok":true}"#]);
}

fn in_order(change: impl FnOnce(&mut Value)) -> PlanSpec {
    spec(|plan| {
        plan["enrich"][0]["wait"]["order"] = json!("key");
        change(plan);
    })
}

#[test]
fn later_events_of_a_key_keep_their_order_where_that_is_asked_for() {
    let events = [
        (0.0, user("a", "BR")),
        (0.0, sub("a", "pt", "on")),
        (0.0, lesson("a", "fr", 1)),
        (1.0, lesson("a", "pt", 2)),
        (1.5, sub("a", "pt", "off")),
        (1.7, lesson("b", "fr", 3)),
        (2.0, sub("a", "fr", "on")),
    ];
    let lines = run(&in_order(|_| {}), &events);
    let released = [
        format!("(7,1) out.lesson of S:3 {}", enriched("a", "fr", 1, "\"BR\"", "\"on\"", true)),
        format!("(7,2) out.lesson of S:4 {}", enriched("a", "pt", 2, "\"BR\"", "\"on\"", true)),
    ];
    assert_eq!(lines[2], format!("(5,0) out.sub {}", plain(&sub("a", "pt", "off"))), "what feeds a table passes");
    assert_eq!(lines[4..], released, "the second one had its rows, as they were when it came");
}

#[test]
fn who_only_keeps_its_order_goes_with_the_last_one_before_it() {
    // The second one's own time is over at 31, the first one's at 30; what both wait for never comes, the third has all.
    let events = [
        (0.0, user("a", "BR")),
        (0.0, sub("a", "pt", "on")),
        (0.0, lesson("a", "fr", 1)),
        (1.0, lesson("a", "de", 2)),
        (2.0, lesson("a", "pt", 3)),
        (30.0, other("b")),
        (31.0, other("b")),
    ];
    let lines = run(&in_order(|_| {}), &events);
    let released: Vec<&str> = lines.iter().filter_map(|line| line.split_once(" {").map(|(head, _)| head)).collect();
    assert_eq!(
        released[2..],
        ["(6,0) out.x", "(6,1) out.lesson of S:3", "(7,0) out.x", "(7,1) out.lesson of S:4", "(7,2) out.lesson of S:5",]
    );
    let two = |plan: &mut Value| plan["max_waiting"] = json!(2);
    let lines = run(&in_order(two), &events);
    assert!(lines[2].starts_with("(5,0) dead.wait_full "), "leaving would break the order: {lines:?}");
}
