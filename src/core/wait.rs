//! Waiting for rows: who is parked, who is released at which position, and as what.
//!
//! State changes when an event arrives; only its outputs wait. They leave at the position that frees them: where an event of the
//! same key brings the row, or where stream time passes the deadline, whichever shard's event that is.

use super::apply::global_rows;
use super::clock::Moment;
use super::decode::Decoder;
use super::event::{Event, StoredForm, Text};
use super::ids::{Digest, Nanos, Position};
use super::join::{awaited, join_again};
use super::leave::{Leaving, leaving};
use super::mutants::{Mutant, planted};
use super::parked::{FoundRow, Parked, Released, Turn};
use super::plan::compiled::{KindId, Plan};
use super::rejection::{Reason, Rejection};
use super::state::visible::{VisibleRows, global_digest};
use super::state::waiting::WaitingEvents;
use super::step::{Step, failed};
use crate::json::fields::Span;
use bytes::Bytes;
use smallvec::SmallVec;
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

/// Who waits before an event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WaitQueue {
    /// Whether no more of its key group may wait.
    full: bool,
    /// When time releases the last one behind which it keeps its order, and how long it waits itself.
    behind: Option<(Nanos, Nanos)>,
}

/// Who waits before an event of a kind that may wait.
pub(super) fn queue(plan: &Plan, waiting: &WaitingEvents, event: &Event) -> WaitQueue {
    let full = waiting.of_group(event.group) >= plan.max_waiting;
    let Some(kind) = plan.kinds.get(usize::from(event.kind)).filter(|kind| !kind.ordered.is_empty()) else {
        return WaitQueue { full, behind: None };
    };
    let key = event.reading.as_ref().ok().and_then(|reading| reading.key.as_ref());
    let turns = key.map(|key| waiting.of_key(key.digest)).unwrap_or_default();
    let shares = |turn: &Turn| {
        let parked = waiting.get(*turn)?;
        let shared = kind.ordered.iter().filter(|(number, _)| parked.ordered.contains(number));
        shared.map(|(_, time)| (turn.deadline, *time)).max()
    };
    WaitQueue { full, behind: turns.iter().filter_map(shares).max() }
}

impl WaitQueue {
    /// When time releases the event, if it waits: for rows so long, or for those before it.
    pub(super) fn deadline(self, wait: Option<Nanos>, event: &Event) -> Result<Option<Nanos>, Rejection> {
        let own = |time: Nanos| Nanos(event.stream_time.0.saturating_add(time.0));
        let deadline = match (self.behind, wait) {
            (Some((last, time)), wait) => Some(own(wait.unwrap_or(time)).max(last)),
            (None, wait) => wait.map(own),
        };
        if self.full && self.behind.is_some() {
            let sentence = "it has to keep the order of its key behind an event that waits, and as many events of the key group \
                            wait as engine.max_waiting allows";
            return Err(Rejection::new(Reason::WaitFull, sentence));
        }
        Ok(deadline.filter(|_| !self.full))
    }
}

/// The place of a position among the moments of its slice; 0 where nothing waits, and nobody asks.
pub(super) fn place(clock: &[Moment], position: Position) -> usize {
    clock.partition_point(|moment| moment.position < position)
}

/// Looks up anew what a plan says of the events that wait: where their fields are, and whether they still wait for anything.
/// One that does not leaves at the first position under the plan.
pub(super) fn bind(plan: &Plan, waiting: &mut WaitingEvents) {
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
        parked.ordered = ordered(plan, kind);
        parked.global_rows = may_wait_for(plan, &parked.event, &parked.spans);
        let before = parked.turn;
        if !plan.kinds.get(usize::from(kind)).is_some_and(|kind| kind.waits()) {
            parked.turn.deadline = Nanos(i64::MIN);
        }
        waiting.put_back(parked, before);
    }
}

/// The enrichments in which events of a kind keep the order of their key.
fn ordered(plan: &Plan, kind: KindId) -> SmallVec<[u16; 2]> {
    let kind = plan.kinds.get(usize::from(kind));
    kind.into_iter().flat_map(|kind| &kind.ordered).map(|(number, _)| *number).collect()
}

/// The rows of global tables for which an event waits, or may wait.
fn may_wait_for(plan: &Plan, event: &Event, spans: &[Span]) -> SmallVec<[Digest; 1]> {
    let kind = plan.kinds.get(usize::from(event.kind)).filter(|_| plan.has_global);
    kind.into_iter().flat_map(|kind| awaited(kind, event, spans)).collect()
}

impl Step {
    /// Keeps an event until its row comes or its time is over.
    pub(super) fn park(&mut self, event: &Event, spans: &[Span], deadline: Nanos, found: Vec<FoundRow>) {
        let section = self.plan.kinds.get(usize::from(event.kind)).map(|kind| kind.name.clone());
        let ordered = ordered(&self.plan, event.kind);
        let turn = Turn { deadline, position: event.position(), group: event.group, again: 0 };
        let global_rows = may_wait_for(&self.plan, event, spans);
        let event = apart(event, self.plan.hides);
        let section = section.expect("a kind's number is one of the plan's");
        self.state.waiting.add(Parked { turn, section, event, spans: spans.into(), found, ordered, global_rows });
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
            let moment = *clock.get(at).expect("the last moment is behind the deadline");
            let key = first.key();
            self.release(turn, at, moment, true);
            // Who only kept its order behind it may go, too.
            if let Some(key) = key {
                self.release_of_key(at, moment, key, None);
            }
        }
        *passed = until;
    }

    /// Releases the events whose rows are all there behind an event: those of its key, or those that wait for the rows of global
    /// tables that it feeds.
    pub(super) fn release_by_row(&mut self, plan: &Plan, clock: &[Moment], at: usize, event: &Event, spans: &[Span]) {
        let Some(moment) = clock.get(at).copied() else { return };
        if event.group.is_everyone() {
            return self.release_by_global_rows(plan, at, moment, event, spans);
        }
        // Behind a start, what waits in a group that is ahead waited beyond this event; a row of a global table, as old as the event,
        // would release it too early.
        if self.state.holds(event.group, event.position()) {
            return;
        }
        let Some(key) = event.reading.as_ref().ok().and_then(|reading| reading.key.as_ref()) else { return };
        self.release_of_key(at, moment, key.digest, Some(event));
    }

    fn release_by_global_rows(&mut self, plan: &Plan, at: usize, moment: Moment, event: &Event, spans: &[Span]) {
        let Some(kind) = plan.kinds.get(usize::from(event.kind)).filter(|_| event.reading.is_ok()) else { return };
        let mut keys: Vec<Digest> = Vec::new();
        for (table, row) in global_rows(kind, event, spans) {
            for turn in self.state.waiting.of_global_row(global_digest(table, row)) {
                // Behind a start, a group may be ahead of the row: what its events made of it is known already.
                if self.state.holds(turn.group, moment.position) && !planted(Mutant::ReleasedByAnOldRow) {
                    continue;
                }
                let key = self.state.waiting.get(turn).and_then(|parked| parked.key());
                keys.extend(key.filter(|key| !keys.contains(key)));
            }
        }
        keys.into_iter().for_each(|key| self.release_of_key(at, moment, key, None));
    }

    /// The same of a key, but for the event that has just come; who keeps its order stays behind one that stays.
    fn release_of_key(&mut self, at: usize, moment: Moment, key: Digest, came: Option<&Event>) {
        let mut turns = self.state.waiting.of_key(key);
        let element = |turn: &Turn| self.state.waiting.get(*turn).and_then(|parked| number(&parked.event));
        turns.sort_by_key(|turn| (turn.position, element(turn), turn.again));
        let came = came.map(|event| (event.position(), number(event)));
        let mut held: SmallVec<[u16; 2]> = SmallVec::new();
        for turn in turns {
            let Some(parked) = self.state.waiting.get(turn) else { continue };
            let ordered = parked.ordered.clone();
            let behind = ordered.iter().any(|number| held.contains(number)) && !planted(Mutant::OrderOfKeyBroken);
            // Behind a start it may be there already, with others that keep their order behind it.
            if behind || came == Some((turn.position, number(&parked.event))) || !self.has_its_rows(&self.plan, parked)
            {
                held.extend(ordered);
            } else {
                self.release(turn, at, moment, false);
            }
        }
    }

    /// Releases an event at a moment.
    fn release(&mut self, turn: Turn, at: usize, moment: Moment, by_time: bool) {
        let plan = self.plan.clone();
        let mut parked = self.state.waiting.remove(turn).expect("it was there just now");
        parked.event.leaves = Some(Box::new(moment));
        let emits = plan.emits_at(moment.position, &parked.event.message.subject);
        if !emits {
            // Nobody asks for what is outside.
            std::mem::swap(&mut self.tally, &mut self.aside);
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
            std::mem::swap(&mut self.tally, &mut self.aside);
        }
        let (by_row, in_time) = &mut self.tally.released;
        *(if by_time { in_time } else { by_row }) += 1;
    }

    /// Whether every row that an event waits for is there now.
    fn has_its_rows(&self, plan: &Plan, parked: &Parked) -> bool {
        let (Some(key), Some(kind)) = (parked.key(), plan.kinds.get(usize::from(parked.event.kind))) else {
            return true;
        };
        let known = VisibleRows::asked(&self.state.rows, Some(key));
        join_again(known, kind, parked).map_or(true, |joined| joined.wait.is_none())
    }

    fn work_out_again(&mut self, plan: &Plan, parked: &Parked) -> Result<Leaving, Rejection> {
        let event = &parked.event;
        if let Err(stop) = &event.reading {
            return Err(stop.rejection().cloned().unwrap_or_else(failed));
        }
        let kind = plan.kinds.get(usize::from(event.kind)).ok_or_else(failed)?;
        let known = VisibleRows::asked(&self.state.rows, parked.key());
        let joined = join_again(known, kind, parked)?;
        if joined.dead_at_last {
            return Err(waited_in_vain(parked));
        }
        leaving(kind, joined, &mut self.encoder, &mut self.tally, event, &parked.spans)
    }
}

/// Which event of its message's list it is.
fn number(event: &Event) -> Option<u16> {
    event.element_number().and_then(|number| number.parse().ok())
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
    if let StoredForm::Before(original) = &mut apart.stored {
        original.payload = if hides { Bytes::new() } else { Bytes::copy_from_slice(&original.payload) };
    }
    apart
}
