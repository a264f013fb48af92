//! An event that waits for a row, and where it stands among those that wait.
//!
//! Plain data: `wait` decides who waits and who leaves, `state/waiting` keeps them, `record/parked` stores them.

use super::columns::Columns;
use super::event::Event;
use super::ids::{Digest, KeyGroup, Nanos, Position};
use super::outcome::Outcome;
use super::plan::layout::TableId;
use crate::json::fields::Span;
use smallvec::SmallVec;
use std::sync::Arc;

/// The order in which events that leave at one position leave, whichever shard they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Turn {
    /// The stream time that ends the wait.
    pub deadline: Nanos,
    /// The event's position.
    pub position: Position,
    /// Its key group.
    pub group: KeyGroup,
    /// Which of those it is that agree in all of this, as events behind a rewind of the input may.
    pub again: u16,
}

/// A row that an event found when it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRow {
    /// The table.
    pub table: TableId,
    /// The row's digest.
    pub row: Digest,
    /// Its columns as they were then.
    pub columns: Columns,
}

/// An event that waits.
#[derive(Clone, Debug)]
pub struct Parked {
    /// Its place among those that wait.
    pub turn: Turn,
    /// The name of its kind section.
    pub section: Arc<str>,
    /// The event, independent of the text that it came in.
    pub event: Event,
    /// The registers of its kind.
    pub spans: Box<[Span]>,
    /// What its joins found when it arrived; what they missed is looked for again.
    pub found: Vec<FoundRow>,
    /// The enrichments in which it keeps the order of its key, by number.
    pub ordered: SmallVec<[u16; 2]>,
    /// The rows of global tables for which it may wait, by the names under which they are found.
    pub global_rows: SmallVec<[Digest; 1]>,
}

impl Parked {
    /// The digest of its key.
    pub fn key(&self) -> Option<Digest> {
        self.event.reading.as_ref().ok()?.key.as_ref().map(|key| key.digest)
    }

    /// The text of its key.
    pub fn key_text(&self) -> Option<&str> {
        let key = self.event.reading.as_ref().ok()?.key.as_ref()?;
        Some(key.text.get(&self.event.message.payload))
    }

    /// What identifies it for de-duplication.
    pub fn identity(&self) -> Option<Digest> {
        self.event.reading.as_ref().ok()?.identity
    }

    /// The bytes that it takes, roughly: its text and its rows.
    pub fn bytes(&self) -> usize {
        let rows: usize = self.found.iter().map(|found| found.columns.as_bytes().len()).sum();
        self.event.message.payload.len() + rows
    }
}

/// What an event that waited leads to, at the position that released it; `T` is an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released<T = Outcome> {
    /// That position, by its place in the slice's clock.
    pub at: usize,
    /// Its place among those that leave there.
    pub turn: Turn,
    /// What it leads to.
    pub outcome: T,
}
