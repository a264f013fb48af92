//! The other commands over streams with a rewind: replays, dead letters, and a state that goes through a file.

use super::stage::Stage;
use crate::harness::command::{Ran, run};
use crate::harness::rewound::{lines, present};
use crate::harness::streams::{INPUT, OUTPUT};
use serde_json::{Value, json};

/// The floor, and the position of the dead letter that the input lost and of the one that took its place.
const FLOOR: u64 = 10;
const BROKEN: u64 = 17;
/// The last position, before the rewind and behind it.
const PROCESSED: u64 = 18;
const LAST: u64 = 19;

/// A column more, and an enrichment that shows it.
const CITY: [(&str, &str); 2] = [
    ("tables.user.columns.city", "properties.city"),
    ("enrich", r#"[{ kinds = ["lesson"], on_miss = "null", add = { city = "user.city" } }]"#),
];

/// A lane whose marker stands at the position of a dead letter; `before` happens when the lost events are processed, and
/// `consented` when the marker is there and nothing new.
fn rewound(before: impl Fn(&mut Stage), consented: impl Fn(&mut Stage)) -> Stage {
    let mut stage = Stage::new(FLOOR - 1);
    stage.event("[kept");
    let copy = stage.copy(INPUT);
    stage.publish(BROKEN - FLOOR - 1);
    stage.event("[lost");
    stage.publish(PROCESSED - BROKEN);
    stage.run(&[]);
    before(&mut stage);
    stage.restore(INPUT, &copy);
    stage.run(&["--accept-rewind"]);
    consented(&mut stage);
    stage.publish(BROKEN - FLOOR - 1);
    stage.event("[new");
    stage.publish(LAST - BROKEN);
    stage.run(&[]);
    assert_eq!(stage.last(), LAST);
    stage
}

/// What a comparison counts: same, changed, missing, extra, unknown.
fn counts(ran: &Ran) -> [u64; 5] {
    let diff = &ran.lines()[0]["diff"];
    ["same", "changed", "missing", "extra", "unknown"].map(|name| diff[name].as_u64().unwrap())
}

/// Every event of the input has its one outcome, and the audit finds nothing.
fn exact(stage: &mut Stage) {
    let lines = lines(&mut stage.bed.wire);
    let there: Vec<u64> = present(&lines).0.iter().map(|line| line.position).collect();
    assert_eq!(there, (1..=stage.last()).collect::<Vec<_>>());
    let ran = run(&stage.bed, &["audit", "--complete", "--json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!((ran.code, &report["verdict"]), (Some(0), &json!("clean")), "{report}");
}

#[test]
fn a_replay_is_compared_with_the_outcomes_of_events_that_are_there() {
    let mut stage = rewound(|_| {}, |_| {});
    let whole = run(&stage.bed, &["replay", "--diff", "--json"]);
    assert_eq!(counts(&whole), [LAST, 0, 0, 0, 0], "{whole:?}");
    let dry = |stage: &Stage, more: &[&str]| {
        counts(&run(&stage.bed, &[&["replay", "--dry-run", "--diff", "--json"], more].concat()))
    };
    assert_eq!(dry(&stage, &[]), [LAST, 0, 0, 0, 0]);
    assert_eq!(dry(&stage, &["--from", "9", "--until", "12"]), [4, 0, 0, 0, 0]);
    assert_eq!(dry(&stage, &["--from", "11"]), [LAST - FLOOR, 0, 0, 0, 0]);
    // Retention takes outputs: of the floor's event nothing is known then, although one of a lost event stands there.
    for (before, known) in [(FLOOR, FLOOR - 1), (FLOOR + 3, FLOOR), (PROCESSED + 1, FLOOR), (PROCESSED + 3, FLOOR + 1)]
    {
        stage.purge(OUTPUT, before);
        assert_eq!(dry(&stage, &[]), [LAST - known, 0, 0, 0, known], "before {before}");
    }
    // A second rewind, behind the first one.
    let copy = stage.copy(INPUT);
    stage.publish(3);
    stage.run(&[]);
    stage.restore(INPUT, &copy);
    stage.run(&["--accept-rewind"]);
    assert_eq!(dry(&stage, &[]), [LAST - FLOOR - 1, 0, 0, 0, FLOOR + 1]);
    stage.publish(1);
    stage.run(&[]);
    assert_eq!(dry(&stage, &["--from", "12"]), [LAST - FLOOR, 0, 0, 0, 0]);
}

#[test]
fn a_replayed_state_takes_over_behind_a_rewind() {
    let mut stage = rewound(|_| {}, |_| {});
    stage.bed.sets.extend(CITY);
    let ran = run(&stage.bed, &["replay", "--promote"]);
    assert!(ran.code == Some(0) && ran.out.contains("promoted: "), "{ran:?}");
    stage.event(r#"{"title":"lesson","event_uuid":"l","properties":{"user_uuid":"u1"}}"#);
    let log = stage.run(&[]);
    assert!(log.contains(r#"kind="resume" "#), "{log}");
    let lesson = lines(&mut stage.bed.wire).pop().unwrap();
    assert!((lesson.epoch, lesson.position) == (1, LAST + 1), "{lesson:?}");
    assert!(lesson.payload.contains(r#""city":"c21""#), "the newest user of this key is a new one: {lesson:?}");
    exact(&mut stage);
    // It follows the next rewind, too.
    let copy = stage.copy(INPUT);
    stage.publish(2);
    stage.run(&[]);
    stage.restore(INPUT, &copy);
    stage.refused(&[], &[]).is(78, "the input stream ends at 20", "--accept-rewind");
    stage.run(&["--accept-rewind"]);
    stage.publish(3);
    stage.run(&[]);
    exact(&mut stage);
}

#[test]
fn a_replay_that_ended_at_the_marker_takes_over_from_an_engine_that_went_on() {
    let consented = |stage: &mut Stage| {
        let ran = run(&stage.bed, &["replay", "--diff", "--json"]);
        assert_eq!(counts(&ran), [FLOOR, 0, 0, 0, 0]);
    };
    let mut stage = rewound(|_| {}, consented);
    let ran = run(&stage.bed, &["replay", "--promote"]);
    let said = format!("it works up to position {LAST} without publishing");
    assert!(ran.code == Some(0) && ran.out.contains(&said), "{ran:?}");
    stage.publish(2);
    let log = stage.run(&[]);
    assert!(log.contains(r#"kind="resume" "#), "{log}");
    exact(&mut stage);
}

#[test]
fn a_replay_of_events_that_are_lost_is_of_no_use_any_more() {
    let before = |stage: &mut Stage| {
        let ran = run(&stage.bed, &["replay", "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    };
    let refused = |stage: &mut Stage| {
        for flags in [&["replay", "--diff"][..], &["replay", "--promote"], &["replay"]] {
            let ran = run(&stage.bed, flags);
            let said = ["the replay read another event at position 18", "begin another replay"];
            assert!(ran.code == Some(78) && said.iter().all(|said| ran.err.contains(said)), "{flags:?}: {ran:?}");
        }
    };
    let mut stage = rewound(before, refused);
    refused(&mut stage);
    let log = stage.run(&[]);
    assert!(log.contains(r#"kind="resume" "#), "the live state stays: {log}");
    exact(&mut stage);
}

#[test]
fn a_replay_whose_lost_events_had_no_outcome_does_not_take_over() {
    let mut stage = Stage::processed(FLOOR);
    let copy = stage.copy(INPUT);
    // Seen before: nothing comes out of it. The live engine does not get to see it.
    stage.event(r#"{"title":"user","event_uuid":"e1","properties":{"uuid":"u1","city":"c1"}}"#);
    let ran = run(&stage.bed, &["replay", "--json"]);
    assert_eq!((ran.code, &ran.json()[0]["until"]), (Some(0), &json!(FLOOR + 1)), "{ran:?}");
    stage.restore(INPUT, &copy);
    let refused = |stage: &Stage| {
        let ran = run(&stage.bed, &["replay", "--promote"]);
        let said = ["the replay read another event at position 11", "begin another replay"];
        assert!(ran.code == Some(78) && said.iter().all(|said| ran.err.contains(said)), "{ran:?}");
    };
    refused(&stage);
    stage.publish(3);
    stage.run(&[]);
    refused(&stage);
    stage.run(&[]);
    exact(&mut stage);
}

#[test]
fn dead_letters_are_listed_with_the_marker_and_redriven_without_it() {
    let mut stage = rewound(|_| {}, |_| {});
    let letters = |stage: &Stage, arguments: &[&str]| run(&stage.bed, &[&["dead-letters"], arguments].concat());
    let listed = |stage: &Stage, more: &[&str]| -> Vec<(u64, String)> {
        let list = letters(stage, &[&["list", "--json"], more].concat()).lines();
        let of = |one: &Value| (one["position"].as_u64().unwrap(), one["reason"].as_str().unwrap().to_owned());
        list.iter().map(of).collect()
    };
    let is = |found: Vec<(u64, String)>, wanted: &[(u64, &str)]| {
        assert!(
            found.iter().map(|(position, reason)| (*position, reason.as_str())).eq(wanted.iter().copied()),
            "{found:?}"
        );
    };
    let (bad, marker) = ((BROKEN, "not_json"), (FLOOR, "rewound"));
    is(listed(&stage, &[]), &[(FLOOR, "not_json"), bad, marker, bad]);
    is(listed(&stage, &["--reason", "rewound"]), &[marker]);
    is(listed(&stage, &["--from", "11"]), &[bad, bad]);
    is(listed(&stage, &["--to", "10"]), &[(FLOOR, "not_json"), marker]);
    let text = letters(&stage, &["list"]);
    assert!(text.code == Some(0) && text.out.contains("rewound"), "{text:?}");

    let outcomes = |ran: &Ran| -> Vec<(u64, String)> {
        let of = |one: &Value| (one["position"].as_u64().unwrap(), one["outcome"].as_str().unwrap().to_owned());
        ran.json().iter().map(of).collect()
    };
    let all = letters(&stage, &["redrive", "--all", "--dry-run", "--json"]);
    is(outcomes(&all), &[FLOOR, BROKEN, BROKEN].map(|position| (position, "would_publish")));
    let all = letters(&stage, &["redrive", "--all", "--json"]);
    is(outcomes(&all), &[FLOOR, BROKEN, BROKEN].map(|position| (position, "published")));
    assert_eq!((all.code, stage.last()), (Some(0), LAST + 3), "a marker is no fault of theirs");
    let again = letters(&stage, &["redrive", "--all", "--json"]);
    is(outcomes(&again), &[FLOOR, BROKEN, BROKEN].map(|position| (position, "already")));
    let named = letters(&stage, &["redrive", "--all", "--reason", "rewound", "--json"]);
    is(outcomes(&named), &[(FLOOR, "cannot")]);
    let why = &named.json()[0]["why"];
    assert!(named.code == Some(1) && why.as_str().unwrap().contains("the marker of a rewind"), "{named:?}");
    let position = letters(&stage, &["redrive", "10", "--json"]);
    is(outcomes(&position), &[(FLOOR, "already")]);
    stage.run(&[]);
    exact(&mut stage);
    assert_eq!(listed(&stage, &[]).len(), 7);
}

#[test]
fn a_state_goes_through_a_file_behind_a_rewind_and_from_before_it() {
    let file = |stage: &Stage, name: &str| stage.bed.dir.path().join(name).display().to_string();
    let before = |stage: &mut Stage| drop(run(&stage.bed, &["state", "export", &file(stage, "before")]));
    let consented = |stage: &mut Stage| drop(run(&stage.bed, &["state", "export", &file(stage, "marker")]));
    let mut stage = rewound(before, consented);
    let exported = run(&stage.bed, &["state", "export", &file(&stage, "behind"), "--json"]).lines();
    assert_eq!(exported.last().unwrap()["position"], json!(LAST));
    for (name, position) in [("behind", LAST), ("marker", FLOOR), ("before", PROCESSED)] {
        stage.lose_state();
        let imported = run(&stage.bed, &["state", "import", &file(&stage, name), "--json"]).lines();
        assert_eq!(imported.last().unwrap()["position"], json!(position));
        let again = format!("{}-again", file(&stage, name));
        run(&stage.bed, &["state", "export", &again]);
        assert!(std::fs::read(file(&stage, name)).unwrap() == std::fs::read(again).unwrap(), "{name}");
        stage.publish(2);
        let log = stage.run(&[]);
        assert!(log.contains(r#"kind="resume" "#), "{name}: {log}");
        exact(&mut stage);
    }
}
