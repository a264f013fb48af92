//! The rows of a key against a plain map of them.

use crate::core::columns::Columns;
use crate::core::ids::{Digest, KeyGroup};
use crate::core::plan::layout::TableId;
use crate::core::state::row::{ONLY_ROW, RowChange, StoredRow};
use crate::core::state::rows::KeyRows;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn columns(text: &str) -> Columns {
    Columns::default().merged([(0, text.as_bytes())])
}

fn upsert(row: u128, text: &str) -> RowChange {
    RowChange {
        table: 1,
        row: Digest(row),
        row_text: "r".into(),
        columns: Some(columns(text)),
        replaces: false,
        rests_on_rows: false,
    }
}

fn stored(table: TableId, row: u128, text: &str, parts: u16) -> StoredRow {
    StoredRow { table, row: Digest(row), row_text: "r".into(), columns: columns(text), parts }
}

#[test]
fn a_row_removed_and_written_again_keeps_its_records() {
    let mut key = KeyRows::new("k", KeyGroup(0), vec![stored(1, 7, "0", 3)]);
    key.apply(RowChange { columns: None, ..upsert(7, "1") });
    assert!(key.get(1, Digest(7)).is_none() && key.is_dirty());
    key.apply(upsert(7, "2"));
    let mut written = Vec::new();
    let removed = key.take_changes(|name, columns, parts| {
        written.push((name.key.to_owned(), name.row.map(str::to_owned), columns.as_bytes().to_vec(), parts));
        parts
    });
    assert_eq!(written, [("k".to_owned(), Some("r".to_owned()), columns("2").as_bytes().to_vec(), 3)]);
    assert!(removed.is_empty() && !key.is_dirty());
    key.apply(RowChange { columns: None, ..upsert(7, "1") });
    let removed = key.take_changes(|_, _, parts| parts);
    assert_eq!(removed.first().map(|row| (row.row, &*row.row_text, row.parts)), Some((Digest(7), "r", 3)));
    key.apply(RowChange { columns: None, ..upsert(8, "1") });
    assert!(!key.is_dirty(), "removing what is not there changes nothing");
}

#[test]
fn a_key_of_very_many_rows_is_a_map_too() {
    let mut key = KeyRows::new("k", KeyGroup(0), Vec::new());
    // In an order that is none.
    let rows: Vec<u128> = (0..2_000_u128).map(|n| n * 7_919 % 2_003).collect();
    rows.iter().for_each(|row| key.apply(upsert(*row, "1")));
    let listed: Vec<u128> = key.iter().map(|row| row.row.0).collect();
    assert!(listed.is_sorted() && listed.len() == 2_000 && key.len() == 2_000);
    let mut written = Vec::new();
    key.take_changes(|_, _, _| {
        written.push(());
        2
    });
    assert_eq!(written.len(), 2_000);
    let (gone, left) = rows.split_at(1_900);
    gone.iter().for_each(|row| key.apply(RowChange { columns: None, ..upsert(*row, "") }));
    assert_eq!((key.len(), key.iter().count()), (100, 100));
    assert!(left.iter().all(|row| key.get(1, Digest(*row)).is_some_and(|row| row.parts == 2)));
    let removed = key.take_changes(|_, _, _| unreachable!("nothing was written"));
    assert_eq!(removed.len(), 1_900);
}

/// A row of the model: its selector's text, its columns, its records on disk, and whether it is to be written.
type Known = (String, Columns, u16, bool);

proptest! {
    /// Halves of digests that differ in one alone, texts of many lengths, barriers in between.
    #[test]
    fn rows_are_a_map(
        key in "[a-zé]{0,9}",
        loaded in prop::collection::btree_map((0..3_u16, 0..4_u8), ("[a-z]{0,40}", "[0-9]{0,60}", 1..4_u16), 0..6),
        steps in prop::collection::vec((0..5_u8, 0..3_u16, 0..4_u8, "[a-z]{0,40}", "[0-9]{0,60}"), 0..60),
    ) {
        // Two that share each half; the row of a table that has but one; the largest.
        let digest = |n: u8| [ONLY_ROW, Digest(1), Digest(1 << 64), Digest(u128::MAX)][usize::from(n)];
        let text = |row: Digest, text: &str| if row == ONLY_ROW { String::new() } else { text.to_owned() };
        let mut model: BTreeMap<(TableId, Digest), Known> = loaded
            .iter()
            .map(|((table, row), (name, value, parts))| {
                ((*table, digest(*row)), (text(digest(*row), name), columns(value), *parts, false))
            })
            .collect();
        let rows = model.iter().rev().map(|((table, row), (name, columns, parts, _))| StoredRow {
            table: *table, row: *row, row_text: name.as_str().into(), columns: columns.clone(), parts: *parts,
        });
        let mut rows = KeyRows::new(&key, KeyGroup(5), rows.collect());
        let mut removed: BTreeMap<(TableId, Digest), u16> = BTreeMap::new();
        for (what, table, row, name, value) in steps {
            let (id, row) = ((table, digest(row)), digest(row));
            let name = model.get(&id).map_or_else(|| text(row, &name), |known| known.0.clone());
            let change = |columns| RowChange { table, row, row_text: name.as_str().into(), columns, replaces: false, rests_on_rows: false };
            match what {
                0..=2 => {
                    rows.apply(change(Some(columns(&value))));
                    let parts = removed.remove(&id).or(model.get(&id).map(|known| known.2)).unwrap_or(0);
                    model.insert(id, (name, columns(&value), parts, true));
                }
                3 => {
                    rows.apply(change(None));
                    removed.extend(model.remove(&id).map(|known| (id, known.2)));
                }
                _ => {
                    let mut written = Vec::new();
                    let gone = rows.take_changes(|name, columns, parts| {
                        written.push((name.table, name.row.map(str::to_owned), columns.as_bytes().to_vec(), parts));
                        parts + 1
                    });
                    let dirty = model.iter_mut().filter(|(_, known)| known.3);
                    let expected: Vec<_> = dirty.map(|((table, row), (name, columns, parts, dirty))| {
                        *dirty = false;
                        *parts += 1;
                        let name = (*row != ONLY_ROW).then(|| name.clone());
                        (*table, name, columns.as_bytes().to_vec(), *parts - 1)
                    }).collect();
                    prop_assert_eq!(written, expected);
                    let gone: BTreeMap<_, _> = gone.iter().map(|row| ((row.table, row.row), row.parts)).collect();
                    prop_assert_eq!(gone, std::mem::take(&mut removed));
                }
            }
            prop_assert_eq!(rows.is_dirty(), !removed.is_empty() || model.values().any(|known| known.3));
            prop_assert_eq!((rows.key(), rows.len(), rows.is_empty(), rows.warm()), (&*key, model.len(), model.is_empty(), 0));
            let listed: Vec<_> = rows.iter().map(|row| (row.table, row.row, row.text(), row.columns, row.parts)).collect();
            let expected = model.iter().map(|((table, row), known)| (*table, *row, &*known.0, (&known.1).into(), known.2));
            prop_assert_eq!(listed, expected.collect::<Vec<_>>());
            let found = rows.get(table, row).map(|row| row.columns.as_bytes().to_vec());
            prop_assert_eq!(found, model.get(&id).map(|known| known.1.as_bytes().to_vec()));
        }
    }
}
