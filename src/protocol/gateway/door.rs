//! One event at the door: its subject, its headers and its id, once the plan has nothing against it.
//!
//! What only the process knows (the time, a name that nobody had before) comes in with each request.

use super::identity::{EventIdentity, MESSAGE_ID, message_id};
use super::judge::{EventFacts, Judge, Validate};
use super::problem::{BAD_HEADER, FORBIDDEN, NO_KIND, RequestFault, TOO_LARGE};
use super::request::{Admitted, Candidate};
use super::tokens::Sender;
use crate::core::decode::rejection;
use crate::core::event::StoredMessage;
use crate::core::ids::Nanos;
use crate::core::output::Headers;
use crate::core::plan::template::{Template, TemplateHole};
use crate::json::cursor::Scratch;
use crate::json::fields::Fields;
use crate::json::scan::scan;
use std::sync::Arc;

/// The header that follows an event to its outputs.
pub const CORRELATION: &str = "Correlation-Id";
/// The header that names who sent it.
pub const SENDER: &str = "Sidestream-Sender";
/// The header that says when it came, in nanoseconds since 1970.
pub const RECEIVED: &str = "Sidestream-Received";
/// The longest kind, in bytes.
const KIND_MAX: usize = 256;

/// What a request brings beside its events.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who sends.
    pub sender: Sender,
    /// When it came.
    pub now: Nanos,
    /// What it is found by again.
    pub correlation: String,
    /// A name that no request had before.
    pub fresh: String,
}

/// The door of one plan.
#[derive(Debug)]
pub struct Door {
    subject: Template,
    validate: Validate,
    max_bytes: u64,
    judge: Judge,
}

impl Door {
    /// A door; `max_bytes` is the size of the largest message that the engine takes.
    pub fn new(subject: Template, validate: Validate, max_bytes: u64, judge: Judge) -> Door {
        Door { subject, validate, max_bytes, judge }
    }

    /// The message of an event, which is the request's `place`-th from 0; whether it has an identity of its own.
    pub fn admit(
        &mut self,
        candidate: &Candidate,
        place: usize,
        context: &Context,
    ) -> Result<(Admitted, bool), RequestFault> {
        let kind = match &candidate.kind {
            Some(kind) => kind.clone(),
            None => self.kind(candidate, context)?,
        };
        allowed(&kind, &context.sender)?;
        let subject = self.subject.fill(&mut |hole| part(hole, &kind));
        let mut headers = candidate.headers.clone();
        headers.push((CORRELATION.to_owned(), context.correlation.clone()));
        headers.push((SENDER.to_owned(), context.sender.name.clone()));
        headers.push((RECEIVED.to_owned(), context.now.to_string()));
        let message = stored(&subject, headers.clone(), candidate, context);
        let found = self.found(&message)?;
        if let Some(own) = &found.kind {
            allowed(own, &context.sender)?;
        }
        let identity = match (&candidate.given, found.identity) {
            (Some(given), _) => EventIdentity::Given(given, place),
            (None, Some(own)) => EventIdentity::Own(own),
            (None, None) => EventIdentity::Fresh(&context.fresh, place),
        };
        let fresh = matches!(identity, EventIdentity::Fresh(..));
        headers.push((MESSAGE_ID.to_owned(), message_id(&context.sender.name, identity)));
        headers.sort();
        let admitted = Admitted { subject, headers, body: candidate.body.clone() };
        if self.validate == Validate::Plan && admitted.size() as u64 > self.max_bytes {
            let detail = format!("the event and its headers have more than {} bytes", self.max_bytes);
            return Err(RequestFault::new(TOO_LARGE, detail));
        }
        Ok((admitted, !fresh))
    }

    /// The kind that the plan finds in an event.
    fn kind(&mut self, candidate: &Candidate, context: &Context) -> Result<String, RequestFault> {
        let none = || RequestFault::new(NO_KIND, "neither the path nor the event says its kind");
        if self.validate != Validate::Plan {
            return Err(none());
        }
        let subject = self.subject.fill(&mut |_| None);
        let message = stored(&subject, candidate.headers.clone(), candidate, context);
        if let Some(kind) = self.judge.look(&message).kind {
            return Ok(kind);
        }
        // An event that cannot be read has no kind either.
        self.judge.judge(&message)?;
        Err(none())
    }

    fn found(&mut self, message: &StoredMessage) -> Result<EventFacts, RequestFault> {
        match self.validate {
            Validate::Plan => self.judge.judge(message),
            Validate::Off => Ok(EventFacts::default()),
            Validate::Syntax => {
                let read = scan(&Fields::default(), &message.payload, &mut Scratch::default(), &mut []);
                read.map(|()| EventFacts::default()).map_err(|fault| RequestFault::from(rejection(fault)))
            }
        }
    }
}

impl Admitted {
    /// What it counts for against the limits of server and stream, in bytes.
    pub fn size(&self) -> usize {
        let lines: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        lines + 12 + self.body.len()
    }
}

fn allowed(kind: &str, sender: &Sender) -> Result<(), RequestFault> {
    if kind.is_empty() || kind.len() > KIND_MAX || kind.chars().any(char::is_control) {
        return Err(RequestFault::new(
            BAD_HEADER,
            format!("a kind has 1 to {KIND_MAX} bytes and no control characters"),
        ));
    }
    match sender.may_send(kind) {
        true => Ok(()),
        false => {
            Err(RequestFault::new(FORBIDDEN, format!("the token `{}` may not send events of this kind", sender.name)))
        }
    }
}

/// What stands in a hole of the subject.
fn part(hole: TemplateHole, kind: &str) -> Option<String> {
    match hole {
        TemplateHole::Kind => Some(kind.to_owned()),
        TemplateHole::Type => kind.split(':').next().map(str::to_owned),
        TemplateHole::Subtype => kind.split(':').nth(1).map(str::to_owned),
        TemplateHole::Reason | TemplateHole::Subject(_) => None,
    }
}

/// The event as the engine will read it, at the first position.
fn stored(subject: &str, mut headers: Headers, candidate: &Candidate, context: &Context) -> StoredMessage {
    headers.sort();
    StoredMessage {
        sequence: 1,
        stored_at: context.now,
        subject: Arc::from(subject),
        headers: Some(Arc::new(headers)),
        payload: candidate.body.clone(),
    }
}
