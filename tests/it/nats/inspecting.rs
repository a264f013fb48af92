//! What `check --connect` says of streams, and what a start refuses, on the real server.

use super::{bad, both, dead_letter, expected, publish, soon, wanted, write};
use crate::server::Server;
use async_nats::jetstream::stream::{Config, ConsumerLimits, PersistenceMode, RetentionPolicy};
use sidestream::adapters::nats::connect::{Connection, NatsSettings};
use sidestream::adapters::nats::inspect::{Expectation, inspect, unsuitable};
use sidestream::adapters::nats::provision::provision;
use sidestream::adapters::nats::streams;
use sidestream::app::settings_watch;
use sidestream::telemetry::metrics::Metrics;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_good_set_up_has_only_good_findings_and_the_probe_stores_nothing() {
    let server = Server::start();
    let (connection, _) = both(&server).await;
    provision(&connection, &wanted()).await.unwrap();
    write(&connection, &[dead_letter(1)], 0).await;
    let findings = inspect(&connection, &expected()).await.unwrap();
    assert_eq!(bad(&findings), Vec::<&str>::new());
    assert!(findings.len() > 25, "{findings:?}");
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
        (
            &refused,
            &["WorkQueue", "allow_batched", "max_msgs_per_subject is 5", "max_payload", "does not cover dead.*"][..],
        ),
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
async fn what_would_end_a_later_start_is_refused_at_the_first() {
    let server = Server::start();
    let (connection, js) = both(&server).await;
    provision(&connection, &wanted()[..1]).await.unwrap();
    let good = || Config {
        name: "ENRICHED".into(),
        subjects: vec!["enriched.*".into(), "dead.*".into()],
        allow_batch_publish: true,
        ..Default::default()
    };
    let limits = ConsumerLimits { inactive_threshold: Duration::from_secs(5), max_ack_pending: 10 };
    for (config, said) in [
        (
            Config {
                max_age: Duration::from_secs(2),
                subject_delete_marker_ttl: Some(Duration::from_secs(60)),
                ..good()
            },
            "stream ENRICHED: subject_delete_marker_ttl is 60s",
        ),
        (Config { allow_message_ttl: true, ..good() }, "stream ENRICHED: allow_msg_ttl is true"),
        (Config { allow_message_schedules: true, ..good() }, "stream ENRICHED: allow_msg_schedules is true"),
        (Config { no_ack: true, ..good() }, "stream ENRICHED: no_ack is true"),
        (
            Config { consumer_limits: Some(limits), ..good() },
            "stream ENRICHED: consumer_limits.inactive_threshold is 5s",
        ),
        (Config { subjects: vec!["enriched.>".into()], ..good() }, "stream ENRICHED does not cover dead.*"),
    ] {
        js.create_stream(config).await.unwrap();
        assert_eq!(bad(&unsuitable(&connection, &expected()).await.unwrap()), [said]);
        assert!(bad(&inspect(&connection, &expected()).await.unwrap()).contains(&said));
        js.delete_stream("ENRICHED").await.unwrap();
    }
    let mut stream = js.create_stream(good()).await.unwrap();
    assert_eq!(unsuitable(&connection, &expected()).await.unwrap(), []);
    let sealed = Config { sealed: true, ..stream.info().await.unwrap().config.clone() };
    js.update_stream(sealed).await.unwrap();
    let findings = inspect(&connection, &expected()).await.unwrap();
    assert_eq!(bad(&findings), ["stream ENRICHED is sealed: it takes no message any more"], "one sentence is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_that_the_file_does_not_name_are_said_by_the_check_alone() {
    let server = Server::start();
    let (connection, _) = both(&server).await;
    provision(&connection, &wanted()).await.unwrap();
    let narrow = Expectation { input_subjects: vec!["events.lesson".into()], ..expected() };
    let findings = inspect(&connection, &narrow).await.unwrap();
    let said = "stream EVENTS also takes events.>, which input.subjects does not name: it is processed, too";
    assert_eq!(bad(&findings), [said]);
    assert_eq!(unsuitable(&connection, &narrow).await.unwrap(), []);
}

/// The API of one account imported into another, where an export lets one answer through for each request or all.
#[tokio::test(flavor = "multi_thread")]
async fn messages_that_do_not_come_through_an_import_are_measured() {
    for (response, comes) in [("Singleton", false), ("Stream", true)] {
        let server = Server::start_with(&format!(
            r#"accounts {{
                OWNER {{ jetstream: enabled, users: [ {{ user: owner, password: x }} ], exports: [
                    {{ service: "$JS.API.>", response_type: {response} }}, {{ service: "enriched.>" }},
                    {{ service: "dead.>" }}, {{ stream: "sidestream.>" }} ] }}
                GUEST {{ users: [ {{ user: guest, password: x }} ], imports: [
                    {{ service: {{ account: OWNER, subject: "$JS.API.>" }} }},
                    {{ service: {{ account: OWNER, subject: "enriched.>" }} }},
                    {{ service: {{ account: OWNER, subject: "dead.>" }} }} ] }}
            }}
            no_auth_user: owner"#
        ));
        let (owner, js) = both(&server).await;
        provision(&owner, &wanted()).await.unwrap();
        publish(&js, 1..=300).await;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        std::fs::write(&file, "x").unwrap();
        let guest = NatsSettings { user: Some("guest".into()), password_file: Some(file), ..server.settings() };
        let guest = Connection::open(&guest, "test").await.unwrap();
        let findings = inspect(&guest, &expected()).await.unwrap();
        let bad = bad(&findings);
        if comes {
            assert_eq!(bad, Vec::<&str>::new());
        } else {
            assert!(bad.len() == 1 && bad[0].contains("of 100 stored messages only"), "{bad:?}");
        }
    }
}

/// What somebody changes while the engine runs is in the metric at the next look, and gone from it once it is mended.
#[tokio::test(flavor = "multi_thread")]
async fn settings_that_break_the_promise_while_running_are_seen() {
    let server = Server::start();
    let (connection, js) = both(&server).await;
    provision(&connection, &wanted()).await.unwrap();
    let metrics = Metrics::new();
    let every = Duration::from_millis(50);
    let look = tokio::spawn(settings_watch::watch(connection.clone(), expected(), every, metrics.clone()));
    let shows = async |line: &str| {
        soon(line, async {
            let mut look = tokio::time::interval(every);
            while !metrics.render().contains(line) {
                look.tick().await;
            }
        })
        .await
    };
    shows("sidestream_unsuitable_settings 0\n").await;
    let stream = js.get_stream("ENRICHED").await.unwrap();
    let good = stream.cached_info().config.clone();
    js.update_stream(Config { max_messages_per_subject: 5, ..good.clone() }).await.unwrap();
    shows("sidestream_unsuitable_settings 1\n").await;
    js.update_stream(Config { subjects: vec!["enriched.*".into()], max_messages_per_subject: 5, ..good.clone() })
        .await
        .unwrap();
    shows("sidestream_unsuitable_settings 2\n").await;
    js.update_stream(good).await.unwrap();
    shows("sidestream_unsuitable_settings 0\n").await;
    assert!(!look.is_finished(), "a look ends nothing");
    look.abort();
}
