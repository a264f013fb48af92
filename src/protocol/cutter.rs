//! Intake: messages of the input become slices, cut by shard, with barriers between them.
//!
//! Owns the last position taken and stream time. Reads nothing and sends nothing.

use super::merge::{Order, SliceNumber};
use super::start::{Start, Until};
use crate::core::clock::{Clock, Moment};
use crate::core::decode::Decoder;
use crate::core::event::{Event, Events, StoredMessage};
use crate::core::ids::{Nanos, Position};
use crate::core::mutants::{Mutant, planted};
use crate::core::plan::compiled::Plan;
use crate::json::fields::Span;
use std::sync::Arc;

/// A place between two events at which every shard hands over its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Barrier {
    /// Counts barriers from 1.
    pub number: u64,
    /// The last position before it.
    pub position: Position,
    /// When the event at that position was stored.
    pub stored_at: Nanos,
    /// Stream time there.
    pub stream_time: Nanos,
}

/// A run of consecutive events, decoded and cut by shard.
#[derive(Debug)]
pub struct Slice {
    /// Its number in this start, from 0.
    pub number: SliceNumber,
    /// The events of each shard, those of everyone in all of them.
    pub shards: Vec<Events>,
    /// Whose its events are, in input order.
    pub order: Order,
    /// The barrier behind its last event, if one is due.
    pub barrier: Option<Barrier>,
    /// Everything up to here is taken.
    pub through: Position,
    /// Bytes of the payloads.
    pub bytes: usize,
}

/// What the input gave that it should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// The first position that did not come.
    pub from: Position,
    /// The last position that did not come.
    pub to: Position,
}

/// The state of the intake.
#[derive(Debug)]
pub struct Cutter {
    plan: Arc<Plan>,
    decoder: Decoder,
    shards: usize,
    last: Position,
    last_stored_at: Nanos,
    stream_time: Nanos,
    next_slice: SliceNumber,
    barriers: u64,
    last_barrier: Position,
    /// B: no checkpoint is taken below it.
    base: Position,
    until: Option<Position>,
    /// Whether slices carry the time of each position, because events wait.
    clock: bool,
}

impl Cutter {
    /// An intake that takes what follows a start's position.
    pub fn new(plan: Arc<Plan>, shards: usize, start: &Start) -> Cutter {
        let until = match &start.until {
            Some(Until::Position(position, _)) => Some(*position),
            _ => None,
        };
        let last_stored_at = start.stored_at;
        Cutter {
            last_stored_at,
            base: start.base,
            until,
            ..Cutter::after(plan, shards, start.after, {
                if planted(Mutant::StreamTimeForgotten) { Nanos(0) } else { start.stream_time }
            })
        }
    }

    /// An intake that takes what follows a position, for readers that need no checkpoints.
    pub fn after(plan: Arc<Plan>, shards: usize, after: Position, stream_time: Nanos) -> Cutter {
        Cutter {
            clock: plan.waits,
            plan,
            decoder: Decoder::default(),
            shards,
            last: after,
            last_stored_at: Nanos(0),
            stream_time,
            next_slice: 0,
            barriers: 0,
            last_barrier: after,
            base: after,
            until: None,
        }
    }

    /// Says that events wait that an earlier plan let wait, whatever this one does.
    pub fn with_clock(self, waits: bool) -> Cutter {
        Cutter { clock: self.clock || waits, ..self }
    }

    /// The last position taken.
    pub fn position(&self) -> Position {
        self.last
    }

    /// Whether everything up to `until` was taken.
    pub fn is_done(&self) -> bool {
        self.until.is_some_and(|until| self.last >= until)
    }

    /// Whether events were taken since the last barrier, beyond B.
    pub fn has_news(&self) -> bool {
        self.last > self.last_barrier && self.last >= self.base
    }

    /// All positions that `messages` skip, in order: ask the stream before taking them. Behind `until` nothing is
    /// taken, so nothing is missed there.
    pub fn jumps(&self, messages: &[StoredMessage]) -> Vec<Jump> {
        let mut jumps = Vec::new();
        let mut last = self.last.0;
        for message in messages.iter().filter(|message| message.sequence > self.last.0) {
            if self.until.is_some_and(|until| last >= until.0) {
                break;
            }
            if message.sequence > last + 1 {
                jumps.push(Jump { from: Position(last + 1), to: Position(message.sequence - 1) });
            }
            last = last.max(message.sequence);
        }
        jumps
    }

    /// Takes messages; those not beyond the last one taken are passed over. `None` when nothing is left.
    pub fn take(&mut self, messages: Vec<StoredMessage>, barrier_due: bool) -> Option<Slice> {
        let early = (planted(Mutant::BarrierLate) && barrier_due).then(|| self.barrier()).flatten();
        // Keys spread evenly, more or less; a shard that gets more than its share grows once.
        let share = messages.len() / self.shards.max(1) + messages.len() / 8 + 1;
        let mut shards: Vec<Events> =
            (0..self.shards).map(|_| Events::with_capacity(share, self.plan.registers(0))).collect();
        let mut order = Order::with_capacity(messages.len());
        let mut bytes = 0;
        let mut moments = Vec::new();
        for message in messages {
            if let Some(until) = self.until.filter(|until| message.sequence > until.0) {
                self.end_at(until);
                break;
            }
            if message.sequence <= self.last.0 {
                continue;
            }
            self.last = Position(message.sequence);
            self.last_stored_at = message.stored_at;
            self.stream_time = self.stream_time.max(message.stored_at);
            bytes += message.payload.len();
            if self.clock {
                moments.push(self.moment());
            }
            let first = order.events();
            self.decoder.decode_each(&self.plan, message, self.stream_time, |event, spans| {
                order.push(hand_out(&mut shards, event, spans));
            });
            if !planted(Mutant::ListsTakenApart) {
                order.together(first);
            }
        }
        if order.events() == 0 {
            return None;
        }
        if self.clock {
            let clock = Clock::from(moments);
            shards.iter_mut().for_each(|events| events.clock = clock.clone());
        }
        let barrier = early.or_else(|| barrier_due.then(|| self.barrier()).flatten());
        Some(self.slice(shards, order, barrier, bytes))
    }

    fn moment(&self) -> Moment {
        Moment { position: self.last, stored_at: self.last_stored_at, stream_time: self.stream_time }
    }

    /// The stream went on beyond `until`: everything up to there was taken, also where its event is deleted.
    fn end_at(&mut self, until: Position) {
        if self.last < until {
            // No event proves this position: zero stands for a time that is not known.
            (self.last, self.last_stored_at) = (until, Nanos(0));
        }
    }

    /// A slice without events whose only purpose is its barrier; `None` where no checkpoint may be taken.
    pub fn barrier_alone(&mut self) -> Option<Slice> {
        let barrier = Some(self.barrier()?);
        let shards = (0..self.shards).map(|_| Events::default()).collect();
        Some(self.slice(shards, Order::default(), barrier, 0))
    }

    fn barrier(&mut self) -> Option<Barrier> {
        if self.last < self.base {
            return None;
        }
        self.barriers += 1;
        self.last_barrier = self.last;
        Some(Barrier {
            number: self.barriers,
            position: self.last,
            stored_at: self.last_stored_at,
            stream_time: self.stream_time,
        })
    }

    fn slice(&mut self, shards: Vec<Events>, order: Order, barrier: Option<Barrier>, bytes: usize) -> Slice {
        let number = self.next_slice;
        self.next_slice += 1;
        Slice { number, shards, order, barrier, through: self.last, bytes }
    }
}

/// Gives an event to its shard, whose number it returns, or to all of them where it changes what everyone sees.
#[inline]
fn hand_out(shards: &mut [Events], event: Event, spans: &[Span]) -> u8 {
    let shard = event.group.shard(shards.len());
    if event.group.is_everyone() && !planted(Mutant::GlobalRowsOfOneShard) {
        // Every shard has its rows; the first one says what it leads to.
        for events in shards.iter_mut().skip(1) {
            events.list.push(event.clone());
            events.spans.extend_from_slice(spans);
        }
    }
    let events = shards.get_mut(shard).expect("a key group's shard is one of this engine's");
    events.list.push(event);
    events.spans.extend_from_slice(spans);
    u8::try_from(shard).expect("there are at most as many shards as key groups")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::LaneSequence;
    use crate::core::plan::layout::Layout;
    use crate::protocol::facts::PlanSince;
    use crate::protocol::start::{Already, StartKind};
    use crate::protocol::tests::world::{since, spec, stored_at};

    fn event(position: u64) -> StoredMessage {
        StoredMessage {
            sequence: position,
            stored_at: stored_at(position),
            subject: "events.user".into(),
            headers: None,
            payload: "{}".into(),
        }
    }

    fn events(positions: std::ops::RangeInclusive<u64>) -> Vec<StoredMessage> {
        positions.map(event).collect()
    }

    /// An intake that begins after position 10, with B at 12.
    fn intake(until: Option<u64>) -> Cutter {
        let plan: PlanSince = since('A', 1);
        let start = Start {
            kind: StartKind::Resume,
            after: Position(10),
            base: Position(12),
            base_lane: LaneSequence(12),
            lane_last: LaneSequence(12),
            lane_cause: Some(Position(12)),
            already: Already::ByCount,
            stored_at: stored_at(10),
            stream_time: Nanos(2_000),
            origin: Position(1),
            plans: vec![plan.clone()],
            plan,
            until: until.map(|until| Until::Position(Position(until), "next".into())),
            layout: Layout::default(),
            gaps: 0,
            rewinds: Vec::new(),
            history: Position(0),
        };
        Cutter::new(Arc::new(Plan::compile(spec('A'), &Layout::default())), 2, &start)
    }

    #[test]
    fn positions_not_beyond_the_last_are_passed_over_and_jumps_are_seen() {
        let mut intake = intake(None);
        let jump = |from, to| Jump { from: Position(from), to: Position(to) };
        assert_eq!(intake.jumps(&events(9..=13)), []);
        assert_eq!(intake.jumps(&events(13..=14)), [jump(11, 12)]);
        assert_eq!(intake.jumps(&[event(9), event(11), event(13)]), [jump(12, 12)]);
        assert_eq!(intake.jumps(&[event(12), event(13), event(17)]), [jump(11, 11), jump(14, 16)], "every one");
        let slice = intake.take(events(9..=13), false).unwrap();
        assert_eq!((slice.order.messages(), slice.through), (3, Position(13)));
        assert!(intake.take(events(9..=13), true).is_none());
    }

    #[test]
    fn no_barrier_stands_below_b_and_stream_time_never_goes_back() {
        let mut intake = intake(None);
        assert!(!intake.has_news());
        assert_eq!(intake.barrier_alone().map(|slice| slice.barrier), None);
        assert_eq!(intake.take(events(11..=11), true).unwrap().barrier, None, "B is 12");
        let barrier = intake.take(events(12..=12), true).unwrap().barrier.unwrap();
        assert_eq!((barrier.number, barrier.position, barrier.stored_at), (1, Position(12), stored_at(12)));
        assert_eq!(barrier.stream_time, Nanos(2_000), "the running maximum, kept in the checkpoint");
        assert!(!intake.has_news());
        intake.take(events(13..=13), false).unwrap();
        assert!(intake.has_news());
    }

    #[test]
    fn a_plan_ends_at_its_position_also_when_that_event_is_gone() {
        let mut whole = intake(Some(14));
        let slice = whole.take(events(11..=20), false).unwrap();
        assert_eq!((slice.order.messages(), slice.through, whole.is_done()), (4, Position(14), true));
        let mut deleted = intake(Some(14));
        let jump = Jump { from: Position(13), to: Position(16) };
        let holes: Vec<_> = events(11..=12).into_iter().chain([event(17), event(20)]).collect();
        assert_eq!(deleted.jumps(&holes), [jump], "what lies behind the plan's end is the next start's");
        let slice = deleted.take([events(11..=12), events(17..=18)].concat(), false).unwrap();
        assert_eq!((slice.order.messages(), slice.through, deleted.is_done()), (2, Position(14), true));
        let barrier = deleted.barrier_alone().unwrap().barrier.unwrap();
        assert_eq!((barrier.position, barrier.stored_at), (Position(14), Nanos(0)), "no event proves it");
    }
}
