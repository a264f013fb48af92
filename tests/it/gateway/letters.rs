//! What would be a dead letter is refused at the door, and where nothing is asked the engine makes exactly that letter.

use super::client::{Answer, JSON, post};
use super::stage::{beside, header, input, stream};
use crate::harness::bed::Bed;
use crate::harness::streams::OUTPUT;
use crate::harness::wait::wait_until;
use std::net::SocketAddr;

/// A plan that makes dead letters of every reason that an event alone can have.
const PLAN: &str = r#"
[input]
stream = "EVENTS"
subjects = ["events.>"]
[output]
stream = "ENRICHED"
subject = "enriched.{kind}"
max_bytes = 2_000
[engine]
unknown_kinds = "dead_letter"
[event]
kind = "title"
[kinds.user]
key = "uuid"
[kinds.lesson]
key = "uuid"
[kinds.derived]
[kinds.versioned]
version = { at = "v", newest = 1 }
[kinds.checked]
[tables.user]
from = "user"
row = "language"
columns = { country = "country" }
[[enrich]]
kinds = ["lesson"]
into = "about"
on_miss = "dead_letter"
add = { country = "user[language].country" }
[[derive]]
kinds = ["derived"]
on_error = "dead_letter"
set = { at = { time = "when" } }
[[quality]]
kinds = ["checked"]
on_violation = "dead_letter"
complete = ["name"]
[gateway]
"#;

/// An event for each reason, by the kind that it says.
const BAD: &[(&str, &str, &str)] = &[
    ("not_json", "user", r#"{"title":"user","#),
    ("not_object", "user", "[1]"),
    ("duplicate_key", "user", r#"{"title":"user","uuid":1,"uuid":2,"language":"nl"}"#),
    ("no_key", "user", r#"{"title":"user","language":"nl"}"#),
    ("bad_key", "user", r#"{"title":"user","uuid":true,"language":"nl"}"#),
    ("no_key", "user", r#"{"title":"user","uuid":1}"#),
    ("unknown_kind", "stranger", r#"{"title":"stranger"}"#),
    ("derive", "derived", r#"{"title":"derived","when":"never"}"#),
    ("version", "versioned", r#"{"title":"versioned","v":9}"#),
    ("quality", "checked", r#"{"title":"checked","about":{}}"#),
];

fn sent(address: SocketAddr, kind: &str, body: &[u8]) -> Answer {
    post(address, &format!("/v1/events/{kind}"), &[JSON], body)
}

fn deep() -> String {
    format!(r#"{{"title":"user","uuid":1,"language":"nl","x":{}{}}}"#, "[".repeat(130), "]".repeat(130))
}

fn long() -> String {
    format!(r#"{{"title":"user","uuid":1,"language":"nl","x":"{}"}}"#, "x".repeat(2_000))
}

#[test]
fn the_door_refuses_what_the_engine_would_refuse_and_nothing_else() {
    let mut bed = Bed::new();
    bed.config = bed.dir.path().join("plan.toml");
    std::fs::write(&bed.config, PLAN).unwrap();
    let (deep, long) = (deep(), long());
    let bad: Vec<(&str, &str, &str)> =
        BAD.iter().copied().chain([("too_deep", "user", &*deep), ("too_large", "user", &*long)]).collect();
    let (engine, address) = beside(&bed, &[]);
    for (reason, kind, body) in &bad {
        let answer = sent(address, kind, body.as_bytes());
        assert_eq!(answer.problem(), reason.replace('_', "-"), "{body}");
        assert_eq!(answer.status, if *reason == "too_large" { 413 } else { 400 }, "{body}");
    }
    let pointer = |body: &str| sent(address, "user", body.as_bytes()).json()["errors"][0]["pointer"].clone();
    assert_eq!((pointer(BAD[3].2), pointer(BAD[5].2)), ("#/uuid".into(), "#/language".into()));
    // A miss depends on what is there when the event's turn comes; an object that is not there does not.
    let lesson = r#"{"title":"lesson","uuid":7,"language":"nl","about":{}}"#;
    assert_eq!(sent(address, "lesson", lesson.as_bytes()).stored(), (1, false));
    assert_eq!(input(&mut bed).len(), 1);
    engine.drain();
    let (engine, address) = beside(&bed, &[("gateway.validate", "off")]);
    for (_, kind, body) in &bad {
        assert_eq!(sent(address, kind, body.as_bytes()).status, 202, "{body}");
    }
    wait_until("the letters", || bed.lane_has(1 + bad.len() as u64).then_some(()));
    let letters = stream(&mut bed, OUTPUT);
    let reasons: Vec<&str> =
        letters.iter().map(|letter| header(letter, "Sidestream-Reason").unwrap_or("none")).collect();
    let expected: Vec<&str> = ["miss"].into_iter().chain(bad.iter().map(|(reason, ..)| *reason)).collect();
    assert_eq!(reasons, expected);
    engine.drain();
}

#[test]
fn an_object_that_fields_cannot_be_added_to_is_refused() {
    let mut bed = Bed::new();
    bed.config = bed.dir.path().join("plan.toml");
    std::fs::write(&bed.config, PLAN.replace("on_miss = \"dead_letter\"", "on_miss = \"null\"")).unwrap();
    let (_engine, address) = beside(&bed, &[]);
    let answer = sent(address, "lesson", br#"{"title":"lesson","uuid":7,"language":"nl","about":3}"#);
    assert_eq!(
        (answer.problem().as_str(), answer.json()["errors"][0]["pointer"].as_str()),
        ("bad-into", Some("#/about"))
    );
    assert_eq!(input(&mut bed).len(), 0);
}
