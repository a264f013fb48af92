//! A table's row as it is stored.
//!
//! ```text
//! key    01 | XXH3-128 of the key's text, 16 B | table u16 BE | XXH3-128 of the row's text, 16 B (zero: none) | part u16 BE
//! body   varint length, the key's text
//!        varint 0 for a table without rows, else length + 1, and the row's text
//!        for each column that is set, by rising id: varint id | varint length, its JSON text
//! ```
//!
//! The key of a global table's rows, in the meta space, is the empty text, which is no event's.
//! Numbers in keys sort, so the rows of a key are one prefix. The body is cut into values by `parts`. What a table or
//! column id stands for is not stored here; the plan of the checkpoint says it.

use super::bytes::{RecordCursor, put_bytes, put_varint};
use super::error::RecordError;
use super::parts::{Joiner, StoreChange, WholeRecord, remove, split};
use super::version::{self, RecordKind};
use crate::core::columns::{Columns, ColumnsRef};
use crate::core::ids::Digest;

/// The prefix of every row.
pub const ROWS: [u8; 1] = [0x01];

/// Bytes of a row's key before the part's number.
const NAME: usize = 1 + 16 + 2 + 16;

/// Which row of which table of which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowName<'a> {
    /// The key's text.
    pub key: &'a str,
    /// The table's number.
    pub table: u16,
    /// What tells the key's rows apart; `None` in a table with one row a key.
    pub row: Option<&'a str>,
}

impl RowName<'_> {
    fn prefix(&self) -> Vec<u8> {
        let mut prefix = Vec::with_capacity(NAME);
        prefix.extend_from_slice(&row_prefix_of_key(self.key));
        prefix.extend_from_slice(&self.table.to_be_bytes());
        let row = self.row.map_or(0, |row| Digest::of(row.as_bytes()).0);
        prefix.extend_from_slice(&row.to_be_bytes());
        prefix
    }
}

/// The prefix of all rows of one key, in whatever table.
pub fn row_prefix_of_key(key: &str) -> [u8; 17] {
    let mut prefix = [ROWS[0]; 17];
    if let Some(digest) = prefix.last_chunk_mut() {
        *digest = Digest::of(key.as_bytes()).0.to_be_bytes();
    }
    prefix
}

/// The prefix of a global table's row, which has no key.
pub fn row_prefix_of_table(table: u16, row: Digest) -> Vec<u8> {
    [&row_prefix_of_key("")[..], &table.to_be_bytes(), &row.0.to_be_bytes()].concat()
}

/// Appends what writes a row: its parts, and the removal of parts that it had before and no longer needs.
///
/// `stored` is the number of parts that the store holds of this row (0 if
/// none); the caller keeps the returned number for the next write, so that no write needs a read.
/// On an error (a row of more than 200 MB) nothing is appended.
pub fn encode_row<'a>(
    name: &RowName<'_>,
    columns: impl Into<ColumnsRef<'a>>,
    stored: u16,
    out: &mut Vec<StoreChange>,
) -> Result<u16, RecordError> {
    let mut body = Vec::with_capacity(128);
    put_bytes(&mut body, name.key.as_bytes());
    match name.row {
        None => put_varint(&mut body, 0),
        Some(row) => {
            put_varint(&mut body, row.len() as u64 + 1);
            body.extend_from_slice(row.as_bytes());
        }
    }
    body.extend_from_slice(columns.into().as_bytes());
    split(&name.prefix(), version::ROW, &body, stored, out)
}

/// Appends what removes a row of `stored` parts.
pub fn remove_row(name: &RowName<'_>, stored: u16, out: &mut Vec<StoreChange>) {
    remove(&name.prefix(), 0..stored, out);
}

/// One whole row, borrowed from the scan that found it.
#[derive(Clone, Debug)]
pub struct RowView<'a> {
    /// Which row it is.
    pub name: RowName<'a>,
    /// Its set columns, by rising id.
    pub columns: Columns,
    /// How many parts the store holds of it: what `encode_row` asks for.
    pub parts: u16,
}

/// Puts rows together from the entries of a scan over `ROWS` or over `row_prefix_of_key`.
#[derive(Debug)]
pub struct RowReader {
    joiner: Joiner,
}

impl Default for RowReader {
    fn default() -> RowReader {
        RowReader { joiner: Joiner::new(RecordKind::Row) }
    }
}

impl RowReader {
    /// Takes the next entry of the scan; returns the row that it completes, if it completes one.
    pub fn push<'a>(&'a mut self, key: &'a [u8], value: &'a [u8]) -> Result<Option<RowView<'a>>, RecordError> {
        match self.joiner.push(key, value)? {
            None => Ok(None),
            Some(whole) => decode(whole).map(Some),
        }
    }

    /// Asked at the end of the scan: whether its last row was whole.
    pub fn finish(&self) -> Result<(), RecordError> {
        self.joiner.finish()
    }
}

fn decode(WholeRecord { prefix, body, parts }: WholeRecord<'_>) -> Result<RowView<'_>, RecordError> {
    let mut head = RecordCursor::new(prefix);
    if head.array()? != ROWS || prefix.len() != NAME {
        return Err(RecordError::Damaged("its key is no row's key"));
    }
    let key_digest = u128::from_be_bytes(head.array()?);
    let table = u16::from_be_bytes(head.array()?);
    let row_digest = u128::from_be_bytes(head.array()?);
    let mut cursor = RecordCursor::new(body);
    let length = cursor.varint()?;
    let key = cursor.text(length)?;
    let row = match cursor.varint()?.checked_sub(1) {
        None => None,
        Some(length) => Some(cursor.text(length)?),
    };
    // The digests double as a check that this value stands under its own key.
    if Digest::of(key.as_bytes()).0 != key_digest || row.map_or(0, |r| Digest::of(r.as_bytes()).0) != row_digest {
        return Err(RecordError::Damaged("it stands under another row's key"));
    }
    let columns = Columns::from_bytes(cursor.rest()).ok_or(RecordError::Damaged("its columns are out of order"))?;
    Ok(RowView { name: RowName { key, table, row }, columns, parts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::record::VALUE_LIMIT;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Owned = (String, u16, Option<String>, BTreeMap<u16, String>);

    fn write(row: &Owned, stored: u16) -> Vec<StoreChange> {
        let mut out = Vec::new();
        let name = RowName { key: &row.0, table: row.1, row: row.2.as_deref() };
        let texts: Vec<(u16, &[u8])> = row.3.iter().map(|(id, text)| (*id, text.as_bytes())).collect();
        encode_row(&name, &Columns::default().merged(texts.iter().copied()), stored, &mut out).unwrap();
        out
    }

    fn read(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<Vec<Owned>, RecordError> {
        let mut reader = RowReader::default();
        let mut rows = Vec::new();
        for (key, value) in entries {
            if let Some(view) = reader.push(key, value)? {
                let columns =
                    view.columns.iter().map(|(id, text)| (id, String::from_utf8_lossy(text).into_owned())).collect();
                rows.push((view.name.key.to_owned(), view.name.table, view.name.row.map(str::to_owned), columns));
            }
        }
        reader.finish()?;
        Ok(rows)
    }

    fn row() -> impl Strategy<Value = Owned> {
        let long = (1000_usize..3500).prop_map(|n| "é".repeat(n));
        let text = prop_oneof![".{0,20}".boxed(), long.boxed()];
        (
            "[ab]{0,2}|.{0,40}",
            0_u16..3,
            prop::option::of("[xy]{0,2}"),
            prop::collection::btree_map(any::<u16>(), text, 0..4),
        )
    }

    fn apply(entries: &mut BTreeMap<Vec<u8>, Vec<u8>>, changes: Vec<StoreChange>) {
        for (key, value) in changes {
            match value {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&key),
            };
        }
    }

    proptest! {
        #[test]
        fn rows_come_back_after_any_rewrites(rows in prop::collection::vec(row(), 0..12)) {
            let (mut model, mut parts) = (BTreeMap::new(), BTreeMap::new());
            let mut entries = BTreeMap::new();
            for row in rows {
                let id = (row.0.clone(), row.1, row.2.clone());
                let changes = write(&row, parts.get(&id).copied().unwrap_or(0));
                parts.insert(id.clone(), changes.iter().filter(|c| c.1.is_some()).count() as u16);
                apply(&mut entries, changes);
                model.insert(id, row);
            }
            prop_assert!(entries.values().all(|v| v.len() < VALUE_LIMIT));
            let mut found = read(&entries).unwrap();
            found.sort();
            prop_assert_eq!(found, model.values().cloned().collect::<Vec<_>>());
            for row in model.values() {
                let prefix = row_prefix_of_key(&row.0);
                let of_key = read(&entries.iter().filter(|(k, _)| k.starts_with(&prefix)).map(|(k, v)| (k.clone(), v.clone())).collect());
                prop_assert_eq!(of_key.unwrap().len(), model.values().filter(|r| r.0 == row.0).count());
            }
            for ((key, table, row), parts) in &parts {
                let mut out = Vec::new();
                remove_row(&RowName { key, table: *table, row: row.as_deref() }, *parts, &mut out);
                apply(&mut entries, out);
            }
            prop_assert!(entries.is_empty());
        }

        #[test]
        fn arbitrary_bytes_are_no_panic(key in prop::collection::vec(any::<u8>(), 0..50), value in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = RowReader::default().push(&key, &value);
        }

        #[test]
        fn a_flipped_bit_is_damage_or_a_column(row in row(), at: prop::sample::Index, bit in 0..8) {
            let mut changes = write(&row, 0);
            let (_, value) = &mut changes[0];
            let value = value.as_mut().unwrap();
            let at = at.index(value.len());
            value[at] ^= 1_u8 << bit;
            let mut entries = BTreeMap::new();
            apply(&mut entries, changes);
            if let Ok(rows) = read(&entries) {
                prop_assert!(rows.iter().all(|found| (&found.0, &found.1, &found.2) == (&row.0, &row.1, &row.2)));
            }
        }
    }

    #[test]
    fn the_layout_is_pinned() {
        let mut out = Vec::new();
        let name = RowName { key: "", table: 0x0203, row: None };
        assert_eq!(
            encode_row(&name, &Columns::default().merged([(1, &b"true"[..]), (200, b"7")]), 0, &mut out).unwrap(),
            1
        );
        let (key, value) = &out[0];
        let digest = 0x99aa_06d3_0147_98d8_6001_c324_468d_497f_u128.to_be_bytes();
        assert_eq!(key[..], [&[1], &digest[..], &[2, 3], &[0; 16], &[0, 0]].concat());
        assert_eq!(value.as_deref().unwrap(), b"\x01\x00\x01\x00\x00\x01\x04true\xc8\x01\x017");
    }

    #[test]
    fn a_row_without_text_is_not_the_row_of_the_empty_text() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        encode_row(&RowName { key: "k", table: 0, row: None }, &Columns::default(), 0, &mut a).unwrap();
        encode_row(&RowName { key: "k", table: 0, row: Some("") }, &Columns::default(), 0, &mut b).unwrap();
        assert_ne!(a[0].0, b[0].0);
    }

    #[test]
    fn a_value_under_another_rows_key_is_damage() {
        let mut out = Vec::new();
        encode_row(&RowName { key: "a", table: 0, row: None }, &Columns::default().merged([(0, b"1")]), 0, &mut out)
            .unwrap();
        encode_row(&RowName { key: "b", table: 0, row: None }, &Columns::default().merged([(0, b"2")]), 0, &mut out)
            .unwrap();
        let value = out[1].1.clone().unwrap();
        let read = RowReader::default().push(&out[0].0, &value).map(|_| ());
        assert_eq!(read, Err(RecordError::Damaged("it stands under another row's key")));
    }
}
