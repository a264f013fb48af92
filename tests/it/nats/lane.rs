//! The lane's writer against the real server: bursts, refusals, and every way a batch can end.

use super::{
    connect, jetstream, lane_config, open_lane, output, outputs, soon, until_confirmed, until_over, until_trouble,
};
use crate::proxy::Proxy;
use crate::server::Server;
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use futures_util::StreamExt;
use sidestream::adapters::nats::connect::{Connection, NatsSettings, Trouble};
use sidestream::adapters::nats::lane::Then;
use sidestream::adapters::nats::streams;
use sidestream::core::ids::LaneSequence;
use sidestream::ports::stream::LaneEvent;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread")]
async fn outputs_stand_in_the_lane_with_their_headers_and_are_confirmed_at_once() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    let connection = connect(server.url(), "lane").await;
    let (mut writer, mut acks) = open_lane(&connection, "run.1:plan:1:1", 0).await;

    let mut first = output(7);
    first.copied = Some(Arc::new(vec![("Trace".into(), "t 1".into()), ("Evil".into(), "a\r\nNats-Msg-Id: b".into())]));
    writer.send(&[first], Then::Settle).await.unwrap();
    assert_eq!(soon("the ack", acks.next()).await, LaneEvent::Confirmed(LaneSequence(1)));
    let stored = streams::message_at(&connection, "ENRICHED", 1).await.unwrap().unwrap();
    assert_eq!((&*stored.subject, &stored.payload[..]), ("enriched.lesson", &b"{\"n\":7}"[..]));
    let expected = [
        ("Evil", "aNats-Msg-Id: b"),
        ("Nats-Expected-Last-Sequence", "0"),
        ("Sidestream-Position", "EVENTS:7:0"),
        ("Sidestream-Run", "run.1:plan:1:1"),
        ("Sidestream-Time", "1007"),
        ("Trace", "t 1"),
    ];
    let pairs: Vec<(&str, &str)> =
        stored.headers.iter().flat_map(|h| h.iter().map(|(n, v)| (n.as_str(), v.as_str()))).collect();
    assert_eq!(pairs, expected);

    // A long burst is acked on the way; its tail is confirmed by settling, without a message of its own.
    writer.send(&outputs(8..=1_234), Then::More).await.unwrap();
    until_confirmed(&mut acks, 1_001).await;
    writer.settle().await.unwrap();
    until_confirmed(&mut acks, 1_228).await;
    writer.settle().await.unwrap();
    let state = streams::state(&connection, "ENRICHED").await.unwrap();
    assert_eq!((state.last, state.messages), (1_228, 1_228));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_lane_confirms_within_a_millisecond_and_survives_the_batch_time_out() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    let connection = connect(server.url(), "lane").await;
    let (mut writer, mut acks) = open_lane(&connection, "run", 0).await;
    let mut times = Vec::new();
    for n in 1..=400 {
        let begin = Instant::now();
        writer.send(&outputs(n..=n), Then::Settle).await.unwrap();
        until_confirmed(&mut acks, n).await;
        times.push(begin.elapsed());
    }
    times.sort();
    let median = times[times.len() / 2];
    assert!(median < Duration::from_millis(3), "median {median:?}");
    eprintln!("confirmed after {median:?} (median), {:?} (99 %)", times[times.len() * 99 / 100]);

    // Settled batches cannot time out; the server forgets an open one after 10 s.
    tokio::time::timeout(Duration::from_secs(11), acks.next()).await.unwrap_err();
    writer.send(&outputs(401..=402), Then::Settle).await.unwrap();
    until_confirmed(&mut acks, 402).await;
    let driver = tokio::spawn(async move {
        until_confirmed(&mut acks, 403).await;
        acks
    });
    writer.send(&outputs(403..=403), Then::More).await.unwrap();
    assert_eq!(writer.close().await.unwrap(), LaneSequence(403));
    driver.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_left_open_is_reported_lost_and_what_it_stored_stays() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    let connection = connect(server.url(), "lane").await;
    let (mut writer, mut acks) = open_lane(&connection, "run", 0).await;
    writer.send(&outputs(1..=3), Then::More).await.unwrap();
    assert!(matches!(until_over(&mut acks).await, LaneEvent::Lost(_)));
    assert!(writer.send(&outputs(4..=4), Then::Settle).await.is_err());
    assert_eq!(streams::state(&connection, "ENRICHED").await.unwrap().last, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_one_is_refused_and_nothing_after_the_refusal_is_stored() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    let (one, two) = (connect(server.url(), "one").await, connect(server.url(), "two").await);
    let (mut first, mut first_acks) = open_lane(&one, "first", 0).await;
    let (mut second, mut second_acks) = open_lane(&two, "second", 0).await;
    first.send(&outputs(1..=10), Then::Settle).await.unwrap();
    until_confirmed(&mut first_acks, 10).await;

    // The first message of a batch is refused.
    second.send(&outputs(1..=600), Then::Settle).await.unwrap();
    match until_over(&mut second_acks).await {
        LaneEvent::Refused { at, code, description } => {
            assert_eq!((at, code), (LaneSequence(1), 10071));
            assert!(description.contains("10"), "{description}");
        }
        other => panic!("{other:?}"),
    }
    assert!(second.send(&outputs(601..=601), Then::Settle).await.is_err());

    // A message in the middle of a batch is refused, although its successors expect the right sequences again.
    first.send(&outputs(11..=15), Then::More).await.unwrap();
    until_stored(&one, 15).await;
    let (mut third, mut third_acks) = open_lane(&two, "third", 15).await;
    third.send(&outputs(16..=18), Then::Settle).await.unwrap();
    until_confirmed(&mut third_acks, 18).await;
    first.send(&outputs(16..=700), Then::Settle).await.unwrap();
    assert!(matches!(until_over(&mut first_acks).await, LaneEvent::Refused { at: LaneSequence(16), code: 10071, .. }));
    assert_eq!(streams::state(&one, "ENRICHED").await.unwrap().last, 18);
    let stored = streams::message_at(&one, "ENRICHED", 18).await.unwrap().unwrap();
    assert!(stored.headers.unwrap().contains(&("Sidestream-Run".to_owned(), "third".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_batch_starts_before_the_one_before_it_is_confirmed() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    let (one, two) = (connect(server.url(), "one").await, connect(server.url(), "two").await);
    let (mut theirs, mut their_acks) = open_lane(&two, "theirs", 0).await;
    theirs.send(&outputs(1..=3), Then::Settle).await.unwrap();
    until_confirmed(&mut their_acks, 3).await;

    // Ours are refused; the fourth alone would fit behind the stranger's three.
    let (mut ours, mut our_acks) = open_lane(&one, "ours", 0).await;
    ours.send(&outputs(1..=3), Then::Settle).await.unwrap();
    let fourth = tokio::spawn(async move { ours.send(&outputs(4..=4), Then::Settle).await });
    assert!(matches!(until_over(&mut our_acks).await, LaneEvent::Refused { at: LaneSequence(1), code: 10071, .. }));
    assert!(soon("the refusal", fourth).await.unwrap().is_err());
    assert_eq!(streams::state(&two, "ENRICHED").await.unwrap().last, 3);
}

async fn until_stored(connection: &Connection, last: u64) {
    soon("storing", async { while streams::state(connection, "ENRICHED").await.unwrap().last < last {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_last_message_is_confirmed_already_ends_before_the_next_begins() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    let connection = connect(server.url(), "lane").await;
    let (mut writer, mut acks) = open_lane(&connection, "run", 0).await;
    let (tell, mut told) = watch::channel(0);
    let listened = tokio::spawn(async move {
        for last in (500..=20_000).step_by(500) {
            until_confirmed(&mut acks, last).await;
            tell.send_replace(last);
        }
    });
    for last in (500..=20_000).step_by(500) {
        // An ack inside the batch confirms all of it; what answers its end must not be taken for the next one's.
        writer.send(&outputs(last - 499..=last), Then::More).await.unwrap();
        soon("the confirmation", told.wait_for(|to| *to >= last)).await.unwrap();
        writer.settle().await.unwrap();
    }
    listened.await.unwrap();
    assert_eq!(streams::state(&connection, "ENRICHED").await.unwrap().last, 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_pings_that_come_behind_the_end_of_their_batch_end_nothing() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    let proxy = Proxy::start(server.address()).await;
    let connection = connect(proxy.url(), "lane").await;
    let (mut writer, mut acks) = open_lane(&connection, "run", 0).await;
    // Every answer takes longer than the first ping, which comes behind the end of its batch.
    proxy.delay(Duration::from_millis(300));
    let listened = tokio::spawn(async move {
        until_confirmed(&mut acks, 9).await;
        acks
    });
    writer.send(&outputs(1..=1), Then::Settle).await.unwrap();
    writer.send(&outputs(2..=4), Then::Settle).await.unwrap();
    writer.send(&outputs(5..=6), Then::More).await.unwrap();
    writer.settle().await.unwrap();
    writer.send(&outputs(7..=9), Then::Settle).await.unwrap();
    let mut acks = listened.await.unwrap();
    tokio::time::timeout(Duration::from_secs(2), acks.next()).await.unwrap_err();
    assert_eq!(streams::state(&connection, "ENRICHED").await.unwrap().last, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_leader_tells_of_the_batch_before_ends_the_lane_and_confirms_nothing() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    // Whoever sees the answer to the first batch can send it again, as a new leader does.
    let other = async_nats::connect(server.url()).await.unwrap();
    let mut seen = other.subscribe("_INBOX.>").await.unwrap();
    other.flush().await.unwrap();
    let connection = connect(server.url(), "lane").await;
    let (mut writer, mut acks) = open_lane(&connection, "run", 0).await;
    writer.send(&outputs(1..=3), Then::More).await.unwrap();
    writer.settle().await.unwrap();
    until_confirmed(&mut acks, 3).await;
    let answer = async {
        loop {
            let reply = seen.next().await.unwrap();
            if reply.subject.ends_with(".4.3.$FI") {
                return reply.subject.replace(".4.3.$FI", ".3.1.$FI");
            }
        }
    };
    let stale = soon("the answer to the first batch", answer).await;
    writer.send(&outputs(4..=9), Then::More).await.unwrap();
    other.publish(stale, r#"{"type":"ack","seq":3,"msgs":500}"#.into()).await.unwrap();
    let end = soon("the lane's end", acks.next()).await;
    assert!(matches!(&end, LaneEvent::Lost(why) if why.contains("leader changed")), "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_and_a_deleted_stream_are_told_apart() {
    let server = Server::start();
    let js = jetstream(&server).await;
    let full = Config { max_messages: 5, discard: DiscardPolicy::New, ..lane_config() };
    js.create_stream(full).await.unwrap();
    let connection = connect(server.url(), "lane").await;
    let (mut writer, mut acks) = open_lane(&connection, "run", 0).await;
    writer.send(&outputs(1..=8), Then::Settle).await.unwrap();
    assert!(matches!(until_over(&mut acks).await, LaneEvent::Refused { at: LaneSequence(6), code: 10077, .. }));
    assert_eq!(streams::state(&connection, "ENRICHED").await.unwrap().last, 5);

    js.delete_stream("ENRICHED").await.unwrap();
    let (mut writer, mut acks) = open_lane(&connection, "run", 5).await;
    writer.send(&outputs(6..=6), Then::Settle).await.unwrap();
    assert!(matches!(until_over(&mut acks).await, LaneEvent::Lost(why) if why.contains("no stream")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_the_lane_and_no_confirmed_output() {
    let mut server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    let connection = connect(server.url(), "lane").await;
    let (mut writer, mut acks) = open_lane(&connection, "run", 0).await;
    writer.send(&outputs(1..=2_000), Then::More).await.unwrap();
    until_confirmed(&mut acks, 2_000).await;
    writer.send(&outputs(2_001..=2_100), Then::More).await.unwrap();
    server.kill();
    assert!(matches!(until_over(&mut acks).await, LaneEvent::Lost(_)));
    assert_eq!(until_trouble(&connection).await, Trouble::Lost);
    server.restart();
    let again = connect(server.url(), "lane").await;
    let last = streams::state(&again, "ENRICHED").await.unwrap().last;
    assert!((2_000..=2_100).contains(&last), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_server_loses_the_lane_within_the_patience() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    let connection = connect(server.url(), "lane").await;
    let (mut writer, mut acks) = open_lane(&connection, "run", 0).await;
    let begin = Instant::now();
    server.pause();
    writer.send(&outputs(1..=3), Then::Settle).await.unwrap();
    assert!(matches!(until_over(&mut acks).await, LaneEvent::Lost(why) if why.contains("no reply at all")));
    // The patience is counted in ticks, of which the first may begin before this clock does.
    assert!((2..20).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    server.resume();
    until_stored(&connection, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_way_delays_the_lane_and_a_closed_one_ends_it() {
    let server = Server::start();
    let js = jetstream(&server).await;
    js.create_stream(lane_config()).await.unwrap();
    let proxy = Proxy::start(server.address()).await;
    let connection = connect(proxy.url(), "lane").await;
    let (mut writer, mut acks) = open_lane(&connection, "run", 0).await;
    proxy.delay(Duration::from_millis(20));
    let begin = Instant::now();
    writer.send(&outputs(1..=100), Then::Settle).await.unwrap();
    until_confirmed(&mut acks, 100).await;
    assert!(begin.elapsed() >= Duration::from_millis(40));
    proxy.refuse();
    assert!(matches!(until_over(&mut acks).await, LaneEvent::Lost(_)));
    assert!(writer.send(&outputs(101..=101), Then::Settle).await.is_err());
    let closed = NatsSettings { url: proxy.url(), ..NatsSettings::default() };
    assert!(Connection::open(&closed, "lane").await.unwrap_err().is_transient());
    proxy.restore();
    let again = connect(proxy.url(), "lane").await;
    assert_eq!(streams::state(&again, "ENRICHED").await.unwrap().last, 100);
}
