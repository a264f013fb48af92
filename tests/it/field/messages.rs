//! Messages that other clients stumble over: their headers, their subjects, their line ends.

use crate::harness::bed::Bed;
use crate::harness::wait::wait_until;

const LESSON: &[u8] = br#"{"title":"lesson","properties":{"user_uuid":"u1","language":"pt"}}"#;

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn a_header_that_comes_twice_and_a_trace_reach_the_output() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[]);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [
        header("X-Tag", "a"),
        header("traceparent", trace),
        header("X-Tag", "b"),
        header("Nats-Msg-Id", "m1"),
        header("Sidestream-Position", "EVENTS:9:0"),
    ];
    bed.wire.publish("events.x", &headers, LESSON).unwrap();
    bed.finish();
    engine.drain();
    let output = &bed.lane()[0];
    let all = |wanted: &str| -> Vec<&str> {
        output.headers.iter().filter(|(name, _)| name == wanted).map(|(_, value)| &**value).collect()
    };
    assert_eq!((all("X-Tag"), all("traceparent")), (vec!["a", "b"], vec![trace]));
    assert_eq!((all("Nats-Msg-Id"), all("Sidestream-Position")), (vec![], vec!["EVENTS:1:0"]));
}

/// The server stores whatever stands in a header block's first line, and delivers it so.
#[test]
fn a_stored_message_with_a_status_line_is_an_event() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[]);
    let lines = [
        "NATS/1.0 503",
        "NATS/1.0 100 Idle Heartbeat",
        "NATS/1.0 404 No Messages",
        "NATS/1.0 408 Request Timeout",
        "NATS/1.0 409 Consumer Deleted",
    ];
    for line in lines {
        let block = format!("{line}\r\nNats-Pending-Messages: 500\r\n\r\n");
        bed.wire.publish_as_it_is(b"events.x", block.as_bytes(), LESSON).unwrap();
        bed.wire.publish("events.x", &[], LESSON).unwrap();
    }
    bed.wire.flush().unwrap();
    wait_until("all events to be stored", || (bed.last("EVENTS") == 2 * lines.len() as u64).then_some(()));
    assert_eq!(bed.finish(), 2 * lines.len() as u64 + 1);
    engine.drain();
    let subjects: Vec<String> = bed.lane().into_iter().map(|output| output.subject).collect();
    assert_eq!(subjects.iter().filter(|subject| *subject == "enriched.lesson").count(), 2 * lines.len());
}

#[test]
fn subjects_of_any_bytes_are_carried_into_safe_ones() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[("output.subject", "enriched.{kind}.{subject.2}")]);
    let long = format!("events.{}", "y".repeat(4_000));
    for subject in
        ["events.\u{fc}n\u{ef}".as_bytes(), b"events.\xff\xfe", b"events.*", b"events.a\x01b", long.as_bytes()]
    {
        bed.wire.publish_as_it_is(subject, b"", LESSON).unwrap();
        bed.wire.publish_as_it_is(subject, b"", b"{").unwrap();
    }
    bed.wire.flush().unwrap();
    wait_until("all events to be stored", || (bed.last("EVENTS") == 10).then_some(()));
    assert_eq!(bed.finish(), 11);
    engine.drain();
    let lane = bed.lane();
    assert_eq!(lane.len(), 11);
    for message in &lane {
        let safe = message.subject.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*' && byte != b'>');
        assert!(safe && message.subject.len() < 200, "{}", message.subject);
    }
}

#[test]
fn a_pretty_printed_event_keeps_its_line_ends() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[]);
    let event = "{\r\n  \"title\": \"lesson\",\r\n  \"properties\": {\r\n    \"user_uuid\": \"u1\"\r\n  }\r\n}\r\n";
    bed.wire.publish("events.x", &[], event.as_bytes()).unwrap();
    bed.finish();
    engine.drain();
    let output = String::from_utf8(bed.lane()[0].payload.clone()).unwrap();
    let (before, after) = event.split_at(event.len() - "\r\n}\r\n".len());
    let added = r#","country":null,"subscription_status":null,"subscription_type":null,"event_processed":false"#;
    assert_eq!(output, format!("{before}{added}{after}"));
}
