//! The lane: every output gets its sequence, those that are out already are passed over and compared, the
//! rest is published, and confirmations move the barriers on.
//!
//! Output k after the base always has sequence R + k; nothing is ever numbered again. Publishing and asking
//! the server belong to the engine.

use super::header::LaneMessage;
use super::intake::Barrier;
use super::refusal::Refusal;
use super::start::{Already, Start};
use crate::core::ids::{LaneSequence, Position};
use crate::core::output::Output;
use std::collections::VecDeque;

/// What to do with one output.
#[derive(Debug, PartialEq, Eq)]
pub enum Send {
    /// Publish it; it has this sequence.
    Publish(LaneSequence),
    /// It is out.
    Already,
    /// It is out, at this sequence, and the stored message must be compared before it is passed over.
    Compare(LaneSequence),
}

/// The writer's account of the lane.
#[derive(Debug)]
pub struct Lane {
    /// The sequence of the last output that was numbered.
    numbered: LaneSequence,
    confirmed: LaneSequence,
    base: Position,
    lane_last: LaneSequence,
    already: Already,
    /// Barriers that wait for their R to be confirmed.
    barriers: VecDeque<(Barrier, LaneSequence)>,
    /// Whether an output of this start was confirmed.
    own: bool,
}

impl Lane {
    /// The lane as a start found it.
    pub fn new(start: &Start) -> Lane {
        Lane {
            numbered: start.base_lane,
            // What was there at the start is there.
            confirmed: start.lane_last,
            base: start.base,
            lane_last: start.lane_last,
            already: start.already,
            barriers: VecDeque::new(),
            own: false,
        }
    }

    /// Numbers the next output in input order.
    pub fn output(&mut self, output: &Output) -> Send {
        let sequence = self.next_sequence(output);
        if sequence.0 == 0 {
            return Send::Already;
        }
        self.numbered = sequence;
        if self.numbered <= self.lane_last { Send::Compare(self.numbered) } else { Send::Publish(self.numbered) }
    }

    /// The sequence that `output` would give this one; zero up to B, where the number of outputs is known from
    /// R(B) and not counted again.
    pub fn next_sequence(&self, output: &Output) -> LaneSequence {
        let out = match self.already {
            Already::Through(out) => out.max(self.base),
            Already::ByCount => self.base,
        };
        if output.position <= out { LaneSequence(0) } else { LaneSequence(self.numbered.0 + 1) }
    }

    /// Whether the outputs that were there at the start are all passed over.
    pub fn is_past_the_old(&self) -> bool {
        self.numbered >= self.lane_last
    }

    /// A barrier behind the outputs numbered so far; it is never below B.
    pub fn barrier(&mut self, barrier: Barrier) {
        self.barriers.push_back((barrier, self.numbered));
    }

    /// Everything up to `sequence` is stored.
    pub fn confirm(&mut self, sequence: LaneSequence) {
        self.confirmed = self.confirmed.max(sequence);
        self.own |= self.confirmed > self.lane_last;
    }

    /// The next barrier whose outputs are all confirmed, with its R.
    pub fn reached(&mut self) -> Option<(Barrier, LaneSequence)> {
        self.barriers.pop_front_if(|(_, lane)| *lane <= self.confirmed)
    }

    /// Outputs numbered but not confirmed.
    pub fn unconfirmed(&self) -> u64 {
        self.numbered.0.saturating_sub(self.confirmed.0)
    }

    /// The last sequence known to be stored.
    pub fn confirmed(&self) -> LaneSequence {
        self.confirmed
    }

    /// Whether an output of this start was confirmed: the lane is ours.
    pub fn is_ours(&self) -> bool {
        self.own
    }
}

/// Compares a recomputed output with what the lane holds at its sequence.
pub fn compare(expected: &Output, plan: &str, found: Option<&LaneMessage>) -> Result<(), Refusal> {
    // Retention may have taken it; then there is nothing to compare.
    let Some(found) = found else { return Ok(()) };
    if found.run.plan != plan {
        let found_plan = found.run.plan.clone();
        return Err(Refusal::OtherPlan { sequence: found.sequence, found: found_plan, expected: plan.to_owned() });
    }
    if (found.cause, found.n, found.time) != (expected.position, expected.n, expected.stored_at) {
        return Err(Refusal::OutputDiffers {
            sequence: found.sequence,
            found: format!("output {} of position {} stored at {}", found.n, found.cause, found.time),
            expected: format!(
                "output {} of position {} stored at {}",
                expected.n, expected.position, expected.stored_at
            ),
        });
    }
    Ok(())
}
