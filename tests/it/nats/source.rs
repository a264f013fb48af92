//! The source against the real server: order, large reads, cuts, and messages that no client can read.

use super::{DEADLINE, connect, events, jetstream, publish, read, soon, until_trouble};
use crate::proxy::Proxy;
use crate::server::Server;
use async_nats::jetstream::stream::Config;
use futures_util::StreamExt;
use sidestream::adapters::nats::connect::Trouble;
use sidestream::adapters::nats::source::{Source, SourceOptions};
use sidestream::adapters::nats::streams;
use sidestream::core::ids::Position;
use sidestream::ports::stream::BrokerError;
use std::time::Duration;

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
    headers.append("nats-msg-id", "4");
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
    assert_eq!(names, ["A", "B", "B", "nats-msg-id"]);
    let options = SourceOptions { reserved_headers: false, ..SourceOptions::default() };
    let mut fewer = Source::open(&connection, "EVENTS", Position(2_999), options).await.unwrap();
    let some = soon("two", async { [fewer.next(1).await.unwrap(), fewer.next(1).await.unwrap()].concat() }).await;
    let names = |n: usize| some[n].headers.iter().flat_map(|h| h.iter().map(|(name, _)| name.as_str())).collect();
    let [none, kept]: [Vec<&str>; 2] = [names(0), names(1)];
    assert_eq!((none, kept), (vec![], vec!["A", "B", "B"]));
    fewer.close().await.unwrap();

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
async fn messages_in_masses_that_the_client_cannot_read_are_fetched_without_the_consumer() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(events()).await.unwrap();
    let latin1 = b"NATS/1.0\r\nX-Name: Zo\xeb\r\n\r\n";
    let raw = |count: usize| (0..count).for_each(|_| publish_raw(&server, latin1));
    raw(300);
    let connection = connect(server.url(), "source").await;
    let mut source = Source::open(&connection, "EVENTS", Position(0), SourceOptions::default()).await.unwrap();
    assert_eq!(read(&mut source, 300).await, (1..=300).collect::<Vec<u64>>());
    // Each of them would cost the client its connection, and the source a consumer.
    assert!(source.recreated() <= 3, "{} consumers", source.recreated());
    assert_eq!(source.unreadable(), 300);
    // A few among many, while they come.
    publish(&js, 301..=320).await;
    raw(1);
    publish(&js, 322..=330).await;
    assert_eq!(read(&mut source, 30).await, (301..=330).collect::<Vec<u64>>());
    // A long stretch that can be read goes through a consumer again.
    publish(&js, 331..=6_000).await;
    assert_eq!(read(&mut source, 5_670).await, (331..=6_000).collect::<Vec<u64>>());
    assert!(source.recreated() <= 3, "{} consumers", source.recreated());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_larger_than_a_pull_is_delivered() {
    let server = Server::start_with("max_payload: 16MB\n");
    let js = jetstream(&server).await;
    js.create_stream(events()).await.unwrap();
    publish(&js, 1..=5).await;
    for _ in 0..3 {
        js.publish("events.large", vec![b'x'; 12 << 20].into()).await.unwrap().await.unwrap();
    }
    publish(&js, 9..=15).await;
    let connection = connect(server.url(), "source").await;
    let mut source = Source::open(&connection, "EVENTS", Position(0), SourceOptions::default()).await.unwrap();
    assert_eq!(read(&mut source, 15).await, (1..=15).collect::<Vec<u64>>());
    assert_eq!(source.recreated(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_up_to_an_end_does_not_wait_for_what_is_deleted() {
    let server = Server::start();
    let js = jetstream(&server).await;
    let stream = js.create_stream(events()).await.unwrap();
    publish(&js, 1..=50).await;
    let connection = connect(server.url(), "source").await;
    let mut source = Source::open(&connection, "EVENTS", Position(0), SourceOptions::default()).await.unwrap();
    for gone in 41..=50 {
        stream.delete_message(gone).await.unwrap();
    }
    publish(&js, 51..=60).await;
    let mut all = Vec::new();
    loop {
        let some = soon("reading", source.next_until(7, 50)).await.unwrap();
        if some.is_empty() {
            break;
        }
        all.extend(some.iter().map(|message| message.sequence));
    }
    assert_eq!(all, (1..=40).collect::<Vec<u64>>());
    assert!(streams::follows(&connection, "EVENTS", 40, 51, ">").await.unwrap());
    assert!(!streams::follows(&connection, "EVENTS", 40, 50, ">").await.unwrap());
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
