//! What is still to happen, in order of time; what is due at the same time happens in the order it was planned.
//!
//! No clock: time is what the next entry says.

use std::collections::BTreeMap;

/// Nanoseconds.
pub type Time = i64;

pub const MICROS: Time = 1_000;
pub const MILLIS: Time = 1_000_000;
pub const SECONDS: Time = 1_000_000_000;

/// The agenda.
pub struct Agenda<E> {
    entries: BTreeMap<(Time, u64), E>,
    planned: u64,
    now: Time,
}

impl<E> Agenda<E> {
    /// An empty agenda that begins at `now`.
    pub fn new(now: Time) -> Agenda<E> {
        Agenda { entries: BTreeMap::new(), planned: 0, now }
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// Plans an entry; the past is now.
    pub fn at(&mut self, time: Time, entry: E) {
        self.planned += 1;
        self.entries.insert((time.max(self.now), self.planned), entry);
    }

    /// Plans an entry so much later.
    pub fn after(&mut self, wait: Time, entry: E) {
        self.at(self.now + wait, entry);
    }

    /// The next entry; time moves on to it.
    pub fn next(&mut self) -> Option<E> {
        let ((time, _), entry) = self.entries.pop_first()?;
        self.now = time;
        Some(entry)
    }
}
