//! The intake: messages of the input become slices that go to the shards, with the barriers that its pace places.
//!
//! The sequencer hears of a slice before any shard does, and the checkpointer hears where a plan ends before that slice leaves.
//! Nothing waits here: the permit of a feed travels with its slice.

use super::machine::{CrashPoint, Machine};
use super::sequencer::Expect;
use super::shard::ShardWork;
use crate::core::event::StoredMessage;
use crate::core::ids::{KEY_GROUPS, Position};
use crate::protocol::cutter::{Jump, Slice};
use crate::protocol::schedule::{BarrierSchedule, PaceStep};
use std::marker::PhantomData;

/// Changed keys, over all shards, from which on a checkpoint comes before its time: sled's memory grows with the size of a
/// batch, and 500 keys a key group are plenty.
pub const DIRTY_KEYS: usize = 500 * KEY_GROUPS as usize;

/// What the intake is told; `P` is the permit of a slice.
#[derive(Debug)]
pub enum ToIntake<P> {
    /// So many keys changed since the last barrier, over all shards.
    DirtyKeys(usize),
    /// Messages of the input.
    Feed(Feed<P>),
    /// The time between two checkpoints is over.
    Interval,
    /// Take nothing new, finish what is in flight, write a checkpoint, and end.
    Drain,
    /// An output of this start is confirmed for the first time.
    LaneIsOurs,
    /// The checkpoint of the last barrier is on disk.
    Durable,
}

/// Messages of the input, and the permit of the slice that they become.
#[derive(Debug)]
pub struct Feed<P> {
    /// The messages, by rising sequence.
    pub messages: Vec<StoredMessage>,
    /// Given back once the slice's outputs are with the lane.
    pub permit: P,
    /// Whether jumps in the positions were looked into and are to be passed.
    pub pass_jumps: bool,
}

/// What the intake did with a feed.
#[derive(Debug)]
pub enum Fed<P> {
    /// It took the messages.
    Taken,
    /// Positions are missing: here everything is back, with the question what became of them.
    Jumps(Vec<Jump>, Feed<P>),
    /// It takes nothing any more.
    Closed,
}

/// What the intake asks for.
#[derive(Debug)]
pub enum IntakeAct<P> {
    /// The process may die here.
    Crash(CrashPoint),
    /// So many events were taken, with so many bytes, and everything up to a position: for the metrics.
    Received {
        /// The events.
        events: u64,
        /// Bytes of their payloads.
        bytes: u64,
        /// The last position.
        through: Position,
    },
    /// Nothing of a feed was new: its permit is free.
    Unused(P),
    /// To the sequencer.
    Expect(Expect<P>),
    /// To the shard of this number.
    Work(usize, ShardWork),
    /// The plan at work ends at the barrier of this number: to the checkpointer.
    PlanEnds(u64),
    /// The answer to a feed.
    Answer(Fed<P>),
    /// Everything taken is out and in the state: the start ends.
    Drained,
    /// The plan ended where it should, and the next one is recorded: the start ends.
    PlanEnded,
    /// An invariant does not hold.
    Broken(&'static str),
}

/// The intake of one start.
#[derive(Debug)]
pub struct Intake<P> {
    pace: BarrierSchedule,
    dirty_keys: usize,
    permit: PhantomData<fn(P)>,
}

impl<P> Intake<P> {
    /// An intake of that pace, which has taken nothing yet.
    pub fn new(pace: BarrierSchedule) -> Intake<P> {
        Intake { pace, dirty_keys: 0, permit: PhantomData }
    }

    /// Whether nothing is taken any more.
    pub fn is_closed(&self) -> bool {
        self.pace.is_closed()
    }

    /// The last position taken.
    pub fn position(&self) -> Position {
        self.pace.position()
    }

    /// Whether a feed would be taken as it is.
    pub fn takes(&self, feed: &Feed<P>) -> bool {
        !self.is_closed() && self.jumps(feed).is_empty()
    }

    /// The positions that a feed skips and that nobody has looked into.
    fn jumps(&self, feed: &Feed<P>) -> Vec<Jump> {
        if feed.pass_jumps { Vec::new() } else { self.pace.jumps(&feed.messages) }
    }

    fn feed(&mut self, feed: Feed<P>, acts: &mut Vec<IntakeAct<P>>) {
        if self.is_closed() {
            return acts.push(IntakeAct::Answer(Fed::Closed));
        }
        let jumps = self.jumps(&feed);
        if !jumps.is_empty() {
            return acts.push(IntakeAct::Answer(Fed::Jumps(jumps, feed)));
        }
        match self.pace.take(feed.messages, self.dirty_keys > DIRTY_KEYS) {
            Some(slice) => {
                let (events, bytes, through) = (slice.order.messages() as u64, slice.bytes as u64, slice.through);
                acts.push(IntakeAct::Received { events, bytes, through });
                acts.push(IntakeAct::Crash(CrashPoint("after_intake")));
                dispatch(slice, Some(feed.permit), acts);
            }
            None => acts.push(IntakeAct::Unused(feed.permit)),
        }
        go_on(self.pace.after_take(), acts);
        acts.push(IntakeAct::Answer(Fed::Taken));
    }
}

impl<P> Machine for Intake<P> {
    type Message = ToIntake<P>;
    type Act = IntakeAct<P>;

    fn on(&mut self, message: ToIntake<P>, acts: &mut Vec<IntakeAct<P>>) {
        match message {
            ToIntake::DirtyKeys(keys) => self.dirty_keys = keys,
            ToIntake::Feed(feed) => self.feed(feed, acts),
            ToIntake::Interval => go_on(self.pace.interval(), acts),
            ToIntake::Drain => go_on(self.pace.drain(), acts),
            ToIntake::LaneIsOurs => go_on(self.pace.lane_is_ours(), acts),
            ToIntake::Durable => go_on(self.pace.durable(), acts),
        }
    }
}

fn go_on<P>(next: Vec<PaceStep>, acts: &mut Vec<IntakeAct<P>>) {
    for next in next {
        match next {
            // A barrier alone travels without a permit.
            PaceStep::Slice(slice) => dispatch(slice, None, acts),
            PaceStep::PlanEnds(barrier) => acts.push(IntakeAct::PlanEnds(barrier.number)),
            PaceStep::Drained => acts.push(IntakeAct::Drained),
            PaceStep::PlanEnded => acts.push(IntakeAct::PlanEnded),
            PaceStep::Broken => {
                acts.push(IntakeAct::Broken("a plan ends below the position from which checkpoints are taken"));
            }
        }
    }
}

fn dispatch<P>(slice: Slice, permit: Option<P>, acts: &mut Vec<IntakeAct<P>>) {
    let Slice { number, shards, order, barrier, through, bytes } = slice;
    acts.push(IntakeAct::Expect(Expect { slice: number, order, barrier, through, bytes, permit }));
    for (shard, events) in shards.into_iter().enumerate() {
        acts.push(IntakeAct::Work(shard, ShardWork { slice: number, through, events, barrier }));
    }
}
