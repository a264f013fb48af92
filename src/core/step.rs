//! The step of a slice: the page to read first.
//!
//! Each event is looked up, applied, joined and encoded. Everything is worked out first, without touching
//! the state, and then committed in one go, so that a rejection or a panic on the way leaves no trace.

use super::encode::Encoder;
use super::event::{Event, Events, Reading, next_registers};
use super::identity::is_duplicate;
use super::output::Output;
use super::plan::compiled::Plan;
use super::plan::layout::TableId;
use super::plan::spec::UnknownKinds;
use super::rejection::{Reason, Rejection};
use super::state::changes::State;
use super::state::row::Change;
use super::state::rows::KeyRows;
use super::tally::Tally;
use super::{apply, join};
use crate::json::fields::Span;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Events whose rows and ids are fetched together: what they touch fits the processor's nearest caches.
const NEAR: usize = 32;

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An output or a dead letter.
    Publish(Output),
    /// Nothing, and why.
    Silent(Silence),
}

impl IntoIterator for Outcome {
    type Item = Output;
    type IntoIter = std::option::IntoIter<Output>;

    /// The outputs that it leads to.
    fn into_iter(self) -> Self::IntoIter {
        match self {
            Outcome::Publish(output) => Some(output),
            Outcome::Silent(_) => None,
        }
        .into_iter()
    }
}

/// Why an event has no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It was processed before.
    Duplicate,
    /// Its kind is unknown and such events are dropped.
    Dropped,
    /// The stored state holds it already, and so does the lane: recovery passes over it.
    Held,
    /// It stands outside what the plan lets out: it worked on the state, and that was all.
    Outside,
}

/// What one event does, worked out but not done.
struct Effects {
    changes: Vec<Change>,
    missed: Vec<TableId>,
    output: Output,
}

/// The pure part of a shard: a plan, and the state that it owns.
#[derive(Debug)]
pub struct Step {
    plan: Arc<Plan>,
    /// The rows and ids.
    pub state: State,
    /// What was counted since it was last taken.
    pub tally: Tally,
    /// The same of events without an outcome, for which nobody asks.
    unseen: Tally,
    encoder: Encoder,
}

impl Step {
    /// A step over a state.
    pub fn new(plan: Arc<Plan>, state: State) -> Step {
        Step { encoder: Encoder::new(plan.clone()), tally: Tally::new(&plan), unseen: Tally::new(&plan), plan, state }
    }

    /// Runs the events of a slice in order; the outcomes stand in the same order.
    pub fn run(&mut self, events: &Events) -> Vec<Outcome> {
        let plan = self.plan.clone();
        let mut outcomes = Vec::with_capacity(events.list.len());
        let mut rest = &events.spans[..];
        for near in events.list.chunks(NEAR) {
            self.warm(near);
            for event in near {
                let spans = next_registers(&mut rest, &plan, event.kind);
                outcomes.push(self.one(&plan, event, spans));
            }
        }
        assert!(rest.is_empty(), "registers without an event");
        self.encoder.seal(&mut outcomes);
        outcomes
    }

    /// Touches what the events will look up, so that the processor fetches it for many of them at once; one event after
    /// the other, each look would wait for memory by itself. Decides nothing.
    fn warm(&self, near: &[Event]) {
        let readings = || near.iter().filter_map(|event| Some((event.group, event.reading.as_ref().ok()?)));
        let known =
            |(group, reading): (_, &Reading)| reading.identity.is_some_and(|id| self.state.ids.knows(group, id));
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
        // All the same up to the encoded bytes: an output that would be too large leaves no trace in the state either.
        let encoded = self.encoder.mark();
        std::mem::swap(&mut self.tally, &mut self.unseen);
        let outcome = self.outcome(plan, event, spans);
        std::mem::swap(&mut self.tally, &mut self.unseen);
        self.encoder.undo(encoded);
        let silence = match outcome {
            Outcome::Publish(_) => Silence::Outside,
            Outcome::Silent(silence) => silence,
        };
        self.tally.silent(event.kind, silence);
        Outcome::Silent(silence)
    }

    fn outcome(&mut self, plan: &Plan, event: &Event, spans: &[Span]) -> Outcome {
        let reading = match &event.reading {
            Ok(reading) => reading,
            Err(rejection) => return self.reject(event, rejection),
        };
        if let Some(silence) = self.silence(plan, event, reading, spans) {
            self.tally.silent(event.kind, silence);
            return Outcome::Silent(silence);
        }
        match self.guarded(plan, event, reading, spans) {
            Ok(effects) => Outcome::Publish(self.commit(event, reading, effects)),
            Err(rejection) => self.reject(event, &rejection),
        }
    }

    /// Whether the event has no outcome at all.
    fn silence(&self, plan: &Plan, event: &Event, reading: &Reading, spans: &[Span]) -> Option<Silence> {
        if event.kind == plan.unknown_kind() && plan.unknown_kinds() == UnknownKinds::Drop {
            return Some(Silence::Dropped);
        }
        is_duplicate(&self.state.ids, plan, event, reading, spans).then_some(Silence::Duplicate)
    }

    /// Works an event out; a panic on the way costs that event alone.
    fn guarded(&mut self, plan: &Plan, event: &Event, reading: &Reading, spans: &[Span]) -> Result<Effects, Rejection> {
        let known = reading.key.as_ref().and_then(|key| self.state.rows.asked(key.digest));
        let encoder = &mut self.encoder;
        let before = encoder.mark();
        let result = catch_unwind(AssertUnwindSafe(|| work_out(plan, known, encoder, event, spans)));
        result.unwrap_or_else(|_| {
            self.encoder.undo(before);
            Err(Rejection::new(Reason::Internal, "the engine failed on this event: please report it with the event"))
        })
    }

    /// From here on nothing can fail.
    fn commit(&mut self, event: &Event, reading: &Reading, effects: Effects) -> Output {
        if let Some(key) = reading.key.as_ref().filter(|_| !effects.changes.is_empty()) {
            let text = key.text.get(&event.message.payload);
            self.state.rows.apply(key.digest, text, event.group, effects.changes.into_iter());
        }
        if let Some(identity) = reading.identity {
            self.state.ids.mark(event.group, identity, event.stream_time);
        }
        self.tally.processed(event.kind, &effects.missed);
        effects.output
    }

    fn reject(&mut self, event: &Event, rejection: &Rejection) -> Outcome {
        self.tally.dead(event.kind, rejection.reason);
        Outcome::Publish(self.encoder.dead_letter(event, rejection))
    }
}

/// Apply, join and encode; `known` are the rows of the event's key.
fn work_out(
    plan: &Plan,
    known: Option<&KeyRows>,
    encoder: &mut Encoder,
    event: &Event,
    spans: &[Span],
) -> Result<Effects, Rejection> {
    #[cfg(feature = "failpoints")]
    super::planted::panic_where_asked(event);
    let kind = plan.kinds.get(usize::from(event.kind));
    let kind = kind.ok_or_else(|| Rejection::new(Reason::Internal, "the kind's number is out of range"))?;
    let changes = apply::apply(known, kind, event, spans)?;
    let (output, missed) = {
        let joined = join::join(known, &changes, kind, event, spans)?;
        (encoder.output(kind, event, spans, &joined)?, joined.missed)
    };
    Ok(Effects { changes, missed, output })
}
