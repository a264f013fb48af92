//! A replay that begins with a copy of the live state, while the live engine has it open.

use super::stage::{CITY, LANE, Stage};
use crate::harness::command::{begin, ended};
use crate::harness::streams::{INPUT, OUTPUT};
use crate::harness::wait::wait_until;
use sidestream::adapters::directory::copy::try_copy;
use sidestream::app::disk::open_store;
use sidestream::config::StateSection;
use sidestream::core::record::StateEngine;
use sidestream::core::record::{Batch, Space};
use std::sync::atomic::{AtomicBool, Ordering};

/// No checkpoint unless the engine drains: S stays where it is.
const SELDOM: (&str, &str) = ("engine.checkpoint_interval_ms", "60000");

#[test]
fn a_copy_of_the_live_state_serves_what_comes_behind_it_and_the_engine_runs_on() {
    let mut stage = Stage::empty();
    stage.users(1, 50);
    stage.run_live();
    let s = stage.last(INPUT);
    let mut engine = stage.bed.engine("state", &[SELDOM]);
    engine.wait_for_log("ready:");
    stage.users(51, 50);
    let end = stage.bed.finish();
    let before = stage.streams();

    let ran = stage.replay(&["--from-state", "live", "--from", &s.to_string()]);
    assert_eq!(ran.code, Some(78), "{ran:?}");
    let said = format!("the state is as of position {s}, and the range begins at {s}");
    assert!(ran.err.contains(&said) && ran.err.contains("hint: begin the range behind that position"), "{ran:?}");

    let from = s + 11;
    let ran = stage.replayed(&["--from-state", "live", "--from", &from.to_string(), "--diff", "--json"]);
    assert!(ran.err.contains(&format!("the state is a copy of live, as of position {s}")), "{ran:?}");
    assert!(ran.err.contains(&format!("after={s} ")), "it reads on from the copy's position: {ran:?}");
    let report = &ran.lines()[0];
    let events = end - s;
    assert_eq!(report["events"].as_u64(), Some(events), "only what follows the copy is read");
    let expected = stage.live(|outcome| outcome.position >= from);
    assert_eq!(stage.outcomes(LANE, "replay."), expected);
    assert_eq!(report["diff"]["same"].as_u64(), Some(expected.len() as u64), "{report}");

    // The audit has no copy: it finds no fault, and says of what depends on the copy that it was not checked.
    let audit = ended(begin(&stage.bed, &["audit", "--complete", "--json", "--replay", &stage.directory(LANE)], ""));
    let audit_report: serde_json::Value = serde_json::from_str(&audit.out).unwrap();
    assert_eq!(audit.code, Some(0), "{audit_report}");
    assert!(audit_report["unchecked"].as_u64() > Some(0), "{audit_report}");

    let mut after = stage.streams();
    after.retain(|(name, _)| name != LANE);
    assert_eq!(after, before);
    assert!(engine.runs());
    stage.users(101, 5);
    stage.bed.finish();
    engine.drain();
    stage.bed.assert_clean();
}

#[test]
fn a_copy_serves_no_configuration_that_keeps_another_state() {
    let mut stage = Stage::empty();
    stage.users(1, 20);
    stage.run_live();
    stage.users(21, 5);
    stage.bed.sets.extend(CITY);
    let from = (stage.last(OUTPUT) + 1).to_string();
    let ran = stage.replay(&["--from-state", "live", "--from", &from]);
    assert_eq!(ran.code, Some(78), "{ran:?}");
    assert!(ran.err.contains("tables.user.columns.city is new: \"properties.city\""), "{ran:?}");
    let ran = stage.replay(&["--from-state", "nowhere", "--from", &from, "--to", "OTHER"]);
    assert!(ran.code == Some(78) && ran.err.contains("nowhere holds no state that could be copied"), "{ran:?}");
    // Nothing of the attempt stands in the way of another one.
    stage.replayed(&["--from", &from]);
}

#[test]
fn the_lost_copy_of_a_replay_is_not_made_up_for() {
    let mut stage = Stage::empty();
    stage.users(1, 20);
    stage.run_live();
    stage.users(21, 20);
    let mut replay = stage.begin(&["--from-state", "live", "--from", "45", "--rate", "1"]);
    let directory = stage.directory(LANE);
    wait_until("the copy", || std::path::Path::new(&directory).join("state/FORMAT").exists().then_some(()));
    replay.kill().unwrap();
    replay.wait().unwrap();
    std::fs::remove_dir_all(format!("{}/state", stage.directory(LANE))).unwrap();
    let ran = stage.replay(&[]);
    assert!(ran.code == Some(78) && ran.err.contains("that this replay began with is lost"), "{ran:?}");
}

#[test]
fn a_copy_that_is_made_while_batches_are_written_is_whole_or_is_not_made() {
    for engine in [StateEngine::Sled, StateEngine::Fjall] {
        copy_while_batches_are_written(engine);
    }
}

fn copy_while_batches_are_written(engine: StateEngine) {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    let open = |path: &std::path::Path| {
        open_store(&StateSection { path: path.to_owned(), engine, cache_rows: 1_000 }).unwrap()
    };
    let store = open(&live);
    let (stop, mut copies, mut refused) = (AtomicBool::new(false), 0, 0);
    std::thread::scope(|scope| {
        // Also when an assertion fails: the scope waits for the writer.
        let _stops = Stops(&stop);
        scope.spawn(|| {
            let mut n = 0_u64;
            while !stop.load(Ordering::Acquire) {
                // A checkpoint's worth, then a pause as between two checkpoints: waited for without sleeping.
                for part in 0..40_u64 {
                    let key = [n.to_be_bytes(), part.to_be_bytes()].concat();
                    store.apply(Space::Meta, &Batch { changes: vec![(key, Some(vec![7; 900]))] }).unwrap();
                }
                store.sync().unwrap();
                n += 1;
                let pause = std::time::Instant::now();
                while pause.elapsed().as_millis() < 120 && !stop.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
            }
        });
        wait_until("copies between and during writes", || {
            let copy = dir.path().join(format!("copy-{copies}"));
            if copies == 5 && refused > 0 {
                return Some(());
            }
            let _ = std::fs::remove_dir_all(&copy);
            if !try_copy(&live, &copy).unwrap() {
                refused += 1;
                return None;
            }
            copies += 1;
            // All parts of every checkpoint, or none of them.
            let copied = open(&copy);
            let mut parts = std::collections::BTreeMap::new();
            let mut each = |key: &[u8], _: &[u8]| {
                *parts.entry(key[..8].to_vec()).or_insert(0) += 1;
                true
            };
            copied.scan(Space::Meta, &[], &mut each).unwrap();
            assert!(parts.values().all(|count| *count == 40), "copy {copies} is torn: {parts:?}");
            None::<()>
        });
    });
}

/// Ends the writer.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
