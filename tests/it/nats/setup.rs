//! Creating streams on the real server: what is missing is made, and what is there is left alone.

use super::{bad, both, dead_letter, expected, soon, wanted, write};
use crate::server::Server;
use async_nats::jetstream::consumer;
use async_nats::jetstream::stream::{Compression, Config, RetentionPolicy, Source, StorageType};
use sidestream::adapters::nats::inspect::{StreamFinding, inspect};
use sidestream::adapters::nats::provision::{ProvisionOutcome, provision};
use sidestream::adapters::nats::streams;
use sidestream::adapters::nats::wanted::{Choice, Role, WantedStream};
use sidestream::core::output::REASON;
use sidestream::ports::stream::BrokerError;
use std::time::Duration;

fn unchanged() -> ProvisionOutcome {
    ProvisionOutcome::Unchanged(Vec::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn provision_creates_once_and_then_finds_what_is_there() {
    let server = Server::start();
    let (connection, js) = both(&server).await;
    assert_eq!(provision(&connection, &wanted()).await.unwrap(), vec![ProvisionOutcome::Created; 3]);
    assert_eq!(provision(&connection, &wanted()).await.unwrap(), vec![unchanged(); 3]);

    let config = js.get_stream("ENRICHED").await.unwrap().cached_info().config.clone();
    assert!(config.allow_batch_publish && config.allow_direct && config.storage == StorageType::File);
    assert_eq!(config.max_age, Duration::ZERO);

    // A dead letter reaches the stream that sources it, an output does not.
    let mut output = dead_letter(2);
    output.subject = "enriched.lesson".into();
    output.dead = None;
    write(&connection, &[dead_letter(1), output, dead_letter(3)], 0).await;
    soon("the copies", async { while streams::state(&connection, "DEAD_LETTERS").await.unwrap().last < 2 {} }).await;
    let copy = streams::message_at(&connection, "DEAD_LETTERS", 2).await.unwrap().unwrap();
    let header = |name: &str| copy.headers.iter().flat_map(|h| h.iter()).find(|h| h.0 == name).map(|h| h.1.as_str());
    assert_eq!((header(REASON), header("Sidestream-Position")), (Some("not_json"), Some("EVENTS:3:0")));
    assert_eq!(provision(&connection, &wanted()).await.unwrap(), vec![unchanged(); 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn provision_makes_the_output_beside_an_input_of_any_suitable_kind() {
    let raw = |name: &str| Config { name: name.into(), subjects: vec!["raw.>".into()], ..Config::default() };
    let of = |name: &str| Source { name: name.into(), ..Source::default() };
    let events = || Config { name: "EVENTS".into(), subjects: vec!["events.>".into()], ..Config::default() };
    let week = Duration::from_secs(7 * 86_400);
    for (kind, input) in [
        ("limits", Config { max_age: week, max_bytes: 1 << 20, max_messages: 1_000, ..events() }),
        ("more subjects", Config { subjects: vec!["events.>".into(), "orders.>".into()], ..events() }),
        ("memory, compressed", Config { storage: StorageType::Memory, compression: None, ..events() }),
        ("mirror", Config { subjects: Vec::new(), mirror: Some(of("RAW")), ..events() }),
        ("sources", Config { subjects: Vec::new(), sources: Some(vec![of("RAW")]), ..events() }),
    ] {
        let server = Server::start();
        let (connection, js) = both(&server).await;
        js.create_stream(raw("RAW")).await.unwrap();
        js.create_stream(input).await.unwrap();
        let outcomes = provision(&connection, &wanted()).await.unwrap();
        assert!(matches!(outcomes[0], ProvisionOutcome::Unchanged(_)), "{kind}: {outcomes:?}");
        assert_eq!(outcomes[1..], [ProvisionOutcome::Created, ProvisionOutcome::Created], "{kind}");
        let findings = inspect(&connection, &expected()).await.unwrap();
        let subjects_only = bad(&findings).iter().all(|what| what.contains("input.subjects"));
        assert!(subjects_only, "{kind}: {:?}", bad(&findings));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_an_operator_has_limited_hinders_nothing() {
    let server = Server::start();
    let (connection, js) = both(&server).await;
    let limited = Config {
        name: "ENRICHED".into(),
        subjects: vec!["enriched.>".into(), "dead.>".into(), "more.>".into()],
        max_age: Duration::from_secs(86_400),
        max_bytes: 1 << 30,
        allow_batch_publish: true,
        compression: Some(Compression::S2),
        ..Config::default()
    };
    js.create_stream(limited.clone()).await.unwrap();
    // Copies nothing of ours, which no start minds.
    let other = Config { name: "DEAD_LETTERS".into(), subjects: vec!["x".into()], ..Config::default() };
    js.create_stream(other).await.unwrap();
    let outcomes = provision(&connection, &wanted()).await.unwrap();
    assert_eq!(outcomes[..2], [ProvisionOutcome::Created, unchanged()]);
    let ProvisionOutcome::Unchanged(remarks) = &outcomes[2] else { panic!("{outcomes:?}") };
    assert!(remarks[0].contains("stream DEAD_LETTERS does not source dead.* from ENRICHED"), "{remarks:?}");
    let after = js.get_stream("ENRICHED").await.unwrap().cached_info().config.clone();
    assert_eq!(
        (after.max_age, after.max_bytes, after.subjects),
        (limited.max_age, limited.max_bytes, limited.subjects)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn provision_makes_nothing_while_an_engine_would_refuse_a_stream() {
    let server = Server::start();
    let (connection, js) = both(&server).await;
    let other = Config { name: "ENRICHED".into(), subjects: vec!["enriched.>".into()], ..Default::default() };
    js.create_stream(other).await.unwrap();
    js.publish("enriched.x", "theirs".into()).await.unwrap().await.unwrap();
    let outcomes = provision(&connection, &wanted()).await.unwrap();
    assert_eq!((&outcomes[0], &outcomes[2]), (&ProvisionOutcome::Skipped, &ProvisionOutcome::Skipped));
    let ProvisionOutcome::Unsuitable(reasons) = &outcomes[1] else { panic!("{outcomes:?}") };
    for part in ["allow_batched is false", "message 1 was not written by Sidestream", "does not cover dead.*"] {
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}: {reasons:?}");
    }
    assert!(js.get_stream("EVENTS").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_has_the_outputs_subjects_is_named_and_nobody_points_in_a_circle() {
    let server = Server::start();
    let (connection, js) = both(&server).await;
    js.create_stream(Config { name: "OTHER".into(), subjects: vec!["enriched.>".into()], ..Default::default() })
        .await
        .unwrap();
    let Err(BrokerError::Permanent { what, hint }) = provision(&connection, &wanted()).await else { panic!() };
    assert_eq!(
        what,
        "stream ENRICHED cannot be made: its subjects overlap with another stream's: stream OTHER has subjects of enriched.*"
    );
    assert!(!hint.contains("check"), "{hint}");
    let findings = inspect(&connection, &expected()).await.unwrap();
    let lacks = |finding: &&StreamFinding| finding.what.starts_with("the output stream ENRICHED does not exist");
    let finding = findings.iter().find(lacks).unwrap();
    assert!(finding.what.contains("stream OTHER has subjects of enriched.*"), "{finding:?}");
    assert!(!finding.hint.contains("provision"), "{finding:?}");
    // The same where the output is there and lacks one of them.
    let output = Config { subjects: vec!["dead.>".into()], allow_batch_publish: true, ..Default::default() };
    js.create_stream(Config { name: "ENRICHED".into(), ..output }).await.unwrap();
    let findings = inspect(&connection, &expected()).await.unwrap();
    assert_eq!(bad(&findings)[0], "stream ENRICHED does not cover enriched.*: stream OTHER has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interest_input_loses_no_event_before_the_first_start() {
    let server = Server::start();
    let (connection, js) = both(&server).await;
    let mut wanted = wanted();
    wanted[0].choice.interest = true;
    assert_eq!(provision(&connection, &wanted).await.unwrap()[0], ProvisionOutcome::Created);
    js.publish("events.x", "{}".into()).await.unwrap().await.unwrap();
    assert_eq!(streams::state(&connection, "EVENTS").await.unwrap().messages, 1);
    let stream = js.get_stream("EVENTS").await.unwrap();
    let info = stream.consumer_info("sidestream-ENRICHED").await.unwrap();
    assert_eq!((info.config.ack_policy, info.num_pending), (consumer::AckPolicy::All, 1));
    // A second call leaves the consumer alone, and its place.
    assert_eq!(provision(&connection, &wanted).await.unwrap()[0], unchanged());
    let again = stream.consumer_info("sidestream-ENRICHED").await.unwrap();
    assert_eq!((again.created, again.num_pending), (info.created, 1));
    assert_eq!(bad(&inspect(&connection, &expected()).await.unwrap()), Vec::<&str>::new());

    // A stream that somebody else made is dropping events: it is said, and mended.
    stream.delete_consumer("sidestream-ENRICHED").await.unwrap();
    let findings = inspect(&connection, &expected()).await.unwrap();
    let note = findings.iter().find(|finding| finding.is_note()).unwrap();
    assert!(note.what.contains("drops every event") && note.hint.contains("provision"), "{note:?}");
    assert_eq!(provision(&connection, &wanted).await.unwrap()[0], unchanged());
    assert!(stream.consumer_info("sidestream-ENRICHED").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_chooses_reaches_the_server() {
    let server = Server::start_with("server_tags: [fast]");
    let (connection, js) = both(&server).await;
    let choice = Choice {
        interest: true,
        max_age: Some(Duration::from_secs(60)),
        max_bytes: Some(1 << 20),
        tags: vec!["fast".into()],
        compressed: true,
        ..Choice::default()
    };
    let role = Role::Input { subjects: vec!["events.>".into()], output: "ENRICHED".into() };
    provision(&connection, &[WantedStream { name: "EVENTS".into(), role, choice }]).await.unwrap();
    let config = js.get_stream("EVENTS").await.unwrap().cached_info().config.clone();
    assert_eq!(
        (config.retention, config.max_age.as_secs(), config.max_bytes),
        (RetentionPolicy::Interest, 60, 1 << 20)
    );
    assert_eq!(config.compression, Some(Compression::S2));
    assert_eq!(config.placement.unwrap().tags, ["fast"]);
}
