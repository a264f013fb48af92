//! The new text of an event under one section.
//!
//! All values are worked out first, from the text as it is, and then put in together. Bytes that the section does not name
//! stay as they are.

use super::compiled::{CompiledSection, Computed, DerivedMember, MemberChange};
use super::create::CreatedObject;
use super::operator::DeriveFault;
use super::section::OnError;
use crate::core::event::StoredMessage;
use crate::core::read::Value;
use crate::core::rejection::{Reason, Rejection};
use crate::json::fields::Span;
use crate::json::splice::{Added, Edit, Splice};
use bytes::Bytes;
use smallvec::SmallVec;
use std::ops::Range;

/// Rewrites events; keeps its buffers from one to the next.
#[derive(Debug, Default)]
pub struct Rewriter {
    made: DerivedValues,
    splice: Splice,
}

/// The values that were worked out for one event.
#[derive(Debug, Default)]
struct DerivedValues {
    /// Their bytes, one after the other.
    bytes: Vec<u8>,
    /// Where each of `CompiledSection::values` stands in them; `None` where it could not be worked out.
    values: Vec<Option<Range<usize>>>,
    /// The same of `CompiledSection::masks`; `None` where there is nothing to hide.
    masks: Vec<Option<Range<usize>>>,
}

impl Rewriter {
    /// The event's text under a section; `None` where no byte of it changes. `spans` are what a scan of the text found.
    pub fn run(
        &mut self,
        section: &CompiledSection,
        message: &StoredMessage,
        spans: &[Span],
    ) -> Result<Option<Bytes>, Rejection> {
        let Rewriter { made, splice } = self;
        made.work_out(section, message, spans)?;
        let text = &message.payload;
        splice.clear();
        for edited in &section.objects {
            let Some(tail) = edited.object.of(spans) else {
                no_object(section, &edited.members)?;
                continue;
            };
            let edits = edited.members.iter().filter_map(|member| {
                let added = made.change(section, member, text, spans)?;
                Some(Edit { label: &member.label, added, there: member.there.of(spans) })
            });
            splice.object(text, tail, edits);
        }
        if splice.is_empty() {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(text.len() + splice.added());
        splice.write(text, &mut out);
        Ok(Some(out.into()))
    }
}

impl Rewriter {
    /// The event's text with an object that was not there; `None` where nothing is to be made.
    pub fn create(&mut self, created: &CreatedObject, text: &Bytes, spans: &[Span]) -> Option<Bytes> {
        created.run(text, spans, &mut self.splice)
    }
}

impl DerivedValues {
    fn work_out(
        &mut self,
        section: &CompiledSection,
        message: &StoredMessage,
        spans: &[Span],
    ) -> Result<(), Rejection> {
        self.bytes.clear();
        self.values.clear();
        self.masks.clear();
        for computed in &section.values {
            let from = self.bytes.len();
            let written = write(computed, message, spans, &mut self.bytes);
            if let (Err(fault), OnError::DeadLetter) = (written, section.on_error) {
                return Err(rejection(computed, fault));
            }
            self.values.push(written.is_ok().then_some(from..self.bytes.len()));
        }
        for (mask, there) in &section.masks {
            let (from, span) = (self.bytes.len(), there.of(spans));
            let hide = |raw| mask.write(&Value::Json { raw, span }, section.salt.as_ref(), &mut self.bytes);
            let hidden = span.of(&message.payload).map(hide);
            self.masks.push(hidden.map(|()| from..self.bytes.len()));
        }
        Ok(())
    }

    /// What becomes of a member; `None` where it stays as it is.
    fn change<'a>(
        &'a self,
        section: &CompiledSection,
        member: &DerivedMember,
        text: &'a [u8],
        spans: &[Span],
    ) -> Option<Added<'a>> {
        let bytes = |range: &Range<usize>| self.bytes.get(range.clone()).expect("a value stands where it was written");
        match member.change {
            MemberChange::Set(number) => Some(match (self.values.get(number)?, section.on_error) {
                (Some(range), _) => Added::Value(bytes(range)),
                (None, OnError::Omit) => Added::Omit,
                (None, _) => Added::Value(b"null"),
            }),
            MemberChange::MovedFrom(from) => from.of(spans).of(text).map(Added::Value),
            MemberChange::Removed => (!member.there.of(spans).is_absent()).then_some(Added::Omit),
            MemberChange::Masked(number) => self.masks.get(number)?.as_ref().map(|range| Added::Value(bytes(range))),
        }
    }
}

/// Appends a value, worked out from a message in which a scan found `spans`. Nothing is appended on a fault.
pub fn write(
    computed: &Computed,
    message: &StoredMessage,
    spans: &[Span],
    out: &mut Vec<u8>,
) -> Result<(), DeriveFault> {
    let values: SmallVec<[Value<'_>; 4]> =
        computed.places.iter().map(|place| Value::at(place, message, spans)).collect();
    computed.spec.write(&values, out)
}

/// The object that members are set in is not there, which is the same as a value that cannot be worked out. Where nothing is
/// set, there is nothing to hide either.
fn no_object(section: &CompiledSection, members: &[DerivedMember]) -> Result<(), Rejection> {
    let sets = members.iter().any(|member| matches!(member.change, MemberChange::Set(_)));
    if sets && section.on_error == OnError::DeadLetter {
        let sentence = "the object that `into` of a [[derive]] section names is missing or no object";
        return Err(Rejection::new(Reason::Derive, sentence));
    }
    Ok(())
}

fn rejection(computed: &Computed, fault: DeriveFault) -> Rejection {
    let name = computed.name.escape_default();
    Rejection::new(Reason::Derive, format!("the field `{name}` cannot be derived: {}", fault.sentence()))
}
