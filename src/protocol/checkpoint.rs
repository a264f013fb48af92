//! The checkpoint: when state may be written, and in which order.
//!
//! One barrier at a time. Its state is complete when every shard has handed over and the lane has confirmed
//! R at its position; only then does anything reach the disk. Writing belongs to the engine.

use super::cutter::Barrier;
use super::facts::{Checkpoint, GroupMark};
use crate::core::ids::LaneSequence;
use crate::core::state::changes::GroupChanges;

/// A checkpoint that may be written now.
#[derive(Debug, PartialEq, Eq)]
pub struct Ready {
    /// Where it stands.
    pub barrier: Barrier,
    /// R at its position.
    pub lane: LaneSequence,
    /// What changed, by key group; each is written in one batch.
    pub groups: Vec<GroupChanges>,
}

/// Gathers what one barrier needs.
#[derive(Debug)]
pub struct Gather {
    shards: usize,
    open: Option<OpenCheckpoint>,
}

#[derive(Debug)]
struct OpenCheckpoint {
    barrier: Barrier,
    parts: Vec<bool>,
    lane: Option<LaneSequence>,
    groups: Vec<GroupChanges>,
}

/// What cannot happen: parts of two barriers at a time, or a part that came twice.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("barrier {0} overlaps another or came twice")]
pub struct Overlap(pub u64);

impl Gather {
    /// For this many shards.
    pub fn new(shards: usize) -> Gather {
        Gather { shards, open: None }
    }

    /// A shard's changes up to the barrier.
    pub fn part(
        &mut self,
        barrier: Barrier,
        shard: usize,
        groups: Vec<GroupChanges>,
    ) -> Result<Option<Ready>, Overlap> {
        let open = self.open(barrier)?;
        match open.parts.get_mut(shard) {
            Some(part) if !*part => *part = true,
            _ => return Err(Overlap(barrier.number)),
        }
        open.groups.extend(groups);
        Ok(self.ready())
    }

    /// The lane has confirmed every output up to the barrier, the last one being `lane`.
    pub fn confirmed(&mut self, barrier: Barrier, lane: LaneSequence) -> Result<Option<Ready>, Overlap> {
        let open = self.open(barrier)?;
        if open.lane.replace(lane).is_some() {
            return Err(Overlap(barrier.number));
        }
        Ok(self.ready())
    }

    fn open(&mut self, barrier: Barrier) -> Result<&mut OpenCheckpoint, Overlap> {
        let parts = vec![false; self.shards];
        let open = self.open.get_or_insert_with(|| OpenCheckpoint { barrier, parts, lane: None, groups: Vec::new() });
        if open.barrier == barrier { Ok(open) } else { Err(Overlap(barrier.number)) }
    }

    fn ready(&mut self) -> Option<Ready> {
        let open = self.open.take_if(|open| open.lane.is_some() && open.parts.iter().all(|part| *part))?;
        let mut groups = open.groups;
        groups.sort_by_key(|changes| changes.group);
        Some(Ready { barrier: open.barrier, lane: open.lane.expect("it was just looked at"), groups })
    }
}

impl Ready {
    /// The mark that stands in every key group's batch.
    pub fn mark(&self) -> GroupMark {
        GroupMark { position: self.barrier.position, stored_at: self.barrier.stored_at, lane: self.lane }
    }

    /// The record of S that follows `before`.
    pub fn record(&self, before: &Checkpoint) -> Checkpoint {
        Checkpoint {
            position: self.barrier.position,
            lane: self.lane,
            stored_at: self.barrier.stored_at,
            stream_time: self.barrier.stream_time,
            ..before.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{Nanos, Position};

    fn barrier(number: u64) -> Barrier {
        Barrier { number, position: Position(number * 10), stored_at: Nanos(1), stream_time: Nanos(2) }
    }

    #[test]
    fn nothing_is_written_before_the_lane_confirmed_and_every_shard_handed_over() {
        let mut gather = Gather::new(2);
        assert_eq!(gather.part(barrier(1), 0, vec![]), Ok(None));
        assert_eq!(gather.part(barrier(1), 1, vec![]), Ok(None));
        let ready = gather.confirmed(barrier(1), LaneSequence(7)).unwrap().unwrap();
        assert_eq!((ready.mark().position, ready.lane), (Position(10), LaneSequence(7)));
        assert_eq!(gather.confirmed(barrier(2), LaneSequence(9)), Ok(None));
        assert_eq!(gather.part(barrier(2), 1, vec![]), Ok(None));
        assert_eq!(gather.part(barrier(2), 1, vec![]), Err(Overlap(2)));
        assert_eq!(gather.part(barrier(3), 0, vec![]), Err(Overlap(3)), "one barrier at a time");
        assert!(gather.part(barrier(2), 0, vec![]).unwrap().is_some());
    }
}
