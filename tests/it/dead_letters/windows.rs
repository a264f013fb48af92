//! The windows of a redrive, a case a row of the table in docs/dead-letters.md: the process aborts there, and the next
//! redrive finds out what is where.
//!
//! The windows exist in builds with the feature `failpoints` only, and so do these tests.

use super::stage::{FIRST, header, letters, planted, records, redriven};
use crate::harness::bed::Bed;
use crate::harness::command::{begin, ended};
use crate::harness::streams::INPUT;
use serde_json::{Value, json};

/// Redrives all until the process aborts in a window of the second one.
fn crash(bed: &Bed, window: &str) {
    let arguments = ["dead-letters", "redrive", "--all", "--rate", "1000", "--json"];
    let ran = ended(begin(bed, &arguments, &format!("{window}=1*off->return")));
    assert!(ran.code.is_none() && ran.err.contains(&format!("crash point {window}")), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
}

/// What the next redrive says of the first three, after a dry run has said what it would do.
fn next(window: &str, dry: [&str; 3], then: [&str; 3]) -> (Bed, Vec<Value>) {
    let mut bed = planted();
    crash(&bed, window);
    let stored = (bed.last(INPUT), records(&mut bed));
    let outcomes = |said: &[Value]| said[..3].iter().map(|one| one["outcome"].clone()).collect::<Vec<_>>();
    let said = letters(&bed, &["redrive", "--all", "--dry-run", "--json"]).lines();
    assert_eq!(outcomes(&said), dry, "{window}");
    assert_eq!((bed.last(INPUT), records(&mut bed)), stored, "{window}: a dry run");
    let said = letters(&bed, &["redrive", "--all", "--rate", "1000", "--json"]).lines();
    assert_eq!(outcomes(&said), then, "{window}");
    // Every event is there once and in order, whatever ended the first redrive; everything has its result.
    let redriven = redriven(&mut bed);
    let names: Vec<&str> = redriven.iter().map(|(_, event)| header(event, "Sidestream-Redrive").unwrap()).collect();
    let expected: Vec<String> = (FIRST..FIRST + 10).map(|position| format!("EVENTS:{position}:0")).collect();
    assert_eq!(names, expected, "{window}");
    let third = letters(&bed, &["redrive", "--all", "--json"]).lines();
    for ((position, _), one) in redriven.iter().zip(&third) {
        assert_eq!((&one["outcome"], &one["as"]), (&json!("already"), &json!(position)), "{window}");
    }
    (bed, said)
}

#[test]
fn redrive_before_the_intent() {
    let then = ["already", "published", "published"];
    let (mut bed, _) = next("redrive_before_the_intent", ["already", "would_publish", "would_publish"], then);
    assert_eq!(records(&mut bed), Some(20));
}

#[test]
fn redrive_after_the_intent() {
    let then = ["already", "published", "published"];
    let (mut bed, _) = next("redrive_after_the_intent", ["already", "would_publish", "would_publish"], then);
    assert_eq!(records(&mut bed), Some(21), "the intent was renewed");
}

#[test]
fn redrive_after_the_event() {
    let then = ["already", "completed", "published"];
    let (mut bed, said) = next("redrive_after_the_event", ["already", "would_complete", "would_publish"], then);
    assert_eq!(records(&mut bed), Some(20));
    assert_eq!(said[1]["as"], said[0]["as"].as_u64().unwrap() + 1);
    let shown = letters(&bed, &["show", &(FIRST + 1).to_string(), "--json"]).lines().remove(0);
    let last = &shown["redriven"];
    assert_eq!((&last["edited"], &last["bytes"]), (&json!(false), &json!(3)), "its body is the event's own: {shown}");
}

#[test]
fn redrive_after_the_result() {
    let then = ["already", "already", "published"];
    let (mut bed, _) = next("redrive_after_the_result", ["already", "already", "would_publish"], then);
    assert_eq!(records(&mut bed), Some(20));
}

#[test]
fn every_window_has_its_row_and_its_test() {
    let read = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (code, table) = (read("src/commands/dead_letters/windows.rs"), read("docs/dead-letters.md"));
    let tests = read("tests/it/dead_letters/windows.rs");
    let names: Vec<&str> = code.split('"').filter(|text| text.starts_with("redrive_")).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    for name in names {
        assert!(table.contains(&format!("| `{name}` |")), "docs/dead-letters.md has no row {name}");
        assert!(tests.contains(&format!("#[test]\nfn {name}()")), "no test {name}");
    }
}
