//! A setting between reading and checking: absent, broken or valid.
//!
//! Broken is kept apart from absent, so that one mistake is not reported a second time as something missing.

use super::place::{At, Place};

/// What became of a setting.
#[derive(Clone, Debug)]
pub(crate) enum Given<T> {
    /// It is not there.
    Absent,
    /// It is there and wrong, and has been reported.
    Broken,
    /// It is there and can be used.
    Valid(At<T>),
}

impl<T> Given<T> {
    /// The value where it can be used.
    pub(crate) fn valid(&self) -> Option<&At<T>> {
        match self {
            Given::Valid(at) => Some(at),
            _ => None,
        }
    }

    /// The value with its place, taken out.
    pub(crate) fn at(self) -> Option<At<T>> {
        match self {
            Given::Valid(at) => Some(at),
            _ => None,
        }
    }

    /// The same with another value in the same place.
    pub(crate) fn map<U>(self, other: impl FnOnce(T) -> U) -> Given<U> {
        match self {
            Given::Absent => Given::Absent,
            Given::Broken => Given::Broken,
            Given::Valid(At { value, place }) => Given::Valid(At { value: other(value), place }),
        }
    }

    /// The value without its place.
    pub(crate) fn value(self) -> Option<T> {
        self.at().map(|at| at.value)
    }

    /// Broken instead of absent where the section has an unknown key, so that nothing is concluded from a gap.
    pub(crate) fn unless_misspelt(self, all_known: bool) -> Given<T> {
        if self.is_absent() && !all_known { Given::Broken } else { self }
    }

    /// The value, or the default where the operator left it out.
    pub(crate) fn or(self, default: T) -> Option<T> {
        if self.is_absent() { Some(default) } else { self.value() }
    }

    /// Whether the operator left it out.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Given::Absent)
    }
}

/// A setting under a name of the operator's own, such as a column.
#[derive(Debug)]
pub(crate) struct Named<T> {
    /// The name.
    pub(crate) name: String,
    /// Where the name stands.
    pub(crate) key: Place,
    /// What stands under it.
    pub(crate) given: Given<T>,
}
