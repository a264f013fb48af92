//! The accounts of all places of one kind, in bounded memory.
//!
//! Kept are the places that come first when they are sorted by depth, then by their general spelling. A place that is
//! pushed out has that many before it, and only ever gets more: it would not be among the first ones at the end either.
//! So what is kept is exact, and does not depend on the order of the events.

use super::path::{DEPTH, WalkPath};
use super::tally::{PlaceTally, SeenValue};
use std::collections::BTreeMap;

/// The most places of a kind.
pub(super) const PLACES: usize = 1_000;
/// The most spellings of one place that differ in names that look like ids; when there are more, the general one stands
/// for all.
pub(super) const SPELLINGS: usize = 100;

/// One general place.
#[derive(Clone, Debug)]
pub(super) struct GeneralPlace {
    /// All its values.
    pub all: PlaceTally,
    /// The same apart, by own spelling, where names on the way look like ids; `None` when there are too many.
    pub apart: Option<BTreeMap<Box<str>, PlaceTally>>,
}

/// The places of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    /// By depth, from 1, then by general spelling.
    levels: [BTreeMap<Box<str>, GeneralPlace>; DEPTH],
    places: usize,
    /// Values at places that are not kept.
    pub more: u64,
    /// Arrays and objects with something in them that was not looked into, as it would be too deep.
    pub deeper: u64,
}

impl Paths {
    /// The place of a depth and a general spelling.
    pub(super) fn get(&self, depth: usize, general: &str) -> Option<&GeneralPlace> {
        self.levels.get(depth.checked_sub(1)?)?.get(general)
    }

    /// All places: depth, general spelling and account.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &str, &GeneralPlace)> {
        (1..)
            .zip(&self.levels)
            .flat_map(|(depth, level)| level.iter().map(move |(text, place)| (depth, &**text, place)))
    }

    /// One value more.
    pub(super) fn add(&mut self, path: &WalkPath, seen: &SeenValue) {
        let depth = path.depth();
        let (general, own) = path.around();
        let known = self.level(depth).is_some_and(|level| level.contains_key(&*path.general));
        if !known && !self.takes(depth, &path.general) {
            self.more += 1;
            return;
        }
        if !known {
            self.keep(
                depth,
                path.general.as_str().into(),
                GeneralPlace { all: PlaceTally::new(general), apart: Some(BTreeMap::new()) },
            );
        }
        let Some(place) = self.level(depth).and_then(|level| level.get_mut(&*path.general)) else { return };
        place.all.add(seen);
        if !path.has_ids() {
            return;
        }
        let Some(apart) = &mut place.apart else { return };
        if let Some(tally) = apart.get_mut(&*path.own) {
            tally.add(seen);
        } else if apart.len() < SPELLINGS {
            let mut tally = PlaceTally::new(own);
            tally.add(seen);
            apart.insert(path.own.as_str().into(), tally);
        } else {
            place.apart = None;
        }
    }

    /// What another account of the same kind has.
    pub(super) fn merge(&mut self, other: Paths) {
        self.more += other.more;
        self.deeper += other.deeper;
        for (depth, level) in (1..).zip(other.levels) {
            for (general, place) in level {
                if let Some(own) = self.level(depth).and_then(|level| level.get_mut(&general)) {
                    own.merge(place);
                } else if self.takes(depth, &general) {
                    self.keep(depth, general, place);
                } else {
                    self.more += place.all.count;
                }
            }
        }
    }

    fn level(&mut self, depth: usize) -> Option<&mut BTreeMap<Box<str>, GeneralPlace>> {
        self.levels.get_mut(depth.checked_sub(1)?)
    }

    /// Whether a place that is not kept is to be.
    fn takes(&self, depth: usize, general: &str) -> bool {
        let mut levels = self.levels.iter().enumerate().rev();
        let last = levels.find_map(|(at, level)| Some((at + 1, &**level.keys().next_back()?)));
        self.places < PLACES || last.is_some_and(|last| (depth, general) < last)
    }

    /// Keeps a place more, and lets the last one go where there are too many.
    fn keep(&mut self, depth: usize, general: Box<str>, place: GeneralPlace) {
        if let Some(level) = self.level(depth) {
            level.insert(general, place);
            self.places += 1;
        }
        if self.places > PLACES
            && let Some((_, gone)) = self.levels.iter_mut().rev().find_map(BTreeMap::pop_last)
        {
            self.places -= 1;
            self.more += gone.all.count;
        }
    }
}

impl GeneralPlace {
    fn merge(&mut self, other: GeneralPlace) {
        self.all.merge(other.all);
        let (Some(own), Some(others)) = (&mut self.apart, other.apart) else {
            self.apart = None;
            return;
        };
        for (spelling, tally) in others {
            match own.get_mut(&spelling) {
                Some(known) => known.merge(tally),
                None => _ = own.insert(spelling, tally),
            }
        }
        if own.len() > SPELLINGS {
            self.apart = None;
        }
    }
}
