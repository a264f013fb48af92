//! What people do with a configuration and with much data.

use crate::harness::bed::Bed;
use crate::harness::command::run;
use crate::harness::engine::Engine;
use crate::harness::streams::{INPUT, OUTPUT, api};
use crate::harness::wait::{DEADLINE, wait_until};
use serde_json::json;
use std::fmt::Write as _;

fn user(n: u32) -> String {
    format!(r#"{{"title":"user","properties":{{"uuid":"u{n}","country":"BR"}}}}"#)
}

fn lesson(n: u32) -> String {
    format!(r#"{{"title":"lesson","properties":{{"user_uuid":"u{n}","language":"pt"}}}}"#)
}

fn publish(bed: &mut Bed, events: impl Iterator<Item = String>) {
    for event in events {
        bed.wire.publish("events.x", &[], event.as_bytes()).unwrap();
    }
    bed.wire.flush().unwrap();
}

/// A wrong key makes dead letters; with the right one, all of them come out.
#[test]
fn a_wrong_place_of_a_key_is_mended_and_its_dead_letters_come_out() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[("kinds.lesson.key", "properties.userId")]);
    publish(&mut bed, (0..20).flat_map(|n| [user(n), lesson(n)]));
    bed.finish();
    engine.drain();
    let (code, log) = bed.engine("state", &[]).exited(DEADLINE);
    assert!(code == Some(78) && log.contains("properties.userId") && log.contains("--keep-state"), "{log}");
    let engine = Engine::armed("state", &bed.config, &bed.sets_of("state", &[]), &["--keep-state"], "");
    let made = api(&mut bed.wire, "STREAM.CREATE.ENRICHED_REDRIVES", &redrives()).unwrap();
    assert!(made.get("error").is_none(), "{made}");
    publish(&mut bed, std::iter::once(user(0)));
    bed.finish();
    let redriven = run(&bed, &["dead-letters", "redrive", "--all", "--rate", "1000"]);
    assert_eq!(redriven.code, Some(0), "{redriven:?}");
    bed.finish();
    engine.drain();
    let lane = bed.lane();
    let lessons = lane.iter().filter(|message| message.subject == "enriched.lesson");
    let right = lessons.filter(|message| String::from_utf8_lossy(&message.payload).contains(r#""country":"BR""#));
    assert_eq!(right.count(), 20);
}

fn redrives() -> serde_json::Value {
    json!({ "name": "ENRICHED_REDRIVES", "subjects": ["sidestream.redrive.ENRICHED.>"], "storage": "file",
        "allow_direct": true })
}

/// 120 MB of events wait. Pulls are bounded in bytes, so that the server never has more to hold back than it bears.
#[test]
fn large_events_are_read_by_the_engine_an_audit_and_a_replay() {
    let mut bed = Bed::new();
    let large = format!(r#"{{"title":"lesson","properties":{{"user_uuid":"k"}},"x":"{}"}}"#, "x".repeat(200_000));
    for piece in 1..=12 {
        publish(&mut bed, std::iter::repeat_n(large.clone(), 50));
        wait_until("events to be stored", || (bed.last(INPUT) == piece * 50).then_some(()));
    }
    let engine = bed.engine("state", &[]);
    wait_until("all outputs", || (bed.last(OUTPUT) == 600).then_some(()));
    let figures = sidestream::app::inspect::ask_health(engine.address().parse().unwrap(), "/metrics").unwrap().1;
    assert!(figures.contains("sidestream_source_restarts_total 0\n"), "no slow consumer: {figures}");
    engine.drain();
    for command in [&["audit", "--complete"][..], &["replay", "--dry-run", "--diff"]] {
        let ran = run(&bed, command);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

/// 5,000 kinds, 500 patterns and an enrichment of 300 fields: nothing looks at all of them for each event.
#[test]
fn thousands_of_kinds_and_hundreds_of_fields() {
    let dir = tempfile::tempdir().unwrap();
    let shipped = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config.toml")).unwrap();
    let columns: String = (0..300).fold(String::new(), |mut text, n| {
        write!(text, "c{n} = \"properties.c{n}\", ").unwrap();
        text
    });
    let mut config = shipped.replace(
        "columns = { name = \"properties.name\", first",
        &format!("columns = {{ {columns}name = \"properties.name\", first"),
    );
    for n in 0..300 {
        writeln!(config, "f{n} = \"user.c{n}\"").unwrap();
    }
    for n in 0..5_000 {
        writeln!(config, "[kinds.k{n}]\nkey = \"properties.uuid\"").unwrap();
    }
    for n in 0..500 {
        writeln!(config, "[kinds.\"pat{n}*x\"]\nkey = \"properties.uuid\"").unwrap();
    }
    let path = dir.path().join("config.toml");
    std::fs::write(&path, config).unwrap();
    let cases = dir.path().join("cases.toml");
    std::fs::write(
        &cases,
        r#"
[[case]]
name = "many"
in = '''
{"title":"k4999","properties":{"uuid":"u1"}}
{"title":"pat499-x","properties":{"uuid":"u1"}}
{"title":"user","properties":{"uuid":"u1","c299":299}}
{"title":"lesson","properties":{"user_uuid":"u1"}}
'''
out_like = '''
1 enriched.k4999 {"event_processed":true}
2 enriched.pat499-x {"event_processed":true}
3 enriched.user {}
4 enriched.lesson {"f299":299,"f0":null}
'''
"#,
    )
    .unwrap();
    let (code, text) = super::sidestream("test", &path, &cases);
    assert_eq!(code, Some(0), "{text}");
}
