//! The rows of one key: on one page as a rule, on many where they are very many.
//!
//! Knows nothing of the cache around it.

use super::page::Page;
use super::row::{Row, RowChange, RowId, StoredRow};
use crate::core::columns::{Columns, ColumnsRef};
use crate::core::ids::{Digest, KeyGroup};
use crate::core::plan::layout::TableId;
use crate::core::record::RowName;
use smallvec::SmallVec;
use std::cell::Cell;
use std::collections::BTreeSet;

/// Rows of a page: as many as are moved in about the time that an event takes.
const PAGE: usize = if cfg!(test) { 4 } else { 192 };
/// So many changed rows of a key are looked through one by one.
const FEW: usize = 16;

/// Changes that no barrier has taken.
#[derive(Clone, Debug, Default)]
struct Pending {
    /// Rows to write, as far as they are still there: few, or all of them in the set.
    few: SmallVec<[RowId; 2]>,
    many: BTreeSet<RowId>,
    /// Rows to remove, without their columns.
    removed: Vec<StoredRow>,
}

/// The pages behind the first one; none of them is empty.
#[derive(Clone, Debug, Default)]
struct LaterPages {
    pages: Vec<Page>,
    rows: usize,
}

/// All rows of one key.
#[derive(Clone, Debug, Default)]
pub struct KeyRows {
    /// The key's text, and its first rows by table and row.
    first: Page,
    rest: Option<Box<LaterPages>>,
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
        let (first, behind) = rows.split_at(rows.len().min(PAGE));
        let pages: Vec<Page> = behind.chunks(PAGE).map(|rows| Page::new("", rows)).collect();
        let rest = (!pages.is_empty()).then(|| Box::new(LaterPages { pages, rows: behind.len() }));
        KeyRows { first: Page::new(key, first), rest, group, referenced: Cell::new(true), ..KeyRows::default() }
    }

    /// The key's text.
    pub fn key(&self) -> &str {
        self.first.head()
    }

    /// A row.
    pub fn get(&self, table: TableId, row: Digest) -> Option<Row<'_>> {
        let id = (table, row);
        let page = self.page(self.number(id));
        page.row(page.find(id).ok()?)
    }

    /// The rows, by table and row digest.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        let behind = self.rest.iter().flat_map(|rest| &rest.pages);
        self.first.iter().chain(behind.flat_map(Page::iter))
    }

    /// Touches the first rows, so that the processor fetches what a look at one reads. Decides nothing.
    pub fn warm(&self) -> usize {
        self.first.warm()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.first.len() + self.rest.as_ref().map_or(0, |rest| rest.rows)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there are changes that no barrier has taken.
    pub fn is_dirty(&self) -> bool {
        self.pending.is_some()
    }

    /// Applies one change.
    pub fn apply(&mut self, change: RowChange) {
        let id = (change.table, change.row);
        let number = self.number(id);
        match (self.page(number).find(id), change.columns) {
            (Ok(at), Some(columns)) => {
                self.page_mut(number).write(at, columns.as_bytes());
                self.mark_changed(id);
            }
            (Err(at), Some(columns)) => {
                // A row that was removed since the last barrier still has its records on disk.
                let parts = self.pending.as_mut().and_then(|pending| pending.rewritten(id)).unwrap_or(0);
                let page = self.page_mut(number);
                page.insert(at, id, parts, &change.row_text, columns.as_bytes());
                let is_full = page.len() > PAGE;
                self.came(number);
                if is_full {
                    self.split(number);
                }
                self.mark_changed(id);
            }
            (Ok(at), None) => {
                let parts = self.page_mut(number).remove(at);
                self.went(number);
                let (table, row) = id;
                let row = StoredRow { table, row, row_text: change.row_text, columns: Columns::default(), parts };
                self.pending.get_or_insert_default().removed.push(row);
            }
            (Err(_), None) => {}
        }
    }

    /// Hands over what changed since the last barrier: `write` gets each row to write, in their order, and says how many records it
    /// fills now; what comes back are the rows to remove.
    pub fn take_changes(&mut self, mut write: impl FnMut(&RowName<'_>, ColumnsRef<'_>, u16) -> u16) -> Vec<StoredRow> {
        let Some(mut pending) = self.pending.take() else { return Vec::new() };
        pending.few.sort_unstable();
        for id in pending.few.into_iter().chain(pending.many) {
            let number = self.number(id);
            let Ok(at) = self.page(number).find(id) else { continue };
            let Some(row) = self.page(number).row(at) else { continue };
            let parts = write(&row.name(self.key()), row.columns, row.parts);
            self.page_mut(number).set_parts(at, parts);
        }
        pending.removed
    }

    /// The number of the page on which a row is, or would be.
    #[inline]
    fn number(&self, id: RowId) -> usize {
        let begins = |page: &Page| page.first().is_some_and(|first| first <= id);
        self.rest.as_ref().map_or(0, |rest| rest.pages.partition_point(begins))
    }

    #[inline]
    fn page(&self, number: usize) -> &Page {
        match (number.checked_sub(1), &self.rest) {
            (Some(at), Some(rest)) => rest.pages.get(at).expect("`number` gives the pages that there are"),
            _ => &self.first,
        }
    }

    fn page_mut(&mut self, number: usize) -> &mut Page {
        match (number.checked_sub(1), &mut self.rest) {
            (Some(at), Some(rest)) => rest.pages.get_mut(at).expect("`number` gives the pages that there are"),
            _ => &mut self.first,
        }
    }

    /// A row came to a page.
    fn came(&mut self, number: usize) {
        if let Some(rest) = self.rest.as_mut().filter(|_| number > 0) {
            rest.rows += 1;
        }
    }

    /// A row went from a page, which goes with its last one.
    fn went(&mut self, number: usize) {
        let (Some(rest), Some(at)) = (&mut self.rest, number.checked_sub(1)) else { return };
        rest.rows -= 1;
        if rest.pages.get(at).is_some_and(|page| page.len() == 0) {
            rest.pages.remove(at);
        }
        if rest.pages.is_empty() {
            self.rest = None;
        }
    }

    fn split(&mut self, number: usize) {
        let behind = self.page_mut(number).split();
        let rest = self.rest.get_or_insert_default();
        if number == 0 {
            rest.rows += behind.len();
        }
        rest.pages.insert(number, behind);
    }

    fn mark_changed(&mut self, id: RowId) {
        self.pending.get_or_insert_default().change(id);
    }
}

impl Pending {
    fn change(&mut self, id: RowId) {
        if !self.many.is_empty() {
            self.many.insert(id);
        } else if !self.few.contains(&id) {
            self.few.push(id);
            if self.few.len() > FEW {
                self.many.extend(self.few.drain(..));
            }
        }
    }

    /// A row that was to be removed is written again; gives how many records it has on disk.
    fn rewritten(&mut self, id: RowId) -> Option<u16> {
        let at = self.removed.iter().position(|row| (row.table, row.row) == id)?;
        Some(self.removed.swap_remove(at).parts)
    }
}
