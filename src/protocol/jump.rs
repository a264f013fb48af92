//! What to do when positions of the input do not come.
//!
//! Judges only; asking the stream what became of them belongs to `app`.

use super::cutter::Jump;
use super::refusal::Refusal;
use super::start::{Already, Start};
use crate::core::ids::Position;

/// Judges a jump of a start's input, whose first position is now `first`: `Ok` to count what is missing and go on.
/// One rule wherever the hole is: an event that was not processed yet and is gone is refused, until somebody consents.
/// `recovered`: whether everything that was in the lane at the start is passed over.
pub fn judge(start: &Start, jump: Jump, first: Position, recovered: bool, accept_gap: bool) -> Result<(), Refusal> {
    // What is already out is computed again, and that needs the events that made it.
    let computed_again = jump.from <= start.base
        || match start.lane_cause {
            Some(cause) => jump.from <= cause,
            None => !recovered,
        };
    // Where outputs are passed over by position, one that is missing upsets no count.
    let counted = start.already == Already::ByCount;
    let consent = accept_gap && !(computed_again && counted);
    let overtaken = first > jump.from;
    // What was not there when the first start began was never its to process, at the head or between other events.
    let missed = jump.to > start.history;
    if (computed_again || overtaken || missed) && !consent {
        return Err(Refusal::InputGone { from: jump.from, to: jump.to });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::facts::Newest;
    use crate::protocol::start::decide;
    use crate::protocol::tests::world::World;

    /// What a jump from `from` to 30 leads to, where the input now begins at `first`.
    fn verdict(change: impl FnOnce(&mut World), from: u64, first: u64, recovered: bool) -> bool {
        let mut world = World::steady();
        change(&mut world);
        let start = decide(&world.disk, &world.broker, &world.asked).unwrap();
        let jump = Jump { from: Position(from), to: Position(30) };
        judge(&start, jump, Position(first), recovered, world.asked.consent.accept_gap).is_ok()
    }

    #[test]
    fn what_is_computed_again_must_be_there_and_what_retention_takes_needs_consent() {
        // S is 10, the lane reaches the output of position 12.
        assert!(!verdict(|_| {}, 12, 1, false), "deleted among what is computed again");
        assert!(!verdict(|_| {}, 13, 1, false), "deleted behind it: not processed yet");
        assert!(verdict(|w| w.consent().accept_gap = true, 13, 1, false), "the same, accepted");
        assert!(!verdict(|w| w.mark(14, 12), 14, 1, true), "deleted up to B");
        assert!(!verdict(|_| {}, 13, 31, true), "retention overtook us");
        assert!(verdict(|w| w.consent().accept_gap = true, 13, 31, true), "the same, accepted");
        assert!(!verdict(|w| w.consent().accept_gap = true, 12, 31, false), "the count needs it, whoever consents");
        let hole = |w: &mut World| (w.consent().accept_gap, w.broker.hole) = (true, Some(Position(11)));
        assert!(verdict(hole, 11, 1, true), "a start that does not count passes over it");
        let accepted = |w: &mut World| {
            w.lane_aged_out();
            w.consent().accept_gap = true;
        };
        assert!(!verdict(accepted, 13, 1, false), "nobody knows how far the lane reaches");
        assert!(verdict(accepted, 13, 1, true), "all of the lane is passed over");
        // The input of a first start ends at 50.
        let fresh = |w: &mut World| {
            w.lose_state();
            (w.broker.newest, w.broker.output.last) = (Newest::Never, 0);
        };
        assert!(verdict(fresh, 13, 1, true), "it was gone before anybody began");
        assert!(!verdict(|w| (fresh(w), w.broker.input.last = 29).1, 13, 1, true), "it was there");
    }
}
