//! `--accept-rewind`: an engine goes on behind an input that lost its tail, and every new event has its one output.

use super::stage::{SELDOM, Stage};
use crate::harness::command::run;
use crate::harness::rewound::{lines, present};
use crate::harness::streams::INPUT;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Events that are there, that are lost, and that come afterwards.
const KEPT: u64 = 10;
const LOST: u64 = 8;
const NEW: u64 = 5;

/// An engine processed events of which the input lost the last ones since.
fn torn() -> (Stage, PathBuf) {
    let mut stage = Stage::new(KEPT);
    let copy = stage.copy(INPUT);
    stage.publish(LOST);
    stage.run(&[]);
    stage.restore(INPUT, &copy);
    (stage, copy)
}

/// Every event that is in the input has its output, with its own city and once; so many outputs stand for lost ones.
fn exact(stage: &mut Stage, cities: impl Iterator<Item = u64>, lost: u64) {
    let lines = lines(&mut stage.bed.wire);
    let (there, gone) = present(&lines);
    let found: Vec<(u64, bool)> = (there.iter().zip(cities))
        .map(|(line, city)| (line.position, line.payload.contains(&format!(r#""city":"c{city}""#))))
        .collect();
    let wanted: Vec<(u64, bool)> = (1..=stage.last()).map(|position| (position, true)).collect();
    assert_eq!((found, gone as u64), (wanted, lost), "{lines:?}");
}

/// The audit finds nothing wrong and counts what stands for lost events.
fn audited(stage: &Stage, lost: u64) -> Value {
    let ran = run(&stage.bed, &["audit", "--complete", "--json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(
        (ran.code, &report["verdict"], &report["rewound"]),
        (Some(0), &"clean".into(), &lost.into()),
        "{report}"
    );
    report
}

/// The marker at the lane's end is the one that docs/rewind.md shows; the client sends its headers in any order.
fn as_documented(stage: &mut Stage) {
    let marker = stage.bed.lane().pop().unwrap();
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rewind.md");
    let page = std::fs::read_to_string(page).unwrap();
    let shown = ["Sidestream-Position", "Sidestream-Rewinds", "Sidestream-Reason"];
    let headers = marker.headers.iter().filter(|(name, _)| shown.contains(&name.as_str()));
    let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(headers.len(), shown.len(), "{marker:?}");
    for line in headers.into_iter().chain([String::from_utf8_lossy(&marker.payload).into_owned()]) {
        assert!(page.lines().any(|shown| shown == line), "{line}");
    }
}

#[test]
fn an_engine_goes_on_behind_the_floor_and_once_more_behind_another() {
    let (mut stage, _) = torn();
    stage.refused(&[], &[]).is(78, "the input stream ends at 10, but the event at 18", "add --accept-rewind to go on");
    let log = stage.run(&["--accept-rewind"]);
    let said = "the input stream lost what was processed behind position 10 (up to 18), and goes on there";
    assert!(log.contains(said) && log.contains(r#"kind="resume" "#), "{log}");
    as_documented(&mut stage);
    stage.publish(NEW);
    let log = stage.run(&[]);
    assert!(log.contains(r#"kind="resume" "#) && !log.contains("rewind"), "nobody has to be asked again: {log}");
    let cities = || (1..=KEPT).chain(KEPT + LOST + 1..);
    exact(&mut stage, cities(), LOST);
    audited(&stage, LOST);

    let letters = run(&stage.bed, &["dead-letters", "list", "--json"]).lines();
    assert_eq!(letters[0]["reason"], "rewound", "{letters:?}");
    let redriven = run(&stage.bed, &["dead-letters", "redrive", "10"]);
    assert!(redriven.code == Some(1) && redriven.out.contains("marker of a rewind"), "{redriven:?}");

    let copy = stage.copy(INPUT);
    stage.publish(3);
    stage.run(&[]);
    stage.restore(INPUT, &copy);
    stage.refused(&[], &[]).is(78, "the input stream ends at 15, but the event at 18", "--accept-rewind");
    stage.run(&["--accept-rewind"]);
    stage.publish(NEW);
    stage.run(&[]);
    let after = KEPT + LOST + NEW + 3 + 1;
    exact(&mut stage, cities().take(15).chain(after..), LOST + 3);
    assert_eq!(lines(&mut stage.bed.wire).last().map(|line| line.epoch), Some(2));
    audited(&stage, LOST + 3);
}

#[test]
fn publishers_that_went_on_before_anybody_consented() {
    let (mut stage, _) = torn();
    stage.publish(LOST + NEW);
    stage.refused(&[], &[]).is(78, "the event at position 18 is not the one", "add --accept-rewind to go on");
    let log = stage.run(&["--accept-rewind"]);
    assert!(log.contains("behind position 10 (up to 18)"), "{log}");
    exact(&mut stage, (1..=KEPT).chain(KEPT + LOST + 1..), LOST);
    audited(&stage, LOST);
}

#[test]
fn fewer_new_events_than_were_lost() {
    let (mut stage, _) = torn();
    stage.publish(3);
    stage.refused(&[], &[]).is(78, "the input stream ends at 13, but the event at 18", "--accept-rewind");
    stage.run(&["--accept-rewind"]);
    stage.publish(NEW);
    stage.run(&[]);
    exact(&mut stage, (1..=KEPT).chain(KEPT + LOST + 1..), LOST);
}

#[test]
fn a_state_that_was_behind_the_floor_and_one_that_is_lost() {
    let mut stage = Stage::new(KEPT);
    // Outputs of all are stored, and no checkpoint.
    let copy = stage.copy(INPUT);
    stage.publish(LOST);
    stage.run_and_kill(&[], &[]);
    stage.restore(INPUT, &copy);
    stage.refused(&[], &[]).is(78, "the event at 18 was already processed", "--accept-rewind");
    stage.run(&["--accept-rewind"]);
    stage.publish(NEW);
    stage.run_and_kill(&[], &[SELDOM]);
    stage.lose_state();
    stage.publish(NEW);
    let log = stage.run(&[]);
    assert!(log.contains(r#"kind="rebuild""#), "{log}");
    stage.publish(NEW);
    stage.run(&[]);
    exact(&mut stage, (1..=KEPT).chain(KEPT + LOST + 1..), LOST);
    audited(&stage, LOST);
}

#[test]
fn a_consent_that_nothing_asks_for() {
    let mut stage = Stage::processed(KEPT);
    let log = stage.run(&["--accept-rewind"]);
    assert!(!log.contains("rewind"), "{log}");
    stage.bed.assert_clean();
}

/// The same with interest retention: the server has lost events, and not what its consumer acknowledged of them. What is left
/// was `acknowledged` when it was kept, so that it is gone, too; or not.
fn torn_interest(acknowledged: bool) -> Stage {
    let mut stage = Stage::new(0);
    stage.api("STREAM.DELETE.EVENTS", json!({}));
    let input = json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file", "retention": "interest" });
    stage.api("STREAM.CREATE.EVENTS", input);
    // Makes the consumer, without which the stream would keep nothing.
    stage.run(&[]);
    stage.publish(KEPT);
    if acknowledged {
        stage.run(&[]);
    }
    let copy = stage.copy(INPUT);
    stage.publish(LOST);
    stage.run(&[]);
    let later = stage.copy(INPUT);
    std::fs::remove_dir_all(copy.join("obs")).unwrap();
    std::fs::rename(later.join("obs"), copy.join("obs")).unwrap();
    stage.restore(INPUT, &copy);
    stage
}

#[test]
fn an_input_of_interest_retention_keeps_the_new_events_for_the_engine() {
    for acknowledged in [true, false] {
        let mut stage = torn_interest(acknowledged);
        stage.publish(LOST + NEW);
        // A server that looks at what its consumers have acknowledged does so when it starts.
        stage.bed.server.kill();
        stage.bed.server.restart();
        stage.bed.reconnect();
        stage.refused(&[], &[]).is(78, "the event at position 18 is not the one", "add --accept-rewind to go on");
        let log = stage.run(&["--accept-rewind"]);
        assert!(log.contains("behind position 10 (up to 18)"), "{log}");
        stage.publish(NEW);
        stage.run(&[]);
        exact(&mut stage, (1..=KEPT).chain(KEPT + LOST + 1..), LOST);
    }
}
