//! What makes two events one: the digest under which de-duplication remembers an event.
//!
//! There are two rules, and a plan says which is its own. What the digests are made of begins differently under each, so
//! that an id noted under one rule is never taken for one of the other: after a change of the rule, ids from before it
//! count as long as their window lasts, looked up under the rule that noted them.

use super::event::{Event, Key, KeyAndId};
use super::ids::Digest;
use super::plan::compiled::Plan;
use super::plan::spec::IdentityRule;
use super::state::dedup::Dedup;
use crate::json::fields::Span;

/// The digest of an event's identity under a rule. `kind` is the kind's text as the event has it, whichever section
/// matches it; `buffer` is there to be used again.
pub fn digest(rule: IdentityRule, kind: Option<&[u8]>, key: Option<&Key>, id: &[u8], buffer: &mut Vec<u8>) -> Digest {
    buffer.clear();
    match rule {
        IdentityRule::Key => buffer.push(u8::from(key.is_some())),
        IdentityRule::Kind => buffer.push(2 + u8::from(key.is_some()) + 2 * u8::from(kind.is_some())),
    }
    if let Some(key) = key {
        buffer.extend_from_slice(&key.digest.0.to_be_bytes());
    }
    if let Some(kind) = kind.filter(|_| rule == IdentityRule::Kind) {
        // Its length keeps the kind's end from being read as the id's beginning.
        buffer.extend_from_slice(&(kind.len() as u64).to_be_bytes());
        buffer.extend_from_slice(kind);
    }
    buffer.extend_from_slice(id);
    Digest::of(buffer)
}

/// Whether an event was processed less than the window ago, noted under the plan's rule or under the one before it.
pub fn is_duplicate(ids: &Dedup, plan: &Plan, event: &Event, reading: &KeyAndId, spans: &[Span]) -> bool {
    let Some(own) = reading.identity else { return false };
    let now = event.stream_time;
    if ids.is_duplicate(event.group, own, now) {
        return true;
    }
    // Nothing of the other rule is left as a rule: then there is nothing to hash and nothing to look up.
    ids.has_other_rule(now)
        && of_other_rule(plan, event, reading, spans).is_some_and(|id| ids.is_duplicate(event.group, id, now))
}

/// The digest that the event has under the rule that is not its plan's.
fn of_other_rule(plan: &Plan, event: &Event, reading: &KeyAndId, spans: &[Span]) -> Option<Digest> {
    let message = &event.message;
    let id = plan.kinds.get(usize::from(event.kind))?.id.as_ref()?.id(message, spans)?;
    let kind = event.kind_text.as_ref().map(|text| text.bytes(&message.payload));
    let rule = plan.spec.identity.other();
    Some(digest(rule, kind, reading.key.as_ref(), &id, &mut Vec::new()))
}
