//! What a replay lets out: a range by positions or times, some subjects, or everything.

use super::stage::{LANE, Stage};
use crate::harness::command::ended;
use crate::harness::load::{publish, school};
use crate::harness::streams::{INPUT, OUTPUT};
use crate::harness::wait::wait_until;
use serde_json::json;

#[test]
fn a_range_of_positions_makes_the_outcomes_that_the_live_engine_made_of_it() {
    let mut stage = Stage::school(3_000);
    let before = stage.streams();
    let ran = stage.replayed(&["--from", "1000", "--until", "2000", "--diff"]);
    assert!(ran.out.contains("replay complete: positions 1000 to 2000 of EVENTS into ENRICHED_REPLAY"), "{ran:?}");
    let expected = stage.live(|outcome| (1_000..=2_000).contains(&outcome.position));
    assert!(expected.len() > 900);
    assert_eq!(stage.outcomes(LANE, "replay."), expected);
    assert_eq!(stage.audit(), expected.len() as u64);
    let mut after = stage.streams();
    after.retain(|(name, _)| name != LANE);
    assert_eq!(after, before, "no other stream was written to");
}

#[test]
fn times_become_positions_once() {
    let mut stage = Stage::school(2_000);
    let (from, until) = (stage.stored_at(500), stage.stored_at(700));
    stage.replayed(&["--from", &from, "--until", &until]);
    let expected = stage.live(|outcome| (500..=700).contains(&outcome.position));
    assert_eq!(stage.outcomes(LANE, "replay."), expected);
    // A resume asks for the same times, or leaves them out.
    stage.replayed(&["--from", &from, "--until", &until]);
    stage.replayed(&[]);
    assert_eq!(stage.outcomes(LANE, "replay."), expected);
}

#[test]
fn a_filter_lets_out_the_events_of_its_subjects_alone() {
    let mut stage = Stage::school(3_000);
    let subjects = stage.subjects();
    let ran = stage.replayed(&["--subject", "events.lesson", "--to", "LESSONS", "--diff", "--json"]);
    let expected = stage.live(|outcome| subjects[outcome.position as usize - 1] == "events.lesson");
    assert!(expected.len() > 1_000 && (expected.len() as u64) < stage.last(OUTPUT));
    assert_eq!(stage.outcomes("LESSONS", "replay.LESSONS."), expected);
    // Of the live lane, only what these events made is compared: nothing is missing.
    let diff = &ran.lines()[0]["diff"];
    assert_eq!((&diff["same"], &diff["missing"], &diff["extra"]), (&json!(expected.len()), &json!(0), &json!(0)));
}

#[test]
fn what_the_input_lost_before_the_range_is_said_and_within_it_refused() {
    let mut stage = Stage::school(1_000);
    let time = stage.stored_at(100);
    stage.api(&format!("STREAM.PURGE.{INPUT}"), json!({ "seq": 500 }));
    let ran = stage.replay(&["--from", "100", "--until", "600"]);
    assert_eq!(ran.code, Some(78), "{ran:?}");
    let said = "error: stream EVENTS no longer holds positions 100 to 499, it holds positions 500 to 1001";
    assert!(ran.err.contains(said), "{ran:?}");
    let ran = stage.replay(&["--from", &time]);
    assert!(ran.code == Some(78) && ran.err.contains("no longer holds positions 1 to 499, some of which"), "{ran:?}");
    assert!(!stage.streams().iter().any(|(name, _)| name == LANE), "nothing was made");
    let ran = stage.replayed(&["--from", "600"]);
    assert!(ran.err.contains("the state is built from position 500 on"), "{ran:?}");
    assert_eq!(stage.outcomes(LANE, "replay.").first().unwrap().position, 600);
    // A complete replay needs the input no more.
    stage.api(&format!("STREAM.PURGE.{INPUT}"), json!({ "seq": 1_001 }));
    stage.replayed(&["--diff"]);
}

#[test]
fn a_rate_is_kept_and_what_comes_before_the_range_is_not_held_back() {
    let stage = Stage::school(2_000);
    // 2,000 events before the range at this rate would take over three minutes.
    let ran = stage.replayed(&["--from", "1991", "--rate", "10", "--json"]);
    let seconds = ran.lines()[0]["seconds"].as_f64().unwrap();
    assert!((1.0..60.0).contains(&seconds), "11 events at 10 a second took {seconds} s");
}

#[test]
fn events_deleted_at_the_ranges_end_do_not_keep_it_waiting() {
    let mut stage = Stage::school(300);
    for position in [299, 300, 301] {
        stage.api(&format!("STREAM.MSG.DELETE.{INPUT}"), json!({ "seq": position }));
    }
    stage.replayed(&[]);
    let end = stage.outcomes(LANE, "replay.").last().unwrap().position;
    assert!(end <= 298, "{end}");
}

#[test]
fn retention_that_overtakes_a_replay_on_its_way_is_refused() {
    let mut stage = Stage::school(2_000);
    let mut replay = stage.begin(&["--rate", "300"]);
    wait_until("the replay's lane to grow", || {
        stage.streams().iter().any(|(name, last)| name == LANE && *last >= 50).then_some(())
    });
    replay.kill().unwrap();
    replay.wait().unwrap();
    stage.api(&format!("STREAM.PURGE.{INPUT}"), json!({ "seq": 1_900 }));
    let ran = stage.replay(&[]);
    assert!(ran.code == Some(78) && ran.err.contains("to 1899, which were not processed yet"), "{ran:?}");
}

#[test]
fn a_range_whose_end_is_purged_on_the_way_is_never_called_complete() {
    let mut stage = Stage::empty();
    // More than a reader asks for ahead.
    publish(&mut stage.bed.wire, &mut school(9, 0), 30_000).unwrap();
    let replay = stage.begin(&["--rate", "4000"]);
    wait_until("the replay's lane to grow", || {
        stage.streams().iter().any(|(name, last)| name == LANE && *last >= 50).then_some(())
    });
    stage.api(&format!("STREAM.PURGE.{INPUT}"), json!({}));
    let ran = ended(replay);
    assert!(ran.code == Some(78) && ran.err.contains("to 30000, which were not processed yet"), "{ran:?}");
}
