//! The lane: every output gets its sequence, those that are out already are passed over and compared, the
//! rest is published, and confirmations move the barriers on.
//!
//! Output k after the base always has sequence R + k; nothing is ever numbered again. Publishing and asking
//! the server belong to the engine.

use super::cutter::Barrier;
use super::header::LaneMessage;
use super::refusal::Refusal;
use super::start::{Already, Start};
use crate::core::ids::{LaneSequence, Position};
use crate::core::mutants::{Mutant, planted};
use crate::core::output::Output;
use std::collections::VecDeque;

/// What the lane's writer reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneEvent {
    /// Everything up to this lane sequence is stored.
    Confirmed(LaneSequence),
    /// The server refused a message; nothing from this sequence on was stored by this batch.
    Refused {
        /// The lane sequence that was refused, as far as the server said.
        at: LaneSequence,
        /// The server's code, such as 10071.
        code: u64,
        /// The server's words.
        description: String,
    },
    /// The batch is over without a refusal (time-out, restart of the server, lost connection): ask the server.
    Lost(String),
}

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
pub struct LaneLedger {
    /// The sequence of the last output that was numbered.
    numbered: LaneSequence,
    confirmed: LaneSequence,
    /// Outputs up to here are out, whatever their number.
    out: Position,
    lane_last: LaneSequence,
    /// Everything up to here was numbered or passed over.
    passed: Position,
    /// Barriers that wait for their R to be confirmed.
    barriers: VecDeque<(Barrier, LaneSequence)>,
    /// Whether an output of this start was confirmed.
    own: bool,
}

impl LaneLedger {
    /// The lane as a start found it.
    pub fn new(start: &Start) -> LaneLedger {
        LaneLedger {
            numbered: start.base_lane,
            // What was there at the start is there.
            confirmed: start.lane_last,
            out: match start.already {
                Already::Through(out) => out.max(start.base),
                Already::ByCount => start.base,
            },
            lane_last: start.lane_last,
            passed: start.after,
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
        if output.position <= self.out { LaneSequence(0) } else { LaneSequence(self.numbered.0 + 1) }
    }

    /// Whether the outputs that were there at the start are all passed over.
    pub fn is_past_the_old(&self) -> bool {
        self.numbered >= self.lane_last && self.passed >= self.out
    }

    /// Everything up to a position was numbered or passed over.
    pub fn passed(&mut self, through: Position) {
        self.passed = self.passed.max(through);
    }

    /// A barrier behind the outputs numbered so far; it is never below B.
    pub fn barrier(&mut self, barrier: Barrier) {
        let lane = if planted(Mutant::LaneEndAsR) { self.numbered.max(self.lane_last) } else { self.numbered };
        self.barriers.push_back((barrier, lane));
    }

    /// Everything up to `sequence` is stored.
    pub fn confirm(&mut self, sequence: LaneSequence) {
        self.confirmed = self.confirmed.max(sequence);
        self.own |= self.confirmed > self.lane_last;
    }

    /// The next barrier whose outputs are all confirmed, with its R.
    pub fn reached(&mut self) -> Option<(Barrier, LaneSequence)> {
        let early = planted(Mutant::StateBeforeConfirmation);
        self.barriers.pop_front_if(|(_, lane)| early || *lane <= self.confirmed)
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

#[cfg(test)]
mod tests {
    use super::{LaneLedger, compare};
    use crate::core::ids::{LaneSequence, Nanos, Position};
    use crate::core::output::Output;
    use crate::protocol::cutter::Barrier;
    use crate::protocol::header::LaneMessage;
    use crate::protocol::start::decide;
    use crate::protocol::tests::world::{World, message, spec, stored_at};

    fn output(position: u64) -> Output {
        Output {
            position: Position(position),
            n: 0,
            stored_at: stored_at(position),
            subject: "enriched.user".into(),
            event_time: None,
            copied: None,
            followed: false,
            envelope: None,
            dead: None,
            payload: "{}".into(),
        }
    }

    fn barrier(number: u64, position: u64) -> Barrier {
        Barrier { number, position: Position(position), stored_at: stored_at(position), stream_time: Nanos(0) }
    }

    /// The lane of a world in which S is 10 and the lane ends with the output of position 12, at sequence 12.
    fn lane(change: impl FnOnce(&mut World)) -> LaneLedger {
        let mut world = World::steady();
        change(&mut world);
        LaneLedger::new(&decide(&world.disk, &world.broker, &world.asked).unwrap())
    }

    fn sends(lane: &mut LaneLedger, positions: std::ops::RangeInclusive<u64>) -> Vec<super::Send> {
        positions.map(|position| lane.output(&output(position))).collect()
    }

    #[test]
    fn what_is_out_is_compared_and_the_rest_follows_it() {
        use super::Send::{Already, Compare, Publish};
        let sequence = LaneSequence;
        let mut steady = lane(|_| {});
        let all = [Compare(sequence(11)), Compare(sequence(12)), Publish(sequence(13))];
        assert_eq!(sends(&mut steady, 11..=13), all);
        let mut ahead = lane(|w| w.mark(11, 11));
        assert_eq!(sends(&mut ahead, 11..=13), [Already, Compare(sequence(12)), Publish(sequence(13))]);
        // Position 12 had no output: R(13) is 11.
        let mut silent = lane(|w| {
            w.mark(13, 11);
            w.lane(11, 11);
        });
        assert_eq!(sends(&mut silent, 11..=14), [Already, Already, Already, Publish(sequence(12))]);
        let mut gap = lane(|w| {
            w.input_from(12);
            w.consent().accept_gap = true;
        });
        assert_eq!(sends(&mut gap, 12..=14), [Already, Publish(sequence(13)), Publish(sequence(14))]);
    }

    #[test]
    fn a_barrier_waits_for_its_r_and_passed_outputs_count() {
        let mut steady = lane(|_| {});
        sends(&mut steady, 11..=11);
        steady.barrier(barrier(1, 11));
        assert_eq!(steady.reached(), Some((barrier(1, 11), LaneSequence(11))), "an old output is confirmed");
        sends(&mut steady, 12..=14);
        steady.barrier(barrier(2, 15));
        steady.confirm(LaneSequence(13));
        assert_eq!((steady.reached(), steady.unconfirmed()), (None, 1));
        steady.confirm(LaneSequence(14));
        assert_eq!(steady.reached(), Some((barrier(2, 15), LaneSequence(14))), "position 15 was silent");
        let mut gap = lane(|w| {
            w.input_from(12);
            w.consent().accept_gap = true;
        });
        sends(&mut gap, 12..=12);
        gap.barrier(barrier(1, 12));
        assert_eq!(gap.reached(), Some((barrier(1, 12), LaneSequence(12))), "R is the lane's end, whatever was lost");
    }

    #[test]
    fn only_a_confirmed_output_of_this_start_makes_the_lane_ours() {
        let mut steady = lane(|_| {});
        sends(&mut steady, 11..=13);
        assert!(!steady.is_ours());
        steady.confirm(LaneSequence(12));
        assert!(!steady.is_ours(), "that one was there");
        steady.confirm(LaneSequence(13));
        assert!(steady.is_ours());
    }

    #[test]
    fn recovery_ends_when_everything_old_is_passed() {
        let mut steady = lane(|_| {});
        sends(&mut steady, 11..=11);
        assert!(!steady.is_past_the_old());
        sends(&mut steady, 12..=12);
        assert!(steady.is_past_the_old());
        let mut rebuilt = lane(|w| {
            w.configure('C');
            w.consent().rebuild_state = true;
        });
        assert!(!rebuilt.is_past_the_old(), "the input is still to be read up to B");
        rebuilt.passed(Position(11));
        assert!(!rebuilt.is_past_the_old());
        rebuilt.passed(Position(12));
        assert!(rebuilt.is_past_the_old());
    }

    #[test]
    fn a_recomputed_output_must_be_the_stored_one() {
        let plan = spec('A').fingerprint();
        let check = |change: fn(&mut LaneMessage)| {
            let mut found = message(11, 11);
            change(&mut found);
            compare(&output(11), &plan, Some(&found)).map_err(|refusal| refusal.exit_code())
        };
        assert_eq!(check(|_| {}), Ok(()));
        assert_eq!(compare(&output(11), &plan, None), Ok(()), "retention took it");
        assert_eq!(check(|m| m.cause = Position(12)), Err(70));
        assert_eq!(check(|m| m.n = 1), Err(70));
        assert_eq!(check(|m| m.time = Nanos(1)), Err(70));
        assert_eq!(check(|m| m.run.plan = "other".into()), Err(78));
        assert_eq!(check(|m| m.run.start = 9), Ok(()), "which start published it is all the same");
    }
}
