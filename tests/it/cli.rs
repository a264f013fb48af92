//! The command line as a person or a script meets it: what is printed, and the exit code.

use crate::harness::bed::Bed;
use crate::harness::load::{publish, school};
use crate::harness::streams::{INPUT, api};
use crate::harness::wait::wait_until;
use crate::server::{Server, binary};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};

/// Runs the program with the shipped configuration and these overrides.
fn sidestream(sets: &[(String, String)], arguments: &[&str]) -> (i32, String, String) {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestream"));
    command.args(arguments).env_remove("SIDESTREAM_NATS_URL").env_remove("SIDESTREAM_LOG").env("NO_COLOR", "1");
    if !arguments.contains(&"--config") {
        command.args(["--config", config]);
    }
    for (key, value) in sets {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// The status and body of a page.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn only_url(server: &Server) -> Vec<(String, String)> {
    vec![("nats.url".into(), server.url()), ("state.path".into(), "/nonexistent/sidestream".into())]
}

#[test]
fn help_has_an_example_and_nonsense_is_a_usage_error() {
    let (code, out, _) = sidestream(&[], &["--help"]);
    assert_eq!(code, 0);
    for command in
        ["run", "check", "test", "provision", "demo", "generate", "audit", "catalog", "state", "dead-letters", "health"]
    {
        assert!(out.contains(command), "{out}");
        let parts: &[&str] = match command {
            "state" => &["get", "export", "import"],
            "dead-letters" => &["list", "show", "redrive"],
            "test" => &["record"],
            _ => &[],
        };
        let of_part = |part: &&'static str| vec![command, part, "--help"];
        let helps = if parts.is_empty() { vec![vec![command, "--help"]] } else { parts.iter().map(of_part).collect() };
        for arguments in helps {
            let (code, out, _) = sidestream(&[], &arguments);
            assert!(code == 0 && out.contains("Example: sidestream"), "{arguments:?}: {out}");
        }
    }
    for arguments in [&["nonsense"][..], &["run", "--nonsense"], &["generate", "--rate", "0"], &[], &["dead-letters"]] {
        let (code, out, err) = sidestream(&[], arguments);
        assert_eq!((code, out.as_str()), (64, ""), "{arguments:?}: {err}");
    }
}

#[test]
fn a_configuration_is_checked_before_anything_else() {
    let (code, out, err) = sidestream(&[], &["check"]);
    assert!(code == 0 && out.contains("config.toml: fine, plan "), "{out}{err}");
    for arguments in [&["check"][..], &["run"], &["audit"], &["provision"]] {
        let (code, out, err) = sidestream(&[("engine.shard".into(), "2".into())], arguments);
        assert_eq!((code, out.as_str()), (78, ""), "{err}");
        assert!(err.contains("did you mean `engine.shards`?") || err.contains("did you mean `shards`?"), "{err}");
    }
    let (code, _, err) = sidestream(&[], &["check", "--config", "/nonexistent/config.toml"]);
    assert!(code == 78 && err.contains("/nonexistent/config.toml"), "{code} {err}");
}

#[test]
fn streams_are_created_once_and_never_altered() {
    let server = Server::start();
    let sets = only_url(&server);
    let (code, out, err) = sidestream(&sets, &["check", "--connect"]);
    assert!(code == 78 && out.contains("EVENTS") && out.contains("WRONG"), "{code} {out}{err}");
    let (code, out, err) = sidestream(&sets, &["provision"]);
    assert!(code == 0 && out.matches("created").count() == 4, "{code} {out}{err}");
    let (code, out, err) = sidestream(&sets, &["provision"]);
    assert!(code == 0 && out.matches("unchanged").count() == 4, "{code} {out}{err}");
    let (code, out, err) = sidestream(&sets, &["check", "--connect"]);
    assert!(code == 0 && !out.contains("WRONG"), "{code} {out}{err}");
    let other = [sets.clone(), vec![("input.subjects".into(), "[\"other.>\"]".into())]].concat();
    // Nothing that an engine refuses, so that it hinders nothing; but everything in the stream is processed.
    let (code, out, err) = sidestream(&other, &["provision"]);
    assert!(code == 0 && out.matches("unchanged").count() == 4, "{code} {out}{err}");
    let (code, out, err) = sidestream(&other, &["check", "--connect"]);
    assert!(code == 78 && out.contains("WRONG  stream EVENTS also takes events.>"), "{code} {out}{err}");
    // What an engine refuses, `provision` refuses too, and makes nothing.
    let small = [sets.clone(), vec![("output.max_bytes".into(), "60000000".into())]].concat();
    let (code, out, err) = sidestream(&small, &["provision"]);
    assert!(code == 78 && out.is_empty() && err.contains("max_payload"), "{code} {out}{err}");
    assert!(err.contains("nothing was changed"), "{err}");
}

#[test]
fn a_running_engine_shows_itself_and_the_audit_finds_planted_faults() {
    let mut bed = Bed::new();
    publish(&mut bed.wire, &mut school(7, 30), 3_000).unwrap();
    let engine = bed.engine("engine", &[]);
    let address = engine.address().to_owned();
    bed.finish();
    wait_until("ready", || (get(&address, "/readyz").0 == 200).then_some(()));
    assert_eq!(get(&address, "/healthz").0, 200);
    let metrics = get(&address, "/metrics").1;
    assert!(metrics.contains("sidestream_events_received_total 3001"), "{metrics}");

    // A key that the lane names; asked of the engine, and of its directory once it is gone.
    let lane = bed.lane();
    let body = lane.iter().rev().find(|m| m.subject == "enriched.user").map(|m| m.payload.clone()).unwrap();
    let key = serde_json::from_slice::<Value>(&body).unwrap()["properties"]["uuid"].as_str().unwrap().to_owned();
    let asked = [bed.sets_of("engine", &[]), vec![("http.listen".into(), address.clone())]].concat();
    let (code, running, err) = sidestream(&asked, &["state", "get", &key]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(sidestream(&asked, &["state", "get", "no such key"]).0, 1);
    engine.drain();
    let (code, stored, err) = sidestream(&bed.sets_of("engine", &[]), &["state", "get", &key]);
    assert_eq!(code, 0, "{err}");
    let (running, stored): (Value, Value) =
        (serde_json::from_str(&running).unwrap(), serde_json::from_str(&stored).unwrap());
    assert_eq!(running["tables"], stored["tables"]);
    assert!(running["key"] == key.as_str() && running["tables"]["user"].is_object(), "{running}");

    let sets = bed.sets_of("engine", &[]);
    let (code, out, err) = sidestream(&sets, &["audit", "--complete"]);
    assert!(code == 0 && out.starts_with("audit: clean, "), "{out}{err}");
    // Somebody deletes an event's output from the middle: the audit names it.
    let victim = lane.len() / 2;
    let call = format!("STREAM.MSG.DELETE.{}", crate::harness::streams::OUTPUT);
    api(&mut bed.wire, &call, &json!({ "seq": victim })).unwrap();
    let (code, out, _) = sidestream(&sets, &["audit", "--complete", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["verdict"], &report["missing"]), (1, &json!("not_clean"), &json!(1)), "{out}");
    // An event that no engine has seen is pending, and a fault only where the lane must be complete.
    bed.wire.publish("events.user", &[], b"{}").unwrap();
    wait_until("the event", || (bed.last(INPUT) == 3_002).then_some(()));
    let (_, out, _) = sidestream(&sets, &["audit", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["pending"], json!(1), "{out}");
}

#[test]
fn the_demo_ends_with_a_clean_audit() {
    let server = binary();
    let (code, out, err) =
        sidestream(&[], &["demo", "--seconds", "2", "--rate", "500", "--nats-server", &server.display().to_string()]);
    assert_eq!(code, 0, "{out}{err}");
    for expected in ["created", "lag", "latency p50", "before ", "after ", "audit: clean", "/metrics"] {
        assert!(out.contains(expected), "{expected}: {out}");
    }
    let directory = out.split("files in ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    assert!(!std::path::Path::new(directory).exists(), "{directory} is left behind");
}

#[test]
fn an_unreachable_server_is_no_mistake_of_the_configuration() {
    let sets = vec![("nats.url".to_owned(), "nats://127.0.0.1:1".to_owned())];
    // Side by side: each waits for as long as a first start would.
    std::thread::scope(|scope| {
        for arguments in [&["audit"][..], &["provision"], &["check", "--connect"]] {
            let sets = &sets;
            scope.spawn(move || {
                let (code, _, err) = sidestream(sets, arguments);
                assert!(code == 69 && err.contains("hint: "), "{arguments:?}: {code} {err}");
            });
        }
    });
}
