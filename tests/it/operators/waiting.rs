//! What is not there yet, and what passes by itself: the engine waits, and ends with 69 at most.

use super::{bare_on, behind, ready};
use crate::harness::bed::Bed;
use crate::harness::engine::Engine;
use crate::harness::load::{publish, school};
use crate::harness::streams::{self, INPUT, api};
use crate::harness::wait::{DEADLINE, wait_until};
use crate::server::Server;
use serde_json::json;

#[test]
fn streams_that_are_made_later_are_waited_for() {
    let mut bed = bare_on(Server::start());
    let mut engine = bed.engine("state", &[]);
    engine.wait_for_log("the input stream EVENTS does not exist");
    let (is_ready, words) = ready(&engine);
    assert!(!is_ready && words.contains("EVENTS does not exist"), "{words}");
    streams::create(&mut bed.wire);
    publish(&mut bed.wire, &mut school(66, 20), 500).unwrap();
    bed.finish();
    engine.drain();
    bed.assert_clean();
}

#[test]
fn streams_that_are_never_made_end_the_start_with_a_code_that_is_started_again() {
    let mut bed = bare_on(Server::start());
    let (code, log) = Engine::of("early", behind(":", &bed, &["--patience-s", "1"])).exited(DEADLINE);
    assert_eq!(code, Some(69), "{log}");
    assert!(
        log.contains("error: the input stream EVENTS does not exist") && log.contains("sidestream provision"),
        "{log}"
    );
    let config = json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file" });
    api(&mut bed.wire, &format!("STREAM.CREATE.{INPUT}"), &config).unwrap();
    let (code, log) = Engine::of("early", behind(":", &bed, &["--patience-s", "1"])).exited(DEADLINE);
    assert!(code == Some(69) && log.contains("the output stream ENRICHED does not exist"), "{log}");
}

#[test]
fn the_consumer_of_a_killed_engine_is_waited_for_where_only_one_may_be() {
    let mut bed = bare_on(Server::start());
    let config = json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file", "max_consumers": 1 });
    let made = api(&mut bed.wire, &format!("STREAM.CREATE.{INPUT}"), &config).unwrap();
    assert!(made.get("error").is_none(), "{made}");
    streams::create_output(&mut bed.wire);
    let engine = bed.engine("state", &[]);
    publish(&mut bed.wire, &mut school(67, 20), 500).unwrap();
    bed.finish();
    engine.kill();
    let mut again = bed.engine("state", &[]);
    again.wait_for_log("maximum consumers limit reached");
    // What the server does by itself after 90 s.
    forget_consumers(&mut bed);
    bed.finish();
    wait_until("the engine to be ready", || ready(&again).0.then_some(()));
    again.drain();
    // The oracle reads by a consumer, too.
    forget_consumers(&mut bed);
    bed.assert_clean();
}

fn forget_consumers(bed: &mut Bed) {
    let names = api(&mut bed.wire, &format!("CONSUMER.NAMES.{INPUT}"), &json!({})).unwrap();
    for name in names["consumers"].as_array().unwrap().iter().filter_map(|name| name.as_str()) {
        api(&mut bed.wire, &format!("CONSUMER.DELETE.{INPUT}.{name}"), &json!({})).unwrap();
    }
}
