//! Several events in one message: they do what they would do alone, and leave as messages of one position.

use crate::core::event::StoredMessage;
use crate::core::ids::Nanos;
use crate::core::outcome::{Outcome, Silence};
use crate::core::output::{ELEMENT, Output, REASON};
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::PlanSpec;
use crate::core::record::row::ROWS;
use crate::protocol::runner::Runner;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

/// Users with a country and visits that join it; `split` is where a message has its list.
fn spec(split: Option<Value>, change: impl FnOnce(&mut Value)) -> PlanSpec {
    let mut plan = json!({
        "input_stream": "S",
        "event": { "kind": "k", "id": "id", "time": null },
        "unknown_kinds": "forward",
        "kinds": { "user": { "key": "u" }, "visit": { "key": "u" } },
        "tables": { "user": { "from": "user", "row": null, "columns": { "land": "c" }, "delete": null } },
        "enrich": [{ "kinds": ["visit"], "on_miss": "null", "into": [],
            "add": { "land": { "table": "user", "row": null, "column": "land" } } }],
        "output_subject": "out.{kind}",
        "mark": null,
        "max_bytes": 700,
        "dead_subject": "dead.{reason}",
        "dedup_window_s": 60,
    });
    if let Some(split) = split {
        plan["event"]["split"] = split;
    }
    change(&mut plan);
    serde_json::from_value(plan).unwrap()
}

fn runner(spec: PlanSpec, shards: usize) -> Runner {
    Runner::new(Arc::new(Plan::compile(spec, &Layout::default())), shards)
}

fn message(sequence: u64, headers: &[(&str, &str)], payload: &str) -> StoredMessage {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    StoredMessage {
        sequence,
        stored_at: Nanos(sequence as i64 * 1_000_000_000),
        subject: "s.x".into(),
        headers: (!headers.is_empty()).then(|| Arc::new(headers)),
        payload: payload.to_owned().into(),
    }
}

fn line(output: &Output) -> String {
    let dead = output.dead.iter().flat_map(|dead| &dead.headers);
    let said: Vec<&str> =
        dead.filter(|(name, _)| [REASON, ELEMENT].contains(name)).map(|(_, value)| value.as_str()).collect();
    let said = if said.is_empty() { String::new() } else { format!(" # {}", said.join(" ")) };
    let body = String::from_utf8_lossy(&output.payload);
    format!("({},{}) {} {body}{said}", output.position, output.n, output.subject)
}

fn lines(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().flat_map(Outcome::outputs).map(line).collect()
}

fn run(spec: PlanSpec, payloads: &[&str]) -> Vec<Outcome> {
    runner(spec, 3).run((1..).zip(payloads).map(|(n, payload)| message(n, &[], payload)).collect())
}

#[test]
fn each_event_of_a_list_is_one_with_its_own_bytes() {
    let body = r#" [ {"k":"user","id":1,"u":"a","c":1.0} ,{"k":"visit","u":"a"}, 7,{"k":"user","id":1,"u":"a"},{"k":"visit"}]"#;
    let outcomes = run(spec(Some(json!({})), |_| {}), &[body, "[]", r#"{"k":"visit","u":"a"}"#, "[{]", "[[{}]]"]);
    assert_eq!(
        lines(&outcomes),
        [
            r#"(1,0) out.user {"k":"user","id":1,"u":"a","c":1.0}"#,
            r#"(1,1) out.visit {"k":"visit","u":"a","land":1.0}"#,
            "(1,2) dead.not_object 7 # not_object 2",
            r#"(1,3) dead.no_key {"k":"visit"} # no_key 4"#,
            r#"(3,0) out.visit {"k":"visit","u":"a","land":1.0}"#,
            "(4,0) dead.not_json [{] # not_json",
            "(5,0) dead.not_object [{}] # not_object 0",
        ]
    );
    assert!(matches!(outcomes[1], Outcome::Silent(Silence::Filtered(_))), "an empty list is counted: {outcomes:?}");
    let followed: Vec<bool> = outcomes[0].outputs().iter().map(|output| output.followed).collect();
    assert_eq!(followed, [true, true, true, false]);
}

#[test]
fn a_list_in_a_member_leaves_what_is_around_it_behind() {
    let split = || spec(Some(json!({ "at": "batch.events" })), |_| {});
    let visit = r#"{"k":"visit","u":"a"}"#;
    let body = format!(r#"{{"from":"x","batch":{{"events":[{visit},{visit}]}}}}"#);
    let outcomes = run(split(), &[&body, visit, r#"{"batch":{"events":7}}"#, r#"{"batch":{"events":null},"k":"x"}"#]);
    assert_eq!(
        lines(&outcomes),
        [
            r#"(1,0) out.visit {"k":"visit","u":"a","land":null}"#,
            r#"(1,1) out.visit {"k":"visit","u":"a","land":null}"#,
            r#"(2,0) out.visit {"k":"visit","u":"a","land":null}"#,
            r#"(3,0) dead.unwrap {"batch":{"events":7}} # unwrap"#,
            r#"(4,0) out.unknown {"batch":{"events":null},"k":"x"}"#,
        ]
    );
}

#[test]
fn a_message_holds_1024_events_at_most() {
    let list = |count: usize| format!("[{}]", vec![r#"{"k":"x"}"#; count].join(","));
    let outcomes = run(spec(Some(json!({})), |_| {}), &[&list(1_024), &list(1_025)]);
    assert_eq!(outcomes[0].outputs().len(), 1_024);
    assert_eq!(outcomes[0].outputs().last().unwrap().n, 1_023);
    let [dead] = outcomes[1].outputs() else { panic!("{:?}", lines(&outcomes[1..])) };
    assert!(dead.dead.is_some() && line(dead).ends_with(" # unwrap"), "{}", line(dead));
}

#[test]
fn one_event_of_a_list_that_comes_again_is_taken_from_no_envelope() {
    let unwrap = json!([{ "at": "data", "encoding": "base64" }]);
    let plan = || spec(Some(json!({})), |plan| plan["event"]["unwrap"] = unwrap);
    let packed = "W3siayI6InZpc2l0In0sIHsiayI6InZpc2l0IiwidSI6ImIifV0=";
    let again = message(2, &[("Sidestream-Element", "0")], r#"{"k":"visit","u":"a"}"#);
    let outcomes = runner(plan(), 2).run(vec![message(1, &[], &format!(r#"{{"data":"{packed}"}}"#)), again]);
    assert_eq!(
        lines(&outcomes),
        [
            r#"(1,0) dead.no_key {"k":"visit"} # no_key 0"#,
            r#"(1,1) out.visit {"k":"visit","u":"b","land":null}"#,
            r#"(2,0) out.visit {"k":"visit","u":"a","land":null}"#,
        ]
    );
}

#[test]
fn a_batch_of_cloud_events_is_a_list_of_envelopes() {
    let plan = spec(Some(json!({})), |plan| {
        plan["event"]["unwrap"] = json!([{ "envelope": "cloudevents" }]);
        plan["event"]["kind"] = json!("$header.ce-type");
    });
    let event =
        |id: u32| format!(r#"{{"specversion":"1.0","id":"{id}","type":"visit","source":"s","data":{{"u":"a"}}}}"#);
    let body = format!("[{},{}, {}]", event(1), event(2), r#"{"specversion":"1.0"}"#);
    let outcomes = run(plan, &[&body]);
    let found = lines(&outcomes);
    assert_eq!(found[..2], [r#"(1,0) out.visit {"u":"a","land":null}"#, r#"(1,1) out.visit {"u":"a","land":null}"#]);
    assert_eq!(found[2], r#"(1,2) dead.not_json {"specversion":"1.0"} # not_json 2"#);
}

#[test]
fn an_event_waits_for_the_row_that_a_later_one_of_its_list_brings() {
    let plan = || {
        spec(Some(json!({})), |plan| {
            plan["enrich"][0]["on_miss"] = json!("wait");
            plan["enrich"][0]["wait"] = json!({ "wait_s": 30 });
        })
    };
    let body = r#"[{"k":"visit","u":"a","n":1},{"k":"visit","u":"a","n":2},{"k":"user","u":"a","c":5},{"k":"x"}]"#;
    for shards in [1, 2, 7] {
        let outcomes = runner(plan(), shards).run(vec![message(1, &[], body)]);
        assert_eq!(
            lines(&outcomes),
            [
                r#"(1,0) out.user {"k":"user","u":"a","c":5}"#,
                r#"(1,1) out.unknown {"k":"x"}"#,
                r#"(1,2) out.visit {"k":"visit","u":"a","n":1,"land":5}"#,
                r#"(1,3) out.visit {"k":"visit","u":"a","n":2,"land":5}"#,
            ]
        );
    }
}

/// Events with few keys and ids, of which some are broken.
fn events() -> impl Strategy<Value = Vec<String>> {
    let kind = prop::sample::select(vec!["user", "visit", "other"]);
    let event = (kind, 0..4u8, 0..6u8, 0..9u8).prop_map(|(kind, key, id, what)| match what {
        0 => "7".to_owned(),
        1 => format!(r#"{{"k":"{kind}","id":{id}}}"#),
        _ => format!(r#"{{"k":"{kind}","id":{id},"u":"{key}","c":{what}}}"#),
    });
    prop::collection::vec(event, 0..5)
}

proptest! {
    /// The oracle is the plan without a list, over messages of one event each.
    #[test]
    fn a_list_does_what_its_events_do_one_after_the_other(lists in prop::collection::vec(events(), 1..8), shards in 1..5usize, cut in 1..4usize) {
        let stored_at = |list: usize| Nanos((list as i64 + 1) * 40_000_000_000);
        let whole: Vec<StoredMessage> = lists.iter().enumerate().map(|(list, events)| StoredMessage {
            stored_at: stored_at(list),
            ..message(list as u64 + 1, &[], &format!("[{}]", events.join(" , ")))
        }).collect();
        let each = lists.iter().enumerate().flat_map(|(list, events)| events.iter().map(move |event| (list, event)));
        let alone: Vec<StoredMessage> = each.zip(1..).map(|((list, event), sequence)| StoredMessage {
            stored_at: stored_at(list),
            ..message(sequence, &[], event)
        }).collect();
        let mut listed = runner(spec(Some(json!({})), |_| {}), shards);
        let mut plain = runner(spec(None, |_| {}), 1);
        let found: Vec<Outcome> = whole.chunks(cut).flat_map(|slice| listed.run(slice.to_vec())).collect();
        let expected = plain.run(alone);
        prop_assert_eq!(found.len(), lists.len(), "a message has one outcome");
        let told = |outcomes: &[Outcome]| -> Vec<String> {
            let outputs = outcomes.iter().flat_map(Outcome::outputs);
            outputs.map(|output| format!("{} {}", output.subject, String::from_utf8_lossy(&output.payload))).collect()
        };
        prop_assert_eq!(told(&found), told(&expected));
        for outcome in &found {
            let numbers: Vec<u32> = outcome.outputs().iter().map(|output| output.n).collect();
            prop_assert_eq!(numbers, (0..outcome.outputs().len() as u32).collect::<Vec<_>>());
        }
        let rows = |runner: &mut Runner| -> Vec<String> {
            let (_, groups) = runner.checkpoint();
            let all = groups.into_iter().flat_map(|group| group.changes.into_iter());
            let mut rows: Vec<String> =
                all.filter(|(key, _)| key.starts_with(&ROWS)).map(|row| format!("{row:?}")).collect();
            rows.sort();
            rows
        };
        prop_assert_eq!(rows(&mut listed), rows(&mut plain));
    }
}
