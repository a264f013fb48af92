//! One step of `event.unwrap`, ready to run.

use super::cloud_events::{is_binary, to_binary};
use super::packed::{base64, gzip};
use super::spec::{Compression, Encoding, Envelope, UnwrapSpec};
use crate::core::decode::rejection;
use crate::core::event::Event;
use crate::core::rejection::{Reason, Rejection};
use crate::json::cursor::Scratch;
use crate::json::fields::{Fields, Slot, Span};
use crate::json::scan::scan;
use crate::json::text::Scalar;
use bytes::Bytes;

/// A step: what it looks for in the text that it begins with.
#[derive(Clone, Debug)]
pub struct Layer {
    spec: UnwrapSpec,
    fields: Fields,
    at: Option<Slot>,
}

impl Layer {
    /// Of a step that `plan::check` accepted.
    pub fn compile(spec: &UnwrapSpec) -> Layer {
        let mut fields = Fields::default();
        let at = spec.at.as_ref().map(|at| fields.field(at.names()));
        Layer { spec: spec.clone(), fields, at }
    }

    /// Puts what is inside in the event's place.
    pub fn take_off(&self, event: &mut Event, scratch: &mut Scratch) -> Result<(), Rejection> {
        if self.spec.envelope == Some(Envelope::CloudEvents) {
            return self.cloud_event(event, scratch);
        }
        let text = &event.message.payload;
        let inside = match self.at {
            Some(at) => self.member(at, text, scratch)?,
            None if self.spec.encoding == Encoding::Base64 => base64(text)?.into(),
            None => text.clone(),
        };
        let inside = match (self.spec.compression, self.spec.max_bytes) {
            (Some(Compression::Gzip), max_bytes) => gzip(&inside, max_bytes.unwrap_or(0))?.into(),
            (None, _) => inside,
        };
        event.rewrite(inside);
        Ok(())
    }

    fn cloud_event(&self, event: &mut Event, scratch: &mut Scratch) -> Result<(), Rejection> {
        let (headers, text) = (event.message.headers.clone(), event.message.payload.clone());
        if is_binary(headers.as_deref()) {
            return Ok(());
        }
        scan(&self.fields, &text, scratch, &mut []).map_err(rejection)?;
        let binary = to_binary(headers.as_deref(), &text, scratch)?;
        event.rewrite(binary.data);
        event.message.headers = Some(binary.headers);
        Ok(())
    }

    /// What the member holds.
    fn member(&self, at: Slot, text: &Bytes, scratch: &mut Scratch) -> Result<Bytes, Rejection> {
        let mut spans = vec![Span::ABSENT; self.fields.len()];
        scan(&self.fields, text, scratch, &mut spans).map_err(rejection)?;
        let span = at.of(&spans);
        let Some(raw) = span.of(text).filter(|raw| *raw != b"null") else {
            return Err(bad("the member that `unwrap` names is absent or null"));
        };
        if self.spec.encoding == Encoding::Json {
            return if raw.first() == Some(&b'{') {
                Ok(text.slice(span.start as usize..span.end as usize))
            } else {
                Err(bad("the member that `unwrap` names is no object"))
            };
        }
        match Scalar::read(raw) {
            Scalar::Text(held) if self.spec.encoding == Encoding::Base64 => base64(held.as_bytes()).map(Bytes::from),
            Scalar::Text(held) => Ok(held.into_owned().into()),
            _ => Err(bad("the member that `unwrap` names is no text")),
        }
    }
}

fn bad(sentence: &'static str) -> Rejection {
    Rejection::new(Reason::Unwrap, sentence)
}
