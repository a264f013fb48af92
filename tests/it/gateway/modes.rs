//! CloudEvents in three modes, and batches of lines: what stands in the stream, and what each item is answered.

use super::client::post;
use super::stage::{alone, header, input, user};
use crate::harness::bed::Bed;

const CLOUD: (&str, &str) = ("Content-Type", "application/cloudevents+json");
const BATCH: (&str, &str) = ("Content-Type", "application/cloudevents-batch+json");
const LINES: (&str, &str) = ("Content-Type", "application/x-ndjson");

fn event(id: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/shop","type":"user","time":"2026-12-01T00:00:00Z","more":true,{data}}}"#
    )
}

#[test]
fn cloud_events_of_all_modes_have_one_shape_in_the_stream() {
    let mut bed = Bed::new();
    let (_gateway, address) = alone(&bed, &[]);
    let data = user("ada");
    let structured = post(address, "/v1/events", &[CLOUD], event("1", &format!(r#""data":{data}"#)).as_bytes());
    assert_eq!(structured.stored(), (1, false));
    assert_eq!(structured.json()["items"][0]["id"], "1");
    let binary = [
        ("Content-Type", "application/json"),
        ("ce-specversion", "1.0"),
        ("CE-ID", "2"),
        ("ce-source", "/shop"),
        ("ce-type", "user"),
        ("ce-time", "2026-12-01T00:00:00Z"),
        ("ce-more", "true"),
    ];
    assert_eq!(post(address, "/v1/events", &binary, data.as_bytes()).stored(), (2, false));
    // The data in base64, and two of a batch.
    let packed = r#""data_base64":"eyJ0aXRsZSI6InVzZXIiLCJldmVudF91dWlkIjoieCIsInByb3BlcnRpZXMiOnsidXVpZCI6IngifX0=""#;
    let batch = format!("[{},\n{}]", event("3", packed), event("4", &format!(r#""data":{data}"#)));
    let answer = post(address, "/v1/events", &[BATCH], batch.as_bytes());
    assert_eq!((answer.stored(), answer.json()["items"][1]["position"].as_u64()), ((3, false), Some(4)));
    let stored = input(&mut bed);
    for (place, message) in stored.iter().enumerate() {
        assert_eq!(message.subject, "events.user");
        let mut attributes: Vec<(&str, &str)> =
            message.headers.iter().filter(|(name, _)| name.starts_with("ce-")).map(|(n, v)| (&**n, &**v)).collect();
        attributes.sort_unstable();
        let id = (place + 1).to_string();
        let expected = [
            ("ce-id", &*id),
            ("ce-more", "true"),
            ("ce-source", "/shop"),
            ("ce-specversion", "1.0"),
            ("ce-time", "2026-12-01T00:00:00Z"),
            ("ce-type", "user"),
        ];
        assert_eq!(attributes, expected);
    }
    assert_eq!(stored[0].payload, data.as_bytes(), "the data to the byte");
    assert!(stored[2].payload.starts_with(br#"{"title":"user""#));
    assert_eq!(header(&stored[1], "content-type"), Some("application/json"));
}

#[test]
fn one_bad_item_is_no_success_and_costs_its_neighbours_nothing() {
    let mut bed = Bed::new();
    let (_gateway, address) = alone(&bed, &[]);
    let lines = format!("{}\n{{\"title\":\"user\"}}\r\n\n{}\nx", user("a"), user("b"));
    let answer = post(address, "/v1/events/user", &[LINES], lines.as_bytes());
    assert_eq!((answer.status, answer.problem().as_str()), (400, "batch-incomplete"));
    let items = answer.json()["items"].clone();
    let told: Vec<(u64, Option<u64>)> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["status"].as_u64().unwrap(), item["position"].as_u64()))
        .collect();
    assert_eq!(told, [(202, Some(1)), (400, None), (202, Some(2)), (400, None)]);
    assert_eq!(
        (items[1]["type"].as_str(), items[1]["errors"][0]["pointer"].as_str()),
        (Some("/problems/no-key"), Some("#/properties/uuid"))
    );
    assert_eq!(answer.json()["detail"], "2 of 4 events are stored");
    // The whole batch again: what is stored stays where it is.
    let again = post(address, "/v1/events/user", &[LINES], lines.as_bytes()).json();
    assert_eq!(
        (again["items"][0]["position"].as_u64(), again["items"][0]["duplicate"].as_bool()),
        (Some(1), Some(true))
    );
    let good = format!("{}\n{}\n", user("a"), user("c"));
    let answer = post(address, "/v1/events", &[LINES], good.as_bytes());
    assert_eq!(answer.stored(), (1, true));
    assert_eq!(
        (answer.header("idempotent-replayed"), answer.json()["items"][1]["position"].as_u64()),
        (Some("false"), Some(3))
    );
    assert_eq!(input(&mut bed).len(), 3);
}

#[test]
fn a_batch_stands_in_the_stream_in_its_order() {
    let mut bed = Bed::new();
    let (_gateway, address) = alone(&bed, &[("output.max_bytes", "1048576")]);
    let lines: String = (0..500).map(|n| user(&format!("u{n}")) + "\n").collect();
    let answer = post(address, "/v1/events", &[LINES], lines.as_bytes());
    assert_eq!(answer.status, 202, "{answer:?}");
    for (place, message) in input(&mut bed).iter().enumerate() {
        assert_eq!(message.payload, user(&format!("u{place}")).as_bytes());
    }
    let items = answer.json()["items"].clone();
    assert!(items.as_array().unwrap().iter().zip(1..).all(|(item, position)| item["position"] == position));
}
