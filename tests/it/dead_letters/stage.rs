//! The stage of these tests: a school with events that cannot be processed, one for each reason.

use crate::harness::bed::Bed;
use crate::harness::command::{Ran, run};
use crate::harness::dump::each;
use crate::harness::streams::{INPUT, OUTPUT, api};
use crate::harness::wire::Message;
use serde_json::{Value, json};

/// Beside the shipped configuration: strict about kinds and misses, and small messages.
const STRICTER: &str = r#"
[kinds.exam]
key = "properties.user_uuid"
entity = "user"

[[enrich]]
kinds   = ["exam"]
on_miss = "dead_letter"
[enrich.add]
country = "user.country"

[kinds.quiz]
key = "properties.user_uuid"
entity = "user"

[[enrich]]
kinds = ["quiz"]
into  = "details"
[enrich.add]
country = "user.country"
"#;

/// The reasons of the planted dead letters, in the order of their positions from [`FIRST`] on.
pub const REASONS: [&str; 10] = [
    "not_json",
    "not_object",
    "too_deep",
    "duplicate_key",
    "no_key",
    "bad_key",
    "bad_into",
    "miss",
    "too_large",
    "unknown_kind",
];
/// The position of the first planted dead letter, a lesson without its last brace.
pub const FIRST: u64 = 3;
/// The position of the exam whose user comes later.
pub const MISS: u64 = 10;
/// The position of the one whose body does not fit.
pub const CUT: u64 = 11;
/// How long that body is.
pub const LONG: usize = 6_000;
/// The lesson as it should have been.
pub const LESSON: &str =
    r#"{"title":"lesson","event_uuid":"l1","properties":{"user_uuid":"ann","language":"pt","title":"Olá"}}"#;

/// A bed with the stricter configuration.
pub fn bed() -> Bed {
    strict(Bed::new())
}

/// Gives a bed the stricter configuration.
pub fn strict(mut bed: Bed) -> Bed {
    let shipped = std::fs::read_to_string(&bed.config).unwrap();
    let strict = shipped
        .replace("# unknown_kinds = \"forward\"", "unknown_kinds = \"dead_letter\"")
        .replace("# max_bytes = 1_048_576", "max_bytes = 4_096");
    assert!(strict.contains("\nmax_bytes = 4_096") && strict.contains("\nunknown_kinds = \"dead_letter\""), "{strict}");
    bed.config = bed.dir.path().join("config.toml");
    std::fs::write(&bed.config, strict + STRICTER).unwrap();
    bed
}

pub fn user(id: &str, uuid: &str, country: &str) -> String {
    format!(r#"{{"title":"user","event_uuid":"{id}","properties":{{"uuid":"{uuid}","country":"{country}"}}}}"#)
}

/// The events of the planted dead letters.
fn broken() -> Vec<Vec<u8>> {
    let deep = format!(r#"{{"title":"user","a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let long = |pad: usize| format!(r#"{{"title":"user","properties":{{"uuid":"x","pad":"{}"}}}}"#, "p".repeat(pad));
    [
        LESSON[..LESSON.len() - 1].to_owned(),
        "[1]".to_owned(),
        deep,
        r#"{"title":"user","title":"user"}"#.to_owned(),
        r#"{"title":"user","properties":{}}"#.to_owned(),
        r#"{"title":"user","properties":{"uuid":1.5}}"#.to_owned(),
        r#"{"title":"quiz","properties":{"user_uuid":"ann"}}"#.to_owned(),
        r#"{"title":"exam","event_uuid":"e1","properties":{"user_uuid":"bob"}}"#.to_owned(),
        long(LONG - long(0).len()),
        r#"{"title":"nobody knows"}"#.to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}

/// A bed whose engine has made the ten dead letters and is gone again.
pub fn planted() -> Bed {
    planted_in(bed())
}

/// The same over streams that are there already.
pub fn planted_in(mut bed: Bed) -> Bed {
    let engine = bed.engine("state", &[]);
    let trace = [("Trace".to_owned(), "t 1".to_owned()), ("Nats-Msg-Id".to_owned(), "theirs".to_owned())];
    bed.wire.publish("events.user", &[], user("u1", "ann", "BR").as_bytes()).unwrap();
    let properties = r#""user_uuid":"ann","language":"pt","subscription_status":"active","subscription_type":"yearly""#;
    let active = format!(r#"{{"title":"subscription","event_uuid":"s1","properties":{{{properties}}}}}"#);
    bed.wire.publish("events.subscription", &[], active.as_bytes()).unwrap();
    for (n, event) in broken().into_iter().enumerate() {
        let headers = if n == 0 { &trace[..] } else { &[] };
        bed.wire.publish("events.case", headers, &event).unwrap();
    }
    bed.wire.flush().unwrap();
    assert_eq!(bed.finish(), FIRST + 10);
    engine.drain();
    bed
}

/// Runs `sidestream dead-letters`.
pub fn letters(bed: &Bed, arguments: &[&str]) -> Ran {
    run(bed, &[&["dead-letters"], arguments].concat())
}

/// The positions in a list of objects.
pub fn positions(list: &[Value]) -> Vec<u64> {
    list.iter().map(|entry| entry["position"].as_u64().unwrap()).collect()
}

/// The messages of the input that are redrives, with their positions.
pub fn redriven(bed: &mut Bed) -> Vec<(u64, Message)> {
    let mut found = Vec::new();
    let read = each(&mut bed.wire, INPUT, |sequence, _, message| {
        if header(&message, "Sidestream-Redrive").is_some() {
            found.push((sequence, message));
        }
        Ok(())
    });
    read.unwrap();
    found
}

pub fn header<'a>(message: &'a Message, wanted: &str) -> Option<&'a str> {
    message.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

/// The output or dead letter of a position.
pub fn outcome(bed: &mut Bed, position: u64) -> Message {
    let wanted = format!("{INPUT}:{position}:0");
    let lane = bed.lane();
    lane.into_iter().find(|message| header(message, "Sidestream-Position") == Some(&wanted)).unwrap()
}

/// How many records the stream of redrives has; `None` without it.
pub fn records(bed: &mut Bed) -> Option<u64> {
    let info = api(&mut bed.wire, &format!("STREAM.INFO.{OUTPUT}_REDRIVES"), &json!({})).unwrap();
    info["state"]["messages"].as_u64()
}

/// Deletes one message of a stream.
pub fn delete(bed: &mut Bed, stream: &str, sequence: u64) {
    let reply = api(&mut bed.wire, &format!("STREAM.MSG.DELETE.{stream}"), &json!({ "seq": sequence })).unwrap();
    assert_eq!(reply["success"], true, "{reply}");
}
