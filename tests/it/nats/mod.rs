//! The NATS adapter against the real server: what each piece promises, and what it says when the world fails.

use crate::proxy::Proxy;
use crate::server::Server;
use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, Context};
use futures_util::StreamExt;
use sidestream::adapters::nats::connect::{Connection, NatsSettings, Trouble};
use sidestream::adapters::nats::lane::{self, LaneAcks, LaneTarget, LaneWriter};
use sidestream::adapters::nats::source::{Source, SourceOptions};
use sidestream::adapters::nats::streams;
use sidestream::core::ids::{LaneSequence, Nanos, Position};
use sidestream::core::output::Output;
use sidestream::ports::stream::{BrokerError, LaneEvent};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// No step of a test takes longer, or it has failed.
const DEADLINE: Duration = Duration::from_secs(20);

pub async fn soon<T>(what: &str, step: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, step).await.unwrap_or_else(|_| panic!("{what} took longer than {DEADLINE:?}"))
}

pub async fn connect(url: String, purpose: &str) -> Connection {
    Connection::open(&NatsSettings { url, ..NatsSettings::default() }, purpose).await.unwrap()
}

pub async fn jetstream(server: &Server) -> Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

pub fn events() -> Config {
    Config { name: "EVENTS".into(), subjects: vec!["events.>".into()], ..Default::default() }
}

pub fn lane_config() -> Config {
    Config {
        name: "ENRICHED".into(),
        subjects: vec!["enriched.>".into(), "dead.>".into()],
        allow_batch_publish: true,
        allow_direct: true,
        ..Default::default()
    }
}

pub async fn publish(js: &Context, range: std::ops::RangeInclusive<u64>) {
    let numbers: Vec<u64> = range.collect();
    // The client itself stops at 5,000 publishes whose acks nobody has taken.
    for some in numbers.chunks(1_000) {
        let mut acks = Vec::new();
        for n in some {
            acks.push(js.publish("events.x", format!("{{\"n\":{n}}}").into()).await.unwrap());
        }
        for ack in acks {
            ack.await.unwrap();
        }
    }
}

pub fn output(position: u64) -> Output {
    Output {
        position: Position(position),
        n: 0,
        event_time: None,
        stored_at: Nanos(1_000 + position as i64),
        subject: Arc::from("enriched.lesson"),
        copied: None,
        dead: None,
        payload: format!("{{\"n\":{position}}}").into(),
    }
}

pub fn outputs(range: std::ops::RangeInclusive<u64>) -> Vec<Output> {
    range.map(output).collect()
}

pub async fn open_lane(connection: &Connection, run: &str, after: u64) -> (LaneWriter, LaneAcks) {
    let target = LaneTarget { input_stream: "EVENTS".into(), run: run.into(), after: LaneSequence(after) };
    lane::open(connection, target).await.unwrap()
}

/// Reads until this sequence is confirmed; any other end fails the test.
pub async fn until_confirmed(acks: &mut LaneAcks, sequence: u64) {
    loop {
        match soon("a confirmation", acks.next()).await {
            LaneEvent::Confirmed(LaneSequence(confirmed)) if confirmed >= sequence => return,
            LaneEvent::Confirmed(_) => {}
            other => panic!("waiting for {sequence}: {other:?}"),
        }
    }
}

/// Reads until the lane is over and says how.
pub async fn until_over(acks: &mut LaneAcks) -> LaneEvent {
    loop {
        match soon("the lane's end", acks.next()).await {
            LaneEvent::Confirmed(_) => {}
            end => return end,
        }
    }
}

pub async fn read(source: &mut Source, count: usize) -> Vec<u64> {
    let mut read = Vec::new();
    while read.len() < count {
        let events = soon("reading", source.next(count - read.len())).await.unwrap();
        assert!(!events.is_empty());
        read.extend(events.iter().map(|event| event.sequence));
    }
    read
}

pub async fn until_trouble(connection: &Connection) -> Trouble {
    let mut trouble = connection.trouble();
    soon("trouble", trouble.wait_for(Option::is_some)).await.unwrap().clone().unwrap()
}

// Connections.

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
    assert!(matches!(&error, BrokerError::Permanent { what, .. } if what.contains("MSG.GET")), "{error}");
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
    assert_eq!((purged.first, purged.last, purged.messages), (5, 4, 0));
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
    assert_eq!((state.first, state.last, state.messages), (3, 2, 0));
}

// The source.

#[tokio::test(flavor = "multi_thread")]
async fn the_source_yields_each_position_once_in_order_with_all_that_was_stored() {
    let server = Server::start();
    let js = jetstream(&server).await;
    let stream = js.create_stream(events()).await.unwrap();
    publish(&js, 1..=3_000).await;
    let mut headers = async_nats::HeaderMap::new();
    headers.append("B", "2");
    headers.append("A", "1");
    headers.append("B", "3");
    js.publish_with_headers("events.y", headers, "last".into()).await.unwrap().await.unwrap();
    stream.delete_message(2_000).await.unwrap();

    let connection = connect(server.url(), "source").await;
    let options = SourceOptions { batch: 400, ..SourceOptions::default() };
    let mut source = Source::open(&connection, "EVENTS", Position(10), options).await.unwrap();
    assert_eq!(source.pending(), 2_990);
    let read = read(&mut source, 2_989).await;
    let expected: Vec<u64> = (11..=3_000).filter(|n| *n != 2_000).collect();
    assert_eq!(read, expected);
    assert_eq!((source.pending(), source.recreated()), (1, 0));

    let last = soon("the last", source.next(10)).await.unwrap();
    let stored = streams::message_at(&connection, "EVENTS", 3_001).await.unwrap().unwrap();
    assert_eq!(last, [stored]);
    let names: Vec<&str> = last[0].headers.iter().flat_map(|h| h.iter().map(|(name, _)| name.as_str())).collect();
    assert_eq!(names, ["A", "B", "B"]);

    // Idle: a new message comes alone and at once.
    publish(&js, 3_002..=3_002).await;
    assert_eq!(soon("the new one", source.next(10)).await.unwrap().len(), 1);
    source.close().await.unwrap();
    assert_eq!(js.get_stream("EVENTS").await.unwrap().cached_info().state.consumer_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_source_takes_what_is_ready_in_large_pieces() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(events()).await.unwrap();
    publish(&js, 1..=4_000).await;
    let connection = connect(server.url(), "source").await;
    let mut source = Source::open(&connection, "EVENTS", Position(0), SourceOptions::default()).await.unwrap();
    // The first call asks for a pull; what it brings besides depends on who is faster.
    let first = soon("reading", source.next(1)).await.unwrap().len();
    let stream = js.get_stream("EVENTS").await.unwrap();
    soon("the server to send everything", async {
        while stream.consumers().next().await.unwrap().unwrap().num_pending > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // An answer on the same connection comes behind all that was sent before it: now everything is here.
    streams::state(&connection, "EVENTS").await.unwrap();
    let largest = soon("reading", source.next(1_000)).await.unwrap().len();
    assert!(first == 1 && largest == 1_000, "the runtime's cooperative budget cut the batch at {largest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_costs_the_source_nothing_but_a_new_consumer() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(events()).await.unwrap();
    publish(&js, 1..=20_000).await;
    let proxy = Proxy::start(server.address()).await;
    let connection = connect(proxy.url(), "source").await;
    let mut source = Source::open(&connection, "EVENTS", Position(0), SourceOptions::default()).await.unwrap();
    let mut all = read(&mut source, 1_000).await;
    for cut in 1..=3 {
        proxy.cut();
        all.extend(read(&mut source, 4_000).await);
        let so_far: Vec<u64> = (1..=1_000 + cut * 4_000).collect();
        assert_eq!(all, so_far);
    }
    all.extend(read(&mut source, 7_000).await);
    assert_eq!(all, (1..=20_000).collect::<Vec<u64>>());
    assert!(source.recreated() >= 1);
    assert_eq!(until_trouble(&connection).await, Trouble::Lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_and_a_deleted_consumer_are_noticed() {
    let server = Server::start();
    let js = jetstream(&server).await;
    let stream = js.create_stream(events()).await.unwrap();
    publish(&js, 1..=10).await;
    let proxy = Proxy::start(server.address()).await;
    let connection = connect(proxy.url(), "source").await;
    let mut source = Source::open(&connection, "EVENTS", Position(0), SourceOptions::default()).await.unwrap();
    assert_eq!(read(&mut source, 10).await.len(), 10);

    use futures_util::TryStreamExt;
    let names: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
    assert_eq!(names.len(), 1);
    stream.delete_consumer(&names[0]).await.unwrap();
    publish(&js, 11..=20).await;
    assert_eq!(read(&mut source, 10).await, (11..=20).collect::<Vec<u64>>());
    assert_eq!(source.recreated(), 1);

    proxy.half_open();
    let error = tokio::time::timeout(Duration::from_secs(60), source.next(1)).await.unwrap().unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_of_the_consumer_sequence_is_never_passed_on() {
    use futures_util::TryStreamExt;
    let server = Server::start();
    let js = jetstream(&server).await;
    let stream = js.create_stream(events()).await.unwrap();
    publish(&js, 1..=3).await;
    let connection = connect(server.url(), "source").await;
    let mut source = Source::open(&connection, "EVENTS", Position(0), SourceOptions::default()).await.unwrap();
    assert_eq!(read(&mut source, 3).await, [1, 2, 3]);

    // A delivery as it looks after lost ones: a consumer's fifth, when only three came. No client may forge one,
    // so a second stream's consumer is told to deliver into the source's inbox.
    let other = Config { name: "OTHER".into(), subjects: vec!["other".into()], ..Default::default() };
    let other = js.create_stream(other).await.unwrap();
    for _ in 0..5 {
        js.publish("other", "late".into()).await.unwrap().await.unwrap();
    }
    let config = jetstream::consumer::pull::Config { durable_name: Some("late".into()), ..Default::default() };
    let consumer = other.create_consumer(config).await.unwrap();
    let four: Vec<_> = consumer.fetch().max_messages(4).messages().await.unwrap().try_collect().await.unwrap();
    assert_eq!(four.len(), 4);
    let names: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
    let inbox = names[0].replace("sidestream-", "_INBOX.");
    let client = async_nats::connect(server.url()).await.unwrap();
    client.publish_with_reply("$JS.API.CONSUMER.MSG.NEXT.OTHER.late", inbox, "1".into()).await.unwrap();
    client.flush().await.unwrap();
    let pending = |consumer: &jetstream::consumer::Info| consumer.num_pending;
    soon("the delivery", async { while pending(&consumer.get_info().await.unwrap()) > 0 {} }).await;
    publish(&js, 4..=6).await;
    assert_eq!(read(&mut source, 3).await, [4, 5, 6]);
    assert_eq!(source.recreated(), 1);
}

/// Publishes as a careless client may: the server looks at no header.
fn publish_raw(server: &Server, headers: &[u8]) {
    use std::io::{Read, Write};
    let mut raw = std::net::TcpStream::connect(server.address()).unwrap();
    raw.set_read_timeout(Some(DEADLINE)).unwrap();
    raw.write_all(b"CONNECT {\"headers\":true,\"verbose\":false}\r\n").unwrap();
    raw.write_all(format!("HPUB events.raw {} {}\r\n", headers.len(), headers.len() + 1).as_bytes()).unwrap();
    raw.write_all(&[headers, b"x\r\nPING\r\n"].concat()).unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"PONG\r\n") {
        let mut some = [0; 4_096];
        let length = raw.read(&mut some).unwrap();
        assert_ne!(length, 0);
        said.extend_from_slice(&some[..length]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_the_client_cannot_read_do_not_stop_the_source() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(events()).await.unwrap();
    publish(&js, 1..=10).await;
    publish_raw(&server, b"NATS/1.0\r\nA: \xff\r\n\r\n");
    publish_raw(&server, b"NATS/1.0\r\nno name: x\r\nB: y\r\n\r\n");
    publish(&js, 13..=20).await;
    publish_raw(&server, b"NATS/1.0\r\nnothing\r\n\r\n");
    publish(&js, 22..=30).await;
    let connection = connect(server.url(), "source").await;
    let mut source = Source::open(&connection, "EVENTS", Position(0), SourceOptions::default()).await.unwrap();
    let mut all = Vec::new();
    while all.len() < 30 {
        all.extend(soon("reading", source.next(100)).await.unwrap());
    }
    assert_eq!(all.iter().map(|event| event.sequence).collect::<Vec<u64>>(), (1..=30).collect::<Vec<u64>>());
    let pairs = |index: usize| all[index].headers.as_deref().cloned().unwrap_or_default();
    assert_eq!(pairs(10), [("A".to_owned(), "\u{fffd}".to_owned())]);
    assert_eq!(pairs(11), [("B".to_owned(), "y".to_owned())]);
    assert_eq!((pairs(20).len(), &all[20].payload[..]), (0, &b"x"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_disappears_under_the_source_is_a_permanent_error() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(events()).await.unwrap();
    publish(&js, 1..=3).await;
    let connection = connect(server.url(), "source").await;
    let mut source = Source::open(&connection, "EVENTS", Position(0), SourceOptions::default()).await.unwrap();
    read(&mut source, 3).await;
    js.delete_stream("EVENTS").await.unwrap();
    let error = soon("the error", source.next(1)).await.unwrap_err();
    assert!(matches!(&error, BrokerError::Permanent { what, .. } if what.contains("EVENTS")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interest_stream_keeps_what_no_checkpoint_covers_and_loses_the_rest() {
    use futures_util::TryStreamExt;
    let server = Server::start();
    let js = jetstream(&server).await;
    let config = Config { retention: jetstream::stream::RetentionPolicy::Interest, ..events() };
    let stream = js.create_stream(config).await.unwrap();
    let proxy = Proxy::start(server.address()).await;
    let connection = connect(proxy.url(), "source").await;
    assert!(streams::info(&connection, "EVENTS").await.unwrap().is_interest());
    let options = SourceOptions { batch: 400, durable: Some("sidestream".into()), ..SourceOptions::default() };
    let mut source = Source::open(&connection, "EVENTS", Position(0), options.clone()).await.unwrap();
    publish(&js, 1..=1_000).await;
    let direct = connect(server.url(), "test").await;
    let first = async || streams::state(&direct, "EVENTS").await.unwrap().first;

    // A cut in the middle: what was read and not acknowledged is still there, and is not yielded again.
    assert_eq!(read(&mut source, 300).await, (1..=300).collect::<Vec<u64>>());
    proxy.cut();
    assert_eq!(until_trouble(&connection).await, Trouble::Lost);
    assert_eq!(read(&mut source, 300).await, (301..=600).collect::<Vec<u64>>());
    assert_eq!(first().await, 1);
    source.ack_through(Position(250)).await.unwrap();
    assert_eq!(first().await, 251);
    source.ack_through(Position(250)).await.unwrap();
    source.ack_through(Position(500)).await.unwrap();
    assert_eq!(first().await, 501);

    // A new start from an older checkpoint gets what is left; from its own, everything after it.
    source.close().await.unwrap();
    let mut source = Source::open(&connection, "EVENTS", Position(100), options.clone()).await.unwrap();
    assert_eq!(read(&mut source, 500).await, (501..=1_000).collect::<Vec<u64>>());
    drop(source);
    let mut source = Source::open(&connection, "EVENTS", Position(700), options).await.unwrap();
    assert_eq!(read(&mut source, 300).await, (701..=1_000).collect::<Vec<u64>>());
    assert_eq!(first().await, 701);
    let names: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
    assert_eq!(names, ["sidestream"]);
}

// The lane.
