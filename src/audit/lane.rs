//! The output stream as it comes in: which messages are ours, in order, and under which regime.
//!
//! Knows nothing of the events behind them. Holds what was read and not yet judged; the judge takes it out.

use super::regime::Regime;
use super::rewound::{self, Rewinds, RewoundMessage};
use crate::core::event::StoredMessage;
use crate::core::ids::{LaneSequence, Position};
use crate::core::output::{DUPLICATE, REASON};
use crate::protocol::header::LaneMessage;
use std::collections::VecDeque;
use std::sync::Arc;

/// A lane message's place in the order: its cause, and which of the cause's outputs it is.
pub type OrderKey = (Position, u32);

/// A lane message that stands in order.
#[derive(Clone, Debug)]
pub struct LaneEntry {
    /// The message.
    pub message: StoredMessage,
    /// Its place.
    pub key: OrderKey,
    /// The regime that it names.
    pub regime: Arc<Regime>,
    /// The stream part of its position, where that is not the stream's name alone.
    pub stream: Option<Box<str>>,
}

impl LaneEntry {
    /// Its sequence in the output stream.
    pub fn sequence(&self) -> LaneSequence {
        LaneSequence(self.message.sequence)
    }

    /// Whether it is a dead letter.
    pub fn is_dead(&self) -> bool {
        self.has(REASON)
    }

    /// Whether it is a duplicate that is kept aside.
    pub fn is_duplicate(&self) -> bool {
        self.has(DUPLICATE)
    }

    /// Whether its event left no trace in the state.
    pub fn leaves_no_trace(&self) -> bool {
        self.is_dead() || self.is_duplicate()
    }

    fn has(&self, header: &str) -> bool {
        self.message.headers.iter().flat_map(|list| list.iter()).any(|(name, _)| name == header)
    }
}

/// What a message of the output stream is, at first sight.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// In order: it waits for its event.
    Queued,
    /// The same place as the newest.
    Doubled(OrderKey),
    /// A place below the newest.
    OutOfOrder(OrderKey),
    /// Of an event that the input lost before the rewind of this number.
    Rewound(Position, u32),
    /// The marker of a rewind.
    Marker,
    /// Not from this input, for this reason.
    Unknown(Option<Position>, &'static str),
}

/// Where a place lies, as far as the lane is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LanePlace {
    /// Before the first message that is left of a lane that lost its head.
    Before,
    /// Between the first and the newest message.
    Within,
    /// Beyond the newest message.
    Beyond,
}

/// The lane as far as it was read.
#[derive(Debug)]
pub struct AuditedLane {
    input_stream: String,
    input_last: Position,
    rewinds: Rewinds,
    /// Whether messages are gone from its head.
    cut: bool,
    queue: VecDeque<LaneEntry>,
    /// The bodies' bytes of what waits.
    bytes: usize,
    first: Option<OrderKey>,
    newest: Option<OrderKey>,
    /// The regime of the newest message; equal neighbours share it.
    regime: Option<Arc<Regime>>,
    /// The regime of the last message that was taken out.
    passed: Option<Arc<Regime>>,
}

impl AuditedLane {
    /// A lane whose first stored sequence is `first`, fed from an input that ends at `input_last`.
    pub fn new(input_stream: String, input_last: Position, first: LaneSequence, rewinds: Rewinds) -> AuditedLane {
        AuditedLane {
            input_stream,
            input_last,
            rewinds,
            cut: first.0 > 1,
            queue: VecDeque::new(),
            bytes: 0,
            first: None,
            newest: None,
            regime: None,
            passed: None,
        }
    }

    /// Takes the next message of the output stream.
    pub fn take(&mut self, message: StoredMessage) -> Arrival {
        let Some(ours) = LaneMessage::read(&message) else {
            return Arrival::Unknown(None, "it carries no headers of this product");
        };
        if ours.input_stream != self.input_stream {
            return Arrival::Unknown(None, "it names another input stream");
        }
        match self.rewinds.of(&ours) {
            RewoundMessage::Present => {}
            RewoundMessage::Lost(number) => return Arrival::Rewound(ours.cause, number),
            RewoundMessage::Marker => return Arrival::Marker,
            RewoundMessage::Elsewhere => {
                return Arrival::Unknown(
                    Some(ours.cause),
                    "it names other rewinds of the input than its place in the lane",
                );
            }
        }
        let stream = (ours.epoch() > 0).then(|| rewound::stream(&self.input_stream, &ours).into());
        let (key, run) = ((ours.cause, ours.n), ours.run);
        if ours.cause.0 == 0 || ours.cause > self.input_last {
            return Arrival::Unknown(Some(ours.cause), "it names a position that the input never had");
        }
        if run.origin > run.since || run.since > ours.cause {
            return Arrival::Unknown(Some(ours.cause), "its Sidestream-Run names a plan that begins after it");
        }
        match self.newest {
            Some(newest) if newest == key => return Arrival::Doubled(key),
            Some(newest) if newest > key => return Arrival::OutOfOrder(key),
            _ => self.newest = Some(key),
        }
        self.first.get_or_insert(key);
        let regime = match &self.regime {
            Some(known) if known.is_of(&run) => known.clone(),
            _ => Arc::new(Regime::of(run)),
        };
        self.regime = Some(regime.clone());
        self.bytes += message.payload.len();
        self.queue.push_back(LaneEntry { message, key, regime, stream });
        Arrival::Queued
    }

    /// How many messages wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// How many bytes their bodies have.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether none do.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next message that waits.
    pub fn front(&self) -> Option<&LaneEntry> {
        self.queue.front()
    }

    /// The last position all of whose messages are here by now: of the newest one's cause more may follow.
    pub fn horizon(&self) -> Position {
        self.queue.back().map_or(Position(0), |entry| Position(entry.key.0.0 - 1))
    }

    /// Takes the next message out, if its cause is one that `wanted` accepts.
    pub fn pop(&mut self, wanted: impl FnOnce(Position) -> bool) -> Option<LaneEntry> {
        self.queue.front().filter(|entry| wanted(entry.key.0))?;
        let entry = self.queue.pop_front()?;
        self.bytes -= entry.message.payload.len();
        self.passed = Some(entry.regime.clone());
        Some(entry)
    }

    /// Where a place lies.
    pub fn place(&self, key: OrderKey) -> LanePlace {
        match (self.first, self.newest) {
            (Some(first), _) if self.cut && key < first => LanePlace::Before,
            (None, _) if self.cut => LanePlace::Before,
            (_, Some(newest)) if key <= newest => LanePlace::Within,
            _ => LanePlace::Beyond,
        }
    }

    /// Whether nothing was ever published, as far as can be seen.
    pub fn is_new(&self) -> bool {
        self.newest.is_none() && !self.cut
    }

    /// The regime at the next position of the input, once every message before it was taken out.
    pub fn regime_at(&self, next: Position) -> Option<&Arc<Regime>> {
        let named = self.front().map(|entry| &entry.regime).filter(|regime| regime.since <= next);
        named.or(self.passed.as_ref())
    }

    /// The first position after `next` at which the regime may be another.
    pub fn regime_end(&self, next: Position) -> Position {
        let same = |regime: &Arc<Regime>| self.regime_at(next).is_some_and(|here| Arc::ptr_eq(here, regime));
        // Neighbours share their regime, and one that comes back is another: equal ends mean no change between.
        if self.queue.back().is_none_or(|back| same(&back.regime)) {
            return Position(u64::MAX);
        }
        let mut last = next;
        for entry in &self.queue {
            if !same(&entry.regime) {
                return Position(entry.regime.since.0.max(last.0 + 1));
            }
            last = entry.key.0;
        }
        Position(u64::MAX)
    }
}
