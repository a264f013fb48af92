//! Connections to the real server, and what streams tell of themselves.

use super::{connect, events, jetstream, publish, soon, until_trouble};
use crate::server::Server;
use async_nats::jetstream::stream::Config;
use sidestream::adapters::nats::connect::{Connection, NatsSettings, Trouble};
use sidestream::adapters::nats::streams;
use sidestream::ports::stream::BrokerError;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_permanent_and_closed_doors_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    let server = Server::start_with("authorization { user: engine, password: right }");
    let with = |password: &str| {
        std::fs::write(&file, format!("{password}\n")).unwrap();
        NatsSettings { user: Some("engine".into()), password_file: Some(file.clone()), ..server.settings() }
    };
    Connection::open(&with("right"), "test").await.unwrap();
    let error = Connection::open(&with("wrong"), "test").await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    let missing = NatsSettings { credentials_file: Some("nowhere.creds".into()), ..server.settings() };
    assert!(!Connection::open(&missing, "test").await.unwrap_err().is_transient());

    let closed = NatsSettings { url: "nats://127.0.0.1:1".into(), ..NatsSettings::default() };
    assert!(Connection::open(&closed, "test").await.unwrap_err().is_transient());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_and_a_missing_permission_are_trouble_with_a_name() {
    let mut server = Server::start_with(
        "authorization { users: [{ user: engine, password: x, permissions: { publish: { deny: \"$JS.API.STREAM.MSG.GET.>\" } } }] }\n",
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    std::fs::write(&file, "x").unwrap();
    let settings = NatsSettings { user: Some("engine".into()), password_file: Some(file), ..server.settings() };
    let connection = Connection::open(&settings, "test").await.unwrap();
    assert_eq!(*connection.trouble().borrow(), None);

    let asked = Instant::now();
    let error = streams::message_at(&connection, "EVENTS", 1).await.unwrap_err();
    assert!(matches!(&error, BrokerError::Denied { what, .. } if what.contains("MSG.GET")), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(2), "a refusal must not look like a time-out");
    assert!(matches!(until_trouble(&connection).await, Trouble::Refused(_)));

    server.kill();
    let mut trouble = connection.trouble();
    soon("the loss", trouble.wait_for(|trouble| *trouble == Some(Trouble::Lost))).await.unwrap();
}

// Streams.

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_its_state_and_its_messages() {
    let server = Server::start();
    let js = jetstream(&server).await;
    let connection = connect(server.url(), "test").await;
    let error = streams::state(&connection, "EVENTS").await.unwrap_err();
    assert!(
        matches!(&error, BrokerError::Permanent { what, hint } if what.contains("EVENTS") && hint.contains("provision"))
    );

    let mut stream = js.create_stream(events()).await.unwrap();
    let empty = streams::state(&connection, "EVENTS").await.unwrap();
    assert_eq!((empty.first, empty.last, empty.messages), (1, 0, 0));
    assert_eq!(streams::newest(&connection, "EVENTS").await.unwrap(), None);

    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Trace", "t1");
    js.publish_with_headers("events.a", headers, "one".into()).await.unwrap().await.unwrap();
    publish(&js, 2..=4).await;
    let state = streams::state(&connection, "EVENTS").await.unwrap();
    assert_eq!((state.first, state.last, state.messages, state.created), (1, 4, 4, empty.created));
    let info = stream.info().await.unwrap();
    assert_eq!(i128::from(state.created.0), info.created.unix_timestamp_nanos());
    assert!(state.server_time > state.created);

    let one = streams::message_at(&connection, "EVENTS", 1).await.unwrap().unwrap();
    assert_eq!((one.sequence, &*one.subject, &one.payload[..]), (1, "events.a", &b"one"[..]));
    assert_eq!(one.headers.as_deref(), Some(&vec![("Trace".to_owned(), "t1".to_owned())]));
    assert!(one.stored_at > state.created && one.stored_at < state.server_time);

    stream.delete_message(4).await.unwrap();
    assert_eq!(streams::message_at(&connection, "EVENTS", 4).await.unwrap(), None);
    assert_eq!(streams::message_at(&connection, "EVENTS", 99).await.unwrap(), None);
    assert_eq!(streams::newest(&connection, "EVENTS").await.unwrap().unwrap().sequence, 3);
    assert_eq!(streams::state(&connection, "EVENTS").await.unwrap().last, 4);
    stream.purge().await.unwrap();
    let purged = streams::state(&connection, "EVENTS").await.unwrap();
    assert_eq!((purged.first, purged.last, purged.messages, purged.aged_out), (5, 4, 0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_message_is_gone_and_its_sequence_is_not() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(Config { max_age: Duration::from_millis(200), ..events() }).await.unwrap();
    publish(&js, 1..=2).await;
    let connection = connect(server.url(), "test").await;
    soon("expiry", async { while streams::message_at(&connection, "EVENTS", 2).await.unwrap().is_some() {} }).await;
    let state = streams::state(&connection, "EVENTS").await.unwrap();
    assert_eq!((state.first, state.last, state.messages, state.aged_out), (3, 2, 0, true));
}
