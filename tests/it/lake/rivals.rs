//! Two writers of one lake: the later one has it, and what the earlier one had begun is finished once.

use super::stage::{Stage, writer};
use crate::harness::command::ended;
use crate::harness::wait::DEADLINE;

#[test]
fn a_writer_that_slept_ends_with_75_and_changes_nothing() {
    let mut stage = Stage::new(9, "max_age_s = 1");
    stage.process(400);
    let mut first = writer(&stage, "first");
    first.wait_for_log("published");
    first.signal("-STOP");
    stage.process(400);
    stage.store();
    let stored = stage.assert_whole(&["--delta"]);
    first.signal("-CONT");
    // It learns it at its next publication.
    stage.process(50);
    let (code, log) = first.exited(DEADLINE);
    assert_eq!(code, Some(75), "{log}");
    assert!(log.contains("a later writer has the lake"), "{log}");
    assert_eq!(stage.assert_clean(&["--delta"])["rows"], stored["rows"]);
    stage.store();
    stage.assert_whole(&["--delta"]);
}

#[test]
fn writers_that_start_together_store_each_row_once() {
    let mut stage = Stage::new(10, "target_file_bytes = 65_536");
    stage.process(1_200);
    for _ in 0..2 {
        let writers: Vec<_> = (0..4).map(|_| stage.begin(&["run", "--once"], "")).collect();
        let codes: Vec<Option<i32>> = writers.into_iter().map(|writer| ended(writer).code).collect();
        assert!(codes.contains(&Some(0)), "{codes:?}");
        assert!(codes.iter().all(|code| [Some(0), Some(75)].contains(code)), "{codes:?}");
        stage.assert_whole(&["--delta"]);
        stage.process(600);
    }
    stage.store();
    stage.assert_whole(&["--delta"]);
}
