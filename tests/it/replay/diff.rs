//! What a replay under another configuration says of the differences, and a dry run that publishes nothing.

use super::stage::{CITY, LANE, Stage};
use serde_json::{Value, json};

/// Twenty users and twenty lessons under the shipped configuration, and another one from now on.
fn changed() -> Stage {
    let mut stage = Stage::empty();
    stage.users(1, 20);
    stage.run_live();
    stage.bed.sets.extend(CITY);
    stage
}

/// What the change does to twenty lessons, and to nothing else: the two subscription fields go, the city comes.
fn is_named(diff: &Value) {
    let counts = ["same", "changed", "missing", "extra", "unknown"].map(|name| diff[name].as_u64().unwrap());
    assert_eq!(counts, [21, 20, 0, 0, 0], "{diff}");
    let count =
        |changed: u64, added: u64, removed: u64| json!({ "changed": changed, "added": added, "removed": removed });
    let fields = json!({
        "/city": count(0, 20, 0),
        "/event_processed": count(20, 0, 0),
        "/subscription_status": count(0, 0, 20),
        "/subscription_type": count(0, 0, 20),
    });
    assert_eq!(diff["fields"], fields);
    let first = &diff["examples"]["changed"][0];
    assert_eq!((&first["position"], &first["subject"]), (&json!(2), &json!("enriched.lesson")));
    let expected = json!([
        { "field": "/event_processed", "before": false, "after": true },
        { "field": "/subscription_status", "before": null },
        { "field": "/subscription_type", "before": null },
        { "field": "/city", "after": "c1" },
    ]);
    assert_eq!(first["fields"], expected);
}

#[test]
fn a_diff_names_exactly_the_changed_fields() {
    let mut stage = changed();
    let ran = stage.replayed(&["--diff", "--json"]);
    is_named(&ran.lines()[0]["diff"]);
    // The state was built under the new configuration, from the first event on.
    let lane = stage.outcomes(LANE, "replay.");
    let body = String::from_utf8(lane[1].payload.clone()).unwrap();
    assert!(body.ends_with(r#","city":"c1","country":"k1","event_processed":true}"#), "{body}");
    // As text, from the lane that is there.
    let text = stage.replayed(&["--diff"]).out;
    for line in [
        "  same               21",
        "  changed            20",
        "  /city                 20 added",
        "  /subscription_status  20 removed",
        "changed: position 2, enriched.lesson (output)",
        "  /city: (absent) -> \"c1\"",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line:?} is not in {text}");
    }
}

#[test]
fn a_dry_run_says_the_same_and_leaves_every_stream_as_it_is() {
    let mut stage = changed();
    let (before, files) = (stage.streams(), files(&stage));
    let ran = stage.replayed(&["--dry-run", "--diff", "--json"]);
    let report = &ran.lines()[0];
    is_named(&report["diff"]);
    assert_eq!(report["would_publish"], json!({ "events": 41, "outputs": 41, "dead_letters": {} }));
    assert!(report.get("to").is_none(), "{report}");
    assert_eq!(stage.streams(), before);
    assert_eq!(self::files(&stage), files);
    let ran = stage.replayed(&["--dry-run", "--from", "2", "--until", "3"]);
    assert!(ran.out.starts_with("dry run: positions 2 to 3 of EVENTS would make 2 outputs (3 events"), "{ran:?}");
}

/// What lies in the stage's directory.
fn files(stage: &Stage) -> Vec<String> {
    let list = std::fs::read_dir(stage.bed.dir.path()).unwrap();
    let mut names: Vec<String> = list.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn outcomes_that_come_or_go_are_extra_or_missing_and_dead_letters_count() {
    let mut stage = Stage::empty();
    stage.users(1, 10);
    stage.run_live();
    // Lessons without a key, and unknown kinds dropped: users are unknown now.
    stage.bed.sets.push(("kinds.lesson.key", "properties.nobody"));
    let ran = stage.replayed(&["--diff", "--json"]);
    let diff = &ran.lines()[0]["diff"];
    assert_eq!((&diff["same"], &diff["changed"]), (&json!(11), &json!(10)), "{diff}");
    assert_eq!(diff["fields"], json!({ "outcome": { "changed": 10, "added": 0, "removed": 0 } }));
    let field = &diff["examples"]["changed"][0]["fields"][0];
    assert_eq!((&field["before"], &field["after"]), (&json!("output"), &json!("dead letter: no_key")));

    let window = ("dedup.window_s", "0");
    stage.bed.sets.pop();
    stage.bed.sets.push(window);
    // The same ids once more: nothing for the live engine.
    stage.users(11, 1);
    for _ in 0..2 {
        let twice = r#"{"title":"user","event_uuid":"u11","properties":{"uuid":"u1","country":"k11","city":"c11"}}"#;
        stage.bed.wire.request("events.user", twice.as_bytes()).unwrap();
    }
    stage.bed.sets.pop();
    stage.run_live();
    stage.bed.sets.push(window);
    let ran = stage.replayed(&["--diff", "--json", "--to", "NO_DEDUP"]);
    let diff = &ran.lines()[0]["diff"];
    assert_eq!((&diff["extra"], &diff["missing"], &diff["changed"]), (&json!(2), &json!(0), &json!(0)), "{diff}");
    assert_eq!(diff["examples"]["extra"][0]["subject"], "enriched.user");
}
