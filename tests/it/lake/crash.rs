//! A row of the crash table: the lake's writer aborts at a point, and the next one leaves the lake as if nothing had been.

use super::stage::Stage;
use crate::harness::command::ended;
use std::os::unix::process::ExitStatusExt;

const SIGABRT: i32 = 6;

/// Kills the writer where it passes the point for the time after `passes`, and looks at what the next ones make of it.
pub fn row(point: &str, passes: u32) {
    let mut stage = Stage::new(7, "");
    stage.process(600);
    stage.store();
    stage.process(600);
    let mut killed = stage.begin(&["run", "--once"], &format!("{point}={passes}*off->return"));
    let status = killed.wait().unwrap();
    let ran = ended(killed);
    assert_eq!(status.signal(), Some(SIGABRT), "{ran:?}");
    assert!(ran.err.contains(&format!("crash point {point}")), "{ran:?}");
    // What is published so far is whole, and files that are there are those of the decided entry.
    let decided = std::fs::read_dir(stage.lake.join("_sidestream/intents")).unwrap().count();
    stage.store();
    stage.assert_whole(&["--delta"]);
    let entries = std::fs::read_dir(stage.lake.join("_sidestream/intents")).unwrap().count();
    assert!(entries > decided, "the next writer has claimed");
    stage.process(300);
    stage.store();
    stage.assert_whole(&["--delta"]);
    let left = std::fs::read_dir(stage.lake.join("_sidestream/staging")).unwrap().count();
    assert_eq!(left, 0, "staged files are left behind");
}
