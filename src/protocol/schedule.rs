//! The pace of the intake: when a barrier is placed, and how taking ends.
//!
//! One barrier at a time: the next waits until the one before is durable. Owns the cutter; knows no time, it is told
//! when a checkpoint is due.

use super::cutter::{Barrier, Cutter, Jump, Slice};
use super::start::{Start, Until};
use crate::core::event::StoredMessage;
use crate::core::ids::Position;

/// Why nothing is taken any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    /// The process is asked to stop.
    Drain,
    /// The plan at work ends; the barrier that records the next one still has to be placed.
    PlanEnds,
    /// The barrier that records the next plan is placed.
    PlanEnded,
}

/// What is to be done.
#[derive(Debug)]
pub enum PaceStep {
    /// Send this on.
    Slice(Slice),
    /// The plan at work ends at this barrier; to be known before its slice.
    PlanEnds(Barrier),
    /// Everything taken is out and in the state.
    Drained,
    /// The plan ended where it should, and the next one is recorded.
    PlanEnded,
    /// A plan that ends below B: the start rules never ask for it.
    Broken,
}

/// The pace of one start.
#[derive(Debug)]
pub struct BarrierSchedule {
    cutter: Cutter,
    due: bool,
    /// A barrier is placed and not durable yet.
    open: bool,
    closing: Option<Closing>,
    /// The process is asked to stop, whatever else ends.
    drain: bool,
    /// No barrier is placed before an output of this start is confirmed: the lane does not show the plan at work yet, and
    /// under another one the events so far may have outputs.
    held: bool,
    /// The plan at work ends once an output of this start is confirmed.
    ends_with_own_output: bool,
}

impl BarrierSchedule {
    /// Paces a start's cutter, which has taken nothing yet.
    pub fn new(start: &Start, cutter: Cutter) -> BarrierSchedule {
        let held = start.is_unseen();
        let ends_with_own_output = matches!(start.until, Some(Until::OwnOutput(_)));
        BarrierSchedule { cutter, due: false, open: false, closing: None, drain: false, held, ends_with_own_output }
    }

    /// Whether nothing is taken any more.
    pub fn is_closed(&self) -> bool {
        self.closing.is_some()
    }

    /// The last position taken.
    pub fn position(&self) -> Position {
        self.cutter.position()
    }

    /// All positions that `messages` skip, in order: ask the stream before taking them.
    pub fn jumps(&self, messages: &[StoredMessage]) -> Vec<Jump> {
        self.cutter.jumps(messages)
    }

    /// Takes messages as a slice; `early` asks for a barrier before its time.
    pub fn take(&mut self, messages: Vec<StoredMessage>, early: bool) -> Option<Slice> {
        let due = (self.due || early) && !self.open && !self.held;
        let slice = self.cutter.take(messages, due)?;
        self.placed(&slice);
        Some(slice)
    }

    /// After each `take`: whether the plan ends here, and what follows.
    pub fn after_take(&mut self) -> Vec<PaceStep> {
        if self.cutter.is_done() { self.close(Closing::PlanEnds) } else { Vec::new() }
    }

    /// The interval is over: a quiet intake places its barrier at once, a busy one behind the next slice.
    pub fn interval(&mut self) -> Vec<PaceStep> {
        let mut next = Vec::new();
        if !self.open && self.closing.is_none() {
            if self.due && !self.held && self.cutter.has_news() {
                self.barrier_alone(&mut next);
            } else {
                self.due = true;
            }
        }
        next
    }

    /// Take nothing new, finish what is in flight, with a checkpoint.
    pub fn drain(&mut self) -> Vec<PaceStep> {
        self.drain = true;
        self.close(Closing::Drain)
    }

    /// An output of this start is confirmed.
    pub fn lane_is_ours(&mut self) -> Vec<PaceStep> {
        self.held = false;
        if self.ends_with_own_output { self.close(Closing::PlanEnds) } else { Vec::new() }
    }

    /// The barrier's checkpoint is on disk.
    pub fn durable(&mut self) -> Vec<PaceStep> {
        self.open = false;
        self.go_on()
    }

    fn close(&mut self, why: Closing) -> Vec<PaceStep> {
        self.closing.get_or_insert(why);
        self.go_on()
    }

    /// Goes on with closing as far as it can: barriers come one at a time.
    fn go_on(&mut self) -> Vec<PaceStep> {
        let mut next = Vec::new();
        let Some(closing) = self.closing.filter(|_| !self.open) else { return next };
        match closing {
            Closing::Drain if !self.held && self.cutter.has_news() && self.barrier_alone(&mut next) => {}
            Closing::Drain => next.push(PaceStep::Drained),
            Closing::PlanEnds => {
                self.closing = Some(Closing::PlanEnded);
                if !self.barrier_alone(&mut next) {
                    next.push(PaceStep::Broken);
                }
            }
            Closing::PlanEnded if self.drain => next.push(PaceStep::Drained),
            Closing::PlanEnded => next.push(PaceStep::PlanEnded),
        }
        next
    }

    fn barrier_alone(&mut self, next: &mut Vec<PaceStep>) -> bool {
        let Some(slice) = self.cutter.barrier_alone() else { return false };
        self.placed(&slice);
        if let (Some(barrier), Some(Closing::PlanEnded)) = (slice.barrier, self.closing) {
            next.push(PaceStep::PlanEnds(barrier));
        }
        next.push(PaceStep::Slice(slice));
        true
    }

    fn placed(&mut self, slice: &Slice) {
        if slice.barrier.is_some() {
            (self.open, self.due) = (true, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::plan::compiled::Plan;
    use crate::core::plan::layout::Layout;
    use crate::protocol::start::{Until, decide};
    use crate::protocol::tests::world::{World, spec, stored_at};
    use std::sync::Arc;

    /// The intake of a start at S = 10 whose lane ends at 12; B is 10.
    fn pace(until: Option<u64>) -> BarrierSchedule {
        let world = World::steady();
        let mut start = decide(&world.disk, &world.broker, &world.asked).unwrap();
        start.until = until.map(|until| Until::Position(Position(until), "next".to_owned()));
        let plan = Arc::new(Plan::compile(spec('A'), &Layout::default()));
        BarrierSchedule::new(&start, Cutter::new(plan, 1, &start))
    }

    fn events(positions: std::ops::RangeInclusive<u64>) -> Vec<StoredMessage> {
        let event = |sequence| StoredMessage {
            sequence,
            stored_at: stored_at(sequence),
            subject: "events.user".into(),
            headers: None,
            payload: "{}".into(),
        };
        positions.map(event).collect()
    }

    /// What is to be done, in words; barriers by position.
    fn words(next: &[PaceStep]) -> Vec<String> {
        let word = |next: &PaceStep| match next {
            PaceStep::Slice(slice) => format!("barrier at {}", slice.barrier.unwrap().position),
            PaceStep::PlanEnds(barrier) => format!("plan ends at {}", barrier.position),
            other => format!("{other:?}"),
        };
        next.iter().map(word).collect()
    }

    #[test]
    fn one_barrier_at_a_time_behind_a_slice_or_alone() {
        let mut pace = pace(None);
        assert!(words(&pace.interval()).is_empty(), "nothing was taken: it is due");
        assert!(pace.take(events(11..=12), false).unwrap().barrier.is_some());
        assert!(pace.take(events(13..=13), true).unwrap().barrier.is_none(), "one is open, however early");
        assert!(words(&pace.interval()).is_empty() && words(&pace.interval()).is_empty());
        assert!(words(&pace.durable()).is_empty());
        assert!(words(&pace.interval()).is_empty(), "due behind the next slice");
        assert_eq!(words(&pace.interval()), ["barrier at 13"], "none came");
    }

    #[test]
    fn a_drain_waits_for_the_open_barrier_and_writes_one_last_checkpoint() {
        let mut pace = pace(None);
        pace.take(events(11..=11), true).unwrap();
        pace.take(events(12..=12), false).unwrap();
        assert!(words(&pace.drain()).is_empty() && pace.is_closed());
        assert_eq!(words(&pace.durable()), ["barrier at 12"]);
        assert_eq!(words(&pace.durable()), ["Drained"]);
    }

    #[test]
    fn a_plan_ends_with_a_barrier_of_its_own_that_is_announced() {
        let mut pace = pace(Some(12));
        pace.take(events(11..=13), true).unwrap();
        assert!(words(&pace.after_take()).is_empty() && pace.is_closed(), "a barrier is open");
        assert_eq!(words(&pace.durable()), ["plan ends at 12", "barrier at 12"]);
        assert_eq!(words(&pace.durable()), ["PlanEnded"]);
    }

    #[test]
    fn no_barrier_is_placed_under_a_plan_that_the_lane_does_not_show() {
        let mut world = World::steady();
        world.configure('B');
        world.lane(10, 10);
        let start = decide(&world.disk, &world.broker, &world.asked).unwrap();
        let cutter = || Cutter::new(Arc::new(Plan::compile(spec('B'), &Layout::default())), 1, &start);
        let mut pace = BarrierSchedule::new(&start, cutter());
        assert!(words(&pace.interval()).is_empty());
        assert!(pace.take(events(11..=12), true).unwrap().barrier.is_none());
        assert!(words(&pace.interval()).is_empty());
        assert!(words(&pace.lane_is_ours()).is_empty(), "the plan goes on");
        assert_eq!(words(&pace.interval()), ["barrier at 12"]);
        let mut drained = BarrierSchedule::new(&start, cutter());
        drained.take(events(11..=12), true).unwrap();
        assert_eq!(words(&drained.drain()), ["Drained"], "what was silent so far is read again");
    }

    #[test]
    fn a_plan_whose_end_is_not_known_ends_when_the_lane_is_ours() {
        let mut world = World::steady();
        world.configure('B');
        world.lane_aged_out();
        let start = decide(&world.disk, &world.broker, &world.asked).unwrap();
        let plan = Arc::new(Plan::compile(spec('A'), &Layout::default()));
        let mut pace = BarrierSchedule::new(&start, Cutter::new(plan, 1, &start));
        pace.take(events(11..=13), false).unwrap();
        assert_eq!(words(&pace.lane_is_ours()), ["plan ends at 13", "barrier at 13"]);
        assert_eq!(words(&pace.durable()), ["PlanEnded"]);
    }
}
