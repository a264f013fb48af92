//! `sidestream test record`: events of a real stream become a case, whose outputs are the engine's own.

use super::test;
use crate::harness::bed::Bed;
use crate::harness::command::run;
use crate::harness::load::publish;
use sidestream::generate::{School, SchoolOptions};
use std::path::Path;

/// Events in the stream that can be lines of a case.
const EVENTS: u64 = 60;

/// A few users with much to do, so that lessons meet subscriptions.
fn school() -> School {
    School::new(7, SchoolOptions { users: 5, ..SchoolOptions::default() })
}

fn lines(case: &toml::Table, key: &str) -> Vec<String> {
    case["case"][0][key].as_str().unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn events_become_a_case_whose_outputs_are_the_engines_own() {
    let mut bed = Bed::new();
    publish(&mut bed.wire, &mut school(), EVENTS).unwrap();
    let (file, one) = (bed.dir.path().join("seen.toml"), bed.dir.path().join("one.toml"));
    let (file, one) = (file.to_str().unwrap(), one.to_str().unwrap());
    let ran = run(&bed, &["test", "record", "--case", "all of them", file]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let case: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let recorded = lines(&case, "out");

    let _engine = bed.engine("engine", &[]);
    let end = bed.finish();
    assert_eq!((end, lines(&case, "in").len() as u64), (EVENTS + 1, EVENTS));
    let lane = bed.lane();
    let published = lane.iter().filter_map(|message| {
        let header =
            |wanted: &str| message.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let position = header("Sidestream-Position").unwrap().split(':').nth(1).unwrap();
        let note =
            header("Sidestream-Reason").map(|reason| format!(" # {reason} {}", header("Sidestream-Error").unwrap()));
        let body = String::from_utf8_lossy(&message.payload);
        (position != end.to_string())
            .then(|| format!("{position} {} {body}{}", message.subject, note.unwrap_or_default()))
    });
    assert_eq!(recorded, published.collect::<Vec<_>>());

    // The same command once more: the name is taken, and the file stays as it is.
    let ran = run(&bed, &["test", "record", "--case", "all of them", "--until", "9", file]);
    assert!(ran.code == Some(78) && ran.err.contains("there are two cases `all of them`"), "{ran:?}");
    let ran = run(&bed, &["test", "record", "--case", "a \"quoted\" name", "--from", "3", "--until", "9", file]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = test(Path::new("."), &[file]);
    assert!(ran.code == 0 && ran.out.starts_with("2 passed"), "{}{}", ran.out, ran.err);

    // What one user did, by the key that the first output names.
    let key =
        recorded.iter().find_map(|line| Some(line.split_once("\"uuid\":\"")?.1.split_once('"')?.0.to_owned())).unwrap();
    let ran = run(&bed, &["test", "record", "--case", "one user", "--key", &key, one]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let case: toml::Table = std::fs::read_to_string(one).unwrap().parse().unwrap();
    let of_user = lines(&case, "in");
    assert!(
        (2..EVENTS as usize).contains(&of_user.len()) && of_user.iter().all(|line| line.contains(&key)),
        "{of_user:?}"
    );
}

#[test]
fn an_event_that_no_line_can_hold_is_refused_with_its_position() {
    let mut bed = Bed::new();
    publish(&mut bed.wire, &mut school(), 2).unwrap();
    let odd: [(&str, &[u8], &str); 4] = [
        ("events.user", b"{\"title\":\n\"user\"}", "its body has line breaks"),
        ("events.user", b"\xff", "its body is not UTF-8 text"),
        ("events.user", b" {}", "it would be read as another event"),
        // A word of the notation, behind its subject.
        ("events.user", b"tick", ""),
    ];
    for (at, (subject, body, why)) in odd.iter().enumerate() {
        let position = bed.wire.request(subject, body).map(|_| at + 3).unwrap().to_string();
        let ran = run(&bed, &["test", "record", "--case", "odd", "--from", &position, "--until", &position]);
        let fine = why.is_empty();
        assert_eq!(ran.code, Some(if fine { 0 } else { 78 }), "{ran:?}");
        let expected = format!("the event at position {position} cannot stand in a line of a case: {why}");
        assert!(fine || ran.err.contains(&expected), "{ran:?}");
    }
    for (arguments, why) in [
        (["--from", "1", "--until", "9"], "ends at 6, before the range's end 9"),
        (["--from", "1", "--key", "nobody"], "no event of stream EVENTS from position 1 to 6 is to be recorded"),
        (["--from", "0", "--until", "1"], "positions begin with 1"),
    ] {
        let ran = run(&bed, &[&["test", "record", "--case", "odd"][..], &arguments].concat());
        assert!(ran.code != Some(0) && ran.err.contains(why), "{ran:?}");
    }
}

#[test]
fn what_the_configuration_hides_stands_in_no_case() {
    let mut bed = Bed::new();
    let hides = r#"[{ remove = ["properties.password"], rename = { "properties.pan" = "card" }, mask = { "properties.mail" = "hide" } }, { mask = { "properties.card" = "last4" } }]"#;
    bed.sets.push(("derive", hides));
    let secret = br#"{"title":"user","properties":{"uuid":"u1","password":"CANARY-1","mail":"CANARY-2@x","pan":"CANARY-3 and 4711"}}"#;
    bed.wire.request("events.user", secret).unwrap();
    bed.wire.request("events.user", br#"{"title":"user","properties":{"password":"CANARY-4""#).unwrap();
    let file = bed.dir.path().join("seen.toml");
    let file = file.to_str().unwrap();
    let ran = run(&bed, &["test", "record", "--case", "a user", "--until", "1", file]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let case = std::fs::read_to_string(file).unwrap();
    assert!(!case.contains("CANARY") && case.contains("************4711") && case.contains("\"***\""), "{case}");
    let ran = run(&bed, &["test", file]);
    assert!(ran.code == Some(0) && ran.out.starts_with("1 passed"), "{ran:?}");
    let ran = run(&bed, &["test", "record", "--case", "broken", "--from", "2", "--until", "2"]);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(ran.code == Some(78) && !said.contains("CANARY"), "{said}");
    assert!(said.contains("the event at position 2 holds what the configuration hides"), "{said}");
}
