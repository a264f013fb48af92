//! Bounds: how fast, how many at once, how large; and that none of them costs memory or other senders.

use super::bad_input::memory;
use super::client::{Answer, JSON, answer, get, post};
use super::stage::{alone, input, user};
use crate::harness::bed::Bed;
use crate::harness::streams::{INPUT, api};
use crate::harness::wait::wait_until;
use serde_json::json;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

#[test]
fn who_sends_too_fast_is_told_when_to_come_again() {
    let mut bed = Bed::new();
    let sets = [("gateway.rate_per_s", "2"), ("gateway.burst", "5"), ("gateway.max_batch", "5")];
    let (_gateway, address) = alone(&bed, &sets);
    let lines: String = (0..5).map(|n| user(&format!("u{n}")) + "\n").collect();
    assert_eq!(post(address, "/v1/events", &[("Content-Type", "application/x-ndjson")], lines.as_bytes()).status, 202);
    let refused = post(address, "/v1/events/user", &[JSON], user("late").as_bytes());
    assert_eq!(
        (refused.status, refused.problem().as_str(), refused.header("retry-after")),
        (429, "rate-limited", Some("1"))
    );
    wait_until("the bucket to fill", || {
        (post(address, "/v1/events/user", &[JSON], user("late").as_bytes()).status == 202).then_some(())
    });
    assert_eq!(input(&mut bed).len(), 6);
}

/// A request of which only the head and a part of the body are sent.
fn begun(address: SocketAddr, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /v1/events/user HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), b" "].concat()).unwrap();
    stream
}

/// What a server says on a connection.
fn heard(stream: TcpStream) -> Option<Answer> {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    answer(&mut BufReader::new(stream))
}

#[test]
fn bodies_in_hand_have_a_bound_and_give_it_back() {
    let bed = Bed::new();
    let sets = [
        ("gateway.max_body_bytes", "65536"),
        ("gateway.max_in_flight_bytes", "140000"),
        ("gateway.request_timeout_ms", "2000"),
    ];
    let (_gateway, address) = alone(&bed, &sets);
    let held = [begun(address, 65_000), begun(address, 65_000)];
    let refused = wait_until("both to be in hand", || {
        let answer = post(address, "/v1/events/user", &[JSON], user("ada").as_bytes());
        (answer.status != 202).then_some(answer)
    });
    assert_eq!((refused.status, refused.problem().as_str()), (503, "busy"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    for stream in held {
        assert_eq!(heard(stream).map(|answer| answer.problem()).as_deref(), Some("request-timeout"));
    }
    assert_eq!(post(address, "/v1/events/user", &[JSON], user("bob").as_bytes()).status, 202);
}

#[test]
fn a_thousand_connections_that_say_nothing_are_let_go_and_others_are_served() {
    let bed = Bed::new();
    let (gateway, address) = alone(&bed, &[("gateway.max_connections", "100")]);
    let before = memory(gateway.pid());
    let mut idle: Vec<TcpStream> = Vec::new();
    for n in 0..1_000 {
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) else { break };
        // Some say a part of a head.
        if n % 2 == 0 {
            let _ = stream.write_all(b"POST /v1/events/user HTTP/1.1\r\nHost: ");
        }
        idle.push(stream);
    }
    assert!(idle.len() >= 100, "{} connections", idle.len());
    // They hold all that there are for five seconds each; what waits is in the system's queue.
    drop(idle.split_off(100));
    let answer = post(address, "/v1/events/user", &[JSON], user("ada").as_bytes());
    assert_eq!(answer.stored(), (1, false));
    assert!(memory(gateway.pid()) < before + 30_000, "{before} KB before, {} KB now", memory(gateway.pid()));
}

#[test]
fn what_the_stream_does_not_take_is_said_as_what_it_is() {
    let mut bed = Bed::new();
    let (_gateway, address) = alone(&bed, &[("gateway.validate", "off"), ("gateway.max_body_bytes", "2097152")]);
    let huge = vec![b' '; 1_100_000];
    let answer = post(address, "/v1/events/user", &[JSON], &huge);
    assert_eq!((answer.status, answer.problem().as_str()), (413, "too-large"), "more than the server takes");
    assert_eq!(post(address, "/v1/events/user", &[JSON], b"{}").status, 202, "and its connection is whole");
    let full = json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file", "max_msgs": 1, "discard": "new" });
    api(&mut bed.wire, &format!("STREAM.UPDATE.{INPUT}"), &full).unwrap();
    let answer = post(address, "/v1/events/user", &[JSON], b"{}");
    assert_eq!((answer.status, answer.problem().as_str()), (503, "not-stored"), "{answer:?}");
    assert!(answer.json()["detail"].as_str().unwrap().contains("maximum messages"), "{answer:?}");
    api(&mut bed.wire, &format!("STREAM.DELETE.{INPUT}"), &json!({})).unwrap();
    let answer = post(address, "/v1/events/user", &[JSON], b"{}");
    assert_eq!(answer.problem(), "not-stored");
    assert!(answer.json()["detail"].as_str().unwrap().contains("no stream"), "{answer:?}");
    assert_eq!(get(address, "/healthz").status, 200);
}
