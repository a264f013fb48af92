//! Redriving: what is published, what comes of it, and what is said.

use super::stage::{
    CUT, FIRST, LESSON, LONG, MISS, bed, delete, header, letters, outcome, planted, positions, records, redriven, user,
};
use crate::harness::bed::Bed;
use crate::harness::command::run;
use crate::harness::dump::each;
use crate::harness::streams::INPUT;
use serde_json::{Value, json};

/// Writes a file of the bed and returns its path.
fn file(bed: &Bed, name: &str, text: &str) -> String {
    let path = bed.dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn one_is_fixed_by_an_edited_redrive_and_enriched_with_the_right_state() {
    let mut bed = planted();
    let engine = bed.engine("state", &[]);
    // Ann has moved since: the redriven lesson sees the state at its new place.
    bed.wire.publish("events.user", &[], user("u2", "ann", "PT").as_bytes()).unwrap();
    bed.finish();
    let edited = file(&bed, "edited.json", LESSON);
    let said = letters(&bed, &["redrive", "3", "--edited", &edited, "--json"]).lines();
    let position = said[0]["as"].as_u64().unwrap();
    assert_eq!(said, [json!({ "position": 3, "outcome": "published", "as": position })]);
    bed.finish();
    let lesson = outcome(&mut bed, position);
    assert_eq!(lesson.subject, "enriched.lesson");
    let added =
        r#","country":"PT","subscription_status":"active","subscription_type":"yearly","event_processed":true}"#;
    assert_eq!(String::from_utf8_lossy(&lesson.payload), LESSON[..LESSON.len() - 1].to_owned() + added);
    assert_eq!(header(&lesson, "Trace"), Some("t 1"), "the event's own headers travel on");
    assert_eq!(header(&lesson, "Sidestream-Redrive"), None, "ours stay behind");
    let (at, event) = redriven(&mut bed).remove(0);
    assert_eq!((at, event.subject.as_str()), (position, "events.case"));
    assert_eq!(header(&event, "Sidestream-Redrive"), Some("EVENTS:3:0"));
    assert_ne!(header(&event, "Nats-Msg-Id"), Some("theirs"));

    // A second one does nothing and says so, edited or not; the list and the history tell.
    for arguments in [&["redrive", "3", "--json"][..], &["redrive", "3", "--edited", &edited, "--json"]] {
        let second = letters(&bed, arguments).lines();
        assert_eq!((&second[0]["outcome"], &second[0]["as"]), (&json!("already"), &json!(position)));
        assert!(second[0]["at"].as_str().unwrap().ends_with('Z'));
    }
    assert!(letters(&bed, &["redrive", "3"]).out.contains("nothing done: redriven before"));
    assert_eq!((redriven(&mut bed).len(), records(&mut bed)), (1, Some(2)));
    let shown = letters(&bed, &["show", "3", "--json"]).lines().remove(0);
    let steps: Vec<&Value> = shown["redrives"].as_array().unwrap().iter().map(|record| &record["state"]).collect();
    assert_eq!(steps, ["unfinished", "done"]);
    let last = &shown["redriven"];
    assert_eq!((&last["as"], &last["edited"], &last["bytes"]), (&json!(position), &json!(true), &json!(LESSON.len())));
    assert!(letters(&bed, &["list"]).out.contains(&format!("as {position} ")));

    engine.drain();
    bed.assert_clean();
    let audit = run(&bed, &["audit", "--complete"]);
    assert!(audit.code == Some(0) && audit.out.starts_with("audit: clean"), "{audit:?}");
    let check = run(&bed, &["check", "--connect"]);
    assert!(check.code == Some(0) && !check.out.contains("WRONG"), "{check:?}");
}

#[test]
fn a_dead_letter_does_not_count_as_seen_but_its_redrive_does() {
    let mut bed = planted();
    let engine = bed.engine("state", &[]);
    // Now the exam's user is known: its event goes through as it was, under the id that it had.
    bed.wire.publish("events.user", &[], user("u3", "bob", "FR").as_bytes()).unwrap();
    bed.finish();
    let said = letters(&bed, &["redrive", &MISS.to_string(), "--json"]).lines();
    let position = said[0]["as"].as_u64().unwrap();
    bed.finish();
    let exam = outcome(&mut bed, position);
    assert_eq!(exam.subject, "enriched.exam");
    assert!(String::from_utf8_lossy(&exam.payload).contains(r#""event_uuid":"e1""#));
    assert!(String::from_utf8_lossy(&exam.payload).ends_with(r#","country":"FR","event_processed":true}"#));
    // Asked for once more it is published once more, and now the engine knows its id.
    let again = letters(&bed, &["redrive", &MISS.to_string(), "--again", "--json"]).lines();
    assert_eq!(again[0]["outcome"], "published");
    let outputs = bed.lane().len();
    let end = bed.finish();
    assert_eq!((redriven(&mut bed).len(), bed.lane().len()), (2, outputs + 1), "the second was a duplicate");
    assert_eq!(again[0]["as"], end - 1);
    engine.drain();
    bed.assert_clean();
}

#[test]
fn all_are_redriven_in_the_order_of_their_positions_and_fail_again_under_new_ones() {
    let mut bed = planted();
    let said = letters(&bed, &["redrive", "--all", "--rate", "1000", "--json"]).lines();
    assert_eq!(positions(&said), (FIRST..FIRST + 10).collect::<Vec<_>>());
    assert!(said.iter().all(|one| one["outcome"] == "published"), "{said:?}");
    let names: Vec<String> =
        redriven(&mut bed).iter().map(|(_, event)| header(event, "Sidestream-Redrive").unwrap().to_owned()).collect();
    assert_eq!(names, (FIRST..FIRST + 10).map(|position| format!("EVENTS:{position}:0")).collect::<Vec<_>>());
    // Each has its own bytes and subject, the one that was cut included.
    let mut input = Vec::new();
    each(&mut bed.wire, INPUT, |_, _, message| {
        input.push((message.subject, message.payload));
        Ok(())
    })
    .unwrap();
    assert_eq!(input[(FIRST as usize) - 1..(FIRST as usize) + 9], input[input.len() - 10..]);
    assert_eq!(input[CUT as usize - 1].1.len(), LONG);

    let engine = bed.engine("state", &[]);
    bed.finish();
    engine.drain();
    bed.assert_clean();
    let list = letters(&bed, &["list", "--json"]).lines();
    assert_eq!(list.len(), 20, "nothing was mended");
    assert!(list[..10].iter().all(|entry| entry["redriven"]["state"] == "done"));
    assert!(list[10..].iter().all(|entry| entry["redriven"] == Value::Null));
    let newer = list[10]["position"].as_u64().unwrap();
    let shown = letters(&bed, &["show", &newer.to_string(), "--json"]).lines().remove(0);
    assert_eq!(shown["input"]["redrive_of"], "EVENTS:3:0");
    // Filters choose, and what was done is not done again.
    let said = letters(&bed, &["redrive", "--all", "--reason", "miss", "--json"]).lines();
    let outcomes: Vec<&Value> = said.iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["already", "published"]);
}

#[test]
fn a_dry_run_writes_and_publishes_nothing() {
    let mut bed = planted();
    delete(&mut bed, INPUT, CUT);
    let before = bed.last(INPUT);
    let said = letters(&bed, &["redrive", "--all", "--dry-run", "--json"]);
    assert_eq!(said.code, Some(1), "one of them cannot be redriven: {said:?}");
    let said = said.json();
    let outcome = |position: u64| said.iter().find(|one| one["position"] == position).unwrap();
    assert_eq!((said.len(), &outcome(3)["outcome"]), (10, &json!("would_publish")));
    assert_eq!(outcome(CUT)["outcome"], "cannot");
    assert!(outcome(3)["why"].as_str().unwrap().starts_with("not_json, "), "it would fail again: {said:?}");
    assert_eq!(outcome(MISS)["why"], Value::Null, "whether its user has come is not in its bytes");
    assert_eq!((bed.last(INPUT), records(&mut bed)), (before, None));
}

#[test]
fn a_cut_body_whose_event_is_gone_is_refused_by_name_and_may_be_replaced() {
    let mut bed = planted();
    delete(&mut bed, INPUT, CUT);
    let (before, cut) = (bed.last(INPUT), CUT.to_string());
    let refused = letters(&bed, &["redrive", "10", &cut, "12", "--json"]);
    assert_eq!(refused.code, Some(1));
    let said = refused.json();
    let outcomes: Vec<&Value> = said.iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["published", "cannot", "published"], "the others are done");
    let why = said[1]["why"].as_str().unwrap();
    assert!(why.contains(&format!("of {LONG} bytes")) && why.contains("the event is gone from stream EVENTS"), "{why}");
    assert_eq!(bed.last(INPUT), before + 2);
    let edited = file(&bed, "short.json", r#"{"title":"user","properties":{"uuid":"x"}}"#);
    let said = letters(&bed, &["redrive", &cut, "--edited", &edited, "--json"]).lines();
    assert_eq!(said[0]["outcome"], "published");
}

#[test]
fn what_makes_no_sense_is_a_usage_error_and_an_unknown_position_is_a_no() {
    let bed = bed();
    let edited = file(&bed, "e.json", "{}");
    for arguments in [
        &["redrive"][..],
        &["redrive", "3", "--all"],
        &["redrive", "3", "--reason", "miss"],
        &["redrive", "3", "4", "--edited", &edited],
        &["redrive", "--all", "--edited", &edited],
        &["redrive", "--all", "--again"],
        &["redrive", "3", "--edited", "/nonexistent/e.json"],
        &["redrive", "3", "--rate", "0"],
        &["list", "--reason", "nonsense"],
        &["list", "--since", "yesterday"],
        &["list", "--limit", "0"],
        &["show"],
    ] {
        let said = letters(&bed, arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(64), ""), "{arguments:?}: {said:?}");
    }
    let said = letters(&bed, &["redrive", "99"]);
    assert!(said.code == Some(1) && said.out.contains("there is no dead letter of this position"), "{said:?}");
}
