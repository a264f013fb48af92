//! Encoding: the bytes, headers and subject of an output or a dead letter.
//!
//! Bodies of a slice share one buffer. Nothing here looks at state; the joined columns are handed in.

use super::dead_letter;
use super::envelope::envelope;
use super::event::{Event, StoredMessage};
use super::event_time::event_time;
use super::join::{JoinedRows, Lookup};
use super::map;
use super::outcome::Outcome;
use super::output::{DUPLICATE, EVENT, Headers, Output, OwnHeaders, POSITION, TIME, is_reserved};
use super::parked::Released;
use super::plan::compiled::{AddedSource, Kind, Plan};
use super::plan::condition::SeenEvent;
use super::plan::map::Map;
use super::plan::template::{Template, TemplateHole};
use super::quality::Marks;
use super::rejection::{Reason, Rejection};
use crate::json::fields::Span;
use crate::json::splice::{Added, Edit, Splice};
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// What the headers that depend on the run and the lane may take of the size limit, in bytes.
const RESERVED: usize = 256;
/// `NATS/1.0` and the empty line that ends the headers, in bytes.
const HEADER_FRAME: usize = 12;

/// What the fields that an output gains are made of.
#[derive(Clone, Copy, Debug)]
pub struct Gains<'a, 's> {
    /// The rows of its joins.
    pub joined: &'a JoinedRows<'s>,
    /// What its event breaks.
    pub marks: &'a Marks,
}

/// Encodes outputs under one plan.
#[derive(Debug)]
pub struct Encoder {
    plan: Arc<Plan>,
    /// The bodies of the slice at work.
    buffer: Vec<u8>,
    /// Where in the buffer the body of each output stands, in the order of the outputs.
    bodies: Vec<Option<Range<usize>>>,
    /// For each kind the subject, where it does not depend on the event.
    subjects: Vec<Option<Arc<str>>>,
    splice: Splice,
}

impl Encoder {
    /// An encoder with the subjects of the plan's kinds worked out where they are fixed.
    pub fn new(plan: Arc<Plan>) -> Encoder {
        let fixed = !plan.spec.output_subject.holes().any(|hole| matches!(hole, TemplateHole::Subject(_)));
        let subject = |kind: &Kind| {
            let named = !kind.name.contains('*');
            (fixed && named).then(|| {
                let text = kind.known.then_some(kind.name.as_ref());
                Arc::from(plan.spec.output_subject.fill(&mut |hole| fill(hole, text, "", None)))
            })
        };
        Encoder {
            subjects: plan.kinds.iter().map(subject).collect(),
            buffer: Vec::new(),
            bodies: Vec::new(),
            splice: Splice::default(),
            plan,
        }
    }

    /// Where the buffer stands, for `undo`.
    pub fn mark(&self) -> (usize, usize) {
        (self.buffer.len(), self.bodies.len())
    }

    /// Takes back what an event that failed had encoded.
    pub fn undo(&mut self, mark: (usize, usize)) {
        self.buffer.truncate(mark.0);
        self.bodies.truncate(mark.1);
        self.splice.clear();
    }

    /// The usual output of an event whose joins are done. After an error, who asked takes back what was encoded.
    pub fn output(
        &mut self,
        kind: &Kind,
        event: &Event,
        spans: &[Span],
        gains: Gains<'_, '_>,
        route: Option<&Template>,
    ) -> Result<Output, Rejection> {
        let body = self.body(kind, &event.message, spans, gains)?;
        let subject = self.subject(event, route);
        self.sized(event, spans, subject, body, "the enriched message")
    }

    /// The message that a map makes of an event, likewise; `n` messages of the event come before it.
    pub fn mapped(&mut self, map: &Map, event: &Event, seen: SeenEvent<'_>, n: u32) -> Result<Output, Rejection> {
        let start = self.buffer.len();
        map::body(map, seen, &mut self.buffer)?;
        let subject = Arc::from(subject_of(&self.plan, &map.subject, event, None));
        let body = Some(start..self.buffer.len());
        let output = self.sized(event, seen.spans, subject, body, "a mapped message")?;
        Ok(Output { n, ..output })
    }

    /// A duplicate as it leaves aside, likewise: the event's own bytes, and a header that says what it is.
    pub fn duplicate(&mut self, aside: &Template, event: &Event, spans: &[Span]) -> Result<Output, Rejection> {
        let subject = Arc::from(subject_of(&self.plan, aside, event, None));
        let output = self.sized(event, spans, subject, None, "the duplicate")?;
        let mut headers = vec![(DUPLICATE, "1".to_owned())];
        headers.extend(output.envelope.into_iter().flat_map(|envelope| *envelope));
        Ok(Output { envelope: Some(Box::new(headers)), event_time: None, ..output })
    }

    /// The first output of an event, if the lane may carry it.
    fn sized(
        &mut self,
        event: &Event,
        spans: &[Span],
        subject: Arc<str>,
        body: Option<Range<usize>>,
        what: &str,
    ) -> Result<Output, Rejection> {
        let message = &event.message;
        let length = body.as_ref().map_or(message.payload.len(), Range::len);
        let copied = copied_headers(message);
        let envelope = own_headers(&self.plan, event);
        let own: usize = envelope.iter().flat_map(|own| own.iter()).map(|(name, value)| line(name, value.len())).sum();
        let size = length + headers_size(&self.plan, event, copied.as_deref()) + own;
        if size as u64 > self.plan.spec.max_bytes {
            let sentence = format!("{what} has {size} bytes, more than output.max_bytes");
            return Err(Rejection::new(Reason::TooLarge, sentence));
        }
        // A body that was made takes its place when the slice ends; until then there is none.
        let payload = if body.is_some() { Bytes::new() } else { message.payload.clone() };
        self.bodies.push(body);
        let (position, stored_at) = event.cause();
        Ok(Output {
            position,
            n: 0,
            stored_at,
            event_time: event_time(&self.plan, message, spans),
            subject,
            copied,
            followed: false,
            envelope,
            dead: None,
            payload,
        })
    }

    /// The dead letter of an event.
    pub fn dead_letter(&mut self, event: &Event, rejection: &Rejection) -> Output {
        self.bodies.push(None);
        dead_letter::encode(&self.plan, event, rejection)
    }

    /// Ends a slice: the bodies become shares of one buffer and take their places in the outputs. Bodies stand in the order of
    /// encoding: `behind` says of each event that was released behind how many of the outcomes that was.
    pub fn seal(&mut self, outcomes: &mut [Outcome], released: &mut [Released], behind: &[usize]) {
        let buffer = Bytes::from(std::mem::take(&mut self.buffer));
        let mut bodies = self.bodies.drain(..);
        let mut place = |outcome: &mut Outcome| {
            for output in outcome.outputs_mut() {
                if let Some(Some(range)) = bodies.next() {
                    output.payload = buffer.slice(range);
                }
            }
        };
        let mut rest = outcomes;
        let mut placed = 0;
        for (released, behind) in released.iter_mut().zip(behind) {
            let (before, after) = rest.split_at_mut(behind - placed);
            before.iter_mut().for_each(&mut place);
            place(&mut released.outcome);
            (rest, placed) = (after, *behind);
        }
        rest.iter_mut().for_each(&mut place);
        drop(bodies);
        // The next slice will be about as large; a little more would cost it a copy of everything.
        self.buffer.reserve(buffer.len() + buffer.len() / 4);
    }

    /// Writes the enriched body; `None` when the event's own bytes go out as they are.
    fn body(
        &mut self,
        kind: &Kind,
        message: &StoredMessage,
        spans: &[Span],
        gains: Gains<'_, '_>,
    ) -> Result<Option<Range<usize>>, Rejection> {
        let joined = gains.joined;
        // An event without a body leaves without one.
        if kind.targets.is_empty() || message.payload.is_empty() {
            return Ok(None);
        }
        let processed = kind.known && joined.missed.is_empty();
        for target in &kind.targets {
            if target.fields.iter().all(|field| is_not_asked(field.source, joined)) {
                continue;
            }
            let Some(tail) = target.object.of(spans) else {
                let sentence = "the object that `into` names is missing or no object";
                return Err(Rejection::new(Reason::BadInto, sentence));
            };
            let asked = target.fields.iter().filter(|field| !is_not_asked(field.source, joined));
            let edits = asked.map(|field| {
                let added = value(field.source, gains, processed);
                Edit { label: &field.label, added, there: field.member.of(spans) }
            });
            self.splice.object(&message.payload, tail, edits);
        }
        let start = self.buffer.len();
        self.splice.write(&message.payload, &mut self.buffer);
        Ok(Some(start..self.buffer.len()))
    }

    fn subject(&self, event: &Event, route: Option<&Template>) -> Arc<str> {
        if let Some(template) = route {
            return Arc::from(subject_of(&self.plan, template, event, None));
        }
        if let Some(Some(subject)) = self.subjects.get(usize::from(event.kind)) {
            return subject.clone();
        }
        Arc::from(subject_of(&self.plan, &self.plan.spec.output_subject, event, None))
    }
}

/// Whether a field is not added at all, because the condition of its enrichment does not hold.
fn is_not_asked(source: AddedSource, joined: &JoinedRows<'_>) -> bool {
    match source {
        AddedSource::Column { join, .. } => matches!(joined.rows.get(join), Some(Lookup::NotAsked)),
        AddedSource::Mark | AddedSource::Quality { .. } => false,
    }
}

/// What an added field holds for one event.
fn value<'a>(source: AddedSource, gains: Gains<'a, '_>, processed: bool) -> Added<'a> {
    match source {
        AddedSource::Mark if processed => Added::Value(b"true"),
        AddedSource::Mark => Added::Value(b"false"),
        AddedSource::Quality { section } => {
            let own = gains.marks.iter().find(|(at, _)| *at == section);
            own.map_or(Added::Omit, |(_, broken)| Added::Value(broken))
        }
        AddedSource::Column { join, column, omit } => match gains.joined.rows.get(join).and_then(Lookup::row) {
            Some(row) => Added::Value(row.get(column).unwrap_or(b"null")),
            None if omit => Added::Omit,
            None => Added::Value(b"null"),
        },
    }
}

/// Fills a template for an event.
pub fn subject_of(plan: &Plan, template: &Template, event: &Event, reason: Option<Reason>) -> String {
    let known = event.kind != plan.unknown_kind();
    let kind = event.kind_text.as_ref().filter(|_| known).map(|text| text.get(&event.message.payload));
    template.fill(&mut |hole| fill(hole, kind, &event.message.subject, reason))
}

fn fill(hole: TemplateHole, kind: Option<&str>, subject: &str, reason: Option<Reason>) -> Option<String> {
    let part = |n: usize| match kind {
        None => Some("unknown".to_owned()),
        Some(kind) => kind.split(':').nth(n).map(str::to_owned),
    };
    match hole {
        TemplateHole::Kind => Some(kind.unwrap_or("unknown").to_owned()),
        TemplateHole::Type => part(0),
        TemplateHole::Subtype => part(1),
        TemplateHole::Reason => reason.map(|reason| reason.code().to_owned()),
        TemplateHole::Subject(n) => subject.split('.').nth(n.saturating_sub(1)).map(str::to_owned),
    }
}

/// The event's headers that its output keeps: all but those of the server and our own.
pub fn copied_headers(message: &StoredMessage) -> Option<Arc<Headers>> {
    let headers = message.headers.as_ref()?;
    if !headers.iter().any(|(name, _)| is_reserved(name)) {
        return Some(headers.clone());
    }
    let kept: Headers = headers.iter().filter(|(name, _)| !is_reserved(name)).cloned().collect();
    (!kept.is_empty()).then(|| Arc::new(kept))
}

/// The headers of our own on an output that is no dead letter, if there are any.
fn own_headers(plan: &Plan, event: &Event) -> Option<Box<OwnHeaders>> {
    let waited = waited(plan, event);
    let envelope = plan.spec.envelope.then(|| envelope(event));
    (waited.is_some() || envelope.is_some())
        .then(|| Box::new(waited.into_iter().chain(envelope.into_iter().flatten()).collect()))
}

/// Where the event of an output is, if it waited.
pub fn waited(plan: &Plan, event: &Event) -> Option<(&'static str, String)> {
    event.leaves.as_ref().map(|_| (EVENT, format!("{}:{}", plan.spec.input_stream, event.position())))
}

/// What the headers count for against `output.max_bytes`.
pub fn headers_size(plan: &Plan, event: &Event, copied: Option<&Headers>) -> usize {
    let (sequence, stored_at) = event.cause();
    let digits = |number: u64| number.max(1).ilog10() as usize + 1;
    let position = plan.spec.input_stream.len() + 1 + digits(sequence.0) + 2;
    let time = digits(stored_at.0.unsigned_abs()) + usize::from(stored_at.0 < 0);
    let copied: usize = copied.into_iter().flatten().map(|(name, value)| line(name, value.len())).sum();
    RESERVED + HEADER_FRAME + line(POSITION, position) + line(TIME, time) + copied
}

/// A header line's bytes: the name, a colon and a space, the value, and the line's end.
pub fn line(name: &str, value: usize) -> usize {
    name.len() + value + 4
}
