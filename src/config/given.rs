//! A setting between reading and checking: absent, broken or valid.
//!
//! Broken is kept apart from absent, so that one mistake is not reported a second time as something missing.

use super::place::{Placed, TextPlace};

/// What became of a setting.
#[derive(Clone, Debug)]
pub(crate) enum GivenSetting<T> {
    /// It is not there.
    Absent,
    /// It is there and wrong, and has been reported.
    Broken,
    /// It is there and can be used.
    Valid(Placed<T>),
}

impl<T> GivenSetting<T> {
    /// The value where it can be used.
    pub(crate) fn valid(&self) -> Option<&Placed<T>> {
        match self {
            GivenSetting::Valid(at) => Some(at),
            _ => None,
        }
    }

    /// The value with its place, taken out.
    pub(crate) fn at(self) -> Option<Placed<T>> {
        match self {
            GivenSetting::Valid(at) => Some(at),
            _ => None,
        }
    }

    /// The same with another value in the same place.
    pub(crate) fn map<U>(self, other: impl FnOnce(T) -> U) -> GivenSetting<U> {
        match self {
            GivenSetting::Absent => GivenSetting::Absent,
            GivenSetting::Broken => GivenSetting::Broken,
            GivenSetting::Valid(Placed { value, place }) => GivenSetting::Valid(Placed { value: other(value), place }),
        }
    }

    /// The value without its place.
    pub(crate) fn value(self) -> Option<T> {
        self.at().map(|at| at.value)
    }

    /// Broken instead of absent where the section has an unknown key, so that nothing is concluded from a gap.
    pub(crate) fn unless_misspelt(self, all_known: bool) -> GivenSetting<T> {
        if self.is_absent() && !all_known { GivenSetting::Broken } else { self }
    }

    /// The value, or the default where the operator left it out.
    pub(crate) fn or(self, default: T) -> Option<T> {
        if self.is_absent() { Some(default) } else { self.value() }
    }

    /// Whether the operator left it out.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, GivenSetting::Absent)
    }
}

/// A setting under a name of the operator's own, such as a column.
#[derive(Debug)]
pub(crate) struct Named<T> {
    /// The name.
    pub(crate) name: String,
    /// Where the name stands.
    pub(crate) key: TextPlace,
    /// What stands under it.
    pub(crate) given: GivenSetting<T>,
}
