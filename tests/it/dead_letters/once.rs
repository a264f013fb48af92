//! Once, whatever happens: redrivers at the same time, and messages that are gone.

use super::stage::{FIRST, header, letters, planted, records, redriven};
use crate::harness::command::{Ran, begin, ended};
use crate::harness::streams::{INPUT, OUTPUT, api, create};
use crate::harness::wire::Wire;
use crate::server::Server;
use serde_json::{Value, json};
use sidestream::adapters::nats::connect::Connection;
use sidestream::adapters::nats::redrives::Redrives;
use sidestream::adapters::nats::streams;
use sidestream::core::ids::{Nanos, Position};
use sidestream::protocol::redrive::letter::LetterId;
use sidestream::protocol::redrive::record::{RedriveRecord, RedriveStep};

#[test]
fn redrivers_at_the_same_time_publish_each_once() {
    let mut bed = planted();
    let arguments = ["dead-letters", "redrive", "--all", "--rate", "1000", "--json"];
    let together: Vec<_> = (0..4).map(|_| begin(&bed, &arguments, "")).collect();
    let said: Vec<Vec<Value>> = together.into_iter().map(|child| Ran::lines(&ended(child))).collect();
    let redriven = redriven(&mut bed);
    let names: Vec<&str> = redriven.iter().map(|(_, event)| header(event, "Sidestream-Redrive").unwrap()).collect();
    let expected: Vec<String> = (FIRST..FIRST + 10).map(|position| format!("EVENTS:{position}:0")).collect();
    assert_eq!(names, expected, "each once, and in order");
    for (n, (position, _)) in redriven.iter().enumerate() {
        let of_each: Vec<&Value> = said.iter().map(|lines| &lines[n]).collect();
        assert!(of_each.iter().all(|line| line["as"] == *position), "{of_each:?}");
        let published = of_each.iter().filter(|line| line["outcome"] == "published").count();
        assert_eq!(published, 1, "{of_each:?}");
    }
    let list = letters(&bed, &["list", "--json"]).lines();
    assert!(list.iter().all(|entry| entry["redriven"]["state"] == "done"), "{list:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_records_behind_the_same_one_is_written() {
    let server = Server::start();
    let mut wire = Wire::connect(server.address()).unwrap();
    create(&mut wire);
    let connection = Connection::open(&server.settings(), "test").await.unwrap();
    let like = streams::info(&connection, OUTPUT).await.unwrap();
    let redrives = Redrives::open(&connection, OUTPUT, &like).await.unwrap();
    let letter = |position| LetterId { position: Position(position), n: 0, time: Nanos(7), input: INPUT.into() };
    let record = |why: &str| RedriveRecord {
        letter: letter(5).to_string(),
        attempt: 1,
        step: RedriveStep::Refused { why: why.into() },
    };
    assert_eq!(redrives.write(&letter(5), 0, &record("a")).await.unwrap(), Some(1));
    assert_eq!(redrives.write(&letter(5), 0, &record("b")).await.unwrap(), None);
    // Others' records are nobody's business.
    assert_eq!(redrives.write(&letter(6), 0, &record("c")).await.unwrap(), Some(2));
    assert_eq!(redrives.write(&letter(5), 1, &record("d")).await.unwrap(), Some(3));
    assert_eq!(redrives.write(&letter(5), 1, &record("e")).await.unwrap(), None);
    let history = redrives.history(&letter(5)).await.unwrap();
    assert_eq!(history.iter().map(|written| written.record.clone()).collect::<Vec<_>>(), [record("a"), record("d")]);
    assert_eq!(redrives.newest(&letter(5)).await.unwrap().as_ref(), history.last());
    let other_time = LetterId { time: Nanos(8), ..letter(5) };
    assert_eq!(redrives.newest(&other_time).await.unwrap(), None, "another event of that position");
}

/// Writes a record as a redriver would that is gone since.
fn write(bed: &mut crate::harness::bed::Bed, step: &Value) {
    assert_eq!(letters(bed, &["redrive", "3", "--json"]).code, Some(0), "makes the stream");
    let subject = api(&mut bed.wire, "STREAM.MSG.GET.ENRICHED_REDRIVES", &json!({ "seq": 1 })).unwrap();
    let subject = subject["message"]["subject"].as_str().unwrap().to_owned();
    let reply = bed.wire.request(&subject, step.to_string().as_bytes()).unwrap();
    assert!(String::from_utf8_lossy(&reply.payload).contains("\"seq\":3"), "{reply:?}");
}

/// An intent of attempt 2 in the input as it is.
fn intent(bed: &mut crate::harness::bed::Bed, after: u64) -> Value {
    let first = api(&mut bed.wire, "STREAM.MSG.GET.ENRICHED_REDRIVES", &json!({ "seq": 1 }));
    let created = match first.unwrap()["message"]["data"].as_str() {
        Some(data) => {
            use base64::Engine;
            let text = base64::prelude::BASE64_STANDARD.decode(data).unwrap();
            serde_json::from_slice::<Value>(&text).unwrap()["input_created"].clone()
        }
        None => Value::Null,
    };
    json!({ "letter": "EVENTS:3:0", "attempt": 2, "step": "intent", "input_created": created, "after": after,
        "body": { "edited": false, "bytes": 1, "xxh3": "0" } })
}

#[test]
fn where_the_input_lost_messages_nobody_guesses() {
    let mut bed = planted();
    assert_eq!(letters(&bed, &["redrive", "3", "--json"]).code, Some(0));
    let after = bed.last(INPUT) - 1;
    let unfinished = intent(&mut bed, after);
    write(&mut bed, &unfinished);
    let reply = api(&mut bed.wire, &format!("STREAM.MSG.DELETE.{INPUT}"), &json!({ "seq": after + 1 })).unwrap();
    assert_eq!(reply["success"], true, "{reply}");
    for _ in 0..2 {
        let said = letters(&bed, &["redrive", "3", "--json"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.contains("whether the event is there cannot be known"), "{said:?}");
    }
    assert_eq!(records(&mut bed), Some(3));
    let entry = letters(&bed, &["list", "--limit", "1", "--json"]).lines().remove(0);
    assert_eq!(entry["redriven"]["state"], "unfinished");
    assert_eq!(bed.last(OUTPUT), FIRST + 10);
}

#[test]
fn an_unfinished_attempt_in_an_earlier_stream_of_that_name_is_made_anew() {
    let mut bed = planted();
    assert_eq!(letters(&bed, &["redrive", "3", "--json"]).code, Some(0));
    let mut unfinished = intent(&mut bed, 5);
    unfinished["input_created"] = json!(1);
    write(&mut bed, &unfinished);
    let said = letters(&bed, &["redrive", "3", "--json"]).lines();
    assert_eq!(said[0]["outcome"], "published");
    assert_eq!(redriven(&mut bed).len(), 2);
}

#[test]
fn where_the_input_forgets_ids_early_a_young_attempt_is_left_alone() {
    let mut bed = planted();
    let config = json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file",
        "duplicate_window": 1_000_000_000u64 });
    let reply = api(&mut bed.wire, &format!("STREAM.UPDATE.{INPUT}"), &config).unwrap();
    assert!(reply.get("error").is_none(), "{reply}");
    assert_eq!(letters(&bed, &["redrive", "3", "--json"]).code, Some(0));
    let after = bed.last(INPUT);
    let unfinished = intent(&mut bed, after);
    write(&mut bed, &unfinished);
    let said = letters(&bed, &["redrive", "3", "--dry-run", "--json"]);
    assert!(said.code == Some(1) && said.out.contains("another redrive of it may be at work"), "{said:?}");
    assert_eq!(bed.last(INPUT), after);
}
