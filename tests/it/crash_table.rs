//! The crash table of ARCHITECTURE.md, a test a row: the process aborts at the row's crash point, is started again,
//! and the oracle finds the lane exact.
//!
//! The crash points exist in builds with the feature `failpoints` only, and so do these tests.

use crate::harness::bed::Bed;
use crate::harness::command::{begin, ended, run};
use crate::harness::engine::Engine;
use crate::harness::load::{publish, school};
use crate::harness::origin::plans;
use crate::harness::rewound::{lines, present};
use crate::harness::streams::{INPUT, OUTPUT};
use crate::harness::wait::DEADLINE;
use crate::lake::crash as lake;
use sidestream::generate::School;
use std::os::unix::process::ExitStatusExt;

const SIGABRT: i32 = 6;
/// Events before the crash, and after it.
const BEFORE: u64 = 4_000;
const AFTER: u64 = 500;
/// A checkpoint as often as can be.
const OFTEN: (&str, &str) = ("engine.checkpoint_interval_ms", "10");
/// The engines of the state: each row holds for all of them.
const DATABASES: [&str; 2] = ["sled", "fjall"];
/// None before the crash.
const SELDOM: (&str, &str) = ("engine.checkpoint_interval_ms", "60000");

/// A bed with events in its input.
struct Row {
    bed: Bed,
    school: School,
}

impl Row {
    fn new(seed: u64, engine: &'static str) -> Row {
        let bed = Bed { sets: vec![("engine.shards", "3"), ("state.engine", engine)], ..Bed::new() };
        let mut row = Row { bed, school: school(seed, 100) };
        row.publish(BEFORE);
        row
    }

    fn publish(&mut self, count: u64) {
        publish(&mut self.bed.wire, &mut self.school, count).unwrap();
    }

    /// Runs the engine until it aborts at `point`, which it passes `passes` times before.
    fn crash(&mut self, point: &str, passes: u32, sets: &[(&str, &str)]) -> Engine {
        let points = format!("{point}={passes}*off->return");
        let engine = Engine::armed("state", &self.bed.config, &self.bed.sets_of("state", sets), &[], &points);
        let (status, log) = engine.ended(DEADLINE);
        assert_eq!(status.signal(), Some(SIGABRT), "{status}: {log}");
        let said: Vec<&str> = log.lines().filter(|line| line.starts_with("crash point ")).collect();
        assert_eq!(said, [format!("crash point {point}")], "{log}");
        self.bed.engine("state", sets)
    }

    /// More events, the lane's end, a drain, the oracle's verdict; returns the last engine's log.
    fn finish(mut self, engine: Engine) -> String {
        self.publish(AFTER);
        self.bed.finish();
        let log = engine.drain();
        // A rebuild would mend a state that was written too early, and hide it.
        assert!(log.contains(r#"kind="resume""#), "{log}");
        self.bed.assert_clean();
        log
    }
}

/// The number behind `name=` in a log's first line about a start.
fn said(log: &str, name: &str) -> u64 {
    let line = log.lines().find(|line| line.contains("already_out")).unwrap();
    let text = line.split_once(&format!(" {name}=")).unwrap().1;
    text.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn after_intake() {
    for database in DATABASES {
        let mut row = Row::new(1, database);
        let engine = row.crash("after_intake", 3, &[OFTEN]);
        row.finish(engine);
    }
}

#[test]
fn after_apply() {
    for database in DATABASES {
        let mut row = Row::new(2, database);
        let engine = row.crash("after_apply", 7, &[OFTEN]);
        row.finish(engine);
    }
}

#[test]
fn after_publish_before_confirmation() {
    for database in DATABASES {
        let mut row = Row::new(3, database);
        let engine = row.crash("after_publish_before_confirmation", 2, &[OFTEN]);
        row.finish(engine);
    }
}

#[test]
fn after_confirmation_before_the_barrier() {
    for database in DATABASES {
        let mut row = Row::new(4, database);
        let engine = row.crash("after_confirmation_before_the_barrier", 1, &[SELDOM]);
        let log = row.finish(engine);
        assert_eq!(said(&log, "after"), 0, "no checkpoint was written");
        assert!(said(&log, "already_out") > 0, "outputs were stored");
    }
}

#[test]
fn between_two_key_groups() {
    for database in DATABASES {
        let mut row = Row::new(5, database);
        let engine = row.crash("between_two_key_groups", 1, &[OFTEN]);
        let log = row.finish(engine);
        assert!(said(&log, "base") > said(&log, "after"), "a key group was ahead of S: {log}");
    }
}

#[test]
fn before_the_first_fsync() {
    for database in DATABASES {
        let mut row = Row::new(6, database);
        let engine = row.crash("before_the_first_fsync", 1, &[OFTEN]);
        row.finish(engine);
    }
}

#[test]
fn between_the_fsyncs() {
    for database in DATABASES {
        let mut row = Row::new(7, database);
        let engine = row.crash("between_the_fsyncs", 1, &[OFTEN]);
        let log = row.finish(engine);
        assert!(said(&log, "base") > said(&log, "after"), "the key groups were ahead of S: {log}");
    }
}

#[test]
fn before_the_inputs_ack() {
    for database in DATABASES {
        let mut row = Row::new(8, database);
        let engine = row.crash("before_the_inputs_ack", 1, &[OFTEN]);
        let log = row.finish(engine);
        assert!(said(&log, "after") > 0, "a checkpoint was written: {log}");
    }
}

#[test]
fn during_suppression() {
    for database in DATABASES {
        let mut row = Row::new(9, database);
        // All outputs are stored and no checkpoint: there is enough to suppress on a machine of any speed.
        let killed = row.bed.engine("state", &[SELDOM]);
        row.bed.finish();
        drop(killed);
        let engine = row.crash("during_suppression", 300, &[SELDOM]);
        let log = row.finish(engine);
        assert!(said(&log, "already_out") > 300, "{log}");
    }
}

#[test]
fn during_a_rebuild() {
    for database in DATABASES {
        let mut row = Row::new(10, database);
        let engine = row.bed.engine("state", &[OFTEN]);
        row.bed.finish();
        engine.drain();
        let outputs = row.bed.last(OUTPUT);
        std::fs::remove_dir_all(row.bed.state("state")).unwrap();
        row.publish(AFTER);
        let engine = row.crash("during_a_rebuild", 2_000, &[OFTEN]);
        let log = row.finish(engine);
        assert!(said(&log, "after") < BEFORE, "the rebuild was not over: {log}");
        assert_eq!(said(&log, "lane_last"), outputs, "nothing was published while it rebuilt");
    }
}

#[test]
fn during_a_rewind() {
    for database in DATABASES {
        let mut row = Row::new(13, database);
        let copy = row.bed.copy(INPUT);
        row.publish(AFTER);
        let engine = row.bed.engine("state", &[OFTEN]);
        row.bed.finish();
        engine.drain();
        row.bed.restore(INPUT, &copy);
        // What comes in the place of what was lost is there before anybody consents.
        row.publish(AFTER);
        let (consent, point) = (["--accept-rewind"], "during_a_rewind=return");
        let engine = Engine::armed("state", &row.bed.config, &row.bed.sets_of("state", &[OFTEN]), &consent, point);
        let (status, log) = engine.ended(DEADLINE);
        assert_eq!(status.signal(), Some(SIGABRT), "{status}: {log}");
        assert!(log.contains("behind position 4000") && log.contains("crash point during_a_rewind"), "{log}");

        // Nobody consents again: the marker in the lane says all.
        let engine = row.bed.engine("state", &[OFTEN]);
        row.publish(AFTER);
        row.bed.finish();
        let log = engine.drain();
        assert!(log.contains(r#"kind="resume""#) && said(&log, "base") == BEFORE, "{log}");
        let lines = lines(&mut row.bed.wire);
        let (there, gone) = present(&lines);
        assert!(gone > 0 && there.last().is_some_and(|last| last.epoch == 1), "{gone} of {}", lines.len());
        let audit = run(&row.bed, &["audit", "--complete", "--json"]);
        assert!(audit.code == Some(0) && audit.out.contains(&format!(r#""rewound": {gone}"#)), "{audit:?}");
    }
}

#[test]
fn during_a_plan_switch() {
    for database in DATABASES {
        let mut row = Row::new(11, database);
        // Outputs are stored and no checkpoint: the next start finishes them under the plan that published them.
        drop(row.crash("after_confirmation_before_the_barrier", 1, &[SELDOM]));
        // Another plan with the same outputs: no event of this school is as large as either limit.
        let other = ("output.max_bytes", "900_000");
        // Where S was at the old plan's end already, the engine that starts now is under the new one from its beginning.
        let engine = row.crash("during_a_plan_switch", 0, &[OFTEN, other]);
        let stored = row.bed.cause();
        row.publish(AFTER);
        row.bed.finish();
        engine.drain();
        let plans = plans(&mut row.bed.wire);
        let [(old, 1, _), (new, since, _)] = &plans[..] else { panic!("{plans:?}") };
        assert_ne!(old, new);
        assert!(*since > 1 && *since <= stored + 1, "behind what was stored: {plans:?}");
        row.bed.assert_clean();
    }
}

#[test]
fn during_an_import() {
    for database in DATABASES {
        let mut row = Row::new(12, database);
        let engine = row.bed.engine("state", &[OFTEN]);
        row.bed.finish();
        engine.drain();
        let file = row.bed.state("file").display().to_string();
        assert_eq!(run(&row.bed, &["state", "export", &file]).code, Some(0));
        std::fs::remove_dir_all(row.bed.state("state")).unwrap();
        let import = ended(begin(&row.bed, &["state", "import", &file], "during_an_import=3*off->return"));
        assert!(import.code.is_none() && import.err.contains("crash point during_an_import"), "{import:?}");

        // Neither a start nor another import takes what is there for a state, and nobody sets it aside.
        let engine = row.bed.engine("state", &[OFTEN]);
        let (code, log) = engine.exited(DEADLINE);
        assert!(code == Some(78) && log.contains("a part of an import that did not finish"), "{log}");
        let again = run(&row.bed, &["state", "import", &file]);
        assert!(again.code == Some(78) && again.err.contains("remove the directory"), "{again:?}");

        std::fs::remove_dir_all(row.bed.state("state")).unwrap();
        assert_eq!(run(&row.bed, &["state", "import", &file]).code, Some(0));
        let engine = row.bed.engine("state", &[OFTEN]);
        row.finish(engine);
    }
}

#[test]
fn lake_before_the_intent() {
    lake::row("lake_before_the_intent", 0);
}

#[test]
fn lake_after_the_intent() {
    lake::row("lake_after_the_intent", 0);
}

#[test]
fn lake_between_two_files() {
    lake::row("lake_between_two_files", 2);
}

#[test]
fn lake_after_the_files() {
    lake::row("lake_after_the_files", 0);
}

#[test]
fn lake_after_the_record() {
    lake::row("lake_after_the_record", 0);
}

#[test]
fn lake_during_the_claim() {
    lake::row("lake_during_the_claim", 0);
}
