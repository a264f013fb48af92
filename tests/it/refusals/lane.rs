//! Rules 2 and 3, and whose lane it is.

use super::stage::Stage;
use crate::harness::streams::{OUTPUT, recreate_output};
use crate::harness::wait::DEADLINE;

/// Publishes a message into the lane that claims to be of this run, position and plan.
fn forge(stage: &mut Stage, run: &str, position: u64, time: &str, plan: &str) {
    let lines = format!(
        "Sidestream-Position: EVENTS:{position}:0\r\nSidestream-Time: {time}\r\nSidestream-Run: {run}.1:{plan}:1:1\r\n"
    );
    stage.bed.wire.publish_raw("enriched.user", lines.as_bytes(), b"{}").unwrap();
    stage.bed.wire.flush().unwrap();
}

const EARLIER: &str = "000000000000000000000000";

#[test]
fn an_output_that_was_created_again() {
    let mut stage = Stage::processed(10);
    recreate_output(&mut stage.bed.wire);
    let words = "the output stream was deleted and created again since the last checkpoint";
    stage.refused(&[], &[]).is(78, words, "restore the output stream; or move the state directory away");
    // As the hint says: without the state, every event is published again.
    stage.lose_state();
    let engine = stage.engine(&[], &[]);
    stage.finish_clean(engine);
}

#[test]
fn an_output_that_lost_its_tail_is_published_again() {
    let mut stage = Stage::processed(10);
    let copy = stage.copy(OUTPUT);
    stage.publish(10);
    stage.run(&[]);
    stage.restore(OUTPUT, &copy);
    assert_eq!(stage.lane_last(), 10);
    let mut engine = stage.engine(&[], &[]);
    engine.wait_for_log("the output stream lost its tail");
    stage.finish_clean(engine);
}

#[test]
fn a_stranger_in_the_lane() {
    let mut stage = Stage::processed(10);
    stage.bed.wire.publish("enriched.user", &[], b"{}").unwrap();
    stage.bed.wire.flush().unwrap();
    let words = "another program writes to the output stream: the message at sequence 11 has no Sidestream headers";
    let hint = "find the other publisher and stop it";
    stage.refused(&[], &[]).is(70, words, hint);
    stage.lose_state();
    stage.refused(&[], &[]).is(70, words, hint);
}

#[test]
fn a_stranger_in_the_lane_of_a_running_engine() {
    let mut stage = Stage::new(10);
    let engine = stage.engine(&[], &[]);
    stage.until_done();
    stage.bed.wire.publish("enriched.user", &[], b"{}").unwrap();
    stage.bed.wire.flush().unwrap();
    stage.publish(1);
    let (code, log) = engine.exited(DEADLINE);
    assert_eq!(code, Some(70), "{log}");
    assert!(log.contains("the message at sequence 11 has no Sidestream headers"), "{log}");
}

#[test]
fn a_strangers_message_that_somebody_deleted() {
    // Counted as an output, it would leave an event without one.
    let mut stage = Stage::processed(10);
    stage.bed.wire.publish("enriched.user", &[], b"{}").unwrap();
    stage.bed.wire.flush().unwrap();
    // The server has read it by now, and stores it in its own time.
    crate::harness::wait::wait_until("the stranger's message is stored", || stage.bed.lane_has(11).then_some(()));
    stage.api("STREAM.MSG.DELETE.ENRICHED", serde_json::json!({ "seq": 11 }));
    stage.publish(5);
    let words = "the message at the end of the output stream (sequence 11) was deleted";
    stage.refused(&[], &[]).is(78, words, "restore the output stream; or add --accept-gap");
}

#[test]
fn a_message_of_an_engine_that_started_later() {
    let mut stage = Stage::processed(10);
    stage.publish(1);
    forge(&mut stage, "ffffffffffffffffffffffff", 11, "1", "plan");
    // Its event was stored at another time: but whose lane it is comes first.
    let words = "an engine that started later (run ffffffffffffffffffffffff) has taken over the output stream";
    stage.refused(&[], &[]).is(75, words, "only one engine may serve an output stream");
}

#[test]
fn an_output_that_the_input_does_not_give() {
    let mut stage = Stage::new(10);
    stage.run_and_kill(&[], &[]);
    // Position 11 has an output 0; output 1 of it is a lie. Without its event the time proves nothing.
    stage.publish(2);
    let plan = stage.origins()[0].plan.clone();
    let info = stage.api("STREAM.MSG.GET.EVENTS", serde_json::json!({ "seq": 12 }));
    let time: String = nanos(info["message"]["time"].as_str().unwrap());
    forge(&mut stage, EARLIER, 12, &time, &plan);
    let words = "the output at lane sequence 11 is output 0 of position 12";
    stage.refused(&[], &[]).is(70, words, "run `sidestream audit`");
}

#[test]
fn an_output_under_another_plan() {
    let mut stage = Stage::new(10);
    stage.run_and_kill(&[], &[]);
    stage.publish(1);
    let info = stage.api("STREAM.MSG.GET.EVENTS", serde_json::json!({ "seq": 11 }));
    let time = nanos(info["message"]["time"].as_str().unwrap());
    forge(&mut stage, EARLIER, 11, &time, "another");
    // The newest output tells which plan is at work, whatever the record says.
    let words = "the text of plan another is missing";
    stage.refused(&[], &[]).is(78, words, "start once with the configuration that was in force");
}

#[test]
fn a_state_directory_that_another_process_has() {
    let mut stage = Stage::new(5);
    let mut first = stage.engine(&[], &[]);
    stage.until_done();
    let refused = stage.refused(&[], &[]);
    refused.is(75, "", "stop the other engine, or give this one a state.path of its own");
    assert!(first.runs());
    stage.finish_clean(first);
}

/// The server's RFC 3339 time as nanoseconds.
fn nanos(text: &str) -> String {
    text.parse::<jiff::Timestamp>().unwrap().as_nanosecond().to_string()
}
