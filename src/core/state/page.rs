//! Some rows of one key, in two buffers.
//!
//! Every event looks rows up in memory that nobody has touched for long, and each place there is a wait. So they lie in as
//! few as can be: a short sorted list of what each row is, and all texts behind each other. A page is short, so that what moves
//! for a row that comes or goes is little, however many rows the key has.

use super::row::{Row, RowId, StoredRow};
use super::texts;
use crate::core::columns::ColumnsRef;
use crate::core::ids::Digest;
use crate::core::plan::layout::TableId;

/// Rows of a key that are worth fetching before any is asked for: a handful is usual, and of very many most are not asked.
const WARM: usize = 8;

/// What a row is, and where its texts end: they begin where those of the row before end.
#[derive(Clone, Copy, Debug)]
struct PageSlot {
    /// The halves of its selector's digest: whole, it would take a place from 40 bytes to 48.
    row: [u64; 2],
    table: TableId,
    parts: u16,
    /// Where in the texts the selector's ends and the columns begin.
    columns_at: usize,
    /// Where the columns end.
    end: usize,
}

impl PageSlot {
    fn id(&self) -> RowId {
        let [high, low] = self.row;
        (self.table, Digest(u128::from(high) << 64 | u128::from(low)))
    }

    fn of((table, row): RowId, parts: u16, begin: usize) -> PageSlot {
        // The casts keep one half each.
        PageSlot { row: [(row.0 >> 64) as u64, row.0 as u64], table, parts, columns_at: begin, end: begin }
    }
}

/// The rows, and a text before them.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// By table and row.
    places: Vec<PageSlot>,
    /// The head, then of each row its selector's text and its columns.
    texts: Vec<u8>,
    head_end: usize,
}

impl Page {
    /// A page of rows that stand in their order.
    pub fn new(head: &str, rows: &[StoredRow]) -> Page {
        let length = |row: &StoredRow| row.row_text.len() + row.columns.as_bytes().len();
        let mut texts = Vec::with_capacity(head.len() + rows.iter().map(length).sum::<usize>());
        texts.extend_from_slice(head.as_bytes());
        let mut places = Vec::with_capacity(rows.len());
        for row in rows {
            let mut place = PageSlot::of((row.table, row.row), row.parts, texts.len());
            texts.extend_from_slice(row.row_text.as_bytes());
            place.columns_at = texts.len();
            texts.extend_from_slice(row.columns.as_bytes());
            place.end = texts.len();
            places.push(place);
        }
        Page { places, texts, head_end: head.len() }
    }

    /// The text before the rows.
    pub fn head(&self) -> &str {
        texts::text(self.texts.get(..self.head_end).expect("the head stands first"))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The first row's name.
    pub fn first(&self) -> Option<RowId> {
        self.places.first().map(PageSlot::id)
    }

    /// Where a row is, or would be.
    pub fn find(&self, id: RowId) -> Result<usize, usize> {
        self.places.binary_search_by_key(&id, PageSlot::id)
    }

    /// The row at a place.
    pub fn row(&self, at: usize) -> Option<Row<'_>> {
        let place = self.places.get(at)?;
        let (table, row) = place.id();
        let text = self.texts.get(self.begin(at)..place.columns_at)?;
        let columns = ColumnsRef::of(self.texts.get(place.columns_at..place.end)?);
        Some(Row { table, row, text, columns, parts: place.parts })
    }

    /// All rows, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.places.len()).filter_map(|at| self.row(at))
    }

    /// Touches the first rows, so that the processor fetches what a look at one reads. Decides nothing.
    pub fn warm(&self) -> usize {
        self.places.iter().take(WARM).filter(|place| self.texts.get(place.columns_at) == Some(&0xff)).count()
    }

    /// Puts other columns into the row at a place.
    pub fn write(&mut self, at: usize, columns: &[u8]) {
        self.replace_texts(at, columns);
    }

    /// Says how many records the row at a place fills on disk.
    pub fn set_parts(&mut self, at: usize, parts: u16) {
        if let Some(place) = self.places.get_mut(at) {
            place.parts = parts;
        }
    }

    /// Puts a row where `find` said that it would be.
    pub fn insert(&mut self, at: usize, id: RowId, parts: u16, text: &str, columns: &[u8]) {
        self.places.reserve_exact(1);
        self.places.insert(at, PageSlot::of(id, parts, self.begin(at)));
        self.replace_texts(at, &[text.as_bytes(), columns].concat());
        if let Some(place) = self.places.get_mut(at) {
            place.columns_at += text.len();
        }
    }

    /// Takes the row at a place away; says how many records it fills on disk.
    pub fn remove(&mut self, at: usize) -> u16 {
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
        place.parts
    }

    /// Keeps the first half of the rows; the others are a page of their own.
    pub fn split(&mut self) -> Page {
        let at = self.places.len() / 2;
        let cut = self.begin(at);
        let (mut places, texts) = (self.places.split_off(at), self.texts.split_off(cut));
        for place in &mut places {
            place.columns_at -= cut;
            place.end -= cut;
        }
        self.places.shrink_to_fit();
        self.texts.shrink_to_fit();
        Page { places, texts, head_end: 0 }
    }

    /// Where the texts of the row at a place begin.
    fn begin(&self, at: usize) -> usize {
        let before = at.checked_sub(1).and_then(|before| self.places.get(before));
        before.map_or(self.head_end, |place| place.end)
    }

    /// Puts `new` where a row's columns are.
    fn replace_texts(&mut self, at: usize, new: &[u8]) {
        let Some(PageSlot { columns_at: begin, end, .. }) = self.places.get(at).copied() else { return };
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
}
