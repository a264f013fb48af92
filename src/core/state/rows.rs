//! The rows of one key, in two buffers.
//!
//! Every event looks rows up in memory that nobody has touched for long, and each place there is a wait. So they lie in as
//! few as can be: a short sorted list of what each row is, and all texts behind each other. Knows nothing of the cache
//! around it.

use super::row::{Change, Row, RowId, StoredRow};
use super::texts;
use crate::core::columns::{Columns, ColumnsRef};
use crate::core::ids::{Digest, KeyGroup};
use crate::core::plan::layout::TableId;
use crate::core::record::RowName;
use smallvec::SmallVec;
use std::cell::Cell;

/// Rows of a key that are worth fetching before any is asked for: a handful is usual, and of very many most are not asked.
const WARM: usize = 8;

/// What a row is, and where its texts end: they begin where those of the row before end.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The halves of its selector's digest: whole, it would take a place from 40 bytes to 48.
    row: [u64; 2],
    table: TableId,
    parts: u16,
    /// Where in the texts the selector's ends and the columns begin.
    columns_at: usize,
    /// Where the columns end.
    end: usize,
}

impl Place {
    fn id(&self) -> RowId {
        let [high, low] = self.row;
        (self.table, Digest(u128::from(high) << 64 | u128::from(low)))
    }

    fn of((table, row): RowId, parts: u16, begin: usize) -> Place {
        // The casts keep one half each.
        Place { row: [(row.0 >> 64) as u64, row.0 as u64], table, parts, columns_at: begin, end: begin }
    }
}

/// Changes that no barrier has taken.
#[derive(Clone, Debug, Default)]
struct Pending {
    /// Rows to write, as far as they are still there.
    changed: SmallVec<[RowId; 2]>,
    /// Rows to remove, without their columns.
    removed: Vec<StoredRow>,
}

/// All rows of one key.
#[derive(Clone, Debug, Default)]
pub struct KeyRows {
    /// By table and row.
    places: Vec<Place>,
    /// The key's text, then of each row its selector's text and its columns.
    texts: Vec<u8>,
    key_end: usize,
    pending: Option<Box<Pending>>,
    /// The barrier after which its last change is durable; 0 when it never changed.
    pub pinned: u64,
    /// Its key group.
    pub group: KeyGroup,
    /// Whether an event asked for it since the clock hand passed. A cell, because asking is no change: it decides
    /// nothing but how long the key stays in memory.
    pub referenced: Cell<bool>,
}

impl KeyRows {
    /// A key with the rows that the store holds.
    pub fn new(key: &str, group: KeyGroup, mut rows: Vec<StoredRow>) -> KeyRows {
        rows.sort_by_key(|row| (row.table, row.row));
        let length = |row: &StoredRow| row.row_text.len() + row.columns.as_bytes().len();
        let mut texts = Vec::with_capacity(key.len() + rows.iter().map(length).sum::<usize>());
        texts.extend_from_slice(key.as_bytes());
        let mut places = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut place = Place::of((row.table, row.row), row.parts, texts.len());
            texts.extend_from_slice(row.row_text.as_bytes());
            place.columns_at = texts.len();
            texts.extend_from_slice(row.columns.as_bytes());
            place.end = texts.len();
            places.push(place);
        }
        KeyRows { places, texts, key_end: key.len(), group, referenced: Cell::new(true), ..KeyRows::default() }
    }

    /// The key's text.
    pub fn key(&self) -> &str {
        texts::text(self.texts.get(..self.key_end).expect("the key stands first"))
    }

    /// A row.
    pub fn get(&self, table: TableId, row: Digest) -> Option<Row<'_>> {
        self.row(self.find((table, row)).ok()?)
    }

    /// The rows, by table and row digest.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.places.len()).filter_map(|at| self.row(at))
    }

    /// Touches the first rows, so that the processor fetches what a look at one reads. Decides nothing.
    pub fn warm(&self) -> usize {
        self.places.iter().take(WARM).filter(|place| self.texts.get(place.columns_at) == Some(&0xff)).count()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether there are changes that no barrier has taken.
    pub fn is_dirty(&self) -> bool {
        self.pending.is_some()
    }

    /// Applies one change.
    pub fn apply(&mut self, change: Change) {
        let id = (change.table, change.row);
        match (self.find(id), change.columns) {
            (Ok(at), Some(columns)) => {
                self.replace_texts(at, columns.as_bytes());
                self.mark_changed(id);
            }
            (Err(at), Some(columns)) => {
                // A row that was removed since the last barrier still has its records on disk.
                let parts = self.pending.as_mut().and_then(|pending| pending.rewritten(id)).unwrap_or(0);
                self.places.reserve_exact(1);
                self.places.insert(at, Place::of(id, parts, self.begin(at)));
                let text = change.row_text.as_bytes();
                self.replace_texts(at, &[text, columns.as_bytes()].concat());
                if let Some(place) = self.places.get_mut(at) {
                    place.columns_at += text.len();
                }
                self.mark_changed(id);
            }
            (Ok(at), None) => self.remove(at, change.row_text),
            (Err(_), None) => {}
        }
    }

    /// Hands over what changed since the last barrier: `write` gets each row to write and says how many records it
    /// fills now; what comes back are the rows to remove.
    pub fn take_changes(&mut self, mut write: impl FnMut(&RowName<'_>, ColumnsRef<'_>, u16) -> u16) -> Vec<StoredRow> {
        let Some(pending) = self.pending.take() else { return Vec::new() };
        for at in 0..self.places.len() {
            let Some(row) = self.row(at).filter(|row| pending.changed.contains(&(row.table, row.row))) else {
                continue;
            };
            let parts = write(&row.name(self.key()), row.columns, row.parts);
            if let Some(place) = self.places.get_mut(at) {
                place.parts = parts;
            }
        }
        pending.removed
    }

    fn find(&self, id: RowId) -> Result<usize, usize> {
        self.places.binary_search_by_key(&id, Place::id)
    }

    /// Where the texts of the row at a place begin.
    fn begin(&self, at: usize) -> usize {
        let before = at.checked_sub(1).and_then(|before| self.places.get(before));
        before.map_or(self.key_end, |place| place.end)
    }

    fn row(&self, at: usize) -> Option<Row<'_>> {
        let place = self.places.get(at)?;
        let (table, row) = place.id();
        let text = self.texts.get(self.begin(at)..place.columns_at)?;
        let columns = ColumnsRef::of(self.texts.get(place.columns_at..place.end)?);
        Some(Row { table, row, text, columns, parts: place.parts })
    }

    /// Puts `new` where a row's columns are.
    fn replace_texts(&mut self, at: usize, new: &[u8]) {
        let Some(Place { columns_at: begin, end, .. }) = self.places.get(at).copied() else { return };
        texts::replace(&mut self.texts, begin..end, new);
        if new.len() == end - begin {
            return;
        }
        let moved = |from: usize| from - (end - begin) + new.len();
        for (n, place) in self.places.iter_mut().enumerate().skip(at) {
            place.end = moved(place.end);
            if n > at {
                place.columns_at = moved(place.columns_at);
            }
        }
    }

    fn remove(&mut self, at: usize, row_text: Box<str>) {
        let begin = self.begin(at);
        if let Some(place) = self.places.get_mut(at) {
            // The selector's text goes with the columns.
            place.columns_at = begin;
        }
        self.replace_texts(at, b"");
        let place = self.places.remove(at);
        if self.places.capacity() > 2 * self.places.len() {
            self.places.shrink_to_fit();
        }
        let (table, row) = place.id();
        let pending = self.pending.get_or_insert_default();
        let columns = Columns::default();
        pending.removed.push(StoredRow { table, row, row_text, columns, parts: place.parts });
    }

    fn mark_changed(&mut self, id: RowId) {
        let pending = self.pending.get_or_insert_default();
        if !pending.changed.contains(&id) {
            pending.changed.push(id);
        }
    }
}

impl Pending {
    /// A row that was to be removed is written again; gives how many records it has on disk.
    fn rewritten(&mut self, id: RowId) -> Option<u16> {
        let at = self.removed.iter().position(|row| (row.table, row.row) == id)?;
        Some(self.removed.swap_remove(at).parts)
    }
}
