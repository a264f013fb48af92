//! Waiting for rows: who is parked, who is released at which position, and as what.
//!
//! State changes when an event arrives; only its outputs wait. They leave at the position that frees them: where an event of the
//! same key brings the row, or where stream time passes the deadline, whichever shard's event that is.

use super::clock::Moment;
use super::decode::Decoder;
use super::event::{Event, Stored, Text};
use super::ids::{Nanos, Position};
use super::join::join_again;
use super::leave::{Leaving, leaving};
use super::mutants::{Mutant, planted};
use super::parked::{Found, Parked, Released, Turn};
use super::plan::compiled::Plan;
use super::rejection::{Reason, Rejection};
use super::state::waiting::Waiting;
use super::step::{Step, failed};
use crate::json::fields::Span;
use bytes::Bytes;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why an event whose row is not there is a dead letter without waiting; `full` where no more of its group may wait.
pub(super) fn missed(full: bool) -> Rejection {
    let sentence = if full {
        "a join found no row, and as many events of the key group wait as engine.max_waiting allows"
    } else {
        "a join found no row, and the event does not say which one to wait for"
    };
    Rejection::new(Reason::Miss, sentence)
}

/// The same of one that waited.
fn waited_in_vain(parked: &Parked) -> Rejection {
    let seconds = (parked.turn.deadline.0.saturating_sub(parked.event.stream_time.0)) / 1_000_000_000;
    Rejection::new(Reason::Miss, format!("a join found no row; the event waited {seconds} s for it"))
}

/// The place of a position among the moments of its slice; 0 where nothing waits, and nobody asks.
pub(super) fn place(clock: &[Moment], position: Position) -> usize {
    clock.partition_point(|moment| moment.position < position)
}

/// Looks up anew what a plan says of the events that wait: where their fields are, and whether they still wait for anything.
/// One that does not leaves at the first position under the plan.
pub(super) fn bind(plan: &Plan, waiting: &mut Waiting) {
    if waiting.is_empty() {
        return;
    }
    let mut decoder = Decoder::default();
    for mut parked in waiting.take_all() {
        let section = plan.kinds.iter().position(|kind| *kind.name == *parked.section && kind.known);
        let kind = section.and_then(|kind| u16::try_from(kind).ok()).unwrap_or(plan.unknown_kind());
        let mut spans = Vec::new();
        decoder.again(plan, kind, &mut parked.event, &mut spans);
        parked.spans = spans.into();
        let before = parked.turn;
        if !plan.kinds.get(usize::from(kind)).is_some_and(|kind| kind.waits()) {
            parked.turn.deadline = Nanos(i64::MIN);
        }
        waiting.put_back(parked, before);
    }
}

impl Step {
    /// Keeps an event until its row comes or its time is over.
    pub(super) fn park(&mut self, event: &Event, spans: &[Span], time: Nanos, found: Vec<Found>) {
        let section = self.plan.kinds.get(usize::from(event.kind)).map(|kind| kind.name.clone());
        let deadline = Nanos(event.stream_time.0.saturating_add(time.0));
        let turn = Turn { deadline, position: event.position(), group: event.group, again: 0 };
        let event = apart(event, self.plan.hides);
        let section = section.expect("a kind's number is one of the plan's");
        self.state.waiting.add(Parked { turn, section, event, spans: spans.into(), found });
        self.tally.parked += 1;
    }

    /// Releases what time releases at the moments up to `until`, which are passed then.
    pub(super) fn pass(&mut self, clock: &[Moment], passed: &mut usize, until: usize) {
        // The mistake: what follows a shard's last event of the slice is left for the next one.
        if planted(Mutant::DeadlineByOwnEvents) && until == clock.len() {
            return;
        }
        let Some(last) = until.checked_sub(1).and_then(|last| clock.get(last)) else { return };
        while let Some(first) = self.state.waiting.first()
            && first.turn.deadline <= last.stream_time
        {
            let turn = first.turn;
            let rest = clock.get(*passed..until).unwrap_or_default();
            let at = *passed + rest.partition_point(|moment| moment.stream_time < turn.deadline);
            let moment = clock.get(at).expect("the last moment is behind the deadline");
            self.release(turn, at, *moment, true);
        }
        *passed = until;
    }

    /// Releases the events of an event's key whose rows are all there behind it.
    pub(super) fn release_by_row(&mut self, clock: &[Moment], at: usize, event: &Event) {
        let Some(moment) = clock.get(at).copied() else { return };
        let Some(key) = event.reading.as_ref().ok().and_then(|reading| reading.key.as_ref()) else { return };
        for turn in self.state.waiting.of_key(key.digest) {
            if turn.position != event.position() {
                self.release(turn, at, moment, false);
            }
        }
    }

    /// Releases an event at a moment, unless a row that it waits for is not there and its time is not over.
    fn release(&mut self, turn: Turn, at: usize, moment: Moment, by_time: bool) {
        let plan = self.plan.clone();
        let Some(parked) = self.state.waiting.get(turn) else { return };
        if !by_time && !self.has_its_rows(&plan, parked) {
            return;
        }
        let mut parked = self.state.waiting.remove(turn).expect("it was there just now");
        parked.event.leaves = Some(Box::new(moment));
        let emits = plan.emits_at(moment.position, &parked.event.message.subject);
        if !emits {
            // Nobody asks for what is outside.
            std::mem::swap(&mut self.tally, &mut self.unseen);
        }
        let before = self.encoder.mark();
        let result = catch_unwind(AssertUnwindSafe(|| self.work_out_again(&plan, &parked)));
        let outcome = match result.unwrap_or_else(|_| Err(failed())) {
            Ok(leaving) => {
                self.mark(&parked.event, moment.stream_time);
                self.leaves(&parked.event, leaving)
            }
            Err(rejection) => {
                self.encoder.undo(before);
                self.reject(&parked.event, &rejection)
            }
        };
        if emits {
            self.released.push(Released { at, turn, outcome });
        } else {
            self.encoder.undo(before);
            std::mem::swap(&mut self.tally, &mut self.unseen);
        }
        let (by_row, in_time) = &mut self.tally.released;
        *(if by_time { in_time } else { by_row }) += 1;
    }

    /// Whether every row that an event waits for is there now.
    fn has_its_rows(&self, plan: &Plan, parked: &Parked) -> bool {
        let (Some(key), Some(kind)) = (parked.key(), plan.kinds.get(usize::from(parked.event.kind))) else {
            return true;
        };
        let known = self.state.rows.asked(key);
        join_again(known, kind, parked).map_or(true, |joined| joined.wait.is_none())
    }

    fn work_out_again(&mut self, plan: &Plan, parked: &Parked) -> Result<Leaving, Rejection> {
        let event = &parked.event;
        if let Err(stop) = &event.reading {
            return Err(stop.rejection().cloned().unwrap_or_else(failed));
        }
        let kind = plan.kinds.get(usize::from(event.kind)).ok_or_else(failed)?;
        let known = parked.key().and_then(|key| self.state.rows.asked(key));
        let joined = join_again(known, kind, parked)?;
        if joined.dead_at_last {
            return Err(waited_in_vain(parked));
        }
        leaving(kind, joined, &mut self.encoder, &mut self.tally, event, &parked.spans)
    }
}

/// The event, independent of the text that it came in, and without what the plan hides.
fn apart(event: &Event, hides: bool) -> Event {
    let payload = &event.message.payload;
    let mut apart = event.clone();
    apart.kind_text = apart.kind_text.map(|text| text.apart(payload));
    if let Ok(reading) = &mut apart.reading
        && let Some(key) = &mut reading.key
    {
        key.text = std::mem::replace(&mut key.text, Text::Owned("".into())).apart(payload);
    }
    apart.message.payload = Bytes::copy_from_slice(payload);
    if let Stored::Before(original) = &mut apart.stored {
        original.payload = if hides { Bytes::new() } else { Bytes::copy_from_slice(&original.payload) };
    }
    apart
}
