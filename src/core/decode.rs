//! Decoding: one scan of the bytes, then derived fields, kind, key, identity and key group.
//!
//! Does not look at any state; a fault found here becomes a dead letter in the event's own turn.

use super::derive::compiled::CompiledSection;
use super::derive::create::CreatedObject;
use super::derive::rewrite::Rewriter;
use super::event::{Event, Key, KeyAndId, Stop, StoredMessage, Text};
use super::expr::ConditionAnswer;
use super::identity::digest;
use super::ids::{Digest, KeyGroup, Nanos, Position};
use super::output::TICK;
use super::plan::compiled::{Kind, KindId, KindRule, Plan};
use super::plan::condition::{ResolvedCondition, SeenEvent};
use super::plan::key_spec::first;
use super::plan::spec::UnknownKinds;
use super::plan::version::Versions;
use super::read::{KeyFault, Value};
use super::rejection::{Reason, Rejection};
use super::schema::compiled::EventTree;
use super::subject::covers;
use super::unwrap::split::Split;
use crate::json::cursor::Scratch;
use crate::json::fields::Span;
use crate::json::scan::{ScanFault, scan};
use bytes::Bytes;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Decodes messages under one plan; keeps buffers between them.
#[derive(Debug, Default)]
pub struct Decoder {
    scratch: Scratch,
    scanned: Vec<Span>,
    bytes: Vec<u8>,
    rewriter: Rewriter,
    registers: Vec<Span>,
}

impl Decoder {
    /// Decodes what a message holds, one event or several, each with the registers of its kind.
    #[inline]
    pub fn decode_each(
        &mut self,
        plan: &Plan,
        message: StoredMessage,
        stream_time: Nanos,
        mut take: impl FnMut(Event, &[Span]),
    ) {
        let mut spans = std::mem::take(&mut self.registers);
        spans.clear();
        match &plan.split {
            None => {
                let event = self.decode(plan, message, stream_time, &mut spans);
                take(event, &spans);
            }
            Some(split) => self.apart(plan, split, Event::begun(plan, message, stream_time), &mut spans, &mut take),
        }
        self.registers = spans;
    }

    /// Decodes a message that is one event, and appends the registers of its kind.
    pub fn decode(&mut self, plan: &Plan, message: StoredMessage, stream_time: Nanos, spans: &mut Vec<Span>) -> Event {
        let mut event = Event::begun(plan, message, stream_time);
        let found = self.guarded(plan, &mut event, Decoder::find);
        self.finish(plan, event, found, spans)
    }

    /// Decodes each event of a list, or the one event that a message is.
    #[cold]
    fn apart(
        &mut self,
        plan: &Plan,
        split: &Split,
        mut event: Event,
        spans: &mut Vec<Span>,
        take: &mut impl FnMut(Event, &[Span]),
    ) {
        let inside = |decoder: &mut Decoder, plan: &Plan, event: &mut Event| decoder.inside(plan, event, split.behind);
        let mut each = |decoder: &mut Decoder, mut event: Event, found: Result<(), Stop>| {
            let found = found.and_then(|()| decoder.guarded(plan, &mut event, inside));
            spans.clear();
            let event = decoder.finish(plan, event, found, spans);
            take(event, spans);
        };
        match self.guarded(plan, &mut event, |decoder, plan, event| decoder.texts(plan, split, event)) {
            Err(stop) => each(self, event, Err(stop)),
            Ok(None) => each(self, event, Ok(())),
            Ok(Some(texts)) if texts.is_empty() => {
                let rule = plan.empty.expect("a plan that splits counts empty lists");
                each(self, event, Err(Stop::Filtered(rule)));
            }
            Ok(Some(texts)) => {
                for (number, text) in texts.into_iter().enumerate() {
                    each(self, event.element(number, text), Ok(()));
                }
            }
        }
    }

    /// The texts of the list that a message holds; `None` where it is one event.
    pub fn texts(&mut self, plan: &Plan, split: &Split, event: &mut Event) -> Result<Option<Vec<Bytes>>, Stop> {
        gate(plan, event)?;
        if event.element_number().is_some() {
            return Ok(None);
        }
        self.take_off(plan, event, 0..split.behind)?;
        Ok(split.texts(&event.message.payload, &mut self.scratch)?)
    }

    /// What was found in an event, and the registers of its kind.
    fn finish(&mut self, plan: &Plan, mut event: Event, found: Result<(), Stop>, spans: &mut Vec<Span>) -> Event {
        let at = spans.len();
        let kind = plan.kinds.get(usize::from(event.kind)).expect("a kind's number is one of the plan's");
        if let Err(stop) = found {
            kind.registers.keep_nothing(spans);
            event.reading = Err(stop);
            if plan.hides {
                event.hide();
            }
        } else {
            kind.registers.keep(&self.scanned, spans);
            let kept = spans.get(at..).expect("they were just appended");
            event.reading = self.reading(plan, &mut event, kept).map_err(Stop::Rejected);
        }
        if event.reading.is_err() {
            event.group = group_of_position(event.position());
        }
        event
    }

    /// Looks again where the fields of an event are whose kind is known and whose text is as derived fields and masks left it;
    /// appends the registers of its kind. Its key stays what it was.
    pub fn again(&mut self, plan: &Plan, kind: KindId, event: &mut Event, spans: &mut Vec<Span>) {
        let at = spans.len();
        let key = std::mem::replace(&mut event.reading, Ok(KeyAndId::default())).ok().and_then(|reading| reading.key);
        event.kind = kind;
        let scanned = if event.message.payload.is_empty() {
            self.scanned.clear();
            self.scanned.resize(plan.fields.len(), Span::ABSENT);
            Ok(())
        } else {
            self.scan(plan, &event.message.payload)
        };
        let kind = plan.kinds.get(usize::from(kind)).expect("a kind's number is one of the plan's");
        if let Err(rejection) = scanned {
            kind.registers.keep_nothing(spans);
            event.reading = Err(Stop::Rejected(rejection));
            return;
        }
        kind.registers.keep(&self.scanned, spans);
        let group = event.group;
        let kept = spans.get(at..).expect("they were just appended");
        let identity = self.reading(plan, event, kept).ok().and_then(|reading| reading.identity);
        event.group = group;
        event.reading = Ok(KeyAndId { key, identity });
    }

    /// What `find` finds; a panic in something that a plan computes costs its event alone.
    fn guarded<T>(
        &mut self,
        plan: &Plan,
        event: &mut Event,
        find: impl FnOnce(&mut Decoder, &Plan, &mut Event) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        if !plan.computes {
            return find(self, plan, event);
        }
        let found = catch_unwind(AssertUnwindSafe(|| find(self, plan, event)));
        let failed = "the engine failed on this event: please report it with the event";
        found.unwrap_or_else(|_| Err(Rejection::new(Reason::Internal, failed).into()))
    }

    /// The event's text as its kind has it, its kind, and where the plan's fields are in that text.
    fn find(&mut self, plan: &Plan, event: &mut Event) -> Result<(), Stop> {
        gate(plan, event)?;
        self.inside(plan, event, 0)
    }

    /// Takes an event out of its envelope, by some of the plan's steps.
    fn take_off(&mut self, plan: &Plan, event: &mut Event, steps: Range<usize>) -> Result<(), Stop> {
        for layer in plan.layers.get(steps).unwrap_or_default() {
            if plan.tombstones && event.message.payload.is_empty() {
                break;
            }
            layer.take_off(event, &mut self.scratch)?;
        }
        Ok(())
    }

    /// The same of an event that is the input's, and of whose envelope so many steps are taken.
    fn inside(&mut self, plan: &Plan, event: &mut Event, taken: usize) -> Result<(), Stop> {
        self.take_off(plan, event, taken..plan.layers.len())?;
        if plan.tombstones && event.message.payload.is_empty() {
            return self.tombstone(plan, event);
        }
        self.scan(plan, &event.message.payload)?;
        for section in &plan.derive {
            self.derive(plan, section, event)?;
        }
        (event.kind, event.kind_text) = kind_of(plan, &event.message, &self.scanned);
        if !plan.kind_rules.is_empty() {
            self.kind_by_rule(plan, event);
        }
        let kind = plan.kinds.get(usize::from(event.kind)).expect("a kind's number is one of the plan's");
        if kind.rewrites() {
            // Its place in the text may move.
            event.kind_text = event.kind_text.take().map(|text| text.apart(&event.message.payload));
        }
        if let Some(versions) = &kind.versions {
            self.upcast(plan, versions, event)?;
        }
        for section in &kind.derive {
            self.derive(plan, section, event)?;
        }
        self.filter(kind, event)?;
        for (when, created) in &kind.creates {
            if when.as_ref().is_none_or(|when| self.ask_quietly(when, event)) {
                self.create(plan, created, event)?;
            }
        }
        Ok(())
    }

    /// Makes an object that is not there.
    fn create(&mut self, plan: &Plan, created: &CreatedObject, event: &mut Event) -> Result<(), Rejection> {
        let Some(text) = self.rewriter.create(created, &event.message.payload, &self.scanned) else { return Ok(()) };
        self.scan(plan, &text)?;
        event.rewrite(text);
        Ok(())
    }

    /// An event without a body: its kind is told by its subject or its headers, and has to have a use for it.
    #[cold]
    fn tombstone(&mut self, plan: &Plan, event: &mut Event) -> Result<(), Stop> {
        self.scanned.clear();
        self.scanned.resize(plan.fields.len(), Span::ABSENT);
        (event.kind, event.kind_text) = kind_of(plan, &event.message, &self.scanned);
        self.kind_by_rule(plan, event);
        let kind = plan.kinds.get(usize::from(event.kind)).expect("a kind's number is one of the plan's");
        if !kind.takes_tombstones() {
            // The thorough scan knows what to say of a body that is none.
            self.scan(plan, &event.message.payload)?;
        }
        self.filter(kind, event)
    }

    /// Whether no filter of its kind drops the event.
    fn filter(&self, kind: &Kind, event: &mut Event) -> Result<(), Stop> {
        match kind.filters.iter().find(|filter| self.ask(&filter.drop, event)) {
            Some(filter) => Err(Stop::Filtered(filter.drop.rule)),
            None => Ok(()),
        }
    }

    /// Makes an event one of the first kind whose condition holds and whose schema takes it, if there is one.
    fn kind_by_rule(&self, plan: &Plan, event: &mut Event) {
        let mut tree = EventTree::default();
        let mut holds = |rule: &&KindRule| {
            rule.when.as_ref().is_none_or(|when| self.ask(when, event))
                && rule.schema.as_ref().is_none_or(|schema| schema.takes(&event.message, &self.scanned, &mut tree))
        };
        let Some(rule) = plan.kind_rules.iter().find(|rule| holds(rule)) else { return };
        event.kind = rule.kind;
        event.kind_text = plan.kinds.get(usize::from(rule.kind)).map(|kind| Text::Owned(kind.name.as_ref().into()));
    }

    /// Makes an event of the newest version out of one of any version.
    fn upcast(&mut self, plan: &Plan, versions: &Versions, event: &mut Event) -> Result<(), Rejection> {
        let way = versions.way(&event.message, &self.scanned)?;
        for section in way.steps.iter().chain(way.says) {
            self.derive(plan, section, event)?;
        }
        Ok(())
    }

    /// Whether a condition holds; where that cannot be told it does not, and the event notes why.
    fn ask(&self, test: &ResolvedCondition, event: &mut Event) -> bool {
        match self.answer(test, event) {
            ConditionAnswer::True => true,
            ConditionAnswer::False => false,
            ConditionAnswer::Unknown(why) => {
                event.unknown.push((test.rule, why));
                false
            }
        }
    }

    /// The same of a condition that is asked again later, and counted there.
    fn ask_quietly(&self, test: &ResolvedCondition, event: &Event) -> bool {
        self.answer(test, event).is_true()
    }

    fn answer(&self, test: &ResolvedCondition, event: &Event) -> ConditionAnswer {
        let message = &event.message;
        let kind = event.kind_text.as_ref().map(|text| text.get(&message.payload));
        let stream_time = event.stream_time;
        test.holds(SeenEvent { message, spans: &self.scanned, kind, key: None, stream_time, rows: &[] })
    }

    fn scan(&mut self, plan: &Plan, text: &[u8]) -> Result<(), Rejection> {
        self.scanned.clear();
        self.scanned.resize(plan.fields.len(), Span::ABSENT);
        scan(&plan.fields, text, &mut self.scratch, &mut self.scanned).map_err(rejection)
    }

    /// Puts the text that a section makes in the place of the event's, and looks where the fields are in it.
    #[cold]
    fn derive(&mut self, plan: &Plan, section: &CompiledSection, event: &mut Event) -> Result<(), Rejection> {
        if section.when.as_ref().is_some_and(|when| !self.ask(when, event)) {
            return Ok(());
        }
        #[cfg(feature = "failpoints")]
        super::planted::panic_where_asked(event);
        if let Some(created) = &section.create {
            self.create(plan, created, event)?;
        }
        let Some(text) = self.rewriter.run(section, &event.message, &self.scanned)? else { return Ok(()) };
        self.scan(plan, &text)?;
        event.rewrite(text);
        Ok(())
    }

    /// Key, identity and group of an event whose kind is known by now.
    fn reading(&mut self, plan: &Plan, event: &mut Event, spans: &[Span]) -> Result<KeyAndId, Rejection> {
        if event.kind == plan.unknown_kind() && plan.unknown_kinds() == UnknownKinds::DeadLetter {
            let sentence = "no [kinds] section matches this event's kind, and engine.unknown_kinds is \"dead_letter\"";
            return Err(Rejection::new(Reason::UnknownKind, sentence));
        }
        let message = &event.message;
        let section = plan.kinds.get(usize::from(event.kind)).expect("a kind's number is one of the plan's");
        let key = match &section.key {
            None => None,
            Some(places) => match places.key(message, spans) {
                Ok(text) => {
                    let digest = Digest::of(text.bytes(&message.payload));
                    Some(Key { text, digest })
                }
                Err(fault) if places.is_made_of_parts() => return Err(part_rejection(fault)),
                Err(fault) => return Err(key_rejection(fault, "key")),
            },
        };
        let id = section.id.as_ref().and_then(|places| places.id(message, spans));
        event.group = match (&key, &id) {
            _ if section.feeds_global() => KeyGroup::EVERYONE,
            (Some(key), _) => KeyGroup::of(key.text.bytes(&message.payload)),
            (None, Some(id)) => KeyGroup::of(id),
            (None, None) => group_of_position(event.position()),
        };
        let kind = || event.kind_text.as_ref().map(|text| text.bytes(&message.payload));
        let rule = plan.spec.identity;
        let identity = id.filter(|_| plan.dedup_window.is_some());
        let identity = identity.map(|id| digest(rule, kind(), key.as_ref(), &id, &mut self.bytes));
        Ok(KeyAndId { key, identity })
    }
}

/// Whether a message is an event at all, and one of the subjects that are processed.
fn gate(plan: &Plan, event: &Event) -> Result<(), Stop> {
    if plan.spec.tick_subject.is_some() && is_tick(plan, &event.message) {
        return Err(Stop::Tick);
    }
    if let Some(rule) = plan.only
        && !plan.spec.input_only.iter().any(|filter| covers(filter, &event.message.subject))
    {
        return Err(Stop::Filtered(rule));
    }
    Ok(())
}

/// Whether a message only moves stream time on: its subject, its header and its empty body say so, all three of them, so that
/// neither a producer's header nor a deletion is taken for one.
fn is_tick(plan: &Plan, message: &StoredMessage) -> bool {
    let named = |(name, _): &(String, String)| name.eq_ignore_ascii_case(TICK);
    message.payload.is_empty()
        && plan.spec.tick_subject.as_deref() == Some(&*message.subject)
        && message.headers.iter().flat_map(|headers| headers.iter()).any(named)
}

fn kind_of(plan: &Plan, message: &StoredMessage, spans: &[Span]) -> (KindId, Option<Text>) {
    let text = match plan.kind.as_slice() {
        [place] => Value::at(place, message, spans).text(),
        places => first(places, message, spans).text(),
    };
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

/// The rejection of a key of several parts.
fn part_rejection(fault: KeyFault) -> Rejection {
    match fault {
        KeyFault::None => Rejection::new(Reason::NoKey, "one of the fields that `key` names is absent or null"),
        KeyFault::Bad => {
            let sentence = "one of the fields that `key` names is no integer and no non-empty text";
            Rejection::new(Reason::BadKey, sentence)
        }
    }
}

/// The rejection of a text that a scan does not take.
pub fn rejection(fault: ScanFault) -> Rejection {
    let reason = match fault {
        ScanFault::NotJson { .. } => Reason::NotJson,
        ScanFault::TooDeep => Reason::TooDeep,
        ScanFault::NotObject => Reason::NotObject,
        ScanFault::DuplicateKey => Reason::DuplicateKey,
    };
    Rejection::new(reason, fault.to_string())
}

#[cfg(test)]
pub(super) mod tests;
