//! `event.split`: a message that holds a list of events, taken apart.
//!
//! Only where the list's members begin and end is found here; each is decoded as if it had come alone, with a header that says
//! which one it is. A message that holds no list at that place is one event.

use super::spec::{Envelope, SplitSpec, UnwrapSpec};
use crate::core::decode::rejection;
use crate::core::rejection::{Reason, Rejection};
use crate::json::cursor::Scratch;
use crate::json::fields::{Fields, Slot, Span};
use crate::json::items::items;
use crate::json::scan::scan;
use bytes::Bytes;

/// The most events that one message may hold.
pub const MOST: usize = 1_024;

/// `event.split`, ready to run.
#[derive(Clone, Debug)]
pub struct Split {
    fields: Fields,
    at: Option<Slot>,
    /// How many steps of `unwrap` come before it; the others are taken off each event.
    pub behind: usize,
}

impl Split {
    /// Of a plan that `plan::check` accepted.
    pub fn compile(spec: &SplitSpec, unwrap: &[UnwrapSpec]) -> Split {
        let mut fields = Fields::default();
        let at = spec.at.as_ref().map(|at| fields.field(at.names()));
        // A batch of CloudEvents is a list of envelopes.
        let envelope = unwrap.iter().position(|step| step.envelope == Some(Envelope::CloudEvents));
        let behind = envelope.filter(|_| at.is_none()).unwrap_or(unwrap.len());
        Split { fields, at, behind }
    }

    /// The texts of the events in a message; `None` where it holds no list.
    pub fn texts(&self, body: &Bytes, scratch: &mut Scratch) -> Result<Option<Vec<Bytes>>, Rejection> {
        let list = match self.at {
            None => body.clone(),
            Some(_) if body.is_empty() => return Ok(None),
            Some(at) => {
                let mut spans = vec![Span::ABSENT; self.fields.len()];
                scan(&self.fields, body, scratch, &mut spans).map_err(rejection)?;
                let span = at.of(&spans);
                match span.of(body) {
                    None | Some(b"null") => return Ok(None),
                    Some(list) if list.starts_with(b"[") => body.slice(span.start as usize..span.end as usize),
                    Some(_) => return Err(bad("the member that `split` names is no list")),
                }
            }
        };
        let Some(found) = items(&list, MOST, scratch).map_err(rejection)? else { return Ok(None) };
        if found.len() > MOST {
            return Err(bad("the message holds more than 1024 events"));
        }
        Ok(Some(found.iter().map(|span| list.slice(span.start as usize..span.end as usize)).collect()))
    }
}

fn bad(sentence: &'static str) -> Rejection {
    Rejection::new(Reason::Unwrap, sentence)
}
