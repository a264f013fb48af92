//! The core as one machine without actors: stored messages go in, their outcomes come out in input order.
//!
//! Hosts the intake, the step of each shard and the merge that the engine's actors host, and adds no rule of its own.
//! For whoever wants to know what becomes of events without an engine: the audit, `sidestream test`, benches, fuzzing.

use super::cutter::{Barrier, Cutter, Slice};
use super::merge::{Merge, SlicePart};
use crate::core::event::{Event, Events, StoredMessage};
use crate::core::explain::{Explained, explain};
use crate::core::ids::{Nanos, Position};
use crate::core::outcome::Outcome;
use crate::core::plan::compiled::Plan;
use crate::core::state::changes::{GroupChanges, State};
use crate::core::step::{SliceResult, Step};
use std::sync::Arc;

/// Slices and barriers come from one intake, so that neither can be of the wrong size or come twice.
const OWN: &str = "the runner merges the slices of its own intake";

/// Intake, shards and merge in one place.
#[derive(Debug)]
pub struct Runner {
    /// The plan that decides the outcomes.
    pub plan: Arc<Plan>,
    /// The step of each shard, with the state that the shard owns.
    pub shards: Vec<Step>,
    intake: Cutter,
    merge: Merge<(), Outcome>,
}

impl Runner {
    /// Runs from the first position over an empty state.
    pub fn new(plan: Arc<Plan>, shards: usize) -> Runner {
        let states = (0..shards).map(|_| State::new(usize::MAX, plan.dedup_window)).collect();
        Runner::over(plan, states, Position(0), Nanos(0))
    }

    /// Goes on behind a position, with one state for each shard and the stream time at that position.
    pub fn over(plan: Arc<Plan>, states: Vec<State>, after: Position, stream_time: Nanos) -> Runner {
        Runner {
            intake: Cutter::after(plan.clone(), states.len(), after, stream_time).with_clock(anything_waits(&states)),
            merge: Merge::new(states.len()),
            shards: (0..).zip(states).map(|(n, state)| Step::new(plan.clone(), state.of_shard(n))).collect(),
            plan,
        }
    }

    /// The last position taken.
    pub fn position(&self) -> Position {
        self.intake.position()
    }

    /// Decodes messages and cuts them by shard. `None` where none of them follows the last one taken.
    pub fn cut(&mut self, messages: Vec<StoredMessage>) -> Option<Slice> {
        self.intake.take(messages, false)
    }

    /// The outcome of each message of the slice that was cut last, in input order.
    pub fn work(&mut self, slice: Slice) -> Vec<Outcome> {
        self.work_seen(slice, |_| {})
    }

    /// The same; `see` is shown what the events of each shard lead to by themselves.
    pub fn work_seen(&mut self, slice: Slice, mut see: impl FnMut(&[Outcome])) -> Vec<Outcome> {
        let Slice { number, shards, order, .. } = slice;
        self.merge.slice(number, (), order).expect(OWN);
        for (shard, (step, events)) in self.shards.iter_mut().zip(&shards).enumerate() {
            let SliceResult { outcomes, released } = step.run(events);
            see(&outcomes);
            self.merge.part(number, shard, SlicePart { outcomes, released }).expect(OWN);
        }
        let (_, outcomes) = self.merge.take_next().expect(OWN).expect("every shard has handed over its part");
        outcomes
    }

    /// Takes messages and gives the outcome of each, in input order.
    pub fn run(&mut self, messages: Vec<StoredMessage>) -> Vec<Outcome> {
        self.cut(messages).map(|slice| self.work(slice)).unwrap_or_default()
    }

    /// What each event of a slice asks of the state and does to it, as the state is now, in input order.
    pub fn explain(&self, slice: &Slice) -> Vec<Explained> {
        let tell = |(step, events): (&Step, &Events)| -> Vec<Explained> {
            let own = |event: &Event| !(step.state.follows && event.group.is_everyone());
            let events = events.iter(&self.plan).filter(|(event, _)| own(event));
            events.map(|(event, spans)| explain(&self.plan, &step.state, event, spans)).collect()
        };
        let mut explained: Vec<Explained> = self.shards.iter().zip(&slice.shards).flat_map(tell).collect();
        explained.sort_by_key(|explained| explained.position);
        explained
    }

    /// A barrier behind the last event, and what changed since the one before, by key group.
    pub fn checkpoint(&mut self) -> (Barrier, Vec<GroupChanges>) {
        let slice = self.intake.barrier_alone().expect("the runner begins where its intake begins");
        let barrier = slice.barrier.expect("a slice without events is made for its barrier");
        let nothing = self.work(slice);
        debug_assert!(nothing.is_empty(), "a slice without events has no outcomes");
        let take = |step: &mut Step| step.state.take_changes(barrier.number, barrier.position, barrier.stream_time);
        let mut groups: Vec<GroupChanges> = self.shards.iter_mut().flat_map(take).collect();
        groups.sort_by_key(|changes| changes.group);
        (barrier, groups)
    }
}

/// Whether events wait in one of these states.
pub fn anything_waits(states: &[State]) -> bool {
    states.iter().any(|state| !state.waiting.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::outcome::Silence;
    use crate::core::plan::fixture::spec;
    use crate::core::plan::layout::Layout;

    fn message(sequence: u64, payload: String) -> StoredMessage {
        let (subject, stored_at) = ("events.user".into(), Nanos(sequence as i64 * 1_000_000));
        StoredMessage { sequence, stored_at, subject, headers: None, payload: payload.into() }
    }

    /// Users of many keys, each twice under one id, and a text that is no JSON.
    fn input() -> Vec<StoredMessage> {
        let user =
            |n: u64| format!(r#"{{"title":"user","event_uuid":"{n}","properties":{{"uuid":"u{n}","country":"PT"}}}}"#);
        let payloads = (1..=40).flat_map(|n| [user(n), user(n), "{".to_owned()]);
        (1..).zip(payloads).map(|(sequence, payload)| message(sequence, payload)).collect()
    }

    fn runner(shards: usize) -> Runner {
        Runner::new(Arc::new(Plan::compile(spec('A'), &Layout::default())), shards)
    }

    #[test]
    fn the_outcomes_do_not_depend_on_shards_or_slices() {
        let whole = runner(1).run(input());
        assert_eq!(whole.len(), input().len());
        let positions = whole.iter().cloned().flatten().map(|output| output.position.0);
        assert!(positions.is_sorted(), "outcomes stand in input order");
        assert!(whole.contains(&Outcome::Silent(Silence::Duplicate)));
        for shards in [1, 2, 7] {
            let mut runner = runner(shards);
            let sliced: Vec<Outcome> = input().chunks(7).flat_map(|slice| runner.run(slice.to_vec())).collect();
            assert_eq!(sliced, whole, "{shards} shards");
            assert_eq!(runner.run(input()), [], "nothing is taken twice");
        }
    }

    #[test]
    fn a_checkpoint_holds_the_changes_of_all_shards_once() {
        let mut one = runner(1);
        one.run(input());
        let (_, expected) = one.checkpoint();
        let mut seven = runner(7);
        seven.run(input());
        let (barrier, groups) = seven.checkpoint();
        assert_eq!((barrier.position, groups), (Position(120), expected));
        assert_eq!(seven.checkpoint().1, [], "nothing changed since");
    }
}
