//! Creating and inspecting streams on the real server.

use crate::server::Server;
use async_nats::jetstream::stream::{Config, PersistenceMode, RetentionPolicy, StorageType};
use async_nats::jetstream::{self, Context};
use sidestream::adapters::nats::connect::{Connection, NatsSettings};
use sidestream::adapters::nats::inspect::{Expectation, Finding, inspect, unsuitable};
use sidestream::adapters::nats::lane::{self, LaneTarget, Then};
use sidestream::adapters::nats::provision::{Outcome, Role, Wanted, provision};
use sidestream::adapters::nats::streams;
use sidestream::core::ids::{LaneSequence, Nanos, Position};
use sidestream::core::output::{DeadLetter, Output, REASON};
use sidestream::core::rejection::Reason;
use std::time::Duration;

fn wanted() -> Vec<Wanted> {
    vec![
        Wanted { name: "EVENTS".into(), role: Role::Input { subjects: vec!["events.>".into()] } },
        Wanted { name: "ENRICHED".into(), role: Role::Output { subjects: vec!["enriched.*".into(), "dead.*".into()] } },
        Wanted {
            name: "DEAD_LETTERS".into(),
            role: Role::DeadLetters { from: "ENRICHED".into(), filter: "dead.*".into() },
        },
    ]
}

fn expected() -> Expectation {
    Expectation {
        input: "EVENTS".into(),
        output: "ENRICHED".into(),
        subjects: vec!["enriched.*".into(), "dead.*".into()],
        max_bytes: 1_048_576,
    }
}

async fn both(server: &Server) -> (Connection, Context) {
    let connection = Connection::open(&server.settings(), "test").await.unwrap();
    (connection, jetstream::new(async_nats::connect(server.url()).await.unwrap()))
}

async fn write(connection: &Connection, outputs: &[Output], after: u64) {
    let target = LaneTarget { input_stream: "EVENTS".into(), run: "r".into(), after: LaneSequence(after) };
    let (mut writer, mut acks) = lane::open(connection, target).await.unwrap();
    let reader = tokio::spawn(async move { acks.next().await });
    writer.send(outputs, Then::Settle).await.unwrap();
    writer.close().await.unwrap();
    reader.await.unwrap();
}

fn dead_letter(position: u64) -> Output {
    Output {
        position: Position(position),
        n: 0,
        event_time: None,
        stored_at: Nanos(1),
        subject: "dead.not_json".into(),
        copied: None,
        dead: Some(Box::new(DeadLetter {
            reason: Reason::NotJson,
            headers: vec![(REASON, Reason::NotJson.code().to_owned())],
        })),
        payload: "x".into(),
    }
}

fn bad(findings: &[Finding]) -> Vec<&str> {
    findings.iter().filter(|finding| !finding.ok).map(|finding| finding.what.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn provision_creates_once_and_then_compares() {
    let server = Server::start();
    let (connection, js) = both(&server).await;
    assert_eq!(provision(&connection, &wanted(), 1).await.unwrap(), vec![Outcome::Created; 3]);
    assert_eq!(provision(&connection, &wanted(), 1).await.unwrap(), vec![Outcome::Unchanged; 3]);

    let config = js.get_stream("ENRICHED").await.unwrap().cached_info().config.clone();
    assert!(config.allow_batch_publish && config.allow_direct && config.storage == StorageType::File);
    assert_eq!(config.max_age, Duration::ZERO);

    // A dead letter reaches the stream that sources it, an output does not.
    let mut output = dead_letter(2);
    output.subject = "enriched.lesson".into();
    output.dead = None;
    write(&connection, &[dead_letter(1), output, dead_letter(3)], 0).await;
    tokio::time::timeout(Duration::from_secs(20), async {
        while streams::state(&connection, "DEAD_LETTERS").await.unwrap().last < 2 {}
    })
    .await
    .unwrap();
    let copy = streams::message_at(&connection, "DEAD_LETTERS", 2).await.unwrap().unwrap();
    let header = |name: &str| copy.headers.iter().flat_map(|h| h.iter()).find(|h| h.0 == name).map(|h| h.1.as_str());
    assert_eq!((header(REASON), header("Sidestream-Position")), (Some("not_json"), Some("EVENTS:3:0")));
    assert_eq!(provision(&connection, &wanted(), 1).await.unwrap(), vec![Outcome::Unchanged; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn provision_alters_nothing_when_something_differs() {
    let server = Server::start();
    let (connection, js) = both(&server).await;
    let other = Config {
        name: "ENRICHED".into(),
        subjects: vec!["enriched.>".into()],
        max_age: Duration::from_secs(60),
        ..Default::default()
    };
    js.create_stream(other).await.unwrap();
    js.publish("enriched.x", "theirs".into()).await.unwrap().await.unwrap();
    let outcomes = provision(&connection, &wanted(), 1).await.unwrap();
    assert_eq!((&outcomes[0], &outcomes[2]), (&Outcome::Skipped, &Outcome::Skipped));
    let Outcome::Different(differences) = &outcomes[1] else { panic!("{outcomes:?}") };
    for part in ["subjects", "max_age", "allow_batched", "message 1 was not written by Sidestream"] {
        assert!(differences.iter().any(|difference| difference.contains(part)), "{part}: {differences:?}");
    }
    assert!(js.get_stream("EVENTS").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_set_up_has_only_good_findings_and_the_probe_stores_nothing() {
    let server = Server::start();
    let (connection, _) = both(&server).await;
    provision(&connection, &wanted(), 1).await.unwrap();
    write(&connection, &[dead_letter(1)], 0).await;
    let findings = inspect(&connection, &expected()).await.unwrap();
    assert_eq!(bad(&findings), Vec::<&str>::new());
    assert!(findings.len() > 12, "{findings:?}");
    assert_eq!(unsuitable(&connection, &expected()).await.unwrap(), []);
    assert_eq!(streams::state(&connection, "ENRICHED").await.unwrap().last, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_suit_is_found_and_refused() {
    let server = Server::start_with("max_payload: 500KB");
    let (connection, js) = both(&server).await;
    let findings = unsuitable(&connection, &expected()).await.unwrap();
    assert_eq!(bad(&findings), ["the input stream EVENTS does not exist", "the output stream ENRICHED does not exist"]);
    let queue = Config {
        name: "EVENTS".into(),
        subjects: vec!["events.>".into()],
        retention: RetentionPolicy::WorkQueue,
        ..Default::default()
    };
    js.create_stream(queue).await.unwrap();
    let output = Config {
        name: "ENRICHED".into(),
        subjects: vec!["enriched.>".into()],
        max_messages_per_subject: 5,
        persist_mode: Some(PersistenceMode::Async),
        allow_direct: true,
        ..Default::default()
    };
    js.create_stream(output).await.unwrap();
    js.publish("enriched.x", "theirs".into()).await.unwrap().await.unwrap();
    let refused = unsuitable(&connection, &expected()).await.unwrap();
    let all = inspect(&connection, &expected()).await.unwrap();
    for (findings, parts) in [
        (&refused, &["WorkQueue", "allow_batched", "max_msgs_per_subject is 5", "max_payload", "covers dead.*"][..]),
        (&refused, &["stream ENRICHED: persist_mode is async"][..]),
        (&all, &["WorkQueue", "message 1 was not written by Sidestream", "nobody answers dead.check"][..]),
    ] {
        let bad = bad(findings);
        for part in parts {
            assert!(bad.iter().any(|what| what.contains(part)), "{part}: {bad:?}");
        }
    }
    assert_eq!(streams::state(&connection, "ENRICHED").await.unwrap().last, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_permissions_are_named_and_jetstream_off_is_said() {
    let server = Server::start_with(
        r#"authorization { users: [
            { user: admin, password: x },
            { user: engine, password: x, permissions: { publish: { deny: ["$JS.API.CONSUMER.CREATE.>", "dead.>"] } } }
        ] }"#,
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    std::fs::write(&file, "x").unwrap();
    let with =
        |user: &str| NatsSettings { user: Some(user.into()), password_file: Some(file.clone()), ..server.settings() };
    let admin = Connection::open(&with("admin"), "test").await.unwrap();
    provision(&admin, &wanted(), 1).await.unwrap();
    let engine = Connection::open(&with("engine"), "test").await.unwrap();
    let findings = inspect(&engine, &expected()).await.unwrap();
    let bad = bad(&findings);
    assert_eq!(bad.len(), 2, "{bad:?}");
    assert!(bad[0].contains("$JS.API.CONSUMER.CREATE.EVENTS") && bad[1].contains("dead.check"), "{bad:?}");

    let plain = Server::start_with("jetstream: disabled");
    let connection = Connection::open(&plain.settings(), "test").await.unwrap();
    let findings = inspect(&connection, &expected()).await.unwrap();
    assert_eq!(
        findings.iter().map(|finding| finding.what.as_str()).collect::<Vec<_>>(),
        ["JetStream is off in the server"]
    );
}
