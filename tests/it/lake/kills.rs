//! Kills at any moment, before the eyes of a reader that takes every file there is.

use super::stage::{Stage, readers};
use crate::harness::load::{Load, school};
use crate::harness::streams::OUTPUT;
use crate::harness::wait::wait_until;
use serde_json::Value;
use sidestream::generate::Random;
use std::process::Stdio;

/// The entries of a lake's log.
fn published(stage: &Stage) -> usize {
    std::fs::read_dir(stage.lake.join("_sidestream/log")).map_or(0, Iterator::count)
}

#[test]
fn a_reader_of_all_files_sees_each_row_once_through_six_kills() {
    let mut stage = Stage::new(8, "max_age_s = 1\nmax_spool_bytes = 1_048_576\ntarget_file_bytes = 65_536");
    let mut watch = readers("watch", &stage.lake);
    let mut watch = watch.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let load = Load::ahead(stage.bed.server.address(), school(8, 50), 2_000);
    let mut random = Random::new(8);
    for kill in 0..6 {
        let engine = stage.bed.engine("state", &[("engine.checkpoint_interval_ms", "50")]);
        let before = published(&stage);
        let more = 1 + random.index(3);
        wait_until(&format!("the lake to publish after kill {kill}"), || {
            (published(&stage) >= before + more).then_some(())
        });
        // Somewhere within the next publication: the lane grows by another piece first.
        let lane = stage.bed.last(OUTPUT) + random.below(900);
        wait_until("the lane to grow", || stage.bed.lane_has(lane).then_some(()));
        engine.kill();
    }
    load.stop();
    let engine = stage.bed.engine("state", &[]);
    stage.bed.finish();
    engine.drain();
    stage.store();
    drop(watch.stdin.take());
    let watched = watch.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&watched.stderr).into_owned();
    assert!(watched.status.success(), "{said}");
    let seen: Value = serde_json::from_slice(&watched.stdout).unwrap();
    assert!(seen["looks"].as_u64().unwrap() > 10, "{seen}");
    stage.assert_whole(&["--delta"]);
}
