//! Where each setting of the plan and of the streams stands, by its key path, and which of them could not be read.
//!
//! A value that could not be read has a stand-in in the plan, so that the rest of it can be judged; what follows from the
//! stand-in is no fault of the operator's. Whether a value is right is not asked here.

use super::given::GivenSetting;
use super::place::{Placed, TextPlace};
use crate::core::plan::check::KeyPath;
use std::collections::BTreeMap;

/// The places of one configuration.
#[derive(Debug, Default)]
pub(super) struct ConfigPlaces {
    written: BTreeMap<KeyPath, TextPlace>,
    unread: Vec<KeyPath>,
}

impl ConfigPlaces {
    /// The value that can be used, its place kept; a broken one is unread from now on.
    pub(super) fn take<T>(&mut self, at: &KeyPath, given: GivenSetting<T>) -> Option<T> {
        match given {
            GivenSetting::Absent => None,
            GivenSetting::Broken => {
                self.unread(at);
                None
            }
            GivenSetting::Valid(Placed { value, place }) => {
                self.write(at.clone(), place);
                Some(value)
            }
        }
    }

    /// The same for a value that has to be there: an absent one has been reported, and is unread too.
    pub(super) fn required<T>(&mut self, at: &KeyPath, given: GivenSetting<T>) -> Option<T> {
        if given.is_absent() {
            self.unread(at);
        }
        self.take(at, given)
    }

    /// The members of a list that has to be there, each with a place of its own.
    pub(super) fn list<T>(&mut self, at: &KeyPath, given: GivenSetting<Vec<Placed<T>>>) -> Vec<T> {
        let members = self.required(at, given).unwrap_or_default();
        if members.is_empty() {
            self.unread(at);
        }
        let members = members.into_iter().enumerate().map(|(number, member)| {
            self.write(at.then(&number.to_string()), member.place);
            member.value
        });
        members.collect()
    }

    /// The same for a list that may be left out.
    pub(super) fn optional_list<T>(&mut self, at: &KeyPath, given: GivenSetting<Vec<Placed<T>>>) -> Vec<T> {
        if given.is_absent() { Vec::new() } else { self.list(at, given) }
    }

    /// Keeps the place of a setting.
    pub(super) fn write(&mut self, at: KeyPath, place: TextPlace) {
        self.written.insert(at, place);
    }

    /// Nothing is to be concluded from what stands in the plan for this setting and all within it.
    pub(super) fn unread(&mut self, at: &KeyPath) {
        self.unread.push(at.clone());
    }

    /// Whether a setting could not be read.
    pub(super) fn is_unread(&self, at: &KeyPath) -> bool {
        self.unread.iter().any(|unread| at.is_within(unread))
    }

    /// Where a setting stands that was written and could be read.
    pub(super) fn of(&self, at: &KeyPath) -> Option<TextPlace> {
        self.written.get(at).copied()
    }

    /// Where to point at for a setting: at itself, or at the section where it would stand.
    pub(super) fn nearest(&self, at: &KeyPath) -> TextPlace {
        let outer = std::iter::successors(Some(at.clone()), KeyPath::section);
        outer.into_iter().find_map(|at| self.of(&at)).unwrap_or(TextPlace::File)
    }
}
