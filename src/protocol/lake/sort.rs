//! What the lake finds out of a row: its own time, its folder and its declared columns.
//!
//! One scan of the event's text, as the plan's own; dead letters, which may be no JSON, are not scanned.

use super::columns::{Cell, Column};
use super::layout::{DEAD_LETTERS, FolderLayout, FolderValues, RowFacts, time_of};
use super::row::LakeRow;
use super::table::LakeTable;
use crate::core::event_time;
use crate::core::ids::Nanos;
use crate::core::plan::selector::Selector;
use crate::core::read::Value;
use crate::json::cursor::Scratch;
use crate::json::fields::{Fields, Slot, Span};
use crate::json::scan::scan;
use crate::json::text::Scalar;

/// Finds the folders of rows under one layout.
#[derive(Debug)]
pub struct Sorter {
    layout: FolderLayout,
    dead_letters: FolderLayout,
    time: Option<Selector>,
    time_slot: Option<Slot>,
    places: Vec<Slot>,
    columns: Vec<(Column, Slot)>,
    fields: Fields,
    scratch: Scratch,
    spans: Vec<Span>,
}

/// Where a row belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belongs {
    /// The table.
    pub table: LakeTable,
    /// The values of its folder.
    pub values: FolderValues,
    /// Whether it has no time of its own that could be used.
    pub fallback: bool,
}

fn names(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

impl Sorter {
    /// A sorter; `time` is the plan's `event.time`.
    pub fn new(layout: FolderLayout, columns: &[Column], time: Option<&Selector>) -> Sorter {
        let mut fields = Fields::default();
        let time_slot = match time {
            Some(Selector::Path(path)) => Some(fields.field(path)),
            _ => None,
        };
        let places = layout.places.iter().map(|path| fields.field(&names(path))).collect();
        let columns = columns.iter().map(|column| (column.clone(), fields.field(&names(&column.at)))).collect();
        Sorter {
            dead_letters: FolderLayout::parse(DEAD_LETTERS).expect("the layout of dead letters is one"),
            time: time.cloned(),
            time_slot,
            places,
            columns,
            fields,
            scratch: Scratch::default(),
            spans: Vec::new(),
            layout,
        }
    }

    /// The layout of a table.
    pub fn layout(&self, table: LakeTable) -> &FolderLayout {
        match table {
            LakeTable::Events => &self.layout,
            LakeTable::DeadLetters => &self.dead_letters,
        }
    }

    /// Finds the row's own time, which is put into the row, and its folder.
    pub fn sort(&mut self, row: &mut LakeRow) -> Belongs {
        if row.dead.is_some() {
            let facts = RowFacts { time: row.stored_at, kind: None, places: &[] };
            let values = self.dead_letters.values(facts);
            return Belongs { table: LakeTable::DeadLetters, values, fallback: false };
        }
        let readable = self.scan(&row.body);
        let raw = |slot: &Slot| slot.of(&self.spans).of(&row.body).filter(|_| readable);
        let own = match (&self.time, self.time_slot.as_ref().and_then(raw)) {
            (Some(Selector::Time), _) => Some(row.stored_at),
            (_, Some(raw)) => event_time::time_of(&Value::Json { raw, span: Span::ABSENT }),
            _ => None,
        };
        let places: Vec<Option<String>> = self.places.iter().map(|slot| raw(slot).and_then(text)).collect();
        let (time, fallback): (Nanos, bool) = time_of(own, row.stored_at);
        row.event_time = (!fallback).then_some(time);
        let values = self.layout.values(RowFacts { time, kind: row.kind.as_deref(), places: &places });
        Belongs { table: LakeTable::Events, values, fallback: fallback && self.time.is_some() }
    }

    /// The declared columns of a row of events, in the order of the configuration.
    pub fn cells(&mut self, row: &LakeRow) -> Vec<Cell> {
        if self.columns.is_empty() {
            return Vec::new();
        }
        let readable = self.scan(&row.body);
        let raw = |slot: &Slot| slot.of(&self.spans).of(&row.body).filter(|_| readable);
        self.columns.iter().map(|(column, slot)| Cell::read(column.kind, raw(slot))).collect()
    }

    /// The declared columns.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().map(|(column, _)| column)
    }

    /// An output's text is one that the engine has scanned; what was changed since, such as by a name that stands twice, has
    /// no values.
    fn scan(&mut self, body: &[u8]) -> bool {
        self.spans.clear();
        self.spans.resize(self.fields.len(), Span::ABSENT);
        scan(&self.fields, body, &mut self.scratch, &mut self.spans).is_ok()
    }
}

/// A value as the text of a folder's name; an array or object has none.
fn text(raw: &[u8]) -> Option<String> {
    match Scalar::read(raw) {
        Scalar::Text(text) => Some(text.into_owned()),
        Scalar::Integer(digits) => Some(digits.to_owned()),
        Scalar::Bool(flag) => Some(flag.to_string()),
        Scalar::Null => None,
        Scalar::Other if raw.starts_with(b"{") || raw.starts_with(b"[") => None,
        Scalar::Other => std::str::from_utf8(raw).ok().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::ColumnType;
    use super::super::row::LakeRowId;
    use super::*;

    #[test]
    fn a_row_finds_its_folder_by_its_own_fields() {
        let layout = FolderLayout::parse("d={date}/t={type}/p={place:a.b}").unwrap();
        let column = Column { name: "b".to_owned(), at: "a.b".to_owned(), kind: ColumnType::Bigint };
        let mut sorter = Sorter::new(layout, &[column], Some(&Selector::parse("at").unwrap()));
        let stored = Nanos(1_796_000_000_000_000_000);
        for (body, path, fallback, cell) in [
            (r#"{"at":1795900000,"a":{"b":7}}"#, "d=2026-11-28/t=x/p=7", false, Cell::Bigint(7)),
            (r#"{"at":"soon","a":{"b":"y z"}}"#, "d=2026-11-30/t=x/p=y%20z", true, Cell::Misfit),
            (r#"{"a":[]}"#, "d=2026-11-30/t=x/p=__HIVE_DEFAULT_PARTITION__", true, Cell::Null),
            (r#"{"at":0}"#, "d=2026-11-30/t=x/p=__HIVE_DEFAULT_PARTITION__", true, Cell::Null),
        ] {
            let mut row = LakeRow {
                id: LakeRowId::default(),
                stored_at: stored,
                event_time: None,
                kind: Some("x:y".to_owned()),
                key: None,
                dead: None,
                body: body.as_bytes().to_vec().into(),
            };
            let belongs = sorter.sort(&mut row);
            assert_eq!(sorter.layout(LakeTable::Events).path(&belongs.values), path, "{body}");
            assert_eq!((belongs.fallback, row.event_time.is_none()), (fallback, fallback), "{body}");
            assert_eq!(sorter.cells(&row), [cell], "{body}");
        }
    }
}
