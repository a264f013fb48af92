//! Streams as others make them: what the engine reads and writes beside them is exact.

use crate::harness::bed::Bed;
use crate::harness::command::run;
use crate::harness::streams::{self, INPUT, OUTPUT, api};
use crate::harness::wait::{DEADLINE, wait_until};
use crate::harness::wire::Wire;
use serde_json::{Value, json};

const USER: &[u8] = br#"{"title":"user","properties":{"uuid":"u1","country":"BR"}}"#;
const LESSON: &[u8] = br#"{"title":"lesson","properties":{"user_uuid":"u1","language":"pt"}}"#;

fn create(wire: &mut Wire, base: Value, more: &Value) {
    let mut config = base;
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    let name = config["name"].as_str().unwrap().to_owned();
    let made = api(wire, &format!("STREAM.CREATE.{name}"), &config).unwrap();
    assert!(made.get("error").is_none(), "{made}");
}

fn recreate(bed: &mut Bed, input: &Value, output: &Value) {
    for name in [INPUT, OUTPUT] {
        api(&mut bed.wire, &format!("STREAM.DELETE.{name}"), &json!({})).unwrap();
    }
    let raw = json!({ "name": "RAW", "subjects": ["raw.>"], "storage": "file" });
    if input.get("mirror").is_some() || input.get("sources").is_some() {
        create(&mut bed.wire, raw, &json!({}));
        create(&mut bed.wire, json!({ "name": INPUT, "storage": "file" }), input);
    } else {
        create(&mut bed.wire, streams::input(), input);
    }
    create(&mut bed.wire, streams::output(), output);
}

#[test]
fn an_engine_is_exact_beside_streams_of_every_suitable_kind() {
    let transforms = json!([{ "src": "raw.>", "dest": "events.>" }]);
    let rows = [
        ("compressed", json!({ "compression": "s2" }), json!({ "compression": "s2" }), "events.x"),
        (
            "renamed on the way in",
            json!({ "subjects": ["raw.>"], "subject_transform": { "src": "raw.>", "dest": "events.>" } }),
            json!({}),
            "raw.x",
        ),
        (
            "republished",
            json!({ "republish": { "src": "events.>", "dest": "again.>" } }),
            json!({ "republish": { "src": ">", "dest": "out.>" } }),
            "events.x",
        ),
        ("numbered from a million", json!({ "first_seq": 1_000_000 }), json!({ "deny_purge": true }), "events.x"),
        ("in memory", json!({ "storage": "memory" }), json!({ "storage": "memory" }), "events.x"),
        ("a mirror", json!({ "mirror": { "name": "RAW" } }), json!({}), "raw.x"),
        ("sourced", json!({ "sources": [{ "name": "RAW", "subject_transforms": transforms }] }), json!({}), "raw.x"),
    ];
    for (name, input, output, subject) in rows {
        let mut bed = Bed::new();
        recreate(&mut bed, &input, &output);
        let engine = bed.engine("state", &[]);
        for event in [USER, LESSON] {
            bed.wire.publish(subject, &[], event).unwrap();
        }
        bed.wire.flush().unwrap();
        wait_until(name, || (bed.last(OUTPUT) == 2).then_some(()));
        engine.drain();
        let lesson = String::from_utf8(bed.lane()[1].payload.clone()).unwrap();
        assert!(lesson.contains(r#""country":"BR""#), "{name}: {lesson}");
        let audit = run(&bed, &["audit", "--complete"]);
        assert_eq!(audit.code, Some(0), "{name}: {audit:?}");
    }
}

/// A producer keeps the newest message of a subject alone: harmless for what is processed, and no word of it in the output.
#[test]
fn a_producer_that_rolls_its_subject_up_costs_nothing_but_a_rebuild() {
    let mut bed = Bed::new();
    recreate(&mut bed, &json!({ "allow_rollup_hdrs": true }), &json!({ "allow_rollup_hdrs": true }));
    let engine = bed.engine("state", &[]);
    for country in ["C1", "C2", "C3"] {
        let user = format!(r#"{{"title":"user","properties":{{"uuid":"u1","country":"{country}"}}}}"#);
        bed.wire.publish("events.u", &[], user.as_bytes()).unwrap();
    }
    bed.wire.flush().unwrap();
    wait_until("three outputs", || (bed.last(OUTPUT) == 3).then_some(()));
    bed.wire.publish("events.u", &[("Nats-Rollup".to_owned(), "sub".to_owned())], USER).unwrap();
    bed.wire.publish("events.l", &[], LESSON).unwrap();
    bed.wire.flush().unwrap();
    wait_until("five outputs", || (bed.last(OUTPUT) == 5).then_some(()));
    engine.drain();
    let lane = bed.lane();
    assert_eq!(lane.len(), 5, "what came before is still there");
    assert!(String::from_utf8_lossy(&lane[4].payload).contains(r#""country":"BR""#));
    // Without its state it would compute the first three outputs from events that are gone.
    std::fs::remove_dir_all(bed.state("state")).unwrap();
    let (code, log) = bed.engine("state", &[]).exited(DEADLINE);
    assert_eq!(code, Some(78), "{log}");
    assert!(log.contains("the input stream no longer holds positions 1 to 3"), "{log}");
}

#[test]
fn a_full_output_is_waited_for_with_the_reason() {
    let mut bed = Bed::new();
    recreate(&mut bed, &json!({}), &json!({ "max_msgs": 3, "discard": "new" }));
    let engine = bed.engine("state", &[]);
    for _ in 0..8 {
        bed.wire.publish("events.x", &[], USER).unwrap();
    }
    bed.wire.flush().unwrap();
    let ready = || sidestream::app::inspect::ask_health(engine.address().parse().unwrap(), "/readyz").unwrap();
    wait_until("not ready, with the reason", || {
        let (is_ready, words) = ready();
        (!is_ready && words.contains("maximum messages exceeded")).then_some(())
    });
    assert_eq!(bed.last(OUTPUT), 3);
    let mut config = streams::output();
    config["max_msgs"] = json!(-1);
    let updated = api(&mut bed.wire, &format!("STREAM.UPDATE.{OUTPUT}"), &config).unwrap();
    assert!(updated.get("error").is_none(), "{updated}");
    bed.finish();
    wait_until("ready again", || ready().0.then_some(()));
    engine.drain();
    bed.assert_clean();
}
