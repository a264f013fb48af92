//! Decoding: one scan of the bytes, then kind, key, identity and key group.
//!
//! Does not look at any state; a fault found here becomes a dead letter in the event's own turn.

use super::event::{Event, Key, Reading, StoredMessage, Text};
use super::identity::digest;
use super::ids::{Digest, KeyGroup, Nanos, Position};
use super::plan::compiled::{KindId, Plan};
use super::plan::spec::UnknownKinds;
use super::read::{KeyFault, Value};
use super::rejection::{Reason, Rejection};
use crate::json::cursor::Scratch;
use crate::json::fields::Span;
use crate::json::scan::{ScanFault, scan};

/// Decodes messages under one plan; keeps buffers between them.
#[derive(Debug, Default)]
pub struct Decoder {
    scratch: Scratch,
    scanned: Vec<Span>,
    bytes: Vec<u8>,
}

impl Decoder {
    /// Decodes one message and appends the registers of its kind.
    pub fn decode(&mut self, plan: &Plan, message: StoredMessage, stream_time: Nanos, spans: &mut Vec<Span>) -> Event {
        let mut event = Event {
            group: KeyGroup::default(),
            message,
            stream_time,
            kind: plan.unknown_kind(),
            kind_text: None,
            reading: Ok(Reading::default()),
        };
        let at = spans.len();
        self.scanned.clear();
        self.scanned.resize(plan.fields.len(), Span::ABSENT);
        let fault = scan(&plan.fields, &event.message.payload, &mut self.scratch, &mut self.scanned).err();
        if fault.is_none() {
            (event.kind, event.kind_text) = kind_of(plan, &event.message, &self.scanned);
        }
        let kind = plan.kinds.get(usize::from(event.kind)).expect("a kind's number is one of the plan's");
        if let Some(fault) = fault {
            kind.registers.keep_nothing(spans);
            event.reading = Err(rejection(fault));
        } else {
            kind.registers.keep(&self.scanned, spans);
            let kept = spans.get(at..).expect("they were just appended");
            event.reading = self.reading(plan, &mut event, kept);
        }
        if event.reading.is_err() {
            event.group = group_of_position(event.position());
        }
        event
    }

    /// Key, identity and group of an event whose kind is known by now.
    fn reading(&mut self, plan: &Plan, event: &mut Event, spans: &[Span]) -> Result<Reading, Rejection> {
        if event.kind == plan.unknown_kind() && plan.unknown_kinds() == UnknownKinds::DeadLetter {
            let sentence = "no [kinds] section matches this event's kind, and engine.unknown_kinds is \"dead_letter\"";
            return Err(Rejection::new(Reason::UnknownKind, sentence));
        }
        let message = &event.message;
        let place = plan.kinds.get(usize::from(event.kind)).and_then(|kind| kind.key.as_ref());
        let key = match place.map(|place| Value::at(place, message, spans).key()) {
            None => None,
            Some(Ok(text)) => {
                let digest = Digest::of(text.bytes(&message.payload));
                Some(Key { text, digest })
            }
            Some(Err(fault)) => return Err(key_rejection(fault, "key")),
        };
        let id = plan.id.as_ref().map(|place| Value::at(place, message, spans));
        let id = id.as_ref().and_then(Value::id);
        event.group = match (&key, &id) {
            (Some(key), _) => KeyGroup::of(key.text.bytes(&message.payload)),
            (None, Some(id)) => KeyGroup::of(id),
            (None, None) => group_of_position(event.position()),
        };
        let kind = || event.kind_text.as_ref().map(|text| text.bytes(&message.payload));
        let rule = plan.spec.identity;
        let identity = id.filter(|_| plan.dedup_window.is_some());
        let identity = identity.map(|id| digest(rule, kind(), key.as_ref(), &id, &mut self.bytes));
        Ok(Reading { key, identity })
    }
}

fn kind_of(plan: &Plan, message: &StoredMessage, spans: &[Span]) -> (KindId, Option<Text>) {
    let text = Value::at(&plan.kind, message, spans).text();
    let known = text.as_ref().and_then(|text| plan.kind_of(text.bytes(&message.payload)));
    (known.unwrap_or(plan.unknown_kind()), text)
}

fn group_of_position(position: Position) -> KeyGroup {
    KeyGroup::of(position.to_string())
}

/// The rejection of a key or row selector, `what` being its name in the configuration.
pub fn key_rejection(fault: KeyFault, what: &str) -> Rejection {
    match fault {
        KeyFault::None => Rejection::new(Reason::NoKey, format!("the field that `{what}` names is absent or null")),
        KeyFault::Bad => {
            Rejection::new(Reason::BadKey, format!("the field that `{what}` names is no integer and no non-empty text"))
        }
    }
}

fn rejection(fault: ScanFault) -> Rejection {
    let reason = match fault {
        ScanFault::NotJson { .. } => Reason::NotJson,
        ScanFault::TooDeep => Reason::TooDeep,
        ScanFault::NotObject => Reason::NotObject,
        ScanFault::DuplicateKey => Reason::DuplicateKey,
    };
    Rejection::new(reason, fault.to_string())
}
