//! An event on its way: what the input stored, and what decoding found in it.
//!
//! Nothing here decides an outcome; `decode` fills these types and `step` consumes them.

use super::clock::{Clock, Moment};
use super::expr::Why;
use super::ids::{Digest, KeyGroup, Nanos, Position};
use super::output::{ELEMENT, Headers};
use super::plan::compiled::{KindId, Plan};
use super::plan::condition::{RuleId, SeenEvent};
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

impl StoredMessage {
    /// Which event of a list its body is, where a header says that it is one.
    pub fn element(&self) -> Option<&str> {
        let mut headers = self.headers.as_deref()?.iter();
        headers.find(|(name, _)| name.eq_ignore_ascii_case(ELEMENT)).map(|(_, value)| value.as_str())
    }
}

/// One event with everything that its outcome depends on, state aside.
#[derive(Clone, Debug)]
pub struct Event {
    /// The message as the input stored it; its sequence is the event's position. Its payload is the text that the plan's
    /// [[derive]] sections made of the stored one.
    pub message: StoredMessage,
    /// What the input stored, where that is another text.
    pub stored: StoredForm,
    /// The running maximum of stored-at times up to and including this event.
    pub stream_time: Nanos,
    /// Whose state it works on: that of its key's group, or of everyone where it feeds a global table.
    pub group: KeyGroup,
    /// The kind section, the unknown one included.
    pub kind: KindId,
    /// The kind's text, where there is one.
    pub kind_text: Option<Text>,
    /// What it is keyed by, or why it is not processed.
    pub reading: Result<KeyAndId, Stop>,
    /// The rules that could not be judged, and why; counted, and nothing else.
    pub unknown: Vec<(RuleId, Why)>,
    /// The position at which it leaves, where it waited: until then, and for all that never waits, its own.
    pub leaves: Option<Box<Moment>>,
}

impl Event {
    /// An event of which nothing is known but its message.
    pub fn begun(plan: &Plan, message: StoredMessage, stream_time: Nanos) -> Event {
        Event {
            group: KeyGroup::default(),
            message,
            stored: StoredForm::AsItIs,
            stream_time,
            kind: plan.unknown_kind(),
            kind_text: None,
            reading: Ok(KeyAndId::default()),
            unknown: Vec::new(),
            leaves: None,
        }
    }

    /// The event of this number in a list that the message holds, as if it had come alone.
    pub fn element(&self, number: usize, text: Bytes) -> Event {
        let mut headers = self.message.headers.as_deref().cloned().unwrap_or_default();
        headers.push((ELEMENT.to_owned(), number.to_string()));
        let message = StoredMessage { headers: Some(Arc::new(headers)), payload: text, ..self.message.clone() };
        Event { message, stored: StoredForm::AsItIs, ..self.clone() }
    }

    /// Which event of its message's list it is, as its header has it.
    pub fn element_number(&self) -> Option<&str> {
        self.message.element()
    }

    /// Its position in the input.
    pub fn position(&self) -> Position {
        Position(self.message.sequence)
    }

    /// The position at which it leaves and when that one's event was stored.
    pub fn cause(&self) -> (Position, Nanos) {
        match &self.leaves {
            Some(moment) => (moment.position, moment.stored_at),
            None => (self.position(), self.message.stored_at),
        }
    }

    /// The event as its conditions see it, before rows are joined.
    pub fn seen<'a>(&'a self, spans: &'a [Span]) -> SeenEvent<'a> {
        let payload = &self.message.payload;
        let key = self.reading.as_ref().ok().and_then(|reading| reading.key.as_ref());
        SeenEvent {
            message: &self.message,
            spans,
            kind: self.kind_text.as_ref().map(|text| text.get(payload)),
            key: key.map(|key| key.text.get(payload)),
            stream_time: self.stream_time,
            rows: &[],
        }
    }

    /// Puts another text in the place of the event's.
    pub fn rewrite(&mut self, text: Bytes) {
        let before = std::mem::replace(&mut self.message.payload, text);
        if self.stored == StoredForm::AsItIs {
            let headers = self.message.headers.clone();
            self.stored = StoredForm::Before(Box::new(Original { length: before.len(), payload: before, headers }));
        }
    }

    /// From now on nobody sees more of what the input stored than its length and its headers.
    pub fn hide(&mut self) {
        let length = self.stored_length();
        if let StoredForm::Before(original) = &self.stored {
            self.message.headers.clone_from(&original.headers);
        }
        self.stored = StoredForm::NotToBeShown(length);
    }

    /// The message with the headers that the input stored.
    pub fn with_stored_headers(&self) -> StoredMessage {
        let headers = match &self.stored {
            StoredForm::Before(original) => &original.headers,
            StoredForm::AsItIs | StoredForm::NotToBeShown(_) => &self.message.headers,
        };
        StoredMessage { headers: headers.clone(), ..self.message.clone() }
    }

    /// The length of what the input stored, in bytes.
    pub fn stored_length(&self) -> usize {
        match &self.stored {
            StoredForm::AsItIs => self.message.payload.len(),
            StoredForm::Before(original) => original.length,
            StoredForm::NotToBeShown(length) => *length,
        }
    }
}

/// What the input stored of an event, seen from the text that the event has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredForm {
    /// That very text.
    AsItIs,
    /// Another text, before it was unwrapped or members were derived.
    Before(Box<Original>),
    /// Something of so many bytes that holds what the plan hides, or may hold it.
    NotToBeShown(usize),
}

/// A message as the input stored it, where decoding made another one of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The length of its body, in bytes.
    pub length: usize,
    /// Its body; empty where the event waited and the plan hides something of it.
    pub payload: Bytes,
    /// Its headers.
    pub headers: Option<Arc<Headers>>,
}

/// Why decoding ends an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It cannot be processed.
    Rejected(Rejection),
    /// A filter drops it.
    Filtered(RuleId),
    /// It is no event: it only moves stream time on.
    Tick,
}

impl Stop {
    /// Why the event cannot be processed, where that is so.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Stop::Rejected(rejection) => Some(rejection),
            Stop::Filtered(_) | Stop::Tick => None,
        }
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Stop {
        Stop::Rejected(rejection)
    }
}

/// What decoding found in an event that can be processed.
#[derive(Clone, Debug, Default)]
pub struct KeyAndId {
    /// The key, on kinds that have one.
    pub key: Option<Key>,
    /// What identifies the event for de-duplication.
    pub identity: Option<Digest>,
}

impl KeyAndId {
    /// The digest of the key and its text, given the event that it was read from.
    pub fn key_and_text<'a>(&'a self, event: &'a Event) -> Option<(Digest, &'a str)> {
        self.key.as_ref().map(|key| (key.digest, key.text.get(&event.message.payload)))
    }
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

    /// The same text, independent of the payload that it was read from.
    pub fn apart(self, payload: &[u8]) -> Text {
        match self {
            Text::Payload(_) => Text::Owned(self.get(payload).into()),
            Text::Owned(_) => self,
        }
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
    /// The positions of the whole slice.
    pub clock: Clock,
}

impl Events {
    /// Room for so many events of so many registers each.
    pub fn with_capacity(events: usize, registers: usize) -> Events {
        Events {
            list: Vec::with_capacity(events),
            spans: Vec::with_capacity(events * registers),
            clock: Clock::default(),
        }
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
