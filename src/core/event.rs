//! An event on its way: what the input stored, and what decoding found in it.
//!
//! Nothing here decides an outcome; `decode` fills these types and `step` consumes them.

use super::ids::{Digest, KeyGroup, Nanos, Position};
use super::output::Headers;
use super::plan::compiled::{KindId, Plan};
use super::rejection::Rejection;
use crate::json::fields::Span;
use bytes::Bytes;
use std::sync::Arc;

/// One stored message of a stream, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its stream sequence.
    pub sequence: u64,
    /// When the server stored it.
    pub stored_at: Nanos,
    /// Its subject.
    pub subject: Arc<str>,
    /// Its headers; `None` when there are none, which is the common case.
    pub headers: Option<Arc<Headers>>,
    /// Its body.
    pub payload: Bytes,
}

/// One event with everything that its outcome depends on, state aside.
#[derive(Clone, Debug)]
pub struct Event {
    /// The message as the input stored it; its sequence is the event's position.
    pub message: StoredMessage,
    /// The running maximum of stored-at times up to and including this event.
    pub stream_time: Nanos,
    /// Where it belongs.
    pub group: KeyGroup,
    /// The kind section, the unknown one included.
    pub kind: KindId,
    /// The kind's text, where there is one.
    pub kind_text: Option<Text>,
    /// What it is keyed by, or why it cannot be processed.
    pub reading: Result<Reading, Rejection>,
}

impl Event {
    /// Its position in the input.
    pub fn position(&self) -> Position {
        Position(self.message.sequence)
    }
}

/// What decoding found in an event that can be processed.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The key, on kinds that have one.
    pub key: Option<Key>,
    /// What identifies the event for de-duplication.
    pub identity: Option<Digest>,
}

/// A key and its digest.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text.
    pub text: Text,
    /// The digest under which rows are found.
    pub digest: Digest,
}

/// A text that usually stands in the payload as it is.
#[derive(Clone, Debug)]
pub enum Text {
    /// The bytes between these offsets of the payload.
    Payload(Span),
    /// It was unescaped, or comes from outside the JSON.
    Owned(Box<str>),
}

impl Text {
    /// The text, given the payload that it was read from.
    pub fn get<'a>(&'a self, payload: &'a [u8]) -> &'a str {
        std::str::from_utf8(self.bytes(payload)).expect("decoding checked the whole payload for UTF-8")
    }

    /// The text's bytes: enough to hash it, and checked for nothing again.
    pub fn bytes<'a>(&'a self, payload: &'a [u8]) -> &'a [u8] {
        match self {
            Text::Payload(span) => payload
                .get(span.start as usize..span.end as usize)
                .expect("it is the payload that the text was read from"),
            Text::Owned(text) => text.as_bytes(),
        }
    }
}

/// Events of one slice that belong to one shard, in input order, and the fields that decoding found in them.
#[derive(Debug, Default)]
pub struct Events {
    /// The events.
    pub list: Vec<Event>,
    /// For each event, the registers of its kind.
    pub spans: Vec<Span>,
}

impl Events {
    /// Room for so many events of so many registers each.
    pub fn with_capacity(events: usize, registers: usize) -> Events {
        Events { list: Vec::with_capacity(events), spans: Vec::with_capacity(events * registers) }
    }

    /// Each event with its registers.
    pub fn iter<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Event, &'a [Span])> {
        let mut rest = &self.spans[..];
        self.list.iter().map(move |event| (event, next_registers(&mut rest, plan, event.kind)))
    }
}

/// The registers of the next event, cut off from those of all that are left.
#[inline]
pub fn next_registers<'a>(rest: &mut &'a [Span], plan: &Plan, kind: KindId) -> &'a [Span] {
    let (own, after) = rest.split_at_checked(plan.registers(kind)).expect("each event has the registers of its kind");
    *rest = after;
    own
}
