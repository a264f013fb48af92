//! A server that does not answer: never a receipt, and the same again is stored once.

use super::client::{JSON, get, post};
use super::stage::{alone, input, user};
use crate::harness::bed::Bed;
use crate::harness::streams::{INPUT, api};
use crate::harness::wait::wait_until;
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn an_event_whose_confirmation_does_not_come_is_unconfirmed_and_safe_to_send_again() {
    let mut bed = Bed::new();
    let (_gateway, address) = alone(&bed, &[("gateway.ack_timeout_ms", "400")]);
    assert_eq!(post(address, "/v1/events/user", &[JSON], user("first").as_bytes()).stored(), (1, false));
    bed.server.pause();
    let began = Instant::now();
    let answer = post(address, "/v1/events/user", &[JSON], user("ada").as_bytes());
    assert_eq!((answer.status, answer.problem().as_str()), (503, "unconfirmed"), "{answer:?}");
    assert!(answer.header("retry-after").is_some() && answer.json()["idempotency_key"].is_null());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // One without an identity gets a name to be sent under again.
    let nameless = r#"{"title":"user","properties":{"uuid":"n"}}"#;
    let unnamed = post(address, "/v1/events/user", &[JSON], nameless.as_bytes());
    let key = unnamed.json()["idempotency_key"].as_str().unwrap().to_owned();
    bed.server.resume();
    wait_until("the server to go on", || (get(address, "/readyz").status == 200).then_some(()));
    let again = wait_until("a confirmation", || {
        let answer = post(address, "/v1/events/user", &[JSON], user("ada").as_bytes());
        (answer.status == 202).then(|| answer.stored())
    });
    assert!(again.0 > 1);
    let named = wait_until("a confirmation", || {
        let answer = post(address, "/v1/events/user", &[JSON, ("Idempotency-Key", &key)], nameless.as_bytes());
        (answer.status == 202).then(|| answer.stored())
    });
    let stored = input(&mut bed);
    let times = |body: &str| stored.iter().filter(|message| message.payload == body.as_bytes()).count();
    assert_eq!((times(&user("ada")), times(nameless)), (1, 1));
    assert_eq!(stored[named.0 as usize - 1].payload, nameless.as_bytes());
}

#[test]
fn a_confirmation_that_is_lost_on_its_way_is_unconfirmed_and_the_event_keeps_its_place() {
    let mut bed = Bed::new();
    // A stream without acks stores, and says nothing.
    let mute = |no_ack: bool| json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file", "no_ack": no_ack });
    let (_gateway, address) = alone(&bed, &[("gateway.ack_timeout_ms", "300")]);
    api(&mut bed.wire, &format!("STREAM.UPDATE.{INPUT}"), &mute(true)).unwrap();
    let lost = post(address, "/v1/events/user", &[JSON], user("ada").as_bytes());
    assert_eq!(lost.problem(), "unconfirmed");
    assert_eq!(bed.last(INPUT), 1, "it was stored");
    api(&mut bed.wire, &format!("STREAM.UPDATE.{INPUT}"), &mute(false)).unwrap();
    assert_eq!(post(address, "/v1/events/user", &[JSON], user("ada").as_bytes()).stored(), (1, true));
    assert_eq!(bed.last(INPUT), 1);
}

#[test]
fn a_server_that_is_gone_is_said_at_once_and_found_again() {
    let mut bed = Bed::new();
    let (_gateway, address) = alone(&bed, &[]);
    assert_eq!(post(address, "/v1/events/user", &[JSON], user("ada").as_bytes()).stored(), (1, false));
    bed.server.kill();
    wait_until("the loss to be noticed", || (get(address, "/readyz").status == 503).then_some(()));
    let began = Instant::now();
    assert_eq!(post(address, "/v1/events/user", &[JSON], user("bob").as_bytes()).problem(), "not-stored");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    bed.server.restart();
    bed.reconnect();
    wait_until("the server to be found", || (get(address, "/readyz").status == 200).then_some(()));
    assert_eq!(post(address, "/v1/events/user", &[JSON], user("bob").as_bytes()).stored(), (2, false));
}
