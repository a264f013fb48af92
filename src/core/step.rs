//! The step of a slice: the page to read first.
//!
//! Each event is looked up, applied, joined and encoded. Everything is worked out first, without touching
//! the state, and then committed in one go, so that a rejection or a panic on the way leaves no trace.

use super::apply::{Applied, Unchanged, apply};
use super::encode::Encoder;
use super::event::{Event, Events, KeyAndId, Stop, next_registers};
use super::identity::is_duplicate;
use super::ids::{Content, Nanos};
use super::leave::{LeadsTo, Leaving, leaving};
use super::outcome::{Outcome, Silence};
use super::parked::{FoundRow, Released};
use super::plan::compiled::Plan;
use super::plan::layout::TableId;
use super::plan::spec::UnknownKinds;
use super::rejection::{Reason, Rejection};
use super::state::changes::State;
use super::state::row::RowChange;
use super::state::visible::VisibleRows;
use super::tally::Tally;
use super::wait;
use super::{join, quality};
use crate::json::fields::Span;
use smallvec::SmallVec;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Events whose rows and ids are fetched together: what they touch fits the processor's nearest caches.
const NEAR: usize = 32;

/// What one event does, worked out but not done.
struct Effects {
    changes: Vec<RowChange>,
    /// The tables whose row stays as it is.
    kept: SmallVec<[(TableId, Unchanged); 1]>,
    does: Does,
}

/// What an event does besides changing rows.
enum Does {
    /// It leaves.
    Leave(Leaving),
    /// It waits until then, with the rows that it found.
    Wait(Nanos, Vec<FoundRow>),
}

/// What the events of a slice lead to.
#[derive(Debug, Default)]
pub struct SliceResult {
    /// The outcome of each event, in order.
    pub outcomes: Vec<Outcome>,
    /// What events lead to that waited and leave now, in the order in which they were released.
    pub released: Vec<Released>,
}

/// The pure part of a shard: a plan, and the state that it owns.
#[derive(Debug)]
pub struct Step {
    pub(super) plan: Arc<Plan>,
    /// The rows, the ids and the events that wait.
    pub state: State,
    pub(super) released: Vec<Released>,
    /// What was counted since it was last taken.
    pub tally: Tally,
    /// The same of events without an outcome, for which nobody asks.
    pub(super) aside: Tally,
    pub(super) encoder: Encoder,
}

impl Step {
    /// A step over a state.
    pub fn new(plan: Arc<Plan>, mut state: State) -> Step {
        state.ids.note_contents(plan.spec.dedup_conflicts);
        wait::bind(&plan, &mut state.waiting);
        let (encoder, released) = (Encoder::new(plan.clone()), Vec::new());
        Step { encoder, released, tally: Tally::new(&plan), aside: Tally::new(&plan), plan, state }
    }

    /// Runs the events of a slice in order; the outcomes stand in the same order.
    pub fn run(&mut self, events: &Events) -> SliceResult {
        let plan = self.plan.clone();
        let mut outcomes = Vec::with_capacity(events.list.len());
        let mut rest = &events.spans[..];
        let mut passed = 0;
        // Of each event that was released, how many outcomes were there: bodies are sealed in the order of encoding.
        let mut behind = Vec::new();
        for near in events.list.chunks(NEAR) {
            self.warm(near);
            for event in near {
                let spans = next_registers(&mut rest, &plan, event.kind);
                let at = wait::place(&events.clock, event.position());
                self.pass(&events.clock, &mut passed, at);
                behind.resize(self.released.len(), outcomes.len());
                if event.group.is_everyone() && self.state.follows {
                    self.unseen(&plan, event, spans);
                } else {
                    outcomes.push(self.one(&plan, event, spans));
                }
                if !self.state.waiting.is_empty() {
                    self.release_by_row(&plan, &events.clock, at, event, spans);
                    behind.resize(self.released.len(), outcomes.len());
                }
            }
        }
        assert!(rest.is_empty(), "registers without an event");
        self.pass(&events.clock, &mut passed, events.clock.len());
        behind.resize(self.released.len(), outcomes.len());
        if let Some(last) = events.list.last() {
            self.tally.reached(last.stream_time);
        }
        let mut released = std::mem::take(&mut self.released);
        self.encoder.seal(&mut outcomes, &mut released, &behind);
        SliceResult { outcomes, released }
    }

    /// Touches what the events will look up, so that the processor fetches it for many of them at once; one event after
    /// the other, each look would wait for memory by itself. Decides nothing.
    fn warm(&self, near: &[Event]) {
        let readings = || near.iter().filter_map(|event| Some((event.group, event.reading.as_ref().ok()?)));
        let known =
            |(group, reading): (_, &KeyAndId)| reading.identity.is_some_and(|id| self.state.ids.knows(group, id));
        black_box(readings().filter(|reading| known(*reading)).count());
        // A key's rows hang on it by pointers: first all keys, then all rows, so that the fetches of one key's do not wait for
        // those of another.
        let mut keys = [None; NEAR];
        for (place, (_, reading)) in keys.iter_mut().zip(readings()) {
            *place = reading.key.as_ref().and_then(|key| self.state.rows.key(key.digest));
        }
        black_box(keys.iter().flatten().map(|key| key.warm()).sum::<usize>());
    }

    fn one(&mut self, plan: &Plan, event: &Event, spans: &[Span]) -> Outcome {
        if self.state.holds(event.group, event.position()) {
            return Outcome::Silent(Silence::Held);
        }
        if plan.emits(&event.message) {
            return self.outcome(plan, event, spans);
        }
        let silence = match self.unseen(plan, event, spans) {
            Outcome::Silent(silence) => silence,
            Outcome::Publish(_) | Outcome::Several(_) => Silence::Outside,
        };
        self.tally.silent(event.kind, silence);
        Outcome::Silent(silence)
    }

    /// What an event does to the state, where nobody here says what it leads to: all the same up to the encoded bytes, for an
    /// output that would be too large leaves no trace in the state either.
    fn unseen(&mut self, plan: &Plan, event: &Event, spans: &[Span]) -> Outcome {
        let encoded = self.encoder.mark();
        std::mem::swap(&mut self.tally, &mut self.aside);
        let outcome = self.outcome(plan, event, spans);
        std::mem::swap(&mut self.tally, &mut self.aside);
        self.encoder.undo(encoded);
        outcome
    }

    fn outcome(&mut self, plan: &Plan, event: &Event, spans: &[Span]) -> Outcome {
        self.tally.unknown(&event.unknown);
        let reading = match &event.reading {
            Ok(reading) => reading,
            Err(Stop::Rejected(rejection)) => return self.reject(event, rejection),
            Err(Stop::Tick) => return Outcome::Silent(Silence::Tick),
            Err(Stop::Filtered(rule)) => {
                self.tally.silent(event.kind, Silence::Filtered(*rule));
                return Outcome::Silent(Silence::Filtered(*rule));
            }
        };
        match self.silence(plan, event, reading, spans) {
            None => {}
            Some(Silence::Duplicate) => return self.duplicate(plan, event, spans),
            Some(silence) => {
                self.tally.silent(event.kind, silence);
                return Outcome::Silent(silence);
            }
        }
        match self.guarded(plan, event, reading, spans) {
            Ok(effects) => self.commit(event, spans, reading, effects),
            Err(rejection) => self.reject(event, &rejection),
        }
    }

    /// Whether the event has no outcome at all.
    fn silence(&self, plan: &Plan, event: &Event, reading: &KeyAndId, spans: &[Span]) -> Option<Silence> {
        if event.kind == plan.unknown_kind() && plan.unknown_kinds() == UnknownKinds::Drop {
            return Some(Silence::Dropped);
        }
        let waits = reading.identity.is_some_and(|identity| self.state.waiting.has(identity));
        (waits || is_duplicate(&self.state.ids, plan, event, reading, spans)).then_some(Silence::Duplicate)
    }

    /// The content of an event, where the plan notes contents.
    fn content(&self, event: &Event) -> Content {
        if self.plan.spec.dedup_conflicts { Content::of(&event.message.payload) } else { Content::UNKNOWN }
    }

    /// What becomes of a duplicate: nothing, unless the plan keeps duplicates aside.
    fn duplicate(&mut self, plan: &Plan, event: &Event, spans: &[Span]) -> Outcome {
        let outcome = match &plan.spec.dedup_keep {
            None => Outcome::Silent(Silence::Duplicate),
            Some(aside) => match self.encoder.duplicate(aside, event, spans) {
                Ok(output) => Outcome::Publish(output),
                Err(rejection) => return self.reject(event, &rejection),
            },
        };
        self.tally.silent(event.kind, Silence::Duplicate);
        quality::repeated(plan, event, &mut self.tally);
        if let Some(id) = event.reading.as_ref().ok().and_then(|reading| reading.identity)
            && self.content(event).conflicts(self.state.ids.content(event.group, id))
        {
            self.tally.conflict(event.kind);
        }
        outcome
    }

    /// What becomes of the only event of a slice, where something else than the state says that it is a duplicate.
    pub fn taken_for_duplicate(&mut self, event: &Event, spans: &[Span]) -> Outcome {
        let plan = self.plan.clone();
        let mut outcome = [self.duplicate(&plan, event, spans)];
        self.encoder.seal(&mut outcome, &mut [], &[]);
        let [outcome] = outcome;
        outcome
    }

    /// Works an event out; a panic on the way costs that event alone.
    fn guarded(
        &mut self,
        plan: &Plan,
        event: &Event,
        reading: &KeyAndId,
        spans: &[Span],
    ) -> Result<Effects, Rejection> {
        let known = VisibleRows::asked(&self.state.rows, reading.key.as_ref().map(|key| key.digest));
        let queue = if plan.waits { wait::queue(plan, &self.state.waiting, event) } else { wait::WaitQueue::default() };
        let (encoder, tally) = (&mut self.encoder, &mut self.tally);
        let before = encoder.mark();
        let result = catch_unwind(AssertUnwindSafe(|| work_out(plan, known, queue, encoder, tally, event, spans)));
        let result = result.unwrap_or_else(|_| Err(failed()));
        if result.is_err() {
            self.encoder.undo(before);
        }
        result
    }

    /// From here on nothing can fail.
    fn commit(&mut self, event: &Event, spans: &[Span], reading: &KeyAndId, effects: Effects) -> Outcome {
        self.state.apply(reading.key_and_text(event), event.group, effects.changes);
        self.tally.rows_kept(&effects.kept);
        match effects.does {
            Does::Leave(leaving) => {
                self.mark(event, event.stream_time);
                self.leaves(event, leaving)
            }
            Does::Wait(deadline, found) => {
                self.park(event, spans, deadline, found);
                Outcome::Silent(Silence::Waits)
            }
        }
    }

    /// Remembers an event's id as processed at a stream time.
    pub(super) fn mark(&mut self, event: &Event, time: Nanos) {
        if let Some(identity) = event.reading.as_ref().ok().and_then(|reading| reading.identity) {
            let content = self.content(event);
            self.state.ids.mark_with(event.group, identity, time, content);
        }
    }

    /// Counts what an event leads to that leaves.
    pub(super) fn leaves(&mut self, event: &Event, leaving: Leaving) -> Outcome {
        let Leaving { missed, leads_to: LeadsTo { outcome, kept, mapped, unknown } } = leaving;
        self.tally.unknown(&unknown);
        match &outcome {
            Outcome::Silent(silence) => self.tally.silent(event.kind, *silence),
            Outcome::Publish(_) | Outcome::Several(_) => {
                self.tally.processed(event.kind, &missed);
                kept.iter().for_each(|rule| self.tally.kept(*rule));
                mapped.iter().for_each(|rule| self.tally.mapped(*rule));
                self.count_lacks(event, &outcome);
            }
        }
        outcome
    }

    /// Counts an id or a time that an event with an output lacks, and how fresh its kind is.
    fn count_lacks(&mut self, event: &Event, outcome: &Outcome) {
        let identity = event.reading.as_ref().ok().and_then(|reading| reading.identity);
        let id = identity.is_none() && self.plan.looks_for_id(event.kind);
        let stored_at = event.message.stored_at;
        let time = match self.plan.time {
            Some(_) => outcome.outputs().iter().find_map(|output| output.event_time),
            None => Some(stored_at),
        };
        if id || time.is_none() {
            self.tally.lacks(event.kind, id, time.is_none());
        }
        if let Some(time) = time {
            // One that is ahead of its own storage says nothing about how fresh the kind is.
            self.tally.newest(event.kind, time.min(stored_at));
        }
    }

    pub(super) fn reject(&mut self, event: &Event, rejection: &Rejection) -> Outcome {
        self.tally.dead(event.kind, rejection.reason);
        Outcome::Publish(self.encoder.dead_letter(event, rejection))
    }
}

/// What is said of an event on which the engine itself failed.
pub(super) fn failed() -> Rejection {
    Rejection::new(Reason::Internal, "the engine failed on this event: please report it with the event")
}

/// Apply, join, judge and encode; `known` are the rows that the event sees, `queue` says who waits before it, and the tally takes
/// what quality it has.
fn work_out(
    plan: &Plan,
    known: VisibleRows<'_>,
    queue: wait::WaitQueue,
    encoder: &mut Encoder,
    tally: &mut Tally,
    event: &Event,
    spans: &[Span],
) -> Result<Effects, Rejection> {
    #[cfg(feature = "failpoints")]
    super::planted::panic_where_asked(event);
    let kind = plan.kinds.get(usize::from(event.kind));
    let kind = kind.ok_or_else(|| Rejection::new(Reason::Internal, "the kind's number is out of range"))?;
    let Applied { changes, kept } = apply(known, kind, event, spans)?;
    let does = {
        let joined = join::join(known, &changes, kind, event, spans)?;
        match queue.deadline(joined.wait, event)? {
            Some(deadline) => Does::Wait(deadline, join::found(kind, event, spans, &joined)),
            None if joined.dead_at_last => return Err(wait::missed(joined.wait.is_some())),
            None => {
                tally.overflow(joined.wait.is_some());
                Does::Leave(leaving(kind, joined, encoder, tally, event, spans)?)
            }
        }
    };
    Ok(Effects { changes, kept, does })
}
