//! Listing and showing.

use super::stage::{CUT, FIRST, LESSON, LONG, REASONS, bed, delete, header, letters, planted, planted_in, positions};
use crate::harness::command::run;
use crate::harness::streams::{INPUT, OUTPUT, api};
use crate::harness::wait::wait_until;
use serde_json::{Value, json};

#[test]
fn ten_dead_letters_of_ten_reasons_are_listed_and_filtered() {
    let bed = planted();
    let all = letters(&bed, &["list", "--json"]).lines();
    let reasons: Vec<&str> = all.iter().map(|entry| entry["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, REASONS);
    assert_eq!(positions(&all), (FIRST..FIRST + 10).collect::<Vec<_>>());
    for entry in &all {
        assert_eq!((&entry["subject"], &entry["n"]), (&json!("events.case"), &json!(0)), "{entry}");
        assert!(entry["error"].as_str().unwrap().len() > 10, "{entry}");
        assert_eq!(entry["redriven"], Value::Null);
        assert_eq!(entry["letter"], format!("EVENTS:{}:0", entry["position"]));
    }
    // The plan's fingerprint is the one that `check` names.
    let plan = run(&bed, &["check"]).out.split("plan ").nth(1).unwrap().trim().to_owned();
    assert_eq!(all[0]["plan"], plan.as_str());
    let known: Vec<_> = all.iter().map(|entry| (&entry["kind"], &entry["key"])).collect();
    let null = &Value::Null;
    assert_eq!(known[0], (null, null));
    assert_eq!(known[4], (&json!("user"), null), "the key is what is missing");
    assert_eq!(known[7], (&json!("exam"), &json!("bob")));
    assert_eq!((&all[8]["cut_from"], all[8]["bytes"].as_u64() < Some(4_096)), (&json!(LONG), true), "{}", all[8]);

    let list = |arguments: &[&str]| positions(&letters(&bed, &[&["list", "--json"], arguments].concat()).lines());
    assert_eq!(list(&["--reason", "miss", "--reason", "no_key"]), [7, 10]);
    assert_eq!(list(&["--kind", "user"]), [7, 8, 11]);
    assert_eq!(list(&["--kind", "user", "--reason", "too_large"]), [11]);
    assert_eq!(list(&["--from", "5", "--to", "7"]), [5, 6, 7]);
    assert_eq!(list(&["--from", "12"]), [12]);
    assert_eq!(list(&["--from", "13"]), [0; 0]);
    assert_eq!(list(&["--limit", "3"]), [3, 4, 5]);
    assert_eq!(list(&["--since", "1h"]).len(), 10);
    assert_eq!(list(&["--until", "1h"]), [0; 0]);
    let fifth = all[4]["time"].as_str().unwrap();
    assert_eq!(list(&["--since", fifth]), [7, 8, 9, 10, 11, 12], "a bound belongs to it, to the nanosecond");
    assert_eq!(list(&["--until", fifth]), [3, 4, 5, 6, 7]);

    let table = letters(&bed, &["list"]);
    assert!(table.code == Some(0) && table.out.lines().count() == 11, "{table:?}");
    assert!(table.out.starts_with("POSITION ") && table.out.contains("unknown_kind"), "{table:?}");
    let none = letters(&bed, &["list", "--kind", "nobody"]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""));
}

#[test]
fn one_dead_letter_is_shown_with_everything() {
    let mut bed = planted();
    let shown = letters(&bed, &["show", "3", "--json"]).lines().remove(0);
    assert_eq!(shown["body"], LESSON[..LESSON.len() - 1], "{shown}");
    assert_eq!(shown["headers"], json!([["Trace", "t 1"]]));
    assert_eq!((&shown["stream"], &shown["sequence"]), (&json!(OUTPUT), &json!(3)));
    assert_eq!(shown["input"], json!({ "there": true, "headers": [["Nats-Msg-Id", "theirs"]], "redrive_of": null }));
    assert_eq!((&shown["redrives"], &shown["redriven"]), (&json!([]), &Value::Null));
    let text = letters(&bed, &["show", "3"]);
    for part in
        ["dead letter EVENTS:3:0", "not_json", "events.case", "Trace: t 1", "still there", "\"language\":\"pt\""]
    {
        assert!(text.out.contains(part), "{part}: {text:?}");
    }
    // The file holds the bytes; it is never overwritten.
    let file = bed.dir.path().join("event.json").display().to_string();
    assert_eq!(letters(&bed, &["show", "3", "--body", &file]).code, Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), LESSON[..LESSON.len() - 1]);
    let second = letters(&bed, &["show", "3", "--body", &file]);
    assert!(second.code == Some(64) && second.err.contains("exists"), "{second:?}");
    // A cut body comes whole from the input, as long as the event is there.
    let long = bed.dir.path().join("long.json").display().to_string();
    assert_eq!(letters(&bed, &["show", &CUT.to_string(), "--body", &long]).code, Some(0));
    assert_eq!(std::fs::metadata(&long).unwrap().len(), LONG as u64);
    delete(&mut bed, INPUT, CUT);
    let gone = letters(&bed, &["show", &CUT.to_string(), "--body", &(long + ".2")]);
    assert!(gone.code == Some(1) && gone.err.contains("the event is gone from stream EVENTS"), "{gone:?}");
    let shown = letters(&bed, &["show", &CUT.to_string(), "--json"]).lines().remove(0);
    assert_eq!(shown["input"]["there"], false);
    let none = letters(&bed, &["show", "1"]);
    assert!(none.code == Some(1) && none.err.contains("there is no dead letter of position 1"), "{none:?}");
}

#[test]
fn bytes_that_are_no_text_and_control_characters_are_shown_safely() {
    let mut bed = bed();
    let engine = bed.engine("state", &[]);
    bed.wire.publish("events.case", &[], b"\xff\xfe").unwrap();
    let body = "{\"title\":\"exam\",\"properties\":{\"user_uuid\":\"\\u001b[2J\u{7f}\"}}";
    bed.wire.publish("events.case", &[], body.as_bytes()).unwrap();
    bed.wire.flush().unwrap();
    bed.finish();
    engine.drain();
    let shown = letters(&bed, &["show", "1", "--json"]).lines().remove(0);
    assert_eq!((&shown["body_base64"], &shown["body"]), (&json!("//4="), &Value::Null));
    let list = letters(&bed, &["list", "--json"]).lines();
    assert_eq!(list[1]["key"], "\u{1b}[2J\u{7f}");
    for arguments in [&["list"][..], &["show", "2"]] {
        let said = letters(&bed, arguments);
        let controls = said.out.chars().filter(|c| c.is_control() && *c != '\n').count();
        assert!(said.code == Some(0) && controls == 0 && said.out.contains("\\u{1b}[2J"), "{said:?}");
    }
}

#[test]
fn a_stream_that_sources_them_remembers_what_the_output_stream_let_go() {
    let bed = bed();
    // The streams of the bed are not provision's own; it makes what is missing.
    let provisioned = run(&bed, &["provision"]);
    assert_eq!(provisioned.code, Some(0), "{provisioned:?}");
    assert!(provisioned.out.contains("stream DEAD_LETTERS: created"), "{provisioned:?}");
    let mut bed = planted_in(bed);
    wait_until("the copies", || (bed.last("DEAD_LETTERS") == 10).then_some(()));
    let before = letters(&bed, &["list", "--json"]).lines();
    let purged = api(&mut bed.wire, &format!("STREAM.PURGE.{OUTPUT}"), &json!({ "seq": 8 })).unwrap();
    assert_eq!(purged["purged"], 7, "{purged}");
    assert_eq!(letters(&bed, &["list", "--json"]).lines(), before);
    let shown = letters(&bed, &["show", "3", "--json"]).lines().remove(0);
    assert_eq!((&shown["stream"], &shown["lane_sequence"]), (&json!("DEAD_LETTERS"), &json!(3)));
    assert_eq!(shown["headers"], json!([["Trace", "t 1"]]), "the server's header of the copy is not the event's");
    // One of those is redriven like any other.
    assert_eq!(letters(&bed, &["redrive", "4", "9", "--json"]).lines().len(), 2);
    let redriven = super::stage::redriven(&mut bed);
    assert_eq!(redriven.len(), 2);
    assert_eq!(header(&redriven[0].1, "Sidestream-Redrive"), Some("EVENTS:4:0"));
}

#[cfg(feature = "failpoints")]
#[test]
fn a_fault_of_the_engine_is_a_dead_letter_like_another() {
    let mut bed = bed();
    let engine = bed.engine("state", &[]);
    bed.wire.publish("events.case", &[("Test-Panic".to_owned(), "1".to_owned())], LESSON.as_bytes()).unwrap();
    bed.finish();
    let entry = letters(&bed, &["list", "--reason", "internal", "--json"]).lines().remove(0);
    assert_eq!((&entry["key"], &entry["position"]), (&json!("ann"), &json!(1)));
    // The header travels with the event, so the fault comes again, under the new position.
    let said = letters(&bed, &["redrive", "--all", "--reason", "internal", "--json"]).lines();
    bed.finish();
    let list = letters(&bed, &["list", "--reason", "internal", "--json"]).lines();
    assert_eq!(positions(&list), [1, said[0]["as"].as_u64().unwrap()]);
    engine.drain();
}

#[test]
fn a_body_goes_into_a_pipe_and_no_file_is_called_after_it() {
    let bed = planted();
    for name in ["-", "/dev/stdout"] {
        let body = letters(&bed, &["show", "3", "--body", name]);
        assert_eq!((body.code, body.out.as_str()), (Some(0), &LESSON[..LESSON.len() - 1]), "{body:?}");
        assert!(body.err.contains("bytes written to standard output"), "{body:?}");
    }
    let edited = letters(&bed, &["redrive", "3", "--edited", "-"]);
    assert!(edited.code == Some(64) && edited.err.contains("`-` is no file"), "{edited:?}");
    assert!(!std::path::Path::new("-").exists());
}

#[test]
fn a_redrive_of_nothing_says_what_there_is_to_say() {
    let bed = planted();
    let ran = letters(&bed, &["redrive"]);
    assert!(ran.code == Some(64) && ran.err.contains("--all") && ran.err.contains("positions"), "{ran:?}");
}
