//! What `provision --plan` and `teardown` say, and that they do nothing else than they say.

use crate::harness::bed::Bed;
use crate::harness::command::{Ran, run};

fn out(ran: Ran) -> String {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

fn streams(bed: &mut Bed) -> Vec<String> {
    let answer = bed.wire.request("$JS.API.STREAM.NAMES", b"").unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    let mut names: Vec<String> =
        answer["streams"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_plan_does_nothing_and_a_teardown_takes_what_it_said() {
    let mut bed = Bed::new();
    // The bed has made input and output.
    assert_eq!(
        out(run(&bed, &["provision", "--plan"])),
        "stream EVENTS: unchanged\nstream ENRICHED: unchanged\n\
         stream DEAD_LETTERS: would be created\n  from ENRICHED dead.*, 1 copies, kept without end\n\
         stream ENRICHED_REDRIVES: would be created\n  subject sidestream.redrive.ENRICHED.>, 1 copies, kept without end\n"
    );
    assert_eq!(streams(&mut bed), ["ENRICHED", "EVENTS"], "nothing was created");
    out(run(&bed, &["provision"]));
    let engine = bed.engine("state", &[]);
    bed.finish();
    let running = run(&bed, &["teardown", "--yes"]);
    assert!(running.code == Some(75) && running.err.contains("an engine runs"), "{running:?}");
    engine.drain();
    let plan = "stream DEAD_LETTERS: would be deleted with 0 messages\n\
                stream ENRICHED_REDRIVES: would be deleted with 0 messages\n\
                stream ENRICHED: would be deleted with 1 messages\n";
    assert_eq!(out(run(&bed, &["teardown", "--plan"])), plan);
    let nobody = run(&bed, &["teardown"]);
    assert!(nobody.code == Some(64) && nobody.err.contains("nobody is there to agree"), "{nobody:?}");
    assert_eq!(streams(&mut bed), ["DEAD_LETTERS", "ENRICHED", "ENRICHED_REDRIVES", "EVENTS"]);
    assert_eq!(out(run(&bed, &["teardown", "--yes"])), format!("{plan}deleted\n"));
    assert_eq!(streams(&mut bed), ["EVENTS"], "the input stays");
    assert!(bed.state("state").is_dir(), "and so does the state");
}

#[test]
fn input_and_state_go_where_they_are_named() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[]);
    bed.finish();
    engine.drain();
    let state = bed.state("state").display().to_string();
    let all = ["teardown", "--yes", "--input", "--state"];
    let said = out(run(&bed, &all));
    assert!(said.contains("stream DEAD_LETTERS: not there"), "{said}");
    assert!(said.contains("stream EVENTS: would be deleted with 1 messages"), "{said}");
    assert!(said.contains(&format!("state {state}: would be deleted")), "{said}");
    assert_eq!(streams(&mut bed), Vec::<String>::new());
    assert!(!bed.state("state").exists());
    let again = out(run(&bed, &all));
    assert!(again.contains("stream EVENTS: not there") && !again.contains("deleted"), "{again}");
}
