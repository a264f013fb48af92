//! The sequencer: the shards' outcomes back in input order and out to the lane, as the lane's only writer.
//!
//! What it decides is `outlet`'s; here is what it is told, and by whom.

use super::machine::{CrashPoint, Machine};
use super::shard::ProcessedSlice;
use crate::core::ids::Position;
use crate::protocol::cutter::Barrier;
use crate::protocol::lane::LaneEvent;
use crate::protocol::merge::{Order, SliceNumber};
use crate::protocol::old::OldBatch;
use crate::protocol::outlet::{Announced, Outlet, OutletAct};

/// What the sequencer is told; `P` is the permit of a slice, `K` what is kept with a batch of old messages.
#[derive(Debug)]
pub enum ToSequencer<P, K> {
    /// A slice is on its way through the shards.
    Expect(Expect<P>),
    /// A shard's outcomes of a slice.
    Processed(ProcessedSlice),
    /// Messages that were in the lane when the engine started, for comparison.
    Old(OldBatch<K>),
    /// What the lane's writer heard.
    Lane(LaneEvent),
}

/// A slice that is on its way.
#[derive(Debug)]
pub struct Expect<P> {
    /// The slice.
    pub slice: SliceNumber,
    /// The shard of each event, in input order.
    pub order: Order,
    /// The barrier behind it.
    pub barrier: Option<Barrier>,
    /// Everything up to here is taken.
    pub through: Position,
    /// Bytes of its payloads.
    pub bytes: usize,
    /// Given back once its outputs are with the lane.
    pub permit: Option<P>,
}

/// What travels with a slice until its outputs are with the lane.
#[derive(Debug)]
pub struct Carried<P> {
    /// Bytes of its payloads.
    pub bytes: usize,
    /// Given back by being dropped.
    pub permit: Option<P>,
}

/// The sequencer of one start.
pub struct Sequencer<P, K> {
    outlet: Outlet<Carried<P>, K>,
}

impl<P, K> Sequencer<P, K> {
    /// A sequencer over a start's outlet.
    pub fn new(outlet: Outlet<Carried<P>, K>) -> Sequencer<P, K> {
        Sequencer { outlet }
    }

    /// Outputs numbered but not confirmed.
    pub fn unconfirmed(&self) -> u64 {
        self.outlet.unconfirmed()
    }
}

impl<P, K> Machine for Sequencer<P, K> {
    type Message = ToSequencer<P, K>;
    type Act = OutletAct<Carried<P>>;

    fn begin(&mut self, acts: &mut Vec<OutletAct<Carried<P>>>) {
        self.outlet.begin(acts);
    }

    fn on(&mut self, message: ToSequencer<P, K>, acts: &mut Vec<OutletAct<Carried<P>>>) {
        match message {
            ToSequencer::Expect(Expect { slice, order, barrier, through, bytes, permit }) => {
                let carried = Carried { bytes, permit };
                self.outlet.announced(Announced { number: slice, barrier, through, carried }, order, acts);
            }
            ToSequencer::Processed(ProcessedSlice { slice, shard, part }) => {
                self.outlet.processed(slice, shard, part, acts);
            }
            ToSequencer::Old(batch) => self.outlet.old(batch, acts),
            ToSequencer::Lane(LaneEvent::Confirmed(sequence)) => {
                acts.push(OutletAct::Crash(CrashPoint("after_confirmation_before_the_barrier")));
                self.outlet.confirmed(sequence, acts);
            }
            ToSequencer::Lane(event) => acts.push(OutletAct::LaneOver(event)),
        }
    }
}
