//! CloudEvents of both modes and events without data on a real server: killed under load, every output is what an oracle
//! makes of them without the product's code, and the audit agrees.

use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::dump::each;
use crate::harness::wait::wait_until;
use serde_json::{Value, json};
use sidestream::generate::Random;
use std::collections::BTreeMap;
use std::path::Path;

const EVENTS: u64 = 3_000;

/// An output: its position, subject, `ce-type`, `ce-subject`, and its body.
type Line = (u64, String, Option<String>, Option<String>, Vec<u8>);

fn header(headers: &[(String, String)], name: &str) -> Option<String> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// What the guests are called by now.
#[derive(Default)]
struct Oracle(BTreeMap<String, String>);

impl Oracle {
    fn output(&mut self, n: u64, kind: &str, guest: &str, data: Option<&Value>) -> Line {
        let subject = (kind == "guest").then(|| guest.to_owned());
        let mut body = data.map(|data| data.to_string().into_bytes()).unwrap_or_default();
        match (kind, data) {
            ("guest", Some(data)) => drop(self.0.insert(guest.to_owned(), data["name"].as_str().unwrap().to_owned())),
            ("guest", None) => drop(self.0.remove(guest)),
            _ => {
                let name = self.0.get(guest).map_or(Value::Null, |name| json!(name));
                let object = format!(",\"guest_data\":{{\"country\":null,\"name\":{name}}}}}");
                body.pop();
                body.extend(object.bytes());
            }
        }
        let of = format!("com.example.{kind}");
        (n, format!("bookings.{}", of.replace('.', "_")), Some(of), subject, body)
    }
}

#[test]
fn events_out_of_their_envelopes_are_exact_through_kills() {
    let mut bed = Bed::new();
    bed.config = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cloudevents/config.toml");
    // The bed's own lane has the subjects of dead letters.
    bed.sets.push(("dead_letters.subject", "lost.{reason}"));
    let made = command::run(&bed, &["provision"]);
    assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
    let (mut random, mut oracle, mut expected) = (Random::new(17), Oracle::default(), Vec::new());
    let mut engine = bed.engine("state", &[("engine.checkpoint_interval_ms", "50")]);
    for n in 1..=EVENTS {
        let guest = format!("g{}", random.below(10));
        let (kind, data) = match random.index(4) {
            0 => ("guest", Some(json!({ "name": format!("n{n}") }))),
            1 => ("guest", None),
            _ => ("booking", Some(json!({ "guest": guest, "nights": n }))),
        };
        let (of, id) = (format!("com.example.{kind}"), n.to_string());
        if random.below(2) == 0 {
            let mut event = json!({ "specversion": "1.0", "type": of, "source": "/s", "id": id });
            if kind == "guest" {
                event["subject"] = json!(guest);
            }
            if let Some(data) = &data {
                event["data"] = data.clone();
            }
            bed.wire.publish("hotel.a", &[], event.to_string().as_bytes()).unwrap();
        } else {
            let mut headers = vec![("ce-specversion", "1.0"), ("ce-type", &of), ("ce-source", "/s"), ("ce-id", &id)];
            if kind == "guest" {
                headers.push(("ce-subject", &guest));
            }
            let headers: Vec<(String, String)> =
                headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let body = data.as_ref().map(Value::to_string).unwrap_or_default();
            bed.wire.publish("hotel.a", &headers, body.as_bytes()).unwrap();
        }
        expected.push(oracle.output(n, kind, &guest, data.as_ref()));
        if n % 1_000 == 0 && n < EVENTS {
            bed.wire.flush().unwrap();
            wait_until("some of the outputs", || (bed.last("BOOKINGS") > n / 2).then_some(()));
            engine.kill();
            engine = bed.engine("state", &[("engine.checkpoint_interval_ms", "50"), ("engine.shards", "3")]);
        }
    }
    bed.wire.flush().unwrap();
    wait_until("all outputs", || (bed.last("BOOKINGS") >= EVENTS).then_some(()));
    engine.drain();
    let mut found: Vec<Line> = Vec::new();
    each(&mut bed.wire, "BOOKINGS", |_, _, message| {
        let position = header(&message.headers, "Sidestream-Position").unwrap();
        let cause: u64 = position.split(':').nth(1).unwrap().parse().unwrap();
        let [of, subject] = ["ce-type", "ce-subject"].map(|name| header(&message.headers, name));
        found.push((cause, message.subject.clone(), of, subject, message.payload.clone()));
        Ok(())
    })
    .unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(
            found,
            expected,
            "{} against {}",
            String::from_utf8_lossy(&found.4),
            String::from_utf8_lossy(&expected.4)
        );
    }
    assert_eq!(found.len(), expected.len());
    let empty = found.iter().filter(|line| line.4.is_empty()).count();
    assert!(empty > 300, "{empty} without a body");
    let audit = command::run(&bed, &["audit", "--complete"]);
    assert_eq!(audit.code, Some(0), "{} {}", audit.out, audit.err);
}
