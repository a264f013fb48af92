//! The feed: from the source to Intake, one slice's worth at a time, as fast as permits allow.
//!
//! Asks the stream what became of positions that did not come; never passes over one unasked.

use super::bounds::{FeedBounds, Gate};
use super::broker::same_stream;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::source::Source;
use crate::adapters::nats::streams;
use crate::core::ids::{Nanos, Position};
use crate::engine::ending::End;
use crate::engine::host::Address;
use crate::engine::intake::IntakeHands;
use crate::engine::messages::{IntakeAnswer, IntakeMessage, Tell};
use crate::ports::stream::{BrokerError, StoredMessage};
use crate::protocol::cutter::Jump;
use crate::protocol::jump;
use crate::protocol::machines::intake::ToIntake;
use crate::protocol::start::Start;
use crate::telemetry::metrics::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

/// Events that become one slice at most.
const SLICE_EVENTS: usize = 512;

/// Silence after which a replay asks whether anything is left of its range.
const QUIET: Duration = Duration::from_secs(2);

/// What the feed needs.
pub struct FeedParts {
    /// The connection of the source.
    pub connection: Connection,
    /// The input stream.
    pub stream: String,
    /// Where the messages come from.
    pub source: Source,
    /// Where they go.
    pub intake: Address<IntakeHands>,
    /// One permit a slice.
    pub permits: Arc<Semaphore>,
    /// How the start began.
    pub start: Start,
    /// Whether everything that was in the lane at the start is passed over.
    pub recovered: watch::Receiver<bool>,
    /// When the stream was created.
    pub created: Nanos,
    /// S, as it moves on.
    pub durable: watch::Receiver<Position>,
    /// `--accept-gap`.
    pub accept_gap: bool,
    /// The end and the pace of a replay.
    pub replay: Option<Arc<FeedBounds>>,
    /// The metrics.
    pub metrics: Metrics,
}

/// Feeds until Intake is closed or something fails; the end is what to report.
pub async fn feed(mut parts: FeedParts) -> Option<End> {
    let mut newest: Option<(u64, Nanos)> = None;
    let mut gate = parts.replay.as_deref().map(Gate::new);
    // Between the start's questions and the consumer, the stream may have been made anew: then nothing might come for
    // as long as the new one is shorter than the old one was.
    if let Some(end) = same_stream(&parts.connection, &parts.stream, parts.created, None).await {
        return Some(end);
    }
    let mut quiet = false;
    loop {
        match is_over(&parts, quiet).await {
            Ok(false) => {}
            Ok(true) => return end_replay(parts, newest).await,
            Err(error) => return Some(End::Broker(error)),
        }
        // A closed semaphore means that the start is over.
        let permit = parts.permits.clone().acquire_owned().await.ok()?;
        let (recreated, unreadable) = (parts.source.recreated(), parts.source.unreadable());
        let messages = match next(&mut parts).await {
            Ok(messages) => messages,
            Err(error) => return Some(End::Broker(error)),
        };
        quiet = messages.is_empty();
        parts.metrics.unreadable_headers(parts.source.unreadable() - unreadable);
        if let Some(message) = messages.last() {
            parts.metrics.input_reaches(message.sequence + parts.source.pending());
        }
        if parts.source.recreated() != recreated {
            parts.metrics.source_restarted();
            if let Some(end) = same_stream(&parts.connection, &parts.stream, parts.created, newest).await {
                return Some(end);
            }
        }
        let mut messages = match &parts.replay {
            None => messages,
            Some(replay) => replay.cut(messages),
        };
        newest = messages.last().map(|message| (message.sequence, message.stored_at)).or(newest);
        let mut permit = Some(permit);
        while !messages.is_empty() {
            let piece = match &mut gate {
                None => std::mem::take(&mut messages),
                Some(gate) => gate.next(&mut messages).await,
            };
            let permit = match permit.take() {
                Some(permit) => permit,
                None => parts.permits.clone().acquire_owned().await.ok()?,
            };
            match hand_over(&parts, piece, permit).await {
                Handed::Taken => {}
                Handed::Closed => {
                    // The server forgets the consumer by itself; asking only spares it the wait.
                    let _ = parts.source.close().await;
                    return None;
                }
                Handed::End(end) => return Some(end),
            }
        }
    }
}

/// Whether a replay has all that it will ever get.
async fn is_over(parts: &FeedParts, quiet: bool) -> Result<bool, BrokerError> {
    let Some(replay) = &parts.replay else { return Ok(false) };
    let last = parts.source.last();
    if replay.is_over(last) {
        return Ok(true);
    }
    if !quiet && parts.source.pending() > 0 {
        return Ok(false);
    }
    // The rest of the range is deleted, if the stream's leader says so: a consumer knows what its own server has.
    streams::follows(&parts.connection, &parts.stream, last.0, replay.until.0, ">").await.map(|follows| !follows)
}

/// What became of a slice's worth of messages.
enum Handed {
    Taken,
    Closed,
    End(End),
}

/// Hands messages to Intake, after looking into positions that are missing.
async fn hand_over(parts: &FeedParts, messages: Vec<StoredMessage>, permit: OwnedSemaphorePermit) -> Handed {
    let mut feed = IntakeMessage { messages, permit, pass_jumps: false };
    loop {
        match parts.intake.send(feed).await {
            Ok(IntakeAnswer::Taken) => return Handed::Taken,
            Ok(IntakeAnswer::Closed) => return Handed::Closed,
            Ok(IntakeAnswer::Jumps(jumps, back)) => {
                if let Some(end) = look_into(parts, &jumps).await {
                    return Handed::End(end);
                }
                feed = IntakeMessage { pass_jumps: true, ..back };
            }
            Err(_) => return Handed::End(End::Broken("intake died".to_owned())),
        }
    }
}

/// The replay's last event is taken: the engine finishes what is in flight and ends.
async fn end_replay(parts: FeedParts, newest: Option<(u64, Nanos)>) -> Option<End> {
    let last = newest.map_or(parts.start.after, |(last, _)| Position(last).max(parts.start.after));
    if let Some(replay) = &parts.replay {
        // What is missing at the range's end: deleted one by one, or taken by retention while the replay was on its way?
        let missing = Jump { from: Position(last.0 + 1), to: replay.until };
        if last < replay.until
            && let Some(end) = look_into(&parts, &[missing]).await
        {
            return Some(end);
        }
        replay.reach(last);
    }
    let _ = parts.source.close().await;
    parts.intake.send(Tell(ToIntake::Drain)).await.is_err().then(|| End::Broken("intake died".to_owned()))
}

/// The next messages; meanwhile an input with interest retention hears of checkpoints.
async fn next(parts: &mut FeedParts) -> Result<Vec<StoredMessage>, BrokerError> {
    let deadline = parts.replay.as_ref().map(|_| Instant::now() + QUIET);
    loop {
        tokio::select! {
            messages = parts.source.next_before(SLICE_EVENTS, deadline) => return messages,
            Ok(()) = parts.durable.changed() => {
                let position = *parts.durable.borrow_and_update();
                if let Err(error) = parts.source.ack_through(position).await {
                    // The next checkpoint's acknowledgement covers this one's.
                    tracing::debug!(%error, "the input was not acknowledged");
                }
            }
        }
    }
}

/// Positions did not come: retention overtook us, or somebody deleted messages.
async fn look_into(parts: &FeedParts, jumps: &[Jump]) -> Option<End> {
    let state = match streams::state(&parts.connection, &parts.stream).await {
        Ok(state) => state,
        Err(error) => return Some(End::Broker(error)),
    };
    let recovered = *parts.recovered.borrow();
    // All are judged before any is counted: a refusal leaves every one of them to the next start.
    for jump in jumps {
        if let Err(refusal) = jump::judge(&parts.start, *jump, Position(state.first), recovered, parts.accept_gap) {
            return Some(End::Refused(refusal));
        }
    }
    let count: u64 = jumps.iter().map(|jump| jump.to.0 - jump.from.0 + 1).sum();
    // One line a feed: messages that were deleted one by one would fill the log.
    tracing::warn!(
        from = jumps.first().map(|jump| jump.from.0),
        to = jumps.last().map(|jump| jump.to.0),
        count,
        first = state.first,
        "positions are missing from the input stream"
    );
    parts.metrics.deleted(count);
    None
}
