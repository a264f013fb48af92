//! The columns of one row as one buffer: what memory holds is what the disk holds.
//!
//! Layout: for each column that was ever set, in rising order of its id, the id (LEB128), the length of its
//! JSON text (LEB128) and the text. Nothing here knows names; ids come from the plan's layout.

/// A column's number inside its table, assigned once and never reused.
pub type ColumnId = u16;

/// Bytes that the columns of one event take, as a rule.
const TYPICAL: usize = 96;

/// The set columns of a row, as JSON texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(Box<[u8]>);

/// The same, where they lie: in a `Columns`, or in the buffer of a key's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnsRef<'a>(&'a [u8]);

impl<'a> From<&'a Columns> for ColumnsRef<'a> {
    fn from(columns: &'a Columns) -> ColumnsRef<'a> {
        ColumnsRef(&columns.0)
    }
}

impl<'a> ColumnsRef<'a> {
    /// Of bytes that `as_bytes` gave.
    pub fn of(bytes: &'a [u8]) -> ColumnsRef<'a> {
        ColumnsRef(bytes)
    }

    /// The JSON text of a column, or `None` when it was never set.
    pub fn get(self, id: ColumnId) -> Option<&'a [u8]> {
        self.iter().find(|(column, _)| *column == id).map(|(_, text)| text)
    }

    /// The set columns, by rising id.
    pub fn iter(self) -> Iter<'a> {
        Iter { rest: self.0 }
    }

    /// These columns with `updates` (rising ids) written over them.
    pub fn merged<T: AsRef<[u8]>>(self, updates: impl IntoIterator<Item = (ColumnId, T)>) -> Columns {
        let mut bytes = Vec::with_capacity(self.0.len() + TYPICAL);
        let mut old = self.iter().peekable();
        for (id, text) in updates {
            while let Some((column, kept)) = old.next_if(|(column, _)| *column < id) {
                push(&mut bytes, column, kept);
            }
            old.next_if(|(column, _)| *column == id);
            push(&mut bytes, id, text.as_ref());
        }
        for (column, kept) in old {
            push(&mut bytes, column, kept);
        }
        Columns(bytes.into_boxed_slice())
    }

    /// The buffer as it is stored.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The same, independent of where they lie.
    pub fn apart(self) -> Columns {
        Columns(self.0.into())
    }
}

impl Columns {
    /// The JSON text of a column, or `None` when it was never set.
    pub fn get(&self, id: ColumnId) -> Option<&[u8]> {
        ColumnsRef::from(self).get(id)
    }

    /// The set columns, by rising id.
    pub fn iter(&self) -> Iter<'_> {
        ColumnsRef::from(self).iter()
    }

    /// These columns with `updates` (rising ids) written over them.
    pub fn merged<T: AsRef<[u8]>>(&self, updates: impl IntoIterator<Item = (ColumnId, T)>) -> Columns {
        ColumnsRef::from(self).merged(updates)
    }

    /// The buffer as it is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes a stored buffer; `None` when it is not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Columns> {
        let mut rest = bytes;
        let mut last = None;
        while !rest.is_empty() {
            let (id, _, after) = entry(rest)?;
            if last.is_some_and(|last| last >= id) {
                return None;
            }
            last = Some(id);
            rest = after;
        }
        Some(Columns(bytes.into()))
    }
}

/// Walks the columns of a row.
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (ColumnId, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, text, rest) = entry(self.rest)?;
        self.rest = rest;
        Some((id, text))
    }
}

fn push(bytes: &mut Vec<u8>, id: ColumnId, text: &[u8]) {
    push_number(bytes, u64::from(id));
    push_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text);
}

fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn entry(bytes: &[u8]) -> Option<(ColumnId, &[u8], &[u8])> {
    let (id, bytes) = number(bytes)?;
    let (length, bytes) = number(bytes)?;
    let (text, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    Some((ColumnId::try_from(id).ok()?, text, rest))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (i, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(i + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn merging_is_a_map_update(
            writes in prop::collection::vec(prop::collection::btree_map(0u16..300, prop::collection::vec(any::<u8>(), 0..200), 0..6), 0..6)
        ) {
            let mut columns = Columns::default();
            let mut model = BTreeMap::new();
            for write in &writes {
                let updates: Vec<(u16, &[u8])> = write.iter().map(|(id, text)| (*id, text.as_slice())).collect();
                columns = columns.merged(updates.iter().copied());
                model.extend(write.clone());
            }
            let listed: BTreeMap<u16, Vec<u8>> = columns.iter().map(|(id, text)| (id, text.to_vec())).collect();
            prop_assert_eq!(&listed, &model);
            for id in 0..300 {
                prop_assert_eq!(columns.get(id), model.get(&id).map(Vec::as_slice));
            }
            prop_assert_eq!(Columns::from_bytes(columns.as_bytes()), Some(columns));
        }

        #[test]
        fn any_bytes_are_columns_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(columns) = Columns::from_bytes(&bytes) {
                prop_assert_eq!(columns.as_bytes(), bytes.as_slice());
            }
        }
    }
}
