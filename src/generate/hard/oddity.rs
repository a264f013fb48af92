//! What an oddity is, and the list of all.
//!
//! An oddity holds no state and decides nothing at random but through the generator it is given.

use super::draft::EventDraft;
use super::{carrier, envelope, keys, members, memory, numbers, text};
use crate::generate::facts::SchoolKind;
use crate::generate::random::Random;

/// One way in which an event can be odd.
#[derive(Clone, Copy, Debug)]
pub struct Oddity {
    /// Its name: lower case with hyphens, unique.
    pub name: &'static str,
    /// How it comes about.
    pub(super) change: Spoiling,
    /// The kinds of event that it needs, evenly; none: whatever comes.
    pub(super) wants: &'static [SchoolKind],
    /// Too big to be sent often.
    pub(super) rare: bool,
}

/// How an oddity comes about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spoiling {
    /// The pieces are changed; the payload stays a whole JSON text.
    Draft(fn(&mut EventDraft, &mut Random)),
    /// The written payload is changed; the length limit is the last argument.
    Bytes(fn(&mut Vec<u8>, &mut Random, usize)),
    /// An earlier event comes again, in whole or in part.
    Again(memory::Again),
}

/// All oddities, by group.
pub const ODDITIES: &[&[Oddity]] = &[
    text::ODDITIES,
    numbers::ODDITIES,
    envelope::ODDITIES,
    members::ODDITIES,
    keys::ODDITIES,
    carrier::ODDITIES,
    memory::ODDITIES,
];

/// The names of all oddities.
pub fn names() -> impl Iterator<Item = &'static str> {
    ODDITIES.iter().copied().flatten().map(|oddity| oddity.name)
}

impl Oddity {
    /// An oddity of the pieces.
    pub(super) const fn draft(name: &'static str, change: fn(&mut EventDraft, &mut Random)) -> Oddity {
        Oddity { name, change: Spoiling::Draft(change), wants: &[], rare: false }
    }

    /// An oddity of the written payload.
    pub(super) const fn bytes(name: &'static str, change: fn(&mut Vec<u8>, &mut Random, usize)) -> Oddity {
        Oddity { name, change: Spoiling::Bytes(change), wants: &[], rare: false }
    }

    /// An oddity of an event that was sent before.
    pub(super) const fn again(name: &'static str, again: memory::Again) -> Oddity {
        Oddity { name, change: Spoiling::Again(again), wants: &[], rare: false }
    }

    /// The same for these kinds of event only.
    pub(super) const fn on(self, kinds: &'static [SchoolKind]) -> Oddity {
        Oddity { wants: kinds, ..self }
    }

    /// The same, sent rarely.
    pub(super) const fn rare(self) -> Oddity {
        Oddity { rare: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::facts::{FieldSink, FieldValue};
    use crate::generate::person::Person;
    use crate::generate::school::Stamp;
    use serde::de::IgnoredAny;
    use std::collections::BTreeSet;

    fn draft(kind: SchoolKind) -> EventDraft {
        let mut draft = EventDraft::new(kind, Person::new(1, 1), Stamp { id: 1, created_at: 1 });
        draft.member(kind.key_name(), FieldValue::Uuid(1));
        draft.member("language", FieldValue::Text("pt-BR"));
        draft
    }

    #[test]
    fn names_are_unique() {
        let unique: BTreeSet<&str> = names().collect();
        assert_eq!(unique.len(), names().count());
    }

    #[test]
    fn pieces_stay_json_and_bytes_do_not() {
        let mut random = Random::new(1);
        for oddity in ODDITIES.iter().copied().flatten() {
            let mut changed = false;
            for _ in 0..if oddity.rare { 3 } else { 100 } {
                let any = [SchoolKind::User, SchoolKind::Subscription, SchoolKind::Lesson];
                let kinds = if oddity.wants.is_empty() { &any } else { oddity.wants };
                let kind = kinds[random.index(kinds.len())];
                let mut draft = draft(kind);
                let plain = draft.payload();
                if let Spoiling::Draft(change) = oddity.change {
                    change(&mut draft, &mut random);
                }
                let mut payload = draft.payload();
                if let Spoiling::Bytes(change) = oddity.change {
                    change(&mut payload, &mut random, 20_000);
                    let read = serde_json::from_slice::<serde_json::Value>(&payload);
                    assert!(!read.is_ok_and(|json| json.is_object()), "{} left an event", oddity.name);
                } else if !oddity.name.starts_with("nested-") || oddity.name == "nested-envelope" {
                    let read = serde_json::from_slice::<IgnoredAny>(&payload);
                    assert!(read.is_ok(), "{}: {}", oddity.name, String::from_utf8_lossy(&payload));
                }
                let again = matches!(oddity.change, Spoiling::Again(_));
                let carried = !draft.headers.is_empty() || draft.subject != kind.subject();
                changed |= again || carried || payload != plain;
            }
            assert!(changed, "{} changes nothing", oddity.name);
        }
    }
}
