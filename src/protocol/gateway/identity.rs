//! What makes two requests the same event: the id under which the server remembers a message.
//!
//! It is a digest of who sends and of what the sender says, so that senders can neither meet nor try each other's ids out,
//! whatever they write; and of SHA-256, because strangers choose what goes in.

use super::request::{Admitted, GivenIdentity};
use crate::core::event::StoredMessage;
use crate::core::ids;
use crate::core::output::Headers;
use sha2::{Digest, Sha256};

/// The header that has the id.
pub const MESSAGE_ID: &str = "Nats-Msg-Id";
/// Bytes of a digest that are used.
const USED: usize = 16;

/// What an event is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventIdentity<'a> {
    /// What the sender says, and the event's place in its request.
    Given(&'a GivenIdentity, usize),
    /// The event's own id, as the plan finds it.
    Own(ids::Digest),
    /// Nothing: a name that nobody had before, and the event's place in its request. Whoever sends that name as
    /// `Idempotency-Key` says the same.
    Fresh(&'a str, usize),
}

/// The message id of an event of a sender.
pub fn message_id(sender: &str, identity: EventIdentity<'_>) -> String {
    let keyed =
        |key: &str, place: usize| digest(&[b"key", sender.as_bytes(), key.as_bytes(), &(place as u64).to_be_bytes()]);
    match identity {
        EventIdentity::Given(GivenIdentity::Key(key), place) => keyed(key, place),
        EventIdentity::Fresh(key, place) => keyed(key, place),
        EventIdentity::Given(GivenIdentity::CloudEvent { source, id }, _) => {
            digest(&[b"cloudevent", sender.as_bytes(), source.as_bytes(), id.as_bytes()])
        }
        EventIdentity::Own(ids::Digest(own)) => digest(&[b"event", sender.as_bytes(), &own.to_be_bytes()]),
    }
}

/// A digest of parts, of which none can be taken for a piece of another.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(USED).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the message that stands in the stream is the event that was sent: subject, body and the attributes of a CloudEvent.
pub fn is_same(sent: &Admitted, stored: &StoredMessage) -> bool {
    let attributes = |headers: &Headers| {
        let mut kept: Headers = headers.iter().filter(|(name, _)| name.starts_with("ce-")).cloned().collect();
        kept.sort();
        kept
    };
    let before = stored.headers.as_deref().map(attributes).unwrap_or_default();
    *stored.subject == *sent.subject && stored.payload == sent.body && before == attributes(&sent.headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_differs_anywhere_has_another_id() {
        let event = |source: &str, id: &str| GivenIdentity::CloudEvent { source: source.into(), id: id.into() };
        let (one, moved) = (event("a", "bc"), event("ab", "c"));
        let key = GivenIdentity::Key("abc".into());
        let ids: BTreeSet<String> = [
            message_id("s", EventIdentity::Given(&one, 0)),
            message_id("s", EventIdentity::Given(&moved, 0)),
            message_id("t", EventIdentity::Given(&one, 0)),
            message_id("s", EventIdentity::Given(&key, 0)),
            message_id("s", EventIdentity::Given(&key, 1)),
            message_id("s", EventIdentity::Own(ids::Digest(7))),
        ]
        .into();
        assert_eq!(ids.len(), 6);
        assert!(ids.iter().all(|id| id.len() == 2 * USED));
        assert_eq!(message_id("s", EventIdentity::Given(&one, 0)), message_id("s", EventIdentity::Given(&one, 5)));
        assert_eq!(message_id("s", EventIdentity::Given(&key, 1)), message_id("s", EventIdentity::Fresh("abc", 1)));
    }
}
