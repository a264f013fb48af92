//! The rows that an event sees: those of its key, and those of global tables.
//!
//! A row of a global table lies in memory under a name of its own, so that a table of many rows is no key with many rows.

use super::cache::Cache;
use super::rows::KeyRows;
use crate::core::columns::ColumnsRef;
use crate::core::ids::Digest;
use crate::core::plan::layout::TableId;

/// Under which a global table's row is found. Its text has a byte that no key has, for a key is UTF-8.
pub fn global_digest(table: TableId, row: Digest) -> Digest {
    let mut text = [0xff; 19];
    let [first, second] = table.to_be_bytes();
    let (head, digest) = text.split_at_mut(3);
    head.copy_from_slice(&[0xff, first, second]);
    digest.copy_from_slice(&row.0.to_be_bytes());
    Digest::of(&text)
}

/// What an event may look up.
#[derive(Clone, Copy, Debug)]
pub struct VisibleRows<'s> {
    rows: &'s Cache,
    /// The rows of its key, if it has one that is in memory.
    pub key: Option<&'s KeyRows>,
}

impl<'s> VisibleRows<'s> {
    /// What an event of this key sees; the key is in use from now on.
    pub fn asked(rows: &'s Cache, key: Option<Digest>) -> VisibleRows<'s> {
        VisibleRows { rows, key: key.and_then(|key| rows.asked(key)) }
    }

    /// The same, and nothing is touched.
    pub fn of(rows: &'s Cache, key: Option<Digest>) -> VisibleRows<'s> {
        VisibleRows { rows, key: key.and_then(|key| rows.key(key)) }
    }

    /// The columns of a row of the key, or of a global table.
    pub fn row(&self, table: TableId, row: Digest, global: bool) -> Option<ColumnsRef<'s>> {
        let rows = if global { self.rows.asked(global_digest(table, row)) } else { self.key };
        Some(rows?.get(table, row)?.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_and_no_key_has_it() {
        let names: std::collections::BTreeSet<u128> =
            (0..3).flat_map(|table| (0..3).map(move |row| global_digest(table, Digest(row)).0)).collect();
        assert_eq!(names.len(), 9);
        assert_eq!(global_digest(1, Digest(2)), global_digest(1, Digest(2)));
        let text = [&[0xff, 0, 1][..], &2_u128.to_be_bytes()].concat();
        assert_eq!(global_digest(1, Digest(2)), Digest::of(&text));
        assert!(std::str::from_utf8(&text).is_err());
    }
}
