//! What was sent before, so that it can come again: soon, much later, or in parts.
//!
//! A fixed number of events of bounded length is kept, whatever the length of the run.

use super::oddity::Oddity;
use crate::generate::person::Person;
use crate::generate::random::Random;
use crate::generate::school::Generated;

/// In which way an event comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// One of the last few, byte for byte.
    Soon,
    /// One from long ago, byte for byte.
    Later,
    /// Another event of the same user under an id that is used.
    OtherContent,
    /// An event of another user under an id that is used.
    OtherKey,
}

pub(super) const ODDITIES: &[Oddity] = &[
    Oddity::again("again-soon", Again::Soon),
    Oddity::again("again-much-later", Again::Later),
    Oddity::again("same-id-other-content", Again::OtherContent),
    Oddity::again("same-id-other-key", Again::OtherKey),
];

/// How many of the newest events are kept.
const SOON: usize = 16;
/// How many older events are kept.
const LATER: usize = 128;
/// Every so many-th event is kept for later, in place of a random older one: they come back about 2,000 events later.
const LATER_EVERY: u64 = 16;
/// Longer events are not kept, so that the memory stays below 2.5 MB.
const KEPT_BYTES: usize = 16_384;

/// An event that can come again.
#[derive(Clone, Debug)]
pub(super) struct SentEvent {
    /// The message as it was.
    pub(super) event: Generated,
    /// The number in its `event_uuid`.
    pub(super) id: u128,
    /// Whom it was about.
    pub(super) person: Person,
}

/// The events that can come again.
#[derive(Clone, Debug, Default)]
pub(super) struct Repeatable {
    soon: Vec<SentEvent>,
    later: Vec<SentEvent>,
    count: u64,
}

impl Repeatable {
    /// Keeps the event, if it is not too long.
    pub(super) fn remember(&mut self, event: &Generated, id: u128, person: Person, random: &mut Random) {
        if event.payload.len() > KEPT_BYTES {
            return;
        }
        self.count += 1;
        let sent = SentEvent { event: event.clone(), id, person };
        if self.count % LATER_EVERY == 1 {
            let slot = random.index(LATER);
            keep(&mut self.later, slot, LATER, sent.clone());
        }
        keep(&mut self.soon, (self.count % SOON as u64) as usize, SOON, sent);
    }

    /// An event that was sent before, if there is any.
    pub(super) fn recall(&self, again: Again, random: &mut Random) -> Option<&SentEvent> {
        let late = match again {
            Again::Soon => false,
            Again::Later => true,
            Again::OtherContent | Again::OtherKey => random.per_mille(300),
        };
        let kept = if late { &self.later } else { &self.soon };
        kept.get(random.index(kept.len()))
    }
}

/// Fills the list first and replaces the slot afterwards.
fn keep(list: &mut Vec<SentEvent>, slot: usize, most: usize, sent: SentEvent) {
    if list.len() < most {
        list.push(sent);
    } else if let Some(old) = list.get_mut(slot) {
        *old = sent;
    }
}
