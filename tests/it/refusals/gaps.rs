//! What is missing: events that were not processed yet, or everything that a lost state could be built from; and
//! `--accept-gap`, which goes on without it.

use super::stage::Stage;
use crate::harness::streams::{INPUT, OUTPUT, output};
use crate::harness::wait::{DEADLINE, wait_until};
use serde_json::json;

const GAP: &[&str] = &["--accept-gap"];
const GONE: &str = "add --accept-gap to go on without these events (they are counted)";

/// Starts again without the flag, as if nothing had been: positions follow, and sequences have no gap.
fn goes_on(stage: &mut Stage) {
    stage.publish(3);
    stage.run(&[]);
    let end = stage.last();
    assert!(stage.positions().ends_with(&[end - 2, end - 1, end]));
}

#[test]
fn retention_that_overtook_a_stopped_engine() {
    let mut stage = Stage::processed(10);
    stage.publish(10);
    stage.purge(INPUT, 16);
    let words = "the input stream no longer holds positions 11 to 15, which were not processed yet";
    stage.refused(&[], &[]).is(78, words, GONE);
    stage.run(GAP);
    assert_eq!(stage.positions(), (1..=10).chain(16..=20).collect::<Vec<_>>());
    goes_on(&mut stage);
    // The state is lost later: what was published before the gap is not counted again.
    stage.lose_state();
    stage.purge(INPUT, 17);
    stage.refused(&[], &[]).is(78, "no longer holds positions", GONE);
    stage.run(GAP);
    assert_eq!(stage.positions(), (1..=10).chain(16..=23).collect::<Vec<_>>());
    goes_on(&mut stage);
}

#[test]
fn a_gap_that_was_accepted_stays_accepted_after_a_kill() {
    let mut stage = Stage::processed(10);
    stage.publish(10);
    stage.purge(INPUT, 16);
    stage.run_and_kill(GAP, &[]);
    goes_on(&mut stage);
    assert_eq!(stage.positions(), (1..=10).chain(16..=23).collect::<Vec<_>>(), "nothing twice, nothing left out");
}

#[test]
fn retention_that_overtook_what_is_out_already() {
    let mut stage = Stage::new(20);
    stage.run_and_kill(&[], &[]);
    stage.publish(5);
    stage.purge(INPUT, 11);
    stage.refused(&[], &[]).is(78, "no longer holds positions 1 to 10", GONE);
    stage.run(GAP);
    assert_eq!(stage.positions(), (1..=25).collect::<Vec<_>>(), "nothing twice, nothing left out");
    goes_on(&mut stage);
    stage.lose_state();
    stage.refused(&[], &[]).is(78, "no longer holds positions 1 to 10", GONE);
}

#[test]
fn an_event_deleted_among_those_that_are_computed_again() {
    let mut stage = Stage::new(20);
    stage.run_and_kill(&[], &[]);
    stage.delete(INPUT, 7);
    stage.publish(5);
    stage.refused(&[], &[]).is(78, "no longer holds positions 7 to 7", GONE);
    stage.run(GAP);
    assert_eq!(stage.positions(), (1..=25).collect::<Vec<_>>());
    goes_on(&mut stage);
}

#[test]
fn an_event_deleted_behind_the_lane_is_refused_wherever_it_stood() {
    for deleted in [21, 23] {
        let mut stage = Stage::processed(20);
        stage.publish(5);
        stage.delete(INPUT, deleted);
        let words = format!("no longer holds positions {deleted} to {deleted}, which were not processed yet");
        stage.refused(&[], &[]).is(78, &words, GONE);
        stage.run(GAP);
        let all = |end: u64| (1..=end).filter(|position| *position != deleted).collect::<Vec<_>>();
        assert_eq!(stage.positions(), all(25));
        goes_on(&mut stage);
        assert_eq!(stage.positions(), all(28));
    }
}

#[test]
fn events_deleted_before_the_first_start_are_counted_and_no_more() {
    let mut stage = Stage::new(20);
    stage.delete(INPUT, 1);
    stage.delete(INPUT, 7);
    let log = stage.run(&[]);
    assert!(log.contains("positions are missing"), "{log}");
    assert_eq!(stage.positions(), (2..=6).chain(8..=20).collect::<Vec<_>>());
}

#[test]
fn retention_that_overtakes_a_running_engine() {
    let mut stage = Stage::new(5);
    let engine = stage.engine(&[], &[]);
    stage.until_done();
    engine.signal("-STOP");
    stage.publish(10);
    stage.purge(INPUT, 11);
    engine.signal("-CONT");
    // What the server had sent before may still be processed.
    let mut reached = 0;
    wait_until("the engine to go on or to refuse", || {
        reached = stage.bed.cause();
        (reached == 15 || engine.log().contains("error: ")).then_some(())
    });
    if reached < 15 {
        let (code, log) = engine.exited(DEADLINE);
        assert_eq!(code, Some(78), "{log}");
        assert!(log.contains("the input stream no longer holds positions"), "{log}");
    }
}

#[test]
fn outputs_deleted_from_the_lanes_end_are_passed_over_where_a_person_says_that_they_were_outputs() {
    // Some of them, or all: to the server, an end that is gone with all others is one that grew too old.
    for first in [6, 1] {
        let mut stage = Stage::new(10);
        stage.run_and_kill(&[], &[]);
        for sequence in first..=10 {
            stage.delete(OUTPUT, sequence);
        }
        stage.publish(5);
        let words = "the message at the end of the output stream (sequence 10) was deleted";
        stage.refused(&[], &[]).is(78, words, "add --accept-gap to take it for an output");
        stage.run(GAP);
        assert_eq!((stage.lane_last(), stage.bed.cause()), (15, 15));
    }
}

#[test]
fn outputs_that_the_lanes_age_limit_took_are_counted() {
    let mut stage = Stage::new(10);
    stage.run_and_kill(&[], &[]);
    let mut config = output();
    (config["max_age"], config["duplicate_window"]) = (json!(1_000_000_000), json!(1_000_000_000));
    stage.api(&format!("STREAM.UPDATE.{OUTPUT}"), config);
    let info = format!("STREAM.INFO.{OUTPUT}");
    wait_until("the lane to grow too old", || (stage.api(&info, json!({}))["state"]["messages"] == 0).then_some(()));
    stage.publish(5);
    let engine = stage.engine(&[], &[]);
    wait_until("the rest to be out", || (stage.lane_last() == 15).then_some(()));
    let log = engine.drain();
    assert!(log.contains(r#"kind="resume" "#), "{log}");
}

#[test]
fn a_lost_state_beside_a_purged_lane() {
    let mut stage = Stage::processed(10);
    stage.lose_state();
    stage.purge(OUTPUT, 11);
    let words = "the state is lost, and the output stream (last sequence 10) has no message left to recover from";
    let hint = "add --accept-gap to begin anew at the input's first event";
    stage.refused(&[], &[]).is(78, words, hint);
    let engine = stage.engine(GAP, &[]);
    wait_until("the input to come again", || (stage.lane_last() == 20).then_some(()));
    engine.drain();
    stage.publish(3);
    stage.run(&[]);
    assert_eq!(stage.lane_last(), 23);
    // The state is lost again: sequence 11, not 1, is the output of position 1.
    stage.lose_state();
    stage.publish(3);
    stage.run(&[]);
    assert_eq!((stage.lane_last(), stage.bed.cause()), (26, 16));
}

#[test]
fn a_lost_state_beside_a_changed_plan() {
    let mut stage = Stage::processed(10);
    stage.lose_state();
    stage.publish(2);
    let mark = ("output.mark", "done");
    let refused = stage.refused(&[], &[mark]);
    refused.is(
        78,
        "is missing: the outputs that were published under it",
        "start once with the configuration that was",
    );
    let engine = stage.engine(GAP, &[mark]);
    stage.until_done();
    engine.drain();
    assert_eq!(stage.positions(), (1..=12).collect::<Vec<_>>());
    assert!(stage.origins()[11].payload.ends_with(r#","done":true}"#));
}
