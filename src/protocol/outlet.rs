//! The outlet: the shards' outcomes back in input order, numbered, compared with what is out already, and handed to
//! the lane's writer as far as the window allows.
//!
//! Publishes nothing itself and knows no actor: it is told what happened and says what to do. What it may not hand
//! over yet waits here, together with what its slices carry, so that a slow lane slows the intake.

use super::cutter::Barrier;
use super::header::LaneMessage;
use super::lane::{LaneEvent, LaneLedger, Send, compare};
use super::machines::machine::CrashPoint;
use super::merge::{Merge, MergeFault, Order, SliceNumber, SlicePart};
use super::old::{OldBatch, OldMessages};
use super::refusal::Refusal;
use super::start::{Start, StartKind};
use super::window::Window;
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::outcome::Outcome;
use crate::core::output::Output;
use std::collections::VecDeque;
use std::iter::{Flatten, Peekable};

/// A slice that is on its way through the shards.
#[derive(Debug)]
pub struct Announced<M> {
    /// Its number.
    pub number: SliceNumber,
    /// The barrier behind it.
    pub barrier: Option<Barrier>,
    /// Everything up to here is taken.
    pub through: Position,
    /// What comes back with `Sent`.
    pub carried: M,
}

/// What is to be done, in this order.
#[derive(Debug)]
pub enum OutletAct<M> {
    /// The process may die here.
    Crash(CrashPoint),
    /// So many outputs are out already, and equal to what was computed again; the process may die behind each of them.
    Recomputed {
        /// How many.
        outputs: u64,
        /// What the crash table calls it.
        each: CrashPoint,
    },
    /// Publish these behind each other, the first one at this sequence.
    Publish {
        /// The sequence of the first.
        first: LaneSequence,
        /// The outputs.
        outputs: Vec<Output>,
    },
    /// All parts of a slice are here, and its turn has come.
    Merged(SliceNumber),
    /// A slice is wholly with the lane: confirmed when the last output that has a number is.
    Sent {
        /// The slice.
        number: SliceNumber,
        /// That output's sequence; `None` when it is confirmed already.
        unconfirmed: Option<LaneSequence>,
        /// What travelled with the slice.
        carried: M,
    },
    /// These outputs are confirmed, and everything up to that sequence.
    Confirmed {
        /// The last one.
        through: LaneSequence,
        /// The outputs, in order.
        outputs: Vec<Unconfirmed>,
    },
    /// The lane has confirmed every output up to a barrier, the last one being `lane`.
    Reached {
        /// The barrier.
        barrier: Barrier,
        /// R at its position.
        lane: LaneSequence,
    },
    /// Everything that was in the lane at the start is passed over.
    Recovered,
    /// An output of this start is confirmed for the first time: no earlier engine can publish any more.
    LaneIsOurs,
    /// The lane's batch is over: the start ends.
    LaneOver(LaneEvent),
    /// Something was found that no later output may pass over.
    Refuse(Refusal),
    /// An invariant does not hold.
    Broken(MergeFault),
}

/// An output that is not confirmed yet.
#[derive(Clone, Copy, Debug)]
pub struct Unconfirmed {
    /// Its place in the lane.
    pub sequence: LaneSequence,
    /// When its event was stored.
    pub stored_at: Nanos,
    /// The time that its event tells.
    pub event_time: Option<Nanos>,
    /// Bytes of its payload.
    pub bytes: usize,
}

/// A merged slice of which some outputs are not with the lane yet.
struct UnsentSlice<M> {
    slice: Announced<M>,
    outputs: Peekable<Flatten<std::vec::IntoIter<Outcome>>>,
}

/// The outlet of one start. `M` travels with a slice, `K` with a batch of old messages.
pub struct Outlet<M, K> {
    merge: Merge<Announced<M>, Outcome>,
    lane: LaneLedger,
    queue: VecDeque<UnsentSlice<M>>,
    old: OldMessages<K>,
    sent: VecDeque<Unconfirmed>,
    sent_bytes: usize,
    window: Window,
    plan: String,
    ours: bool,
    recovered: bool,
    stopped: bool,
    /// What the crash table calls the comparison of this start.
    compares: CrashPoint,
}

impl<M, K> Outlet<M, K> {
    /// The outlet of a start over so many shards.
    pub fn new(start: &Start, shards: usize, window: Window) -> Outlet<M, K> {
        let rebuilds = matches!(start.kind, StartKind::Rebuild(_));
        Outlet {
            compares: CrashPoint(if rebuilds { "during_a_rebuild" } else { "during_suppression" }),
            merge: Merge::new(shards),
            lane: LaneLedger::new(start),
            queue: VecDeque::new(),
            old: OldMessages::new(start.lane_last),
            sent: VecDeque::new(),
            sent_bytes: 0,
            window,
            plan: start.plan.plan.clone(),
            ours: false,
            recovered: false,
            stopped: false,
        }
    }

    /// A slice is on its way; `order` says whose its events are.
    pub fn announced(&mut self, slice: Announced<M>, order: Order, acts: &mut Vec<OutletAct<M>>) {
        let merged = self.merge.slice(slice.number, slice, order);
        self.take_merged(merged, acts);
    }

    /// One shard's part of a slice.
    pub fn processed(
        &mut self,
        number: SliceNumber,
        shard: usize,
        part: SlicePart<Outcome>,
        acts: &mut Vec<OutletAct<M>>,
    ) {
        let merged = self.merge.part(number, shard, part);
        self.take_merged(merged, acts);
    }

    /// Messages that were in the lane at the start.
    pub fn old(&mut self, batch: OldBatch<K>, acts: &mut Vec<OutletAct<M>>) {
        self.old.add(batch);
        self.send_what_fits(acts);
    }

    /// Everything up to `sequence` is stored.
    pub fn confirmed(&mut self, sequence: LaneSequence, acts: &mut Vec<OutletAct<M>>) {
        self.lane.confirm(sequence);
        let confirmed = self.sent.partition_point(|sent| sent.sequence <= sequence);
        let outputs: Vec<Unconfirmed> = self.sent.drain(..confirmed).collect();
        self.sent_bytes -= outputs.iter().map(|output| output.bytes).sum::<usize>();
        acts.push(OutletAct::Confirmed { through: sequence, outputs });
        self.reach_barriers(acts);
        if !self.ours && self.lane.is_ours() {
            self.ours = true;
            acts.push(OutletAct::LaneIsOurs);
        }
        self.send_what_fits(acts);
    }

    /// To be called before anything else: an empty lane has nothing to pass over.
    pub fn begin(&mut self, acts: &mut Vec<OutletAct<M>>) {
        self.note_recovery(acts);
    }

    /// Outputs numbered but not confirmed.
    pub fn unconfirmed(&self) -> u64 {
        self.lane.unconfirmed()
    }

    fn take_merged(&mut self, added: Result<(), MergeFault>, acts: &mut Vec<OutletAct<M>>) {
        let mut result = added;
        while result.is_ok() {
            match self.merge.take_next() {
                Ok(Some((slice, outcomes))) => {
                    acts.push(OutletAct::Merged(slice.number));
                    self.queue.push_back(UnsentSlice { slice, outputs: outcomes.into_iter().flatten().peekable() });
                }
                Ok(None) => break,
                Err(broken) => result = Err(broken),
            }
        }
        match result {
            Ok(()) => self.send_what_fits(acts),
            Err(broken) => acts.push(OutletAct::Broken(broken)),
        }
    }

    /// Moves outputs from the queue to the writer while window and comparison allow it.
    fn send_what_fits(&mut self, acts: &mut Vec<OutletAct<M>>) {
        let mut chunk: Vec<Output> = Vec::new();
        let mut first = LaneSequence(0);
        let mut passed = 0;
        let begin = acts.len();
        while !self.stopped
            && let Some(waiting) = self.queue.front_mut()
        {
            let Some(output) = waiting.outputs.peek() else {
                self.slice_is_sent(acts);
                continue;
            };
            if self.lane.unconfirmed() >= self.window.outputs || self.sent_bytes >= self.window.bytes {
                break;
            }
            if self.old.must_wait(self.lane.next_sequence(output)) {
                break;
            }
            let Some(output) = waiting.outputs.next() else { break };
            match self.lane.output(&output) {
                Send::Already => {}
                Send::Publish(sequence) => {
                    if chunk.is_empty() {
                        first = sequence;
                    }
                    self.note_sent(sequence, &output);
                    chunk.push(output);
                    if chunk.len() == self.window.chunk {
                        publish(first, &mut chunk, acts);
                    }
                }
                Send::Compare(sequence) => {
                    passed += 1;
                    let judge = |found: Option<&LaneMessage>| compare(&output, &self.plan, found);
                    if let Err(refusal) = self.old.compare(sequence, judge) {
                        self.stopped = true;
                        acts.push(OutletAct::Refuse(refusal));
                    }
                }
            }
        }
        publish(first, &mut chunk, acts);
        if passed > 0 {
            // What is out comes before what is not.
            acts.insert(begin, OutletAct::Recomputed { outputs: passed, each: self.compares });
        }
        self.note_recovery(acts);
        self.reach_barriers(acts);
    }

    /// The front slice is wholly with the lane: its barrier follows its outputs.
    fn slice_is_sent(&mut self, acts: &mut Vec<OutletAct<M>>) {
        if let Some(UnsentSlice { slice, .. }) = self.queue.pop_front() {
            self.lane.passed(slice.through);
            if let Some(barrier) = slice.barrier {
                self.lane.barrier(barrier);
            }
            let waits = self.lane.unconfirmed();
            let unconfirmed = (waits > 0).then(|| LaneSequence(self.lane.confirmed().0 + waits));
            acts.push(OutletAct::Sent { number: slice.number, unconfirmed, carried: slice.carried });
        }
    }

    fn note_sent(&mut self, sequence: LaneSequence, output: &Output) {
        let (stored_at, event_time, bytes) = (output.stored_at, output.event_time, output.payload.len());
        self.sent_bytes += bytes;
        self.sent.push_back(Unconfirmed { sequence, stored_at, event_time, bytes });
    }

    fn reach_barriers(&mut self, acts: &mut Vec<OutletAct<M>>) {
        while let Some((barrier, lane)) = self.lane.reached() {
            acts.push(OutletAct::Reached { barrier, lane });
        }
    }

    fn note_recovery(&mut self, acts: &mut Vec<OutletAct<M>>) {
        if !self.recovered && self.lane.is_past_the_old() {
            self.recovered = true;
            acts.push(OutletAct::Recovered);
        }
    }
}

fn publish<M>(first: LaneSequence, chunk: &mut Vec<Output>, acts: &mut Vec<OutletAct<M>>) {
    if !chunk.is_empty() {
        acts.push(OutletAct::Publish { first, outputs: std::mem::take(chunk) });
        acts.push(OutletAct::Crash(CrashPoint("after_publish_before_confirmation")));
    }
}
