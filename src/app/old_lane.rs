//! Reading back what is already in the lane, so that recovery compares instead of trusting a count.
//!
//! Reads headers only, a few batches ahead of the comparison.

use crate::adapters::nats::source::Source;
use crate::core::ids::LaneSequence;
use crate::core::protocol::header::LaneMessage;
use crate::engine::ending::End;
use crate::engine::messages::OldLane;
use crate::engine::sequencer::Sequencer;
use crate::ports::stream::Streams;
use actix::Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Batches that wait to be compared.
const AHEAD: usize = 4;
/// Messages of one batch.
const BATCH: usize = 1_000;

/// Silence after which the stream is asked whether there is anything left to read.
const QUIET: Duration = Duration::from_secs(2);

/// Sends every lane message up to `last` to the sequencer.
pub async fn read(
    mut source: Source,
    streams: impl Streams,
    stream: String,
    last: LaneSequence,
    sequencer: Addr<Sequencer>,
) -> Option<End> {
    let permits = Arc::new(Semaphore::new(AHEAD));
    loop {
        let permit = permits.clone().acquire_owned().await.ok()?;
        // Nothing more to come means that the rest up to `last` is gone, by retention or by hand. Asked before every
        // read, because a read waits for a message.
        let messages = match source.pending() {
            0 => Vec::new(),
            _ => match tokio::time::timeout(QUIET, source.next(BATCH)).await {
                Ok(Ok(messages)) => messages,
                Ok(Err(error)) => return Some(End::Broker(error)),
                // What was still to come may be gone since; nobody else writes here, so nothing else would ever come.
                Err(_) => match streams.state(&stream).await {
                    Err(error) => return Some(End::Broker(error)),
                    Ok(state) if state.first <= source.last().0 + 1 => continue,
                    Ok(state) => {
                        let through = LaneSequence((state.first - 1).min(last.0));
                        let gone = OldLane { messages: Vec::new(), through, permit };
                        if sequencer.send(gone).await.is_err() {
                            return Some(End::Broken("the sequencer died".to_owned()));
                        }
                        if through >= last {
                            return None;
                        }
                        continue;
                    }
                },
            },
        };
        let read = messages.last().map_or(last.0, |message| message.sequence);
        let through = LaneSequence(read.min(last.0));
        let messages = messages
            .iter()
            .map(|message| (LaneSequence(message.sequence), LaneMessage::read(message)))
            .filter(|(sequence, _)| *sequence <= last)
            .collect();
        if sequencer.send(OldLane { messages, through, permit }).await.is_err() {
            return Some(End::Broken("the sequencer died".to_owned()));
        }
        if through >= last {
            // The server forgets the consumer by itself; asking only spares it the wait.
            let _ = source.close().await;
            return None;
        }
    }
}
