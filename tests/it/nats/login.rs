//! Logging in: every way of it, at one of several servers, and what is said when it fails.

use crate::server::Server;
use sidestream::adapters::nats::connect::{Connection, NatsSettings};
use sidestream::ports::stream::{BrokerError, Denial};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a denied login says, and its hint.
async fn denied(settings: &NatsSettings) -> (String, String) {
    match Connection::open(settings, "test").await {
        Err(BrokerError::Denied { by: Denial::Login, what, hint }) => (what, hint),
        Err(other) => panic!("another error: {other:?}"),
        Ok(_) => panic!("it was let in"),
    }
}

fn at(url: String) -> NatsSettings {
    NatsSettings { url, ..NatsSettings::default() }
}

fn file(dir: &Path, name: &str, text: &str) -> std::path::PathBuf {
    std::fs::write(dir.join(name), text).unwrap();
    dir.join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_may_stand_in_the_url() {
    let server = Server::start_with("authorization { user: \"app@x\", password: \"p:l%a,in\" }");
    let address = server.address();
    Connection::open(&at(format!("nats://app%40x:p:l%25a%2Cin@{address}")), "test").await.unwrap();
    for wrong in ["app%40x:other@", "app%40x@", ""] {
        let (what, hint) = denied(&at(format!("nats://{wrong}{address}"))).await;
        assert_eq!(what, format!("nats://{address} refused the login"));
        assert!(hint.contains("nats.url"), "{hint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_stands_in_a_file_or_in_the_url() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with("authorization { token: \"se cret\" }");
    let address = server.address();
    Connection::open(&at(format!("nats://se%20cret@{address}")), "test").await.unwrap();
    let with = |text: &str| NatsSettings { token_file: Some(file(dir.path(), "token", text)), ..server.settings() };
    Connection::open(&with("se cret\r\n"), "test").await.unwrap();
    denied(&with("another")).await;
    assert!(denied(&with(" \n")).await.0.ends_with("token: is empty"));
    // The file is read anew for every connection.
    Connection::open(&with("se cret"), "test").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_of_its_kind_is_named_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let closed = at("nats://127.0.0.1:1".to_owned());
    let seed = NatsSettings { nkey_file: Some(file(dir.path(), "user.nk", "not a seed")), ..closed.clone() };
    assert!(denied(&seed).await.0.contains("user.nk: holds no nkey seed"));
    let creds = NatsSettings { credentials_file: Some(file(dir.path(), "user.creds", "-----")), ..closed.clone() };
    assert!(denied(&creds).await.0.contains("user.creds: holds no JWT"));
    let missing = NatsSettings { credentials_file: Some("nowhere.creds".into()), ..closed };
    assert!(denied(&missing).await.0.contains("nowhere.creds: No such file"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_does_not_speak_for_the_others() {
    let good = Server::start_with("authorization { user: engine, password: right }");
    let other = Server::start_with("authorization { user: engine, password: other }");
    let login = |server: &Server| format!("nats://engine:right@{}", server.address());
    // In an order of chance: the refusing one comes first about half of the time.
    for _ in 0..12 {
        let settings = at(format!("{},{}", login(&other), login(&good)));
        Connection::open(&settings, "test").await.unwrap();
    }
    // Who is away says nothing either way.
    let (what, _) = denied(&at(format!("{},nats://engine:right@127.0.0.1:1", login(&other)))).await;
    assert!(what.contains("refused the login") && what.contains("127.0.0.1:1"), "{what}");
    let away = Connection::open(&at("nats://127.0.0.1:1,nats://127.0.0.1:2".to_owned()), "test").await.unwrap_err();
    assert!(away.is_transient(), "{away}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_costs_its_time_out_and_no_more() {
    let (good, frozen) = (Server::start(), Server::start());
    frozen.pause();
    let connect_timeout = Duration::from_millis(300);
    let settings = NatsSettings { connect_timeout, ..at(format!("{},{}", frozen.url(), good.url())) };
    let began = Instant::now();
    for _ in 0..8 {
        Connection::open(&settings, "test").await.unwrap();
    }
    assert!(began.elapsed() < connect_timeout * 8 + Duration::from_secs(4), "{:?}", began.elapsed());
    let alone = NatsSettings { connect_timeout, ..frozen.settings() };
    let error = Connection::open(&alone, "test").await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("no greeting within 300 ms"), "{error}");
    frozen.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_that_is_not_allowed_is_named_at_every_request() {
    let server = Server::start_with(
        "authorization { users: [{ user: engine, password: x, permissions: { subscribe: \"_MINE.>\" } }] }",
    );
    let settings = at(format!("nats://engine:x@{}", server.address()));
    let connection = Connection::open(&settings, "test").await.unwrap();
    for _ in 0..2 {
        let began = Instant::now();
        let error = sidestream::adapters::nats::streams::find(&connection, "EVENTS").await.unwrap_err();
        let BrokerError::Denied { by: Denial::Permission, what, hint } = error else { panic!("{error:?}") };
        assert!(what.contains("_INBOX.") && hint.contains("nats.inbox_prefix"), "{what} {hint}");
        assert!(began.elapsed() < Duration::from_secs(2), "a refusal must not look like a time-out");
    }
    let own = NatsSettings { inbox_prefix: "_MINE.engine".to_owned(), ..settings };
    let connection = Connection::open(&own, "test").await.unwrap();
    assert!(sidestream::adapters::nats::streams::find(&connection, "EVENTS").await.unwrap().is_none());
}
