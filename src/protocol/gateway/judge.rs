//! Whether an event would become a dead letter: the engine's own decoding and step, asked before the event is stored.
//!
//! Of the step only what does not depend on the state counts: whether a row is there is known when the event's turn comes.

use super::members;
use super::problem::RequestFault;
use crate::core::decode::Decoder;
use crate::core::event::{Event, Events, Stop, StoredMessage};
use crate::core::ids::Digest;
use crate::core::output::ERROR;
use crate::core::plan::compiled::Plan;
use crate::core::rejection::{Reason, Rejection};
use crate::core::state::changes::State;
use crate::core::step::Step;
use crate::json::fields::Span;
use std::sync::Arc;

/// How much is asked of an event before it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validate {
    /// That the plan makes no dead letter of it.
    Plan,
    /// That it is a JSON object.
    Syntax,
    /// Nothing.
    Off,
}

impl Validate {
    /// The words of the configuration.
    pub const NAMED: [(&str, Validate); 3] =
        [("plan", Validate::Plan), ("syntax", Validate::Syntax), ("off", Validate::Off)];
}

/// What the plan finds in an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFacts {
    /// Its kind's text.
    pub kind: Option<String>,
    /// What it is known by for de-duplication.
    pub identity: Option<Digest>,
}

/// A plan that is asked.
#[derive(Debug)]
pub struct Judge {
    plan: Arc<Plan>,
    decoder: Decoder,
}

impl Judge {
    /// Of a plan.
    pub fn new(plan: Arc<Plan>) -> Judge {
        Judge { decoder: Decoder::default(), plan }
    }

    /// What the plan finds in an event without asking whether it suits.
    pub fn look(&mut self, message: &StoredMessage) -> EventFacts {
        let mut all = Vec::new();
        self.decoder.decode_each(&self.plan, message.clone(), message.stored_at, |event, _| all.push(found(&event)));
        alone(all)
    }

    /// What the plan finds in an event, or why it would be a dead letter.
    pub fn judge(&mut self, message: &StoredMessage) -> Result<EventFacts, RequestFault> {
        let mut held = Vec::new();
        self.decoder.decode_each(&self.plan, message.clone(), message.stored_at, |event, spans| {
            held.push((event, spans.to_vec()));
        });
        held.into_iter().map(|(event, spans)| self.judged(event, spans)).collect::<Result<_, _>>().map(alone)
    }

    /// The same of one event.
    fn judged(&self, event: Event, spans: Vec<Span>) -> Result<EventFacts, RequestFault> {
        let mut events = Events { spans, ..Events::default() };
        let (text, kind) = (event.message.payload.clone(), event.kind);
        let rejected = match &event.reading {
            Err(Stop::Rejected(rejection)) => Some(rejection.clone()),
            // What a filter drops is no dead letter, and no sender makes a tick.
            Err(Stop::Filtered(_) | Stop::Tick) => None,
            Ok(_) => {
                let found = found(&event);
                events.list.push(event);
                match self.stepped(&events) {
                    None => return Ok(found),
                    rejected => rejected,
                }
            }
        };
        let Some(rejection) = rejected else { return Ok(EventFacts::default()) };
        let at = members::at(&self.plan, kind, &rejection, &text);
        Err(RequestFault { at, ..RequestFault::from(rejection) })
    }

    /// Why the step would make a dead letter of the one event, whatever the state.
    fn stepped(&self, events: &Events) -> Option<Rejection> {
        let event = events.list.first()?;
        let joins = self.plan.kinds.get(usize::from(event.kind)).is_some_and(|kind| !kind.joins.is_empty());
        // A state that remembers nothing: nothing is a duplicate of the event before.
        let outcome = Step::new(self.plan.clone(), State::new(1, None)).run(events).outcomes.pop()?;
        let dead = outcome.outputs().iter().find_map(|output| output.dead.as_deref())?;
        let depends = match dead.reason {
            Reason::Miss | Reason::WaitFull => true,
            Reason::Quality | Reason::TooLarge | Reason::Derive | Reason::Internal => joins,
            _ => false,
        };
        let sentence = dead.headers.iter().find(|(name, _)| *name == ERROR).map(|(_, value)| value.clone());
        (!depends).then(|| Rejection::new(dead.reason, sentence.unwrap_or_default()))
    }
}

/// What is found in a message: that of its event where it holds one.
fn alone(mut all: Vec<EventFacts>) -> EventFacts {
    if all.len() == 1 { all.remove(0) } else { EventFacts::default() }
}

fn found(event: &Event) -> EventFacts {
    let kind = event.kind_text.as_ref().map(|text| text.get(&event.message.payload).to_owned());
    EventFacts { kind, identity: event.reading.as_ref().ok().and_then(|reading| reading.identity) }
}
