//! Target `decode`: any bytes as an event, against serde_json and the rules.
//!
//! Never panics; taken or refused for the right reason; every field that the plan reads is where serde_json sees it and
//! is told apart the same way; kind, key, identity and key group follow, also out of an envelope.

use super::expected::{self, Scalar};
use super::input;
use super::json::Object;
use super::plans::Known;
use sidestream::core::decode::Decoder;
use sidestream::core::event::{Event, Stop, StoredMessage};
use sidestream::core::event_time::event_time;
use sidestream::core::ids::{KeyGroup, Nanos};
use sidestream::core::rejection::Reason;
use sidestream::json::cursor::Scratch;
use sidestream::json::fields::Span;
use sidestream::json::scan::scan;
use sidestream::json::text;
use std::cell::RefCell;

thread_local! {
    /// Its buffers are used again from input to input, as the engine does.
    static DECODER: RefCell<Decoder> = RefCell::default();
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let Some((known, rest)) = input::plan(data) else { return };
    let message = input::event(0, rest);
    let mut spans = Vec::new();
    let event = DECODER.with_borrow_mut(|decoder| {
        decoder.decode(&known.plan, message.clone(), Nanos(message.stored_at.0), &mut spans)
    });
    assert_eq!(spans.len(), known.plan.registers(event.kind));
    never_taken_for_broken(&message, &event);
    the_same_out_of_an_envelope(known, &message, &event);
    match expected::read(known, &message) {
        Ok(wanted) => {
            let reading = event.reading.as_ref().unwrap_or_else(|found| panic!("refused: {found:?}"));
            let get = |text: &sidestream::core::event::Text| text.get(&message.payload).to_owned();
            assert_eq!(event.kind_text.as_ref().map(get), wanted.kind_text);
            let section = known.plan.kinds.get(usize::from(event.kind)).filter(|kind| kind.known);
            assert_eq!(section.map(|kind| &*kind.name), wanted.section);
            assert_eq!(reading.key.as_ref().map(|key| get(&key.text)), wanted.key);
            let has_id = wanted.id.is_some() && known.plan.spec.dedup_window_s > 0;
            assert_eq!(reading.identity.is_some(), has_id);
            let position = message.sequence.to_string();
            let placed_by = wanted.key.or(wanted.id).unwrap_or(position);
            assert_eq!(event.group, KeyGroup::of(&placed_by));
        }
        Err((reason, kind_text)) => {
            let found =
                event.reading.as_ref().err().and_then(Stop::rejection).expect("taken though it must be refused");
            assert_eq!(found.reason, reason);
            assert!(found.sentence.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{}", found.sentence);
            assert_eq!(event.kind_text.as_ref().map(|text| text.get(&message.payload).to_owned()), kind_text);
            assert_eq!(event.group, KeyGroup::of(message.sequence.to_string()));
        }
    }
    if let Ok(object) = expected::object(&known.names, &message.payload) {
        let mut scanned = vec![Span::ABSENT; known.plan.fields.len()];
        assert_eq!(scan(&known.plan.fields, &message.payload, &mut Scratch::default(), &mut scanned), Ok(()));
        places(known, &object, &scanned);
        let mut kept = Vec::new();
        known.plan.kinds[usize::from(event.kind)].registers.keep(&scanned, &mut kept);
        assert_eq!(spans, kept, "the registers of the event's kind");
        let _ = event_time(&known.plan, &message, &spans);
    }
}

/// What serde_json makes a `Value` of is never called broken.
fn never_taken_for_broken(message: &StoredMessage, event: &Event) {
    if matches!(&event.reading, Err(Stop::Rejected(found)) if found.reason == Reason::NotJson) {
        assert!(serde_json::from_slice::<serde_json::Value>(&message.payload).is_err(), "serde_json reads it");
    }
}

/// Every field and every object of the plan is where serde_json sees it.
fn places(known: &Known, event: &Object<'_>, spans: &[Span]) {
    for (path, slot) in &known.fields {
        let found = slot.of(spans);
        let Some(member) = event.field(path) else {
            assert!(found.is_absent(), "{path:?} is not there");
            continue;
        };
        assert_eq!((found.start as usize, found.end as usize), (member.at, member.end()), "{path:?}");
        let raw = member.raw;
        let same = match (text::Scalar::read(raw.as_bytes()), expected::scalar_of(raw)) {
            (text::Scalar::Text(found), Scalar::Text(wanted)) => found == wanted,
            (text::Scalar::Integer(found), Scalar::Integer(wanted)) => found == wanted,
            (text::Scalar::Bool(found), Scalar::Bool(wanted)) => found == wanted,
            (text::Scalar::Null, Scalar::Null) | (text::Scalar::Other, Scalar::Other) => true,
            _ => false,
        };
        assert!(same, "{path:?}: {raw}");
    }
    for (path, slot) in &known.objects {
        let found = slot.of(spans).map(|tail| (tail.open as usize, tail.insert_at as usize));
        let wanted = event.inside(path).map(|object| {
            let at = object.at + object.raw.find('{').unwrap_or_default();
            (at, object.members.last().map_or(at + 1, |last| last.end()))
        });
        assert_eq!(found, wanted, "the object {path:?}");
    }
}

/// What is found in an event does not depend on the text that it is taken out of.
fn the_same_out_of_an_envelope(known: &Known, message: &StoredMessage, event: &Event) {
    let Ok(text) = std::str::from_utf8(&message.payload) else { return };
    let text = serde_json::to_string(text).expect("a text");
    let payload = format!("{{\"note\":[], \"payload\" : {text}}}").into();
    let wrapped = StoredMessage { payload, ..message.clone() };
    let stream_time = Nanos(message.stored_at.0);
    let mut spans = Vec::new();
    let taken =
        DECODER.with_borrow_mut(|decoder| decoder.decode(&known.enveloped, wrapped.clone(), stream_time, &mut spans));
    assert_eq!(taken.message.payload, message.payload);
    assert_eq!(taken.stored_length(), wrapped.payload.len());
    assert_eq!((taken.kind, taken.group), (event.kind, event.group));
    let found = |event: &Event| {
        let get = |text: &sidestream::core::event::Text| text.get(&event.message.payload).to_owned();
        let reading = event.reading.as_ref().map(|r| (r.key.as_ref().map(|key| get(&key.text)), r.identity));
        (event.kind_text.as_ref().map(get), reading.map_err(Clone::clone))
    };
    assert_eq!(found(&taken), found(event));
}
