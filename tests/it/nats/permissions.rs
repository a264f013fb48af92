//! The least permissions of `run`, each left out once, and the engine that runs with exactly these.

use super::{bad, both, expected, wanted};
use crate::harness::bed::Bed;
use crate::harness::load::publish_last;
use crate::harness::wait::wait_until;
use crate::harness::{command, streams};
use crate::server::Server;
use serde_json::json;
use sidestream::adapters::nats::connect::{Connection, NatsSettings};
use sidestream::adapters::nats::inspect::{inspect, unsuitable};
use sidestream::adapters::nats::provision::provision;
use std::path::PathBuf;
use std::time::Duration;

/// What `run` publishes to, as docs/production.md lists it.
const LEAST: &[&str] = &[
    "$JS.API.STREAM.INFO.EVENTS",
    "$JS.API.STREAM.MSG.GET.EVENTS",
    "$JS.API.CONSUMER.CREATE.EVENTS.*",
    "$JS.API.CONSUMER.MSG.NEXT.EVENTS.*",
    "$JS.API.CONSUMER.DELETE.EVENTS.*",
    "$JS.API.STREAM.INFO.ENRICHED",
    "$JS.API.STREAM.MSG.GET.ENRICHED",
    "$JS.API.CONSUMER.CREATE.ENRICHED.*",
    "$JS.API.CONSUMER.MSG.NEXT.ENRICHED.*",
    "$JS.API.CONSUMER.DELETE.ENRICHED.*",
    "enriched.*",
    "dead.*",
    "sidestream.claim.ENRICHED",
];

/// The same for an input with interest retention.
const LEAST_INTEREST: &[&str] = &[
    "$JS.API.STREAM.INFO.EVENTS",
    "$JS.API.STREAM.MSG.GET.EVENTS",
    "$JS.API.CONSUMER.CREATE.EVENTS.sidestream-ENRICHED",
    "$JS.API.CONSUMER.MSG.NEXT.EVENTS.sidestream-ENRICHED",
    "$JS.API.CONSUMER.RESET.EVENTS.sidestream-ENRICHED",
    "$JS.ACK.EVENTS.sidestream-ENRICHED.>",
    "$JS.API.STREAM.INFO.ENRICHED",
    "$JS.API.STREAM.MSG.GET.ENRICHED",
    "$JS.API.CONSUMER.CREATE.ENRICHED.*",
    "$JS.API.CONSUMER.MSG.NEXT.ENRICHED.*",
    "$JS.API.CONSUMER.DELETE.ENRICHED.*",
    "enriched.*",
    "dead.*",
    "sidestream.claim.ENRICHED",
];

const SUBSCRIBE: &[&str] = &["_INBOX.>", "sidestream.claim.ENRICHED"];

fn list(subjects: &[&str]) -> String {
    let quoted: Vec<String> = subjects.iter().map(|subject| format!("{subject:?}")).collect();
    quoted.join(", ")
}

fn user(name: &str, publish: &[&str], subscribe: &[&str]) -> String {
    let (publish, subscribe) = (list(publish), list(subscribe));
    format!("{{ user: {name}, password: x, permissions: {{ publish: [{publish}], subscribe: [{subscribe}] }} }}")
}

fn without<'a>(all: &[&'a str], one: &str) -> Vec<&'a str> {
    all.iter().copied().filter(|subject| *subject != one).collect()
}

/// A server on which who does not log in may do everything, and these users may do what they may.
fn server(users: &[String]) -> Server {
    let users = users.join(",\n");
    Server::start_with(&format!(
        "authorization {{ users: [ {{ user: admin, password: x }},\n{users} ] }}\nno_auth_user: admin"
    ))
}

fn password(dir: &tempfile::TempDir) -> PathBuf {
    let file = dir.path().join("password");
    std::fs::write(&file, "x").unwrap();
    file
}

async fn connect_as(server: &Server, name: &str, file: &std::path::Path) -> Connection {
    let (user, password_file) = (Some(name.into()), Some(file.to_owned()));
    // A dozen connect at once, each to several subjects, on a machine that may be busy.
    let connect_timeout = Duration::from_secs(10);
    let settings = NatsSettings { user, password_file, connect_timeout, ..server.settings() };
    Connection::open(&settings, "test").await.unwrap()
}

/// What a wildcard of the list says of a subject that the check probes.
fn names(what: &str, subject: &str) -> bool {
    what.contains(subject.trim_end_matches(['*', '>']).trim_end_matches('.'))
}

async fn each_is_named(interest: bool, least: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let file = password(&dir);
    let mut users: Vec<String> = vec![user("least", least, SUBSCRIBE), user("none", &["foo"], &["_INBOX.>"])];
    users.extend(least.iter().enumerate().map(|(n, one)| user(&format!("u{n}"), &without(least, one), SUBSCRIBE)));
    users.push(user("mute", least, &["_INBOX.>"]));
    users.push(user("deaf", least, &["sidestream.claim.ENRICHED"]));
    let server = server(&users);
    let (admin, _) = both(&server).await;
    let mut streams = wanted();
    streams[0].choice.interest = interest;
    provision(&admin, &streams).await.unwrap();
    let found = async |name: &str| inspect(&connect_as(&server, name, &file).await, &expected()).await.unwrap();

    assert_eq!(bad(&found("least").await), Vec::<&str>::new());
    // All of them at once; an input that may not be looked at is taken for one with limits retention.
    let none = found("none").await;
    let missing = bad(&none);
    let of_limits: Vec<&str> =
        LEAST.iter().copied().filter(|one| !missing.iter().any(|what| names(what, one))).collect();
    assert_eq!(of_limits, Vec::<&str>::new(), "{missing:?}");
    let tries = least.iter().enumerate().map(|(n, one)| {
        let found = &found;
        async move { (one, found(&format!("u{n}")).await) }
    });
    for (one, findings) in futures_util::future::join_all(tries).await {
        let missing = bad(&findings);
        assert!(!missing.is_empty(), "nothing is said of {one}");
        assert!(missing.iter().any(|what| names(what, one)), "{one}: {missing:?}");
        // Of an input that may not be looked at nobody knows whether it has interest retention.
        let only = missing.iter().all(|what| what.contains("Permissions Violation") && names(what, one));
        assert!(only || interest && *one == "$JS.API.STREAM.INFO.EVENTS", "{one}: {missing:?}");
    }
    let mute = found("mute").await;
    assert!(
        bad(&mute).len() == 1 && bad(&mute)[0].contains("Subscription to \"sidestream.claim.ENRICHED\""),
        "{mute:?}"
    );
    let deaf = found("deaf").await;
    assert!(bad(&deaf)[0].contains("Subscription to \"_INBOX."), "{deaf:?}");
    // A start says so, too, instead of waiting for answers that it cannot hear.
    let start = unsuitable(&connect_as(&server, "deaf", &file).await, &expected()).await.unwrap_err();
    assert!(!start.is_transient() && start.to_string().contains("Subscription to \"_INBOX."), "{start}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_permission_is_named_and_all_at_once() {
    each_is_named(false, LEAST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_with_an_interest_input() {
    each_is_named(true, LEAST_INTEREST).await;
}

/// An engine with a user of these permissions takes an event through, is killed, and does so again.
fn engine_runs_with(publish: &[&str], interest: bool) {
    let server = server(&[user("engine", publish, SUBSCRIBE)]);
    let mut bed = Bed::on(server);
    if interest {
        streams::api(&mut bed.wire, "STREAM.DELETE.EVENTS", &json!({})).unwrap();
        let config = json!({ "name": "EVENTS", "subjects": ["events.>"], "retention": "interest" });
        streams::api(&mut bed.wire, "STREAM.CREATE.EVENTS", &config).unwrap();
        assert_eq!(command::run(&bed, &["provision"]).code, Some(0));
    }
    let file = password(&bed.dir).display().to_string();
    let sets = [("nats.user", "engine"), ("nats.password_file", &*file)];
    for _ in 0..2 {
        let engine = bed.engine("engine", &sets);
        let end = publish_last(&mut bed.wire);
        wait_until("the output", || (bed.cause() == end).then_some(()));
        engine.kill();
    }
    if !interest {
        bed.assert_clean();
    }
}

#[test]
fn the_engine_runs_with_the_least_permissions() {
    engine_runs_with(LEAST, false);
}

#[test]
fn the_engine_reads_an_interest_input_with_the_least_permissions() {
    engine_runs_with(LEAST_INTEREST, true);
}

#[test]
fn letting_consumers_go_and_telling_other_engines_are_courtesies() {
    let courtesies =
        ["sidestream.claim.ENRICHED", "$JS.API.CONSUMER.DELETE.EVENTS.*", "$JS.API.CONSUMER.DELETE.ENRICHED.*"];
    let publish: Vec<&str> = LEAST.iter().copied().filter(|one| !courtesies.contains(one)).collect();
    engine_runs_with(&publish, false);
}

#[test]
fn the_documents_list_what_was_run() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/production.md")).unwrap();
    let missing: Vec<&str> =
        LEAST.iter().chain(LEAST_INTEREST).copied().filter(|one| !page.contains(&format!("`{one}`"))).collect();
    assert_eq!(missing, Vec::<&str>::new(), "docs/production.md, The least permissions");
}
