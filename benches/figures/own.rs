//! Sidestream's own source and lane with nothing between them: what is left of the job's cost is the job.
//!
//! The lane's headers are those of the job. There is no dedup, no state, no actor and no checkpoint.

use crate::Failure;
use crate::stage::INPUT;
use sidestream::adapters::nats::burst::Bursts;
use sidestream::adapters::nats::connect::{Connection, NatsSettings};
use sidestream::adapters::nats::lane::{self, LaneAcks, LaneTarget, LaneWriter};
use sidestream::adapters::nats::source::{Source, SourceOptions};
use sidestream::core::ids::{LaneSequence, Position};
use sidestream::core::output::Output;
use sidestream::ports::stream::{LaneEvent, StoredMessage};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Events that move together, as in the engine's feed.
const SLICE_EVENTS: usize = 512;
/// Slices that wait for the writer, as many as the engine has in flight by default.
const SLICES: usize = 16;

/// Forwards `events` events and waits for the confirmation of the last.
pub async fn forward(url: &str, events: u64) -> Result<(), Failure> {
    let settings = NatsSettings { url: url.to_owned(), ..Default::default() };
    let reading = Connection::open(&settings, "source").await?;
    let writing = Connection::open(&settings, "lane").await?;
    let target = LaneTarget {
        rewinds: None,
        input_stream: INPUT.to_owned(),
        // As long as the real ones.
        run: "00000000000000000000-00000000.1:0000000000000000:1:1".to_owned(),
        after: LaneSequence(0),
    };
    let (writer, acks) = lane::open(&writing, target).await?;
    let source = Source::open(&reading, INPUT, Position(0), SourceOptions::default()).await?;
    let (slices, outputs) = mpsc::channel(SLICES);
    let confirmed = tokio::spawn(confirm(acks, events));
    let written = tokio::spawn(write(writer, outputs));
    read(source, events, slices).await?;
    written.await??;
    confirmed.await?
}

async fn read(mut source: Source, events: u64, slices: mpsc::Sender<Vec<Output>>) -> Result<(), Failure> {
    let mut subjects = HashMap::new();
    let mut left = events;
    while left > 0 {
        let messages = source.next(SLICE_EVENTS).await?;
        left = left.saturating_sub(messages.len() as u64);
        let outputs = messages.into_iter().map(|message| output(message, &mut subjects)).collect();
        if slices.send(outputs).await.is_err() {
            // The writer says why.
            return Ok(());
        }
    }
    source.close().await?;
    Ok(())
}

fn output(message: StoredMessage, subjects: &mut HashMap<Arc<str>, Arc<str>>) -> Output {
    let StoredMessage { sequence, stored_at, subject, headers, payload } = message;
    let subject = match subjects.get(&subject) {
        Some(known) => known.clone(),
        None => {
            let kind = subject.strip_prefix("events.").unwrap_or_default();
            subjects.entry(subject.clone()).or_insert_with(|| format!("enriched.{kind}").into()).clone()
        }
    };
    let position = Position(sequence);
    Output {
        position,
        n: 0,
        stored_at,
        event_time: None,
        subject,
        copied: headers,
        followed: false,
        envelope: None,
        dead: None,
        payload,
    }
}

async fn write(writer: LaneWriter, mut slices: mpsc::Receiver<Vec<Output>>) -> Result<(), Failure> {
    let mut bursts = Bursts::new(writer);
    while let Some(outputs) = bursts.next(&mut slices).await? {
        bursts.send(&outputs, !slices.is_empty()).await?;
    }
    bursts.close().await?;
    Ok(())
}

async fn confirm(mut acks: LaneAcks, events: u64) -> Result<(), Failure> {
    loop {
        match acks.next().await {
            LaneEvent::Confirmed(sequence) if sequence.0 >= events => return Ok(()),
            LaneEvent::Confirmed(_) => {}
            end => return Err(format!("the lane is over: {end:?}").into()),
        }
    }
}
