//! Messages that hold lists of events on a real server: killed under load, every output stands where an oracle that shares no code
//! puts it, the audit agrees, and a dead letter of a list is driven again alone.

use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::dump::each;
use crate::harness::wait::wait_until;
use serde_json::{Value, json};
use sidestream::generate::Random;
use std::collections::BTreeMap;
use std::path::PathBuf;

const MESSAGES: u64 = 1_500;

const CONFIG: &str = r#"
[input]
stream   = "EVENTS"
subjects = ["events.>"]
[output]
stream  = "ENRICHED"
subject = "enriched.{kind}"
max_bytes = 4_096
[dead_letters]
subject = "dead.{reason}"
[event]
split = "batch"
kind  = "type"
id    = "id"
[kinds.sensor]
key = "device"
[kinds.reading]
key = "device"
[tables.sensor]
from    = "sensor"
columns = { room = "room" }
[[enrich]]
kinds = ["reading"]
add   = { room = "sensor.room" }
"#;

/// An output: its position, its number there, its subject and its body.
type Line = (u64, u64, String, String);

fn bed() -> Bed {
    let mut bed = Bed::new();
    bed.config = write(&bed, "lists.toml", CONFIG);
    bed
}

fn write(bed: &Bed, name: &str, text: &str) -> PathBuf {
    let path = bed.dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn header<'m>(headers: &'m [(String, String)], name: &str) -> Option<&'m str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn lane(bed: &mut Bed) -> Vec<(Line, Option<String>)> {
    let mut found = Vec::new();
    each(&mut bed.wire, "ENRICHED", |_, _, message| {
        let position = header(&message.headers, "Sidestream-Position").unwrap();
        let mut numbers = position.split(':').skip(1).map(|part| part.parse().unwrap());
        let (cause, n) = (numbers.next().unwrap(), numbers.next().unwrap());
        let body = String::from_utf8(message.payload.clone()).unwrap();
        let element = header(&message.headers, "Sidestream-Element").map(str::to_owned);
        found.push(((cause, n, message.subject.clone(), body), element));
        Ok(())
    })
    .unwrap();
    found
}

/// What the devices' rooms are, and which ids were seen.
#[derive(Default)]
struct Oracle {
    rooms: BTreeMap<u64, String>,
    seen: BTreeMap<(String, u64, u64), ()>,
}

impl Oracle {
    fn output(&mut self, event: &Value) -> Option<(String, String)> {
        let text = event.to_string();
        let Some(device) = event["device"].as_u64() else { return Some(("dead.no_key".to_owned(), text)) };
        let kind = event["type"].as_str().unwrap().to_owned();
        if self.seen.insert((kind.clone(), device, event["id"].as_u64().unwrap()), ()).is_some() {
            return None;
        }
        if kind == "sensor" {
            self.rooms.insert(device, event["room"].to_string());
            return Some(("enriched.sensor".to_owned(), text));
        }
        let room = self.rooms.get(&device).map_or("null", String::as_str);
        Some((format!("enriched.{kind}"), format!("{},\"room\":{room}}}", &text[..text.len() - 1])))
    }
}

fn event(random: &mut Random) -> Value {
    let kind = if random.below(3) == 0 { "sensor" } else { "reading" };
    let mut event = json!({ "type": kind, "id": random.below(4_000), "device": random.below(9) });
    if kind == "sensor" {
        event["room"] = json!(format!("r{}", random.below(99)));
    }
    if random.below(20) == 0 {
        event["device"] = Value::Null;
    }
    event
}

#[test]
fn lists_of_events_are_exact_through_kills() {
    let mut bed = bed();
    let (mut random, mut oracle, mut expected) = (Random::new(5), Oracle::default(), Vec::new());
    let settings = [("engine.checkpoint_interval_ms", "30"), ("engine.shards", "3")];
    let mut engine = bed.engine("state", &settings);
    for position in 1..=MESSAGES {
        let events: Vec<Value> = (0..random.below(6)).map(|_| event(&mut random)).collect();
        let alone = events.len() == 1 && random.below(2) == 0;
        let body = if alone { events[0].to_string() } else { json!({ "batch": events, "from": "x" }).to_string() };
        bed.wire.publish("events.a", &[], body.as_bytes()).unwrap();
        let outputs = events.iter().enumerate().filter_map(|(number, event)| {
            let (subject, body) = oracle.output(event)?;
            let element = (!alone && subject.starts_with("dead.")).then(|| number.to_string());
            Some((subject, body, element))
        });
        expected
            .extend((0..).zip(outputs).map(|(n, (subject, body, element))| ((position, n, subject, body), element)));
        if position % 400 == 0 {
            bed.wire.flush().unwrap();
            let some = expected.len() as u64 / 2;
            wait_until("some of the outputs", || (bed.last("ENRICHED") > some).then_some(()));
            engine.kill();
            engine = bed.engine("state", &settings);
        }
    }
    bed.wire.flush().unwrap();
    wait_until("all outputs", || (bed.last("ENRICHED") >= expected.len() as u64).then_some(()));
    engine.drain();
    let found = lane(&mut bed);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    let audit = command::run(&bed, &["audit", "--complete"]);
    assert_eq!(audit.code, Some(0), "{} {}", audit.out, audit.err);
    assert!(audit.out.starts_with(&format!("audit: clean, {} outputs checked", expected.len())), "{}", audit.out);
    // Behind a loss nothing is said of a list, and nothing wrong of anything.
    let purged = bed.wire.request("$JS.API.STREAM.PURGE.EVENTS", br#"{"seq":700}"#).unwrap();
    assert!(String::from_utf8_lossy(&purged.payload).contains("\"success\":true"));
    let audit = command::run(&bed, &["audit", "--complete"]);
    assert_eq!(audit.code, Some(0), "{} {}", audit.out, audit.err);
    assert!(audit.out.contains("unchecked because"), "{}", audit.out);
}

#[test]
fn a_dead_letter_of_a_list_is_driven_again_alone() {
    let mut bed = bed();
    let large = format!("{{\"type\":\"reading\",\"id\":3,\"device\":1,\"text\":\"{}\"}}", "x".repeat(5_000));
    let body = format!(r#"{{"batch":[{{"type":"reading","id":1}},{{"type":"reading","id":2,"device":1}},{large}]}}"#);
    bed.wire.publish("events.a", &[], body.as_bytes()).unwrap();
    bed.wire.flush().unwrap();
    let engine = bed.engine("state", &[]);
    wait_until("the outputs of the list", || (bed.last("ENRICHED") >= 3).then_some(()));
    // Both are shown; a body is that of one of them, whole, also where the dead letter was cut.
    let shown = command::run(&bed, &["dead-letters", "show", "1"]);
    assert!(shown.out.contains("number 0 of the list at position 1"), "{}", shown.out);
    assert!(shown.out.contains("number 2 of the list at position 1"), "{}", shown.out);
    let both = command::run(&bed, &["dead-letters", "show", "1", "--body", "-"]);
    assert_eq!(both.code, Some(64), "{}", both.err);
    assert!(both.err.contains("position 1 has 2 dead letters") && both.err.contains("1:0, 1:2"), "{}", both.err);
    assert_eq!(command::run(&bed, &["dead-letters", "show", "1:2", "--body", "-"]).out, large);
    // Mended, the first one passes; the third is too large again, alone.
    let mended = write(&bed, "mended.json", r#"{"type":"reading","id":1,"device":7}"#);
    let mended = mended.to_str().unwrap();
    let done = command::run(&bed, &["dead-letters", "redrive", "1:0", "--edited", mended]);
    assert_eq!(done.code, Some(0), "{} {}", done.out, done.err);
    assert_eq!(done.out, "position 1:0: published as position 2\n");
    let done = command::run(&bed, &["dead-letters", "redrive", "1:2"]);
    assert_eq!(done.code, Some(0), "{} {}", done.out, done.err);
    wait_until("the redriven events", || (bed.last("ENRICHED") >= 5).then_some(()));
    engine.drain();
    let found = lane(&mut bed);
    let reading = r#"{"type":"reading","id":1,"device":7,"room":null}"#;
    assert_eq!(found[3], ((2, 0, "enriched.reading".to_owned(), reading.to_owned()), None));
    let ((cause, n, subject, _), element) = &found[4];
    assert_eq!((*cause, *n, subject.as_str(), element.as_deref()), (3, 0, "dead.too_large", Some("2")));
    let audit = command::run(&bed, &["audit", "--complete"]);
    assert_eq!(audit.code, Some(0), "{} {}", audit.out, audit.err);
}
