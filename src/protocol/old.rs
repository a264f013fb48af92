//! What was in the lane at the start, as far as it is read and not compared with what is computed again.
//!
//! Plain queues; reading the lane and when to compare are others' business.

use super::header::LaneMessage;
use super::refusal::Refusal;
use crate::core::ids::LaneSequence;
use std::collections::VecDeque;

/// Lane messages that were read in one go.
#[derive(Debug)]
pub struct OldBatch<K> {
    /// The messages that are still there; `None` for one without headers of ours.
    pub messages: Vec<(LaneSequence, Option<LaneMessage>)>,
    /// Nothing up to here is still to come.
    pub through: LaneSequence,
    /// Dropped once the batch is compared: the reader's permit to go on.
    pub kept: K,
}

/// The batches that are not compared yet.
#[derive(Debug)]
pub struct OldMessages<K> {
    batches: VecDeque<OldBatch<K>>,
    through: LaneSequence,
    last: LaneSequence,
}

impl<K> OldMessages<K> {
    /// Before the first is read; the lane ended at `last`.
    pub fn new(last: LaneSequence) -> OldMessages<K> {
        OldMessages { batches: VecDeque::new(), through: LaneSequence(0), last }
    }

    /// Takes what was read.
    pub fn add(&mut self, batch: OldBatch<K>) {
        self.through = self.through.max(batch.through);
        self.batches.push_back(batch);
    }

    /// Whether the message at this sequence is still to be read.
    pub fn must_wait(&self, sequence: LaneSequence) -> bool {
        sequence <= self.last && sequence > self.through
    }

    /// Compares with the message at a sequence, where it is still there.
    pub fn compare(
        &mut self,
        sequence: LaneSequence,
        judge: impl FnOnce(Option<&LaneMessage>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        while self.batches.pop_front_if(|batch| batch.through < sequence).is_some() {}
        let batch = self.batches.front();
        let at = batch.and_then(|batch| batch.messages.binary_search_by_key(&sequence, |(at, _)| *at).ok());
        match batch.zip(at).and_then(|(batch, at)| batch.messages.get(at)) {
            Some((sequence, None)) => Err(Refusal::ForeignMessage { sequence: *sequence }),
            Some((_, Some(found))) => judge(Some(found)),
            None => judge(None),
        }
    }
}
