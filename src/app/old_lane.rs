//! Reading back what is already in the lane, so that recovery compares instead of trusting a count.
//!
//! Reads headers only, a few batches ahead of the comparison.

use crate::adapters::nats::source::Source;
use crate::core::ids::LaneSequence;
use crate::engine::ending::End;
use crate::engine::host::Address;
use crate::engine::messages::Tell;
use crate::engine::sequencer::SequencerHands;
use crate::protocol::header::LaneMessage;
use crate::protocol::machines::sequencer::ToSequencer;
use crate::protocol::old::OldBatch;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Batches that wait to be compared.
const AHEAD: usize = 4;
/// Messages of one batch.
const BATCH: usize = 1_000;

/// Sends every lane message up to `last` to the sequencer.
pub async fn read(mut source: Source, last: LaneSequence, sequencer: Address<SequencerHands>) -> Option<End> {
    let permits = Arc::new(Semaphore::new(AHEAD));
    loop {
        let permit = permits.clone().acquire_owned().await.ok()?;
        // None means that the rest up to `last` is gone, by retention or by hand.
        let messages = match source.next_until(BATCH, last.0).await {
            Ok(messages) => messages,
            Err(error) => return Some(End::Broker(error)),
        };
        let read = messages.last().map_or(last.0, |message| message.sequence);
        let through = LaneSequence(read.min(last.0));
        let messages = messages
            .iter()
            .map(|message| (LaneSequence(message.sequence), LaneMessage::read(message)))
            .filter(|(sequence, _)| *sequence <= last)
            .collect();
        let batch = OldBatch { messages, through, kept: permit };
        if sequencer.send(Tell(ToSequencer::Old(batch))).await.is_err() {
            return Some(End::Broken("the sequencer died".to_owned()));
        }
        if through >= last {
            // The server forgets the consumer by itself; asking only spares it the wait.
            let _ = source.close().await;
            return None;
        }
    }
}
