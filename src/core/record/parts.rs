//! Cutting a long record into stored values, and joining them again.
//!
//! A store gets no value of 4 KiB or more (sled writes bigger pages to files that it never syncs), so a body is cut
//! into parts under keys that end in the part's number. Layout of the values:
//!
//! ```text
//! part 0      version u8 | number of parts u16 BE | first 3,072 bytes of the body
//! part n > 0  version u8 | next 3,072 bytes of the body (the last part: what is left, at least one byte)
//! ```
//!
//! No part says whose it is: that is the key's business, and the caller's who knows the key.

use super::bytes::RecordCursor;
use super::error::RecordError;
use super::version::RecordKind;

/// Every stored value is shorter than this many bytes.
pub const VALUE_LIMIT: usize = 4096;

/// Bytes of the body in a part.
pub const CHUNK: usize = 3072;

const MOST_PARTS: usize = u16::MAX as usize;

// The longest value is part 0: version, count and a full chunk.
const _: () = assert!(CHUNK + 3 < VALUE_LIMIT);

/// A key with the value to write, or `None` to remove it: one entry of a store's batch.
pub type StoreChange = (Vec<u8>, Option<Vec<u8>>);

/// Appends the parts of `body`, of that version of its kind, under `prefix` + part number (u16 BE), then removals of the parts beyond them up to
/// `stored`, the number of parts that the record had before (0 for a new one). Returns how many parts it has now.
/// On an error nothing is appended.
pub fn split(
    prefix: &[u8],
    version: u8,
    body: &[u8],
    stored: u16,
    out: &mut Vec<StoreChange>,
) -> Result<u16, RecordError> {
    let too_large = |_| RecordError::TooLarge { bytes: body.len(), most: MOST_PARTS * CHUNK };
    // An empty body still has a part: the record exists.
    let count = u16::try_from(body.len().div_ceil(CHUNK).max(1)).map_err(too_large)?;
    let mut chunks = body.chunks(CHUNK);
    for part in 0..count {
        // Only an empty body has a part and no chunk.
        let chunk = chunks.next().unwrap_or_default();
        let mut value = Vec::with_capacity(chunk.len() + 3);
        value.push(version);
        if part == 0 {
            value.extend_from_slice(&count.to_be_bytes());
        }
        value.extend_from_slice(chunk);
        out.push((part_key(prefix, part), Some(value)));
    }
    remove(prefix, count..stored, out);
    Ok(count)
}

/// Appends the removal of some parts of a record.
pub fn remove(prefix: &[u8], parts: std::ops::Range<u16>, out: &mut Vec<StoreChange>) {
    out.extend(parts.map(|part| (part_key(prefix, part), None)));
}

fn part_key(prefix: &[u8], part: u16) -> Vec<u8> {
    let mut key = Vec::with_capacity(prefix.len() + 2);
    key.extend_from_slice(prefix);
    key.extend_from_slice(&part.to_be_bytes());
    key
}

/// Takes a key apart into the prefix that its record's parts share, and the part's number.
pub fn part_of(key: &[u8]) -> Result<(&[u8], u16), RecordError> {
    let (prefix, part) = key.split_last_chunk().ok_or(RecordError::Damaged("its key is too short"))?;
    Ok((prefix, u16::from_be_bytes(*part)))
}

/// A record that is whole, borrowed from its joiner or from the entry itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholeRecord<'a> {
    /// Its keys without the part's number.
    pub prefix: &'a [u8],
    /// What `split` was given.
    pub body: &'a [u8],
    /// In how many parts it is stored.
    pub parts: u16,
}

/// Joins parts that come in key order. One record at a time; a record that fits one part is never copied.
#[derive(Debug)]
pub struct Joiner {
    kind: RecordKind,
    prefix: Vec<u8>,
    body: Vec<u8>,
    count: u16,
    next: u16,
}

impl Joiner {
    /// For records of one kind.
    pub fn new(kind: RecordKind) -> Joiner {
        Joiner { kind, prefix: Vec::new(), body: Vec::new(), count: 0, next: 0 }
    }

    /// Takes the next entry of a scan. Returns the record that it completes, if it completes one.
    /// Missing, surplus or foreign parts are damage.
    pub fn push<'a>(&'a mut self, key: &'a [u8], value: &'a [u8]) -> Result<Option<WholeRecord<'a>>, RecordError> {
        let (prefix, part) = part_of(key)?;
        if part != self.next || (part > 0 && prefix != self.prefix) {
            return Err(RecordError::Damaged("a part is missing or left over"));
        }
        let mut cursor = RecordCursor::new(value);
        cursor.version(self.kind)?;
        if part == 0 {
            self.count = u16::from_be_bytes(cursor.array()?);
        }
        let last = part.checked_add(1) == Some(self.count);
        let chunk = cursor.rest();
        let fits = if last { chunk.len() <= CHUNK && (part == 0 || !chunk.is_empty()) } else { chunk.len() == CHUNK };
        if self.count == 0 || !fits {
            return Err(RecordError::Damaged("a part has another length than its place asks for"));
        }
        if last && part == 0 {
            return Ok(Some(WholeRecord { prefix, body: chunk, parts: 1 }));
        }
        if part == 0 {
            self.prefix.clear();
            self.prefix.extend_from_slice(prefix);
            self.body.clear();
        }
        self.body.extend_from_slice(chunk);
        // Not the last part, or reset: the sum stays below `count`.
        self.next = if last { 0 } else { part + 1 };
        let whole = WholeRecord { prefix: &self.prefix, body: &self.body, parts: self.count };
        Ok(last.then_some(whole))
    }

    /// Whether no record is half read: asked at the end of a scan.
    pub fn finish(&self) -> Result<(), RecordError> {
        if self.next == 0 { Ok(()) } else { Err(RecordError::Damaged("its last parts are missing")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_rewrite_removes_the_surplus() {
        let mut out = Vec::new();
        assert_eq!(split(b"p", 1, &[7; CHUNK * 2 + 1], 0, &mut out).unwrap(), 3);
        assert_eq!(out.iter().map(|(_, v)| v.as_ref().unwrap().len()).collect::<Vec<_>>(), [CHUNK + 3, CHUNK + 1, 2]);
        out.clear();
        assert_eq!(split(b"p", 1, b"short", 3, &mut out).unwrap(), 1);
        assert_eq!(out[1..], [(b"p\0\x01".to_vec(), None), (b"p\0\x02".to_vec(), None)]);
    }

    #[test]
    fn a_body_of_whole_chunks_has_no_empty_part() {
        for (length, parts) in [(0, 1), (CHUNK, 1), (CHUNK + 1, 2), (CHUNK * 2, 2)] {
            let mut out = Vec::new();
            assert_eq!(split(b"p", 1, &vec![1; length], 0, &mut out).unwrap(), parts, "{length}");
            let mut joiner = Joiner::new(RecordKind::Row);
            let mut whole = None;
            for (key, value) in &out {
                if let Some(joined) = joiner.push(key, value.as_ref().unwrap()).unwrap() {
                    whole = Some((joined.body.len(), joined.parts));
                }
            }
            assert_eq!(whole, Some((length, parts)));
            joiner.finish().unwrap();
        }
    }

    #[test]
    fn missing_surplus_and_foreign_parts_are_damage() {
        let mut out = Vec::new();
        split(b"p", 1, &[7; CHUNK * 2 + 1], 0, &mut out).unwrap();
        let read = |entries: &[(&[u8], usize)]| {
            let mut joiner = Joiner::new(RecordKind::Row);
            for (key, at) in entries {
                joiner.push(key, out[*at].1.as_ref().unwrap())?;
            }
            joiner.finish()
        };
        assert!(read(&[(b"p\0\0", 0), (b"p\0\x01", 1), (b"p\0\x02", 2)]).is_ok());
        assert!(read(&[(b"p\0\0", 0), (b"p\0\x02", 2)]).is_err());
        assert!(read(&[(b"p\0\0", 0), (b"p\0\x01", 1)]).is_err());
        assert!(read(&[(b"p\0\x01", 1)]).is_err());
        assert!(read(&[(b"p\0\0", 0), (b"q\0\x01", 1), (b"p\0\x02", 2)]).is_err());
        assert!(read(&[(b"p\0\0", 0), (b"p\0\x01", 1), (b"p\0\x02", 2), (b"p\0\x03", 2)]).is_err());
    }

    #[test]
    fn what_needs_too_many_parts_is_refused_whole() {
        let mut out = Vec::new();
        let body = vec![0; CHUNK * MOST_PARTS + 1];
        assert!(matches!(split(b"p", 1, &body, 0, &mut out), Err(RecordError::TooLarge { .. })));
        assert!(out.is_empty());
    }
}
