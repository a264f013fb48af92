//! `create = true`: the object that `into` names is made where it is not there yet.
//!
//! What is there and is no object stays as it is, null too: whoever puts members into it says what becomes of the event.

use super::compiled::SlotRequests;
use crate::json::fields::{ObjectSlot, Slot, Span};
use crate::json::splice::{Added, Edit, Label, Splice};
use bytes::Bytes;

/// An object that is made.
#[derive(Clone, Debug)]
pub struct CreatedObject {
    /// It and the objects around it, the outermost first.
    steps: Vec<NameStep>,
}

/// One name on the way to the object.
#[derive(Clone, Debug)]
struct NameStep {
    parent: ObjectSlot,
    there: Slot,
    label: Label,
    /// What stands there when it is made: the objects further in, each in the one before.
    made: Vec<u8>,
}

impl CreatedObject {
    /// The object at a path of at least one name.
    pub fn compile(path: &[String], places: &mut dyn SlotRequests) -> CreatedObject {
        let step = |(at, name): (usize, &String)| {
            let outer = path.get(..at).unwrap_or_default();
            let inner = path.get(at + 1..).unwrap_or_default();
            let made = inner
                .iter()
                .rev()
                .fold("{}".to_owned(), |made, name| format!("{{{}:{made}}}", serde_json::Value::from(name.as_str())));
            NameStep {
                parent: places.object(outer),
                there: places.member(path.get(..=at).unwrap_or_default()),
                label: Label::new(name),
                made: made.into_bytes(),
            }
        };
        CreatedObject { steps: path.iter().enumerate().map(step).collect() }
    }

    /// The text with the object in it; `None` where the object, or something else, is there already.
    pub fn run(&self, text: &Bytes, spans: &[Span], splice: &mut Splice) -> Option<Bytes> {
        let missing = self.steps.iter().find(|step| step.there.of(spans).is_absent())?;
        // Without an object around it, something else is there.
        let tail = missing.parent.of(spans)?;
        let edit = Edit { label: &missing.label, added: Added::Value(&missing.made), there: Span::ABSENT };
        splice.clear();
        splice.object(text, tail, [edit]);
        let mut out = Vec::with_capacity(text.len() + splice.added());
        splice.write(text, &mut out);
        Some(out.into())
    }
}
