//! A replay's state in the live one's place: no rebuild, no refusal, and the lane goes on.

use super::stage::{CITY, LANE, Stage};
use crate::harness::command::{begin, ended};
use crate::harness::streams::{INPUT, OUTPUT};
use serde_json::Value;

/// The live engine under the new configuration: it resumes, and a lesson shows what the old state did not keep.
fn goes_on(stage: &mut Stage, user: u64, city: &str) {
    let before = stage.last(OUTPUT);
    let mut engine = stage.bed.engine("state", &[]);
    engine.wait_for_log("ready:");
    let n = stage.last(INPUT) + 1;
    let lesson = format!(r#"{{"title":"lesson","event_uuid":"after{n}","properties":{{"user_uuid":"u{user}"}}}}"#);
    stage.bed.wire.request("events.lesson", lesson.as_bytes()).unwrap();
    stage.bed.finish();
    let log = engine.drain();
    assert!(log.contains("kind=\"resume\"") && !log.contains("kind=\"rebuild\""), "{log}");
    let outcomes = stage.live(|outcome| outcome.position >= n);
    assert_eq!(outcomes.len(), 2, "the lesson and the mark behind it");
    let body = String::from_utf8(outcomes[0].payload.clone()).unwrap();
    assert!(body.contains(&format!("\"city\":\"{city}\"")), "{body}");
    // Nothing came out twice, and nothing was left out.
    let all: Vec<u64> = stage.live(|_| true).iter().map(|outcome| outcome.position).collect();
    assert_eq!(all, (1..=stage.last(INPUT)).collect::<Vec<_>>());
    assert!(stage.last(OUTPUT) == all.len() as u64 && before < all.len() as u64);
    let ran = ended(begin(&stage.bed, &["audit", "--complete", "--json"], ""));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["verdict"]), (Some(0), &Value::from("clean")), "{report}");
}

#[test]
fn a_promoted_state_takes_over_without_a_rebuild() {
    let mut stage = Stage::empty();
    stage.users(1, 40);
    stage.run_live();
    stage.bed.sets.extend(CITY);
    // The new configuration alone is refused.
    let refused = ended(begin(&stage.bed, &["run"], ""));
    assert_eq!(refused.code, Some(78), "{refused:?}");
    let ran = stage.replayed(&["--promote"]);
    assert!(ran.out.contains("promoted: ") && ran.out.contains("start the engine: it goes on from there"), "{ran:?}");
    let aside = format!("{}.before-replay-1", stage.bed.state("state").display());
    assert!(std::path::Path::new(&aside).join("FORMAT").exists(), "the old state is kept");
    goes_on(&mut stage, 3, "c38");
    // A state that is lost later is rebuilt as the lane's newest message says.
    std::fs::remove_dir_all(stage.bed.state("state")).unwrap();
    let mut engine = stage.bed.engine("state", &[]);
    engine.wait_for_log("ready:");
    stage.bed.finish();
    assert!(engine.drain().contains("kind=\"rebuild\""));
}

#[test]
fn a_live_engine_that_went_on_meanwhile_is_caught_up_with() {
    let mut stage = Stage::empty();
    stage.users(1, 30);
    stage.run_live();
    let sets = stage.bed.sets.clone();
    stage.bed.sets.extend(CITY);
    stage.replayed(&[]);
    // The old configuration goes on for a while.
    let new = std::mem::replace(&mut stage.bed.sets, sets);
    let user = r#"{"title":"user","event_uuid":"later","properties":{"uuid":"u2","country":"k","city":"moved"}}"#;
    stage.bed.wire.request("events.user", user.as_bytes()).unwrap();
    stage.run_live();
    stage.bed.sets = new;
    let ran = stage.replayed(&["--promote"]);
    assert!(ran.out.contains("it works up to position 63 without publishing"), "{ran:?}");
    goes_on(&mut stage, 2, "moved");
}

#[test]
fn what_may_not_take_over_is_refused_and_the_live_state_stays() {
    let mut stage = Stage::empty();
    stage.users(1, 20);
    stage.run_live();
    let ran = stage.replay(&["--from", "5", "--promote", "--to", "PART"]);
    assert!(ran.code == Some(78) && ran.err.contains("not one of the whole input from a fresh state"), "{ran:?}");
    let mut engine = stage.bed.engine("state", &[]);
    engine.wait_for_log("ready:");
    let ran = stage.replay(&["--promote"]);
    assert!(ran.code == Some(75) && ran.err.contains("the live engine runs"), "{ran:?}");
    assert!(engine.runs());
    engine.drain();
    // The replay itself is complete, and can be promoted now.
    assert_eq!(stage.outcomes(LANE, "replay.").len(), 41);
    stage.replayed(&["--promote"]);
    stage.run_live();
    stage.bed.assert_clean();
}
