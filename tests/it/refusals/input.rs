//! Rule 1 and the way to the broker: the input is the stream that we know, and there is one at all.

use super::stage::Stage;
use crate::harness::streams::INPUT;
use serde_json::json;

const OTHER_INPUT: &str = "restore the input stream; or, for a new input, begin with a new output stream";
const LOST_TAIL: &str = "restore the input stream; or, if it lost its tail, add --accept-rewind to go on";

#[test]
fn an_input_that_was_created_again() {
    let mut stage = Stage::processed(20);
    stage.api("STREAM.DELETE.EVENTS", json!({}));
    stage.api("STREAM.CREATE.EVENTS", json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file" }));
    stage.publish(30);
    let words = "the input stream was deleted and created again since the last checkpoint";
    stage.refused(&[], &[]).is(78, words, OTHER_INPUT);
    // Without the state, the lane's newest message still knows when its event was stored.
    stage.lose_state();
    stage.refused(&[], &[]).is(78, "the event at position 20 is not the one that was processed", LOST_TAIL);
}

#[test]
fn an_input_that_lost_its_tail() {
    let mut stage = Stage::new(10);
    let copy = stage.copy(INPUT);
    stage.publish(10);
    stage.run(&[]);
    stage.restore(INPUT, &copy);
    let refused = stage.refused(&[], &[]);
    refused.is(78, "the input stream ends at 10, but the event at 20 was already processed", LOST_TAIL);
    stage.publish(15);
    let refused = stage.refused(&[], &[]);
    refused.is(78, "the event at position 20 is not the one that was processed: its stored-at time", LOST_TAIL);
}

#[test]
fn a_lane_of_another_input() {
    let mut stage = Stage::processed(10);
    stage.api("STREAM.CREATE.OTHER", json!({ "name": "OTHER", "subjects": ["other.>"], "storage": "file" }));
    let refused = stage.refused_as("other", &[], &[("input.stream", "OTHER")]);
    refused.is(78, "the output stream belongs to input stream EVENTS, not to OTHER", "change output.stream");
}

#[test]
fn no_input_stream_at_all() {
    let stage = Stage::new(1);
    let refused = stage.refused(&["--patience-s", "0"], &[("input.stream", "NOWHERE")]);
    refused.is(69, "stream NOWHERE does not exist", "create it with `sidestream provision`");
}

#[test]
fn a_size_limit_above_the_servers() {
    let stage = Stage::new(1);
    let refused = stage.refused(&[], &[("output.max_bytes", "1_048_577")]);
    refused.is(78, "max_payload of the server is 1048576", "lower output.max_bytes");
}

#[test]
fn a_broker_that_is_down_at_the_start() {
    let mut stage = Stage::new(1);
    stage.bed.server.kill();
    let begun = std::time::Instant::now();
    let refused = stage.refused(&["--patience-s", "1"], &[]);
    refused.is(69, "", "check nats.url, that the server runs");
    assert!(begun.elapsed().as_secs_f64() > 1.0, "it tried for as long as it should");
}
