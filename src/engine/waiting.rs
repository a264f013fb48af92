//! What waits in the sequencer: slices on their way to the lane, old lane messages to compare with, and the
//! times of outputs that are not confirmed yet.
//!
//! Plain queues; when to take from them is the sequencer's business.

use super::messages::{Expect, OldLane};
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::output::Output;
use crate::core::protocol::header::LaneMessage;
use crate::core::protocol::intake::Barrier;
use crate::core::protocol::merge::SliceNumber;
use crate::core::protocol::refusal::Refusal;
use crate::core::step::Outcome;
use crate::telemetry::metrics::{Metrics, Stage};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A merged slice of which some outputs are not with the lane yet.
#[derive(Debug)]
pub struct WaitingSlice {
    expect: Expect,
    rest: std::vec::IntoIter<Outcome>,
    put_back: Option<Output>,
    merged: Instant,
}

impl WaitingSlice {
    /// A slice with its outcomes in input order.
    pub fn new(expect: Expect, outcomes: Vec<Outcome>) -> WaitingSlice {
        WaitingSlice { expect, rest: outcomes.into_iter(), put_back: None, merged: Instant::now() }
    }

    /// The next output.
    pub fn next_output(&mut self) -> Option<Output> {
        self.put_back.take().or_else(|| {
            self.rest.find_map(|outcome| match outcome {
                Outcome::Publish(output) => Some(output),
                Outcome::Silent(_) => None,
            })
        })
    }

    /// Keeps an output that cannot go yet for the next turn.
    pub fn put_back(&mut self, output: Output) {
        self.put_back = Some(output);
    }

    /// The barrier behind the slice.
    pub fn barrier(&self) -> Option<Barrier> {
        self.expect.barrier
    }

    /// Everything up to here is taken.
    pub fn through(&self) -> Position {
        self.expect.through
    }

    /// Bytes of its payloads.
    pub fn bytes(&self) -> usize {
        self.expect.bytes
    }

    /// The slice is with the lane; its permit goes back.
    pub fn sent(self, metrics: &Metrics) {
        metrics.stage(Stage::Lane, self.merged.elapsed().as_secs_f64());
    }
}

/// The messages that were in the lane at the start, as far as they are read and not compared.
#[derive(Debug)]
pub struct OldMessages {
    batches: VecDeque<OldLane>,
    through: LaneSequence,
    last: LaneSequence,
}

impl OldMessages {
    /// Before the first is read; the lane ended at `last`.
    pub fn new(last: LaneSequence) -> OldMessages {
        OldMessages { batches: VecDeque::new(), through: LaneSequence(0), last }
    }

    /// Takes what was read.
    pub fn add(&mut self, old: OldLane) {
        self.through = self.through.max(old.through);
        self.batches.push_back(old);
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

/// An output that is not confirmed yet.
#[derive(Debug)]
struct Sent {
    sequence: LaneSequence,
    stored_at: Nanos,
    event_time: Option<Nanos>,
    bytes: usize,
}

/// When the events of unconfirmed outputs were stored, and how large these are; and when slices came and went.
#[derive(Debug, Default)]
pub struct Timings {
    /// When the first part came of slices that are not merged; as many as are in flight at most.
    parts: BTreeMap<SliceNumber, Instant>,
    /// The last output of each slice that is with the lane and not confirmed, and since when.
    handed: VecDeque<(LaneSequence, Instant)>,
    stored: VecDeque<Sent>,
    bytes: usize,
    seconds: Vec<f64>,
}

impl Timings {
    /// A shard's part of a slice came.
    pub fn part(&mut self, slice: SliceNumber) {
        self.parts.entry(slice).or_insert_with(Instant::now);
    }

    /// All parts of a slice are here, and its turn has come.
    pub fn merged(&mut self, slice: SliceNumber, metrics: &Metrics) {
        if let Some(first) = self.parts.remove(&slice) {
            metrics.stage(Stage::Merge, first.elapsed().as_secs_f64());
        }
    }

    /// A slice is with the lane: it is confirmed when the last output that has a number is.
    pub fn handed(&mut self) {
        if let Some(last) = self.stored.back() {
            self.handed.push_back((last.sequence, Instant::now()));
        }
    }

    /// An output got its number.
    pub fn numbered(&mut self, sequence: LaneSequence, output: &Output) {
        let (stored_at, event_time, bytes) = (output.stored_at, output.event_time, output.payload.len());
        self.bytes += bytes;
        self.stored.push_back(Sent { sequence, stored_at, event_time, bytes });
    }

    /// Bytes of the unconfirmed outputs.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Everything up to a sequence is stored in the output: the end of its events' latency.
    pub fn confirmed(&mut self, through: LaneSequence, metrics: &Metrics) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i64;
        self.seconds.clear();
        // Two clocks: theirs and ours. A negative difference is theirs, not a latency.
        let since = |then: Nanos| now.saturating_sub(then.0).max(0) as f64 / 1e9;
        while let Some(sent) = self.stored.pop_front_if(|sent| sent.sequence <= through) {
            self.bytes -= sent.bytes;
            self.seconds.push(since(sent.stored_at));
            if let Some(event_time) = sent.event_time {
                metrics.event_time_latency(since(event_time));
            }
        }
        metrics.latencies(&self.seconds);
        while let Some((_, since)) = self.handed.pop_front_if(|(last, _)| *last <= through) {
            metrics.stage(Stage::Confirm, since.elapsed().as_secs_f64());
        }
    }
}
