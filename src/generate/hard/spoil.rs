//! Which oddity comes next, and how an event gets it.
//!
//! Oddities come from a shuffled deck rather than by lot, so that a short run shows many and a long run shows all.

use super::draft::{EventDraft, json};
use super::memory::{Again, Repeatable};
use super::oddity::{ODDITIES, Oddity, Spoiling};
use crate::generate::facts::{FieldValue, SchoolKind};
use crate::generate::person::Person;
use crate::generate::random::Random;
use crate::generate::school::Generated;

/// The rare oddities are in every so many-th deck.
const RARE_EVERY: u64 = 4;
/// So many events in a thousand get two oddities at once: which fault wins must be defined too.
const TWO_PER_MILLE: u32 = 120;

/// The odd side of a school.
#[derive(Clone, Debug)]
pub struct Hard {
    random: Random,
    deck: Vec<Oddity>,
    decks: u64,
    memory: Repeatable,
    last: Vec<&'static str>,
    largest_bytes: usize,
}

impl Hard {
    /// Oddities in an order that follows from the seed.
    pub(in crate::generate) fn new(seed: u64, largest_bytes: usize) -> Hard {
        let random = Random::new(seed);
        Hard { random, deck: Vec::new(), decks: 0, memory: Repeatable::default(), last: Vec::new(), largest_bytes }
    }

    /// The names of the last event's oddities.
    pub(in crate::generate) fn last(&self) -> &[&'static str] {
        &self.last
    }

    /// The kind that the next oddity is for, if it does not suit every kind.
    pub(in crate::generate) fn wants(&mut self) -> Option<SchoolKind> {
        if self.deck.is_empty() {
            self.shuffle_deck();
        }
        let wanted = self.deck.last().map(|oddity| oddity.wants).unwrap_or_default();
        wanted.get(self.random.index(wanted.len())).copied()
    }

    /// Keeps a plain event, so that it can come again.
    pub(in crate::generate) fn remember_plain(&mut self, event: &Generated, id: u128, person: Person) {
        self.last.clear();
        self.memory.remember(event, id, person, &mut self.random);
    }

    /// Makes the next oddity out of the draft, and writes it.
    pub(in crate::generate) fn spoil(&mut self, mut draft: EventDraft, event: &mut Generated) {
        draft.largest_bytes = self.largest_bytes;
        let (id, person, kind) = (draft.id, draft.person, draft.kind);
        self.last.clear();
        let first = self.take();
        // A second one must suit the same draft; the largest leave no room for one.
        let two = first.is_some_and(|oddity| !oddity.rare) && self.random.per_mille(TWO_PER_MILLE);
        let second = if two { self.take_second(kind) } else { None };
        let chosen = [first, second];
        for oddity in chosen.iter().flatten() {
            self.last.push(oddity.name);
            match oddity.change {
                Spoiling::Draft(change) => change(&mut draft, &mut self.random),
                Spoiling::Again(again) => {
                    if self.repeat(again, &mut draft, event) {
                        return;
                    }
                }
                Spoiling::Bytes(_) => {}
            }
        }
        draft.finish(event);
        for oddity in chosen.iter().flatten() {
            if let Spoiling::Bytes(change) = oddity.change {
                change(&mut event.payload, &mut self.random, self.largest_bytes);
            }
        }
        // Two oddities that each stay within the limit may not do so together.
        event.payload.truncate(self.largest_bytes);
        self.memory.remember(event, id, person, &mut self.random);
    }

    /// Brings an earlier event back whole (true), or its id into the draft.
    fn repeat(&mut self, again: Again, draft: &mut EventDraft, event: &mut Generated) -> bool {
        let Some(sent) = self.memory.recall(again, &mut self.random) else {
            return false;
        };
        match again {
            Again::Soon | Again::Later => {
                event.clone_from(&sent.event);
                return true;
            }
            Again::OtherContent => {
                draft.set_id(json(FieldValue::Uuid(sent.id)));
                draft.set_key(json(FieldValue::Uuid(sent.person.uuid())));
            }
            Again::OtherKey => draft.set_id(json(FieldValue::Uuid(sent.id))),
        }
        false
    }

    fn take(&mut self) -> Option<Oddity> {
        if self.deck.is_empty() {
            self.shuffle_deck();
        }
        self.deck.pop()
    }

    fn take_second(&mut self, kind: SchoolKind) -> Option<Oddity> {
        let suits = |oddity: &Oddity| {
            (oddity.wants.is_empty() || oddity.wants.contains(&kind))
                && !matches!(oddity.change, Spoiling::Again(_))
                && !oddity.rare
        };
        let at = self.deck.iter().rposition(suits)?;
        Some(self.deck.remove(at))
    }

    fn shuffle_deck(&mut self) {
        let rare = self.decks % RARE_EVERY == RARE_EVERY - 1;
        self.decks += 1;
        self.deck.extend(ODDITIES.iter().copied().flatten().filter(|oddity| rare || !oddity.rare));
        self.random.shuffle(&mut self.deck);
    }
}
