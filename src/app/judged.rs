//! What a start knows and decides before anything is made: the directory, the broker's account, the start rules.
//!
//! Where an operator consented to go on behind an input that lost its tail, the start ends with a marker in the lane; the next
//! one finds it there.

use super::broker::{self, BrokerFacts};
use super::disk::{self, OpenedState};
use super::exit::{CONFIG, Exit};
use super::process::Process;
use super::session::blocking;
use super::verdict::{SessionEnd, broker_failed};
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::once::{Once, PublishAnswer, WRONG_SEQUENCE};
use crate::core::ids::Position;
use crate::engine::rewrite;
use crate::protocol::facts::{Broker, Consent, StartRequest};
use crate::protocol::header::RunId;
use crate::protocol::looks::{self, Look, LookAgain};
use crate::protocol::marker::{Marker, marker};
use crate::protocol::memory::Memory;
use crate::protocol::refusal::Refusal;
use crate::protocol::rewind;
use crate::protocol::start::{self, Start, StartKind};
use crate::telemetry::health::Phase;
use std::time::Duration;

/// A start that is decided.
pub struct JudgedStart {
    /// The open directory, as of the rewinds that the lane tells of.
    pub opened: OpenedState,
    /// The broker's account.
    pub facts: Broker,
    /// The process.
    pub run: RunId,
    /// How to begin.
    pub start: Start,
}

/// Opens the directory, asks the broker and decides. `number` counts the starts of this process.
pub async fn judged(
    process: &Process,
    memory: &mut Memory,
    lane: &Connection,
    number: u64,
) -> Result<JudgedStart, SessionEnd> {
    let config = &process.config;
    let state = config.state.clone();
    let mut opened = blocking(move || disk::open(&state)).await?;
    let Consent { accept_rewind, .. } = process.consent;
    let streams = (config.input.stream.as_str(), config.output.stream.as_str());
    let gathered = broker::gather(lane, streams, &opened.disk, accept_rewind).await;
    let BrokerFacts { broker, server_time, leaders } = gathered.map_err(broker_failed)?;
    let facts = memory.complete(broker);
    let run = memory.run(&facts, server_time, process.random);
    let asked = StartRequest { run: run.clone(), plan: config.plan.clone(), consent: process.consent };
    let adopted = rewind::adopt(&opened.disk, &facts, accept_rewind);
    let decided = start::decide(&adopted.disk, &facts, &asked);
    let seen = looks::suspicion(&adopted.disk, &facts, &decided);
    let look = Look { at: process.age(), input: leaders.0, output: leaders.1 };
    if let Err(again) = memory.suspected.confirm(seen, look) {
        drop(opened);
        return Err(look_again(process, again).await);
    }
    memory.keep_run();
    if let Err(refusal) = &decided
        && let Some(marker) = marker(&opened.disk, &adopted.disk, &facts, &asked, refusal)
    {
        drop(opened);
        // What was missing of the input was missing of what is gone.
        memory.hole = None;
        return Err(publish(process, lane, &marker, &run, number).await);
    }
    let start = taken(process, decided)?;
    if start.kind == StartKind::Resume && !adopted.news.is_empty() {
        let (store, news, disk) = (opened.store.clone(), adopted.news, adopted.disk.clone());
        blocking(move || rewrite::follow(store.as_ref(), &news, &disk)).await?;
        tracing::warn!(floor = start.base.0, "the state follows a rewind of the input stream");
    }
    opened.disk = adopted.disk;
    Ok(JudgedStart { opened, facts, run, start })
}

/// Waits until what was seen of the streams may be looked at again.
async fn look_again(process: &Process, again: LookAgain) -> SessionEnd {
    let why = format!("{}: looking again", again.seen);
    process.health.set(Phase::Waiting { why: why.clone() });
    tokio::time::sleep(Duration::from_nanos(again.wait.0.unsigned_abs())).await;
    SessionEnd::Again { why, pause: false }
}

/// A start as the rules decided it, and as a replay takes it: of the input as it is, holes and all.
fn taken(process: &Process, decided: Result<Start, Refusal>) -> Result<Start, SessionEnd> {
    let mut start = decided.map_err(|refusal| SessionEnd::Stop(refusal.into()))?;
    if process.replay.is_some() {
        start.history = Position(u64::MAX);
    }
    has_its_copy(process, &start)?;
    Ok(start)
}

/// A replay that began with a copy of a state cannot build it anew.
fn has_its_copy(process: &Process, start: &Start) -> Result<(), SessionEnd> {
    if process.replay.as_ref().is_some_and(|replay| replay.copied) && start.kind != StartKind::Resume {
        return Err(SessionEnd::Stop(Exit::new(
            CONFIG,
            "the copy of the state that this replay began with is lost",
            "begin another replay, into another stream and directory",
        )));
    }
    Ok(())
}

/// Puts a rewind's marker behind the lane's end as it was seen. Only one engine can; whatever came of it, the next start
/// reads the lane again.
async fn publish(process: &Process, lane: &Connection, marker: &Marker, run: &RunId, number: u64) -> SessionEnd {
    let config = &process.config;
    let mut headers = marker.headers(&config.input.stream, run, number);
    headers.push(("Nats-Expected-Last-Sequence".to_owned(), (marker.at.0 - 1).to_string()));
    let (stream, subject, body) = (config.output.stream.clone(), marker.subject(&config.plan), marker.body().into());
    let once = Once { stream, subject: subject.clone(), headers, body };
    match once.publish(lane).await {
        Ok(PublishAnswer::Stored { sequence, .. }) => {
            let why = marker.sentence();
            tracing::warn!(
                sequence,
                floor = marker.floor().0,
                known = marker.known.0,
                "{why}, as --accept-rewind says"
            );
            SessionEnd::Again { why, pause: false }
        }
        Ok(PublishAnswer::Refused { code, words }) if WRONG_SEQUENCE.contains(&code) => SessionEnd::Again {
            why: format!("the output stream went on while the input was looked at: {words}"),
            pause: true,
        },
        Ok(PublishAnswer::Refused { words, .. }) => SessionEnd::Again {
            why: format!("the output stream does not take the marker of the rewind on {subject}: {words}"),
            pause: true,
        },
        Err(error) => broker_failed(error),
    }
}
