//! The NATS adapter against the real server: what each piece promises, and what it says when the world fails.
//!
//! Here is what the parts share: streams, outputs, and waits that end.

mod connection;
mod copies;
mod inspecting;
mod login;
mod tls;
mod lane;
mod permissions;
mod setup;
mod source;

use crate::server::Server;
use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, Context};
use sidestream::adapters::nats::connect::{Connection, NatsSettings, Trouble};
use sidestream::adapters::nats::inspect::{Expectation, StreamFinding};
use sidestream::adapters::nats::lane::{self as writer, LaneAcks, LaneTarget, LaneWriter, Then};
use sidestream::adapters::nats::source::Source;
use sidestream::adapters::nats::wanted::{Choice, Role, WantedStream};
use sidestream::core::ids::{LaneSequence, Nanos, Position};
use sidestream::core::output::{DeadLetter, Output, REASON};
use sidestream::core::rejection::Reason;
use sidestream::ports::stream::LaneEvent;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// No step of a test takes longer, or it has failed.
const DEADLINE: Duration = Duration::from_secs(20);

pub fn wanted() -> Vec<WantedStream> {
    let subjects = vec!["enriched.*".into(), "dead.*".into()];
    let roles = [
        ("EVENTS", Role::Input { subjects: vec!["events.>".into()], output: "ENRICHED".into() }),
        ("ENRICHED", Role::Output { subjects, max_bytes: 1_048_576 }),
        ("DEAD_LETTERS", Role::DeadLetters { from: "ENRICHED".into(), filter: "dead.*".into() }),
    ];
    roles.map(|(name, role)| WantedStream { name: name.into(), role, choice: Choice::default() }).to_vec()
}

pub fn expected() -> Expectation {
    Expectation {
        input: "EVENTS".into(),
        input_subjects: vec!["events.>".into()],
        output: "ENRICHED".into(),
        subjects: vec!["enriched.*".into(), "dead.*".into()],
        input_published: Vec::new(),
        max_bytes: 1_048_576,
        claim: "sidestream.claim.ENRICHED".into(),
        beside: Vec::new(),
    }
}

pub async fn both(server: &Server) -> (Connection, Context) {
    let connection = Connection::open(&server.settings(), "test").await.unwrap();
    (connection, jetstream::new(async_nats::connect(server.url()).await.unwrap()))
}

pub async fn write(connection: &Connection, outputs: &[Output], after: u64) {
    let target =
        LaneTarget { input_stream: "EVENTS".into(), rewinds: None, run: "r".into(), after: LaneSequence(after) };
    let (mut sender, mut acks) = writer::open(connection, target).await.unwrap();
    let reader = tokio::spawn(async move { acks.next().await });
    sender.send(outputs, Then::Settle).await.unwrap();
    sender.close().await.unwrap();
    reader.await.unwrap();
}

pub fn dead_letter(position: u64) -> Output {
    Output {
        position: Position(position),
        n: 0,
        event_time: None,
        stored_at: Nanos(1),
        subject: "dead.not_json".into(),
        copied: None,
        followed: false,
        envelope: None,
        dead: Some(Box::new(DeadLetter {
            reason: Reason::NotJson,
            headers: vec![(REASON, Reason::NotJson.code().to_owned())],
        })),
        payload: "x".into(),
    }
}

pub fn bad(findings: &[StreamFinding]) -> Vec<&str> {
    findings.iter().filter(|finding| !finding.ok).map(|finding| finding.what.as_str()).collect()
}

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
        followed: false,
        envelope: None,
        dead: None,
        payload: format!("{{\"n\":{position}}}").into(),
    }
}

pub fn outputs(range: std::ops::RangeInclusive<u64>) -> Vec<Output> {
    range.map(output).collect()
}

pub async fn open_lane(connection: &Connection, run: &str, after: u64) -> (LaneWriter, LaneAcks) {
    let target =
        LaneTarget { input_stream: "EVENTS".into(), rewinds: None, run: run.into(), after: LaneSequence(after) };
    writer::open(connection, target).await.unwrap()
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
