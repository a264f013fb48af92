//! What a replay refuses before it has touched anything.

use super::stage::{LANE, Stage};
use crate::harness::streams::INPUT;
use serde_json::json;

/// Runs a replay that must be refused with a code, and with these words.
fn refused(stage: &Stage, arguments: &[&str], code: i32, words: &[&str]) {
    let ran = stage.replay(arguments);
    assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
    for words in words {
        assert!(ran.err.contains(words), "{arguments:?}: {words:?} is not in {}", ran.err);
    }
}

#[test]
fn never_onto_a_stream_or_a_directory_of_the_live_engine() {
    let mut stage = Stage::school(100);
    let before = stage.streams();
    for stream in ["ENRICHED", "EVENTS", "DEAD_LETTERS", "ENRICHED_REDRIVES"] {
        refused(&stage, &["--to", stream], 64, &[&format!("stream {stream} is one of the live engine's")]);
        refused(&stage, &["--to", stream, "--dry-run"], 64, &[]);
    }
    let state = stage.bed.state("state").display().to_string();
    refused(&stage, &["--state-dir", &state], 64, &["is the live engine's state directory"]);
    refused(&stage, &["--state-dir", &format!("{state}/inside")], 64, &["or around it or in it"]);
    // Its subjects would be taken by a live stream: the server does not make the lane.
    refused(&stage, &["--subject-prefix", "events"], 78, &["overlap"]);
    refused(&stage, &["--subject-prefix", ""], 78, &["overlap"]);
    refused(&stage, &["--subject-prefix", "a b"], 64, &["makes no valid subject"]);
    assert_eq!(stage.streams(), before);
    assert!(!std::path::Path::new(&state).join("inside").exists(), "nothing is made in the live directory");
}

#[test]
fn another_request_in_the_same_directory_is_named_in_every_difference() {
    let mut stage = Stage::school(200);
    stage.replayed(&["--from", "10", "--until", "100"]);
    let lane = stage.last(LANE);
    refused(&stage, &["--from", "11"], 78, &["holds another replay:\n  --from is `11`, and was `10`"]);
    refused(&stage, &["--until", "2026-11-21T12:00:00Z"], 78, &["and was `100`"]);
    refused(&stage, &["--subject", "events.>"], 78, &["--subject is `events.>`, and was not given"]);
    stage.bed.sets.push(("output.mark", "done"));
    refused(&stage, &[], 78, &["mark was \"event_processed\", is \"done\"", "hint: leave these out"]);
    stage.bed.sets.pop();
    stage.replayed(&["--from", "10", "--rate", "5"]);
    assert_eq!(stage.last(LANE), lane, "the same once more publishes nothing");
}

#[test]
fn a_lane_with_messages_of_another_replay_is_no_lane_for_this_one() {
    let stage = Stage::school(100);
    let mut stage = stage;
    stage.replayed(&["--until", "50"]);
    let elsewhere = format!("{}-2", stage.directory(LANE));
    refused(&stage, &["--state-dir", &elsewhere], 78, &["stream ENRICHED_REPLAY holds messages already"]);
    // What a complete replay wrote must still be there to be compared.
    stage.api(&format!("STREAM.DELETE.{LANE}"), json!({}));
    refused(&stage, &["--diff"], 78, &["is not the one any more that this replay completed"]);
}

#[test]
fn what_is_no_stream_name_is_refused_before_anybody_is_asked() {
    let stage = Stage::empty();
    for name in ["a.b", "a b", "a/b", "", ">"] {
        refused(&stage, &["--to", name], 64, &["is no stream name"]);
        refused(&stage, &["--to", name, "--dry-run"], 64, &["is no stream name"]);
    }
}

#[test]
fn a_complete_replay_says_which_newer_events_it_does_not_cover() {
    let mut stage = Stage::school(50);
    let first = stage.replayed(&["--diff"]);
    assert!(!first.out.contains("NOT COVERED"), "{first:?}");
    stage.users(1, 5);
    stage.run_live();
    let (before, last) = (stage.last(LANE), stage.last(INPUT));
    let again = stage.replayed(&["--diff"]);
    let words = format!("to {last}, which came into EVENTS since (it holds 1 to {last} now)");
    assert!(again.out.contains(&words) && again.out.contains("ANOTHER_STREAM"), "{again:?}");
    assert_eq!(stage.last(LANE), before);
    let json = stage.replayed(&["--json"]).lines().remove(0);
    assert_eq!(json["newer"]["until"], last);
}

#[test]
fn ranges_that_make_no_sense_are_refused() {
    let stage = Stage::school(100);
    refused(&stage, &["--from", "0"], 64, &["positions begin with 1"]);
    refused(&stage, &["--from", "yesterday"], 64, &["neither a position nor a time"]);
    refused(&stage, &["--until", "500"], 78, &["ends at 101, before the range's end 500"]);
    refused(&stage, &["--from", "50", "--until", "40"], 78, &["no event of stream EVENTS is in the range"]);
    refused(&stage, &["--from", "2100-01-01T00:00:00Z"], 78, &["no event of stream EVENTS is in the range"]);
    refused(&stage, &["--subject", "a..b"], 64, &["is no subject filter"]);
    refused(&stage, &["--rate", "5", "--pace", "original"], 64, &["cannot be used with"]);
    refused(&stage, &["--pace", "fast"], 64, &["is no pace"]);
}

#[test]
fn an_input_with_interest_retention_has_nothing_to_replay() {
    let mut stage = Stage::empty();
    stage.api(&format!("STREAM.DELETE.{INPUT}"), json!({}));
    let config = json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file", "retention": "interest" });
    stage.api(&format!("STREAM.CREATE.{INPUT}"), config);
    refused(&stage, &[], 78, &["has interest retention", "hint: replay needs an input with limits retention"]);
    let consumers = stage.api(&format!("CONSUMER.LIST.{INPUT}"), json!({}));
    assert_eq!(consumers["total"], json!(0), "nothing holds its events back");
}
