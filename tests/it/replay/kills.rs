//! A replay that is killed goes on where it was, and its lane is exact.

use super::stage::{LANE, Stage};
use crate::harness::bed::oracle;
use crate::harness::command::{begin, ended};
use crate::harness::dump::dump;
use crate::harness::streams::INPUT;
use crate::harness::wait::wait_until;
use std::process::Child;

/// Kills the replay once its lane has so many messages.
fn kill_at(stage: &mut Stage, mut replay: Child, messages: u64) {
    wait_until("the replay's lane to grow", || {
        let there = stage.streams().iter().any(|(name, last)| name == LANE && *last >= messages);
        assert!(there || replay.try_wait().unwrap().is_none(), "it ended before {messages} messages");
        there.then_some(())
    });
    replay.kill().unwrap();
    replay.wait().unwrap();
    let lane = stage.last(LANE);
    assert!(lane < 5_500, "it was killed on the way, at {lane}");
}

#[test]
fn killed_twice_the_lane_is_exact() {
    let mut stage = Stage::school(6_000);
    for messages in [1_500, 3_500] {
        let replay = stage.begin(&["--rate", "2000"]);
        kill_at(&mut stage, replay, messages);
    }
    let ran = stage.replayed(&["--diff"]);
    assert!(ran.err.contains("kind=\"resume\""), "{ran:?}");
    assert!(ran.out.contains("changed             0\n  missing             0\n  extra               0"), "{ran:?}");
    let whole = stage.live(|_| true);
    assert_eq!(stage.outcomes(LANE, "replay."), whole);
    assert_eq!(stage.audit(), whole.len() as u64);
    // Another program, with no code of the engine, says the same.
    let text = std::fs::read_to_string(&stage.bed.config).unwrap();
    let text = text.replace("\"enriched.{kind}\"", "\"replay.enriched.{kind}\"").replace("\"dead.", "\"replay.dead.");
    let path = |name: &str| stage.bed.dir.path().join(name);
    let (config, input, output) = (path("replay.toml"), path("input.ndjson"), path("lane.ndjson"));
    std::fs::write(&config, text).unwrap();
    dump(&mut stage.bed.wire, INPUT, &input).unwrap();
    dump(&mut stage.bed.wire, LANE, &output).unwrap();
    let (clean, report) = oracle(&config, &input, &output);
    assert!(clean, "{report}");
}

#[test]
fn a_crash_between_any_two_of_its_writes_is_recovered_from() {
    let mut stage = Stage::school(1_500);
    for point in ["after_publish_before_confirmation", "between_two_key_groups", "between_the_fsyncs"] {
        let arguments = ["replay", "--rate", "3000", "--set", "engine.checkpoint_interval_ms=20"];
        let ran = ended(begin(&stage.bed, &arguments, &format!("{point}=2*off->return")));
        // Without the failpoints' feature a build goes through.
        if cfg!(feature = "failpoints") {
            assert_eq!(ran.code, None, "{point} did not strike: {ran:?}");
        }
    }
    stage.replayed(&[]);
    let whole = stage.live(|_| true);
    assert_eq!(stage.outcomes(LANE, "replay."), whole);
    assert_eq!(stage.audit(), whole.len() as u64);
}

#[test]
fn asked_to_stop_it_says_where_and_goes_on() {
    let mut stage = Stage::school(4_000);
    let replay = stage.begin(&["--rate", "1000"]);
    wait_until("the replay's lane to grow", || {
        stage.streams().iter().any(|(name, last)| name == LANE && *last >= 100).then_some(())
    });
    let pid = replay.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let ran = ended(replay);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.starts_with("stopped at position ") && ran.out.contains(" of 4001: the same command"), "{ran:?}");
    stage.replayed(&[]);
    assert_eq!(stage.audit(), stage.last(LANE));
}
