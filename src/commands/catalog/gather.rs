//! What a range of events has: by kind, as the plan tells kinds.
//!
//! Events of unknown kinds stand under their own text. Events that are no kind's, because they cannot be read, are counted
//! by the reason that their dead letters would have, and those that a filter drops are only counted.

use super::path::cut;
use super::paths::Paths;
use super::walk::Walker;
use crate::core::event::{Event, Stop};
use crate::core::plan::compiled::Plan;
use crate::core::rejection::Reason;
use std::collections::BTreeMap;

/// The most kinds that the plan does not know; of more, those stay that come first when they are sorted.
pub(super) const UNKNOWN_KINDS: usize = 100;
/// Under which name events stand whose kind is no text.
const NO_KIND: &str = "(none)";

/// One kind.
#[derive(Clone, Debug)]
pub(super) struct CatalogKind {
    /// Whether the plan knows it.
    pub known: bool,
    /// Its events.
    pub events: u64,
    /// The smallest position.
    pub first: u64,
    /// The largest position.
    pub last: u64,
    /// What is in them.
    pub paths: Paths,
}

/// What was found so far.
#[derive(Debug, Default)]
pub struct GatheredCatalog {
    walker: Walker,
    /// Events of known and of unknown kinds, by kind.
    pub(super) kinds: BTreeMap<String, CatalogKind>,
    unknown: usize,
    /// All events.
    pub(super) events: u64,
    /// Events of unknown kinds that are not kept.
    pub(super) more: u64,
    /// Events that a filter drops.
    pub(super) filtered: u64,
    /// Events that cannot be read, by the code of the reason.
    pub(super) unreadable: BTreeMap<&'static str, u64>,
}

impl GatheredCatalog {
    /// Nothing yet; values are only kept where `examples` says so.
    pub fn new(examples: bool) -> GatheredCatalog {
        let mut gathered = GatheredCatalog::default();
        gathered.walker.examples = examples;
        gathered
    }

    /// One event more, as the decoder gives it: what the plan masks is masked here too.
    pub fn add(&mut self, plan: &Plan, event: &Event) {
        self.events += u64::from(!matches!(event.reading, Err(Stop::Tick)));
        match &event.reading {
            // It is no event.
            Err(Stop::Tick) => return,
            Err(Stop::Filtered(_)) => {
                self.filtered += 1;
                return;
            }
            Err(Stop::Rejected(why)) if !can_be_read(why.reason) => {
                *self.unreadable.entry(why.reason.code()).or_default() += 1;
                return;
            }
            Err(Stop::Rejected(_)) | Ok(_) => {}
        }
        if event.message.payload.is_empty() {
            // It removes a row, and has no fields.
            return;
        }
        let known = event.kind != plan.unknown_kind();
        let section = plan.kinds.get(usize::from(event.kind)).filter(|_| known).map(|kind| &*kind.name);
        let own = event.kind_text.as_ref().map(|text| text.get(&event.message.payload));
        let name = cut(section.or(own).unwrap_or(NO_KIND));
        self.insert(&name, known, event.position().0, &event.message.payload);
    }

    /// One event of a kind, whose text is a valid JSON object.
    pub(super) fn insert(&mut self, name: &str, known: bool, position: u64, text: &[u8]) {
        if !self.make_room(name, known) {
            self.more += 1;
            return;
        }
        let kind = self.kinds.entry(name.to_owned()).or_insert_with(|| CatalogKind {
            known,
            events: 0,
            first: position,
            last: position,
            paths: Paths::default(),
        });
        kind.events += 1;
        kind.first = kind.first.min(position);
        kind.last = kind.last.max(position);
        self.walker.walk(text, position, &mut kind.paths);
    }

    /// What was found in other events under the same plan.
    pub fn merge(&mut self, other: GatheredCatalog) {
        // So that no container to come has the number of one of the others.
        self.walker.holders = self.walker.holders.max(other.walker.holders);
        self.events += other.events;
        self.more += other.more;
        self.filtered += other.filtered;
        for (reason, count) in other.unreadable {
            *self.unreadable.entry(reason).or_default() += count;
        }
        for (name, kind) in other.kinds {
            if !self.make_room(&name, kind.known) {
                self.more += kind.events;
                continue;
            }
            match self.kinds.get_mut(&name) {
                Some(own) => {
                    own.events += kind.events;
                    own.first = own.first.min(kind.first);
                    own.last = own.last.max(kind.last);
                    own.paths.merge(kind.paths);
                }
                None => _ = self.kinds.insert(name, kind),
            }
        }
    }

    /// Whether a kind is kept; where it is new and unknown, the last one of those may have to go. As with places, it would
    /// not be among the first ones at the end either.
    fn make_room(&mut self, name: &str, known: bool) -> bool {
        if known || self.kinds.contains_key(name) {
            return true;
        }
        if self.unknown < UNKNOWN_KINDS {
            self.unknown += 1;
            return true;
        }
        let last = self.kinds.iter().rev().find(|(_, kind)| !kind.known).map(|(last, _)| last.clone());
        let Some(last) = last.filter(|last| name < last.as_str()) else { return false };
        self.more += self.kinds.remove(&last).map_or(0, |kind| kind.events);
        true
    }
}

/// Whether something can be said of what is in a dead letter: it has no good key, or its kind is one that the plan does not
/// take. Of others it is not known whether all of the plan's masks are on.
fn can_be_read(reason: Reason) -> bool {
    matches!(reason, Reason::UnknownKind | Reason::NoKey | Reason::BadKey)
}
