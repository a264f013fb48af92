//! Runs the core over the input, so that it says what must stand in the lane.
//!
//! Never looks at the lane: of it only a `LaneWitness` comes in, where the input alone cannot tell whether an
//! event was processed. A panic in here costs the state that was built, not the audit.

use super::expected::{Expected, ExpectedValue, LaneWitness};
use super::knowledge::{AuditedEvent, Knowledge, forget};
use super::report::Doubt;
use crate::core::apply::{Applied, apply};
use crate::core::encode::{copied_headers, subject_of};
use crate::core::event::{Event, Events, KeyAndId, StoredMessage};
use crate::core::identity::is_duplicate;
use crate::core::ids::{Nanos, Position};
use crate::core::outcome::{Outcome, Silence};
use crate::core::output::Output;
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::core::plan::spec::{PlanSpec, UnknownKinds};
use crate::core::state::cache::Cache;
use crate::core::state::changes::State;
use crate::core::state::row::RowChange;
use crate::core::state::visible::VisibleRows;
use crate::core::step::{SliceResult, Step};
use crate::protocol::cutter::Slice;
use crate::protocol::merge::{Order, of_one_shard};
use crate::protocol::runner::Runner;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// After how many events ids out of the window are let go.
const FORGET_EVERY: usize = 65_536;

/// The core at work under one plan, over one shard.
#[derive(Debug)]
pub struct Recompute {
    runner: Runner,
    /// What may be relied on; `None`: everything.
    knowledge: Option<Knowledge>,
    stream_time: Nanos,
    /// Events since ids were last let go.
    events: usize,
    /// A planted fault of our own.
    #[cfg(test)]
    pub(super) fails_at: Option<Position>,
}

impl Recompute {
    /// Over a state that is empty, or of which nothing is known: `lost` says by when the events that are gone
    /// were stored.
    pub fn new(spec: &PlanSpec, after: Position, lost: Option<Nanos>) -> Recompute {
        let plan = Arc::new(Plan::compile(spec.clone(), &Layout::default()));
        let state = State::new(usize::MAX, plan.dedup_window);
        let knowledge = lost.map(|before| Knowledge::nothing(plan.dedup_window, before));
        // Of a lost past stream time is unknown too. A lower bound is enough: it never makes an event a
        // duplicate that is none.
        Recompute::over(plan, state, knowledge, Nanos(0), after)
    }

    /// This state under a plan that keeps it.
    pub fn under(mut self, spec: &PlanSpec, after: Position) -> Recompute {
        let before = self.runner.plan.clone();
        let plan = Arc::new(Plan::compile(spec.clone(), &before.layout));
        let (mut state, mut knowledge) = (self.runner.shards.remove(0).state, self.knowledge);
        if plan.spec.identity != before.spec.identity {
            state.ids.change_rule(self.stream_time);
            knowledge.iter_mut().for_each(|knowledge| knowledge.change_rule(self.stream_time));
        }
        Recompute::over(plan, state, knowledge, self.stream_time, after)
    }

    fn over(plan: Arc<Plan>, state: State, knowledge: Option<Knowledge>, time: Nanos, after: Position) -> Recompute {
        Recompute {
            runner: Runner::over(plan, vec![state], after, time),
            knowledge,
            stream_time: time,
            events: 0,
            #[cfg(test)]
            fails_at: None,
        }
    }

    /// The plan.
    pub fn spec(&self) -> &PlanSpec {
        &self.runner.plan.spec
    }

    fn step(&mut self) -> &mut Step {
        self.runner.shards.first_mut().expect("the runner has one shard")
    }

    fn state(&self) -> &State {
        &self.runner.shards.first().expect("the runner has one shard").state
    }

    /// Whether everything is known: outcomes then follow from the input alone.
    pub fn is_whole(&self) -> bool {
        self.knowledge.is_none()
    }

    /// Events that changed rows are gone, stored by `before`: from here on no row is known.
    pub fn lose_rows(&mut self, before: Nanos) {
        self.step().state.rows = Cache::new(usize::MAX);
        let window = self.runner.plan.dedup_window;
        self.knowledge.get_or_insert_with(|| Knowledge::nothing(window, before)).lose(before);
    }

    /// What must stand in the lane for consecutive events, while everything is known.
    pub fn run(&mut self, messages: Vec<StoredMessage>) -> Vec<Expected> {
        let count = messages.len();
        let outcomes = self.guarded(messages, |this, events, order| {
            let outcomes = this.ran(events, order);
            let several = this.maps();
            let expected = |outcome| Expected { several, ..Expected::outcome(outcome, true) };
            Some(outcomes.into_iter().map(expected).collect())
        });
        let whole = outcomes.filter(|outcomes: &Vec<Expected>| outcomes.len() == count);
        whole.unwrap_or_else(|| vec![Expected::not_known(Doubt::RecomputeFailed, false); count])
    }

    /// What must stand in the lane for the next event, while not everything is known.
    pub fn run_with(&mut self, message: StoredMessage, witness: LaneWitness) -> Expected {
        let emits = self.runner.plan.emits(&message);
        // Of an event outside, the lane tells nothing.
        let witness = if emits { witness } else { LaneWitness::Silent };
        let expected = self.guarded(vec![message], |this, events, order| match order.events() {
            1 => this.judge(events, order, witness),
            _ => this.judge_list(events),
        });
        match expected {
            Some(_) if !emits => Expected::outcome(Outcome::Silent(Silence::Outside), false),
            // An event of which nothing is known may wait, and may leave at any position.
            Some(_) if self.runner.plan.waits => {
                Expected { several: true, ..Expected::not_known(Doubt::StateUnknown, false) }
            }
            Some(expected) => Expected { several: self.maps(), ..expected },
            None => Expected { several: self.maps(), ..Expected::not_known(Doubt::RecomputeFailed, false) },
        }
    }

    /// Whether an event may lead to several messages.
    fn maps(&self) -> bool {
        self.runner.plan.waits || !self.spec().map.is_empty() || self.spec().event.split.is_some()
    }

    /// Decodes and runs; after a panic nothing of the state is relied on.
    fn guarded<T>(
        &mut self,
        messages: Vec<StoredMessage>,
        run: impl FnOnce(&mut Self, &Events, &Order) -> Option<T>,
    ) -> Option<T> {
        let last = messages.last().map_or(self.runner.position(), |message| Position(message.sequence));
        let latest = messages.iter().map(|message| message.stored_at).max().unwrap_or_default();
        let count = messages.len();
        let result = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(test)]
            self.fail_where_planted(&messages);
            let Slice { shards, order, .. } = self.runner.cut(messages)?;
            run(self, shards.first()?, &order)
        }));
        self.stream_time = self.stream_time.max(latest);
        let Ok(Some(result)) = result else {
            let before = self.stream_time;
            *self = Recompute::new(&self.spec().clone(), last, Some(before));
            return None;
        };
        self.forget_now_and_then(count, last);
        Some(result)
    }

    /// Of several events in one message the lane does not tell which of them left what: nothing that they change is known.
    fn judge_list(&mut self, events: &Events) -> Option<Expected> {
        let plan = self.runner.plan.clone();
        for (event, spans) in events.iter(&plan) {
            let kind = plan.kinds.get(usize::from(event.kind))?;
            self.knowledge.as_mut()?.see(event.stream_time);
            let Ok(reading) = &event.reading else { continue };
            let known = VisibleRows::of(&self.state().rows, reading.key.as_ref().map(|key| key.digest));
            let changes = apply(known, kind, event, spans).map_or_else(|_| Vec::new(), |applied| applied.changes);
            let asked = AuditedEvent { kind, event, reading, spans };
            self.in_doubt(asked, changes, Doubt::StateUnknown, false)?;
        }
        Some(Expected::not_known(Doubt::StateUnknown, false))
    }

    fn judge(&mut self, events: &Events, order: &Order, witness: LaneWitness) -> Option<Expected> {
        let plan = self.runner.plan.clone();
        let (event, spans) = events.iter(&plan).next()?;
        let kind = plan.kinds.get(usize::from(event.kind))?;
        let now = event.stream_time;
        self.knowledge.as_mut()?.see(now);
        let knowledge = self.knowledge.as_ref()?;
        let Ok(reading) = &event.reading else { return self.certain(events, order, true) };
        let dropped = event.kind == plan.unknown_kind() && plan.unknown_kinds() == UnknownKinds::Drop;
        let seen = is_duplicate(&self.state().ids, &plan, event, reading, spans);
        if dropped || seen {
            return self.certain(events, order, true);
        }
        let asked = AuditedEvent { kind, event, reading, spans };
        let open = knowledge.may_be_duplicate(&plan, asked);
        let known = VisibleRows::of(&self.state().rows, reading.key.as_ref().map(|key| key.digest));
        let (changes, certain) = match apply(known, kind, event, spans) {
            Ok(Applied { changes, .. }) => {
                let certain = knowledge.is_certain(self.state(), &changes, asked);
                (changes, certain)
            }
            // A bad row selector: a dead letter, whatever the state.
            Err(_) => (Vec::new(), true),
        };
        match (certain, witness) {
            // Only the lane can tell, and it does.
            (_, LaneWitness::Duplicate) if open && plan.spec.dedup_keep.is_some() => {
                Some(Expected::outcome(self.step().taken_for_duplicate(event, spans), true))
            }
            (_, LaneWitness::Nothing) if open => Some(Expected::not_known(Doubt::DuplicateUnknown, false)),
            (true, LaneWitness::Silent) if open => self.in_doubt(asked, changes, Doubt::DuplicateUnknown, false),
            (true, _) => {
                let expected = self.certain(events, order, !open)?;
                if matches!(&expected.value, ExpectedValue::Output(output) if output.dead.is_none()) {
                    self.learn(event, reading, &changes);
                }
                Some(expected)
            }
            // Where it went, and what else left, may depend on rows, too.
            (false, LaneWitness::Output) if !kind.routes.is_empty() || !kind.maps.is_empty() => {
                self.process(event, reading, changes);
                Some(Expected::not_known(Doubt::StateUnknown, !open))
            }
            (false, LaneWitness::Output) => {
                self.process(event, reading, changes);
                Some(Expected::one(ExpectedValue::Frame(frame(&plan, event)), !open))
            }
            (false, LaneWitness::Dead) => Some(Expected::not_known(Doubt::StateUnknown, !open)),
            (false, LaneWitness::Nothing | LaneWitness::Duplicate | LaneWitness::Silent) => {
                self.in_doubt(asked, changes, Doubt::StateUnknown, !open)
            }
        }
    }

    /// The outcome of each message, with what it releases.
    fn ran(&mut self, events: &Events, order: &Order) -> Vec<Outcome> {
        let SliceResult { outcomes, released } = self.step().run(events);
        of_one_shard(order, outcomes, released).expect("what is released is released at one of these positions")
    }

    /// What the core says of one event: it depends on nothing that is not known.
    fn certain(&mut self, events: &Events, order: &Order, must: bool) -> Option<Expected> {
        let outcome: Outcome = self.ran(events, order).pop()?;
        Some(Expected::outcome(outcome, must))
    }

    /// The lane shows that the event was processed, though not all that it became can be recomputed.
    fn process(&mut self, event: &Event, reading: &KeyAndId, changes: Vec<RowChange>) {
        let state = &mut self.step().state;
        state.apply(reading.key_and_text(event), event.group, changes.clone());
        if let Some(id) = reading.identity {
            state.ids.mark(event.group, id, event.stream_time);
        }
        self.learn(event, reading, &changes);
    }

    fn learn(&mut self, event: &Event, reading: &KeyAndId, changes: &[RowChange]) {
        let plan = self.runner.plan.clone();
        let state = &mut self.runner.shards.first_mut().expect("the runner has one shard").state;
        if let Some(knowledge) = &mut self.knowledge {
            knowledge.learn(&plan, state, event, reading, changes);
        }
    }

    fn in_doubt(
        &mut self,
        asked: AuditedEvent<'_>,
        changes: Vec<RowChange>,
        doubt: Doubt,
        must: bool,
    ) -> Option<Expected> {
        let state = &mut self.runner.shards.first_mut().expect("the runner has one shard").state;
        self.knowledge.as_mut()?.doubt(state, asked.event, asked.reading, changes);
        Some(Expected::not_known(doubt, must))
    }

    fn forget_now_and_then(&mut self, count: usize, last: Position) {
        self.events += count;
        if self.events >= FORGET_EVERY {
            self.events = 0;
            let now = self.stream_time;
            forget(&mut self.step().state.ids, last, now);
            if let Some(knowledge) = &mut self.knowledge {
                knowledge.forget(last, self.stream_time);
            }
        }
    }

    #[cfg(test)]
    fn fail_where_planted(&self, messages: &[StoredMessage]) {
        assert!(!messages.iter().any(|m| Some(Position(m.sequence)) == self.fails_at), "planted by a test");
    }
}

/// What of an output does not depend on state.
fn frame(plan: &Plan, event: &Event) -> Output {
    Output {
        position: event.position(),
        n: 0,
        stored_at: event.message.stored_at,
        event_time: None,
        subject: subject_of(plan, &plan.spec.output_subject, event, None).into(),
        copied: copied_headers(&event.message),
        followed: false,
        envelope: None,
        dead: None,
        payload: event.message.payload.clone(),
    }
}
