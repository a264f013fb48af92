//! What a redrive needs of the server, and what it says when that is not there.

use super::stage::{bed, letters, planted, planted_in, records, redriven, strict};
use crate::harness::bed::Bed;
use crate::harness::command::Ran;
use crate::harness::dump::each;
use crate::harness::streams::{self, INPUT, OUTPUT, api};
use crate::harness::wire::Wire;
use crate::server::Server;
use serde_json::json;

fn fails(said: &Ran, code: i32, parts: &[&str]) {
    assert_eq!(said.code, Some(code), "{said:?}");
    for part in parts {
        assert!(said.err.contains(part), "{part}: {said:?}");
    }
}

#[test]
fn the_rate_is_a_bound() {
    let mut bed = planted();
    letters(&bed, &["redrive", "--all", "--rate", "10", "--json"]).lines();
    let mut times = Vec::new();
    let first = bed.last(INPUT) - 9;
    each(&mut bed.wire, INPUT, |sequence, time, _| {
        if sequence >= first {
            times.push(time);
        }
        Ok(())
    })
    .unwrap();
    // Nine gaps of 100 ms; one message may be slower on its way than another.
    let took = times[9] - times[0];
    assert!(took > 800_000_000, "ten events within {took} ns");
}

#[test]
fn a_stream_that_is_missing_is_named() {
    let mut bed = bed();
    let delete = |bed: &mut Bed, stream: &str| {
        api(&mut bed.wire, &format!("STREAM.DELETE.{stream}"), &json!({})).unwrap();
    };
    delete(&mut bed, OUTPUT);
    for arguments in [&["list"][..], &["show", "3"], &["redrive", "3"], &["redrive", "--all", "--dry-run"]] {
        fails(&letters(&bed, arguments), 78, &["stream ENRICHED does not exist", "hint: create it with"]);
    }
    assert_eq!(records(&mut bed), None, "nothing was created beside it");
    let mut bed = planted();
    delete(&mut bed, INPUT);
    fails(&letters(&bed, &["redrive", "3"]), 78, &["stream EVENTS does not exist"]);
    // What the dead letters say does not depend on the input.
    assert_eq!(letters(&bed, &["list", "--json"]).lines().len(), 10);
}

#[test]
fn a_stream_that_would_forget_redrives_is_refused() {
    let mut bed = planted();
    let config = json!({ "name": "ENRICHED_REDRIVES", "subjects": ["sidestream.redrive.ENRICHED.>"],
        "max_msgs_per_subject": 1, "storage": "file" });
    api(&mut bed.wire, "STREAM.CREATE.ENRICHED_REDRIVES", &config).unwrap();
    let said = letters(&bed, &["redrive", "3"]);
    fails(&said, 78, &["stream ENRICHED_REDRIVES does not suit", "forgets redrives: max_msgs_per_subject is set"]);
    assert_eq!(redriven(&mut bed).len(), 0);
}

#[test]
fn an_input_that_takes_no_more_ends_the_redrive_at_the_first() {
    let mut bed = planted();
    let update = |bed: &mut Bed, limit: i64| {
        let config = json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file", "discard": "new",
            "max_msgs": limit });
        let reply = api(&mut bed.wire, &format!("STREAM.UPDATE.{INPUT}"), &config).unwrap();
        assert!(reply.get("error").is_none(), "{reply}");
    };
    let full = bed.last(INPUT) as i64;
    update(&mut bed, full);
    let said = letters(&bed, &["redrive", "--all", "--json"]);
    fails(&said, 69, &["stream EVENTS refused the event of dead letter EVENTS:3:0: maximum messages exceeded"]);
    let entry = letters(&bed, &["list", "--limit", "1", "--json"]).lines().remove(0);
    assert_eq!(entry["redriven"]["state"], "refused");
    // Mended, a second attempt needs no further word.
    update(&mut bed, -1);
    let said = letters(&bed, &["redrive", "--all", "--json"]).lines();
    assert!(said.len() == 10 && said.iter().all(|one| one["outcome"] == "published"), "{said:?}");
    let entry = letters(&bed, &["list", "--limit", "1", "--json"]).lines().remove(0);
    assert_eq!((&entry["redriven"]["state"], &entry["redriven"]["attempt"]), (&json!("done"), &json!(2)));
}

#[test]
fn an_event_that_the_input_would_not_take_is_refused_before_anything_is_written() {
    let mut bed = planted();
    let config = json!({ "name": INPUT, "subjects": ["other.>"], "storage": "file" });
    let reply = api(&mut bed.wire, &format!("STREAM.UPDATE.{INPUT}"), &config).unwrap();
    assert!(reply.get("error").is_none(), "{reply}");
    let said = letters(&bed, &["redrive", "3", "--json"]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("does not listen on its subject \\\"events.case\\\""), "{said:?}");
    let config = json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file", "max_msg_size": 100 });
    let reply = api(&mut bed.wire, &format!("STREAM.UPDATE.{INPUT}"), &config).unwrap();
    assert!(reply.get("error").is_none(), "{reply}");
    let said = letters(&bed, &["redrive", "3", "--json"]);
    assert!(said.code == Some(1) && said.out.contains("bytes, and 100 are allowed"), "{said:?}");
    assert_eq!((records(&mut bed), redriven(&mut bed).len()), (Some(0), 0));
}

/// A bed whose tests may do everything and whose commands, once `narrow` is in its sets, may not do what is denied.
fn with_users(denied: &str) -> (Bed, [(&'static str, &'static str); 2]) {
    let users = format!(
        r#"authorization {{ users: [
            {{ user: admin, password: x }},
            {{ user: narrow, password: x, permissions: {{ publish: {{ deny: [{denied}] }} }} }}
        ] }}
        no_auth_user: admin"#
    );
    let server = Server::start_with(&users);
    let mut wire = Wire::connect(server.address()).unwrap();
    streams::create(&mut wire);
    let dir = tempfile::tempdir().unwrap();
    let config = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    let file = dir.path().join("password");
    std::fs::write(&file, "x").unwrap();
    let file: &'static str = Box::leak(file.display().to_string().into_boxed_str());
    let bed = Bed { server, wire, dir, config, sets: Vec::new() };
    (planted_in(strict(bed)), [("nats.user", "narrow"), ("nats.password_file", file)])
}

#[test]
fn a_missing_permission_is_named_and_costs_nothing() {
    let (mut bed, narrow) = with_users(r#""events.>""#);
    bed.sets = narrow.to_vec();
    fails(&letters(&bed, &["redrive", "3"]), 78, &["Permissions Violation", "events.case", "hint: give the user"]);
    assert_eq!(redriven(&mut bed).len(), 0);
    // The intent has no result; whoever is allowed to finds out that nothing was published, and does it.
    assert_eq!(records(&mut bed), Some(1));
    bed.sets.clear();
    assert_eq!(letters(&bed, &["redrive", "3", "--json"]).lines()[0]["outcome"], "published");
    assert_eq!(redriven(&mut bed).len(), 1);

    let (mut bed, narrow) = with_users(r#""$JS.API.STREAM.CREATE.>""#);
    bed.sets = narrow.to_vec();
    fails(&letters(&bed, &["redrive", "3"]), 78, &["Permissions Violation", "STREAM.CREATE.ENRICHED_REDRIVES"]);
    assert_eq!(letters(&bed, &["list", "--json"]).lines().len(), 10, "who only looks needs no more");
    assert_eq!((redriven(&mut bed).len(), records(&mut bed)), (0, None));
}
