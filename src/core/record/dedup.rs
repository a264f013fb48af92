//! The ids that one checkpoint interval processed, in chunks.
//!
//! ```text
//! key    02 | checkpoint position u64 BE | chunk u16 BE
//! value  version u8 | entries: digest of the identity, 16 B BE | zigzag varint, stream time in ns less the entry's before
//!                     and in version 2 behind it: the event's content, 8 B BE, 0 where it is not known
//! ```
//!
//! The first entry of a value counts from 0, so every chunk reads alone. Nothing here knows the window: the
//! caller drops a checkpoint's chunks once the newest of their times is out of it.

use super::bytes::{RecordCursor, put_signed};
use super::error::RecordError;
use super::parts::{StoreChange, VALUE_LIMIT};
use super::version::{IDS, RecordKind};
use crate::core::ids::{Content, Digest, Nanos, Position};

/// The prefix of every chunk.
pub const DEDUP: [u8; 1] = [0x02];

/// An identity, the stream time at which its event was processed, and that event's content.
pub type DedupEntry = (Digest, Nanos, Content);

/// The version without contents: what has none is written as the first build wrote it.
const TIMES: u8 = 1;
/// A digest, the longest varint, and a content.
const LONGEST_ENTRY: usize = 16 + 10 + 8;

/// The key of a checkpoint's chunk.
pub fn dedup_key(checkpoint: Position, chunk: u16) -> Vec<u8> {
    let mut key = Vec::with_capacity(11);
    key.extend_from_slice(&DEDUP);
    key.extend_from_slice(&checkpoint.0.to_be_bytes());
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

/// The checkpoint and the chunk number that a key names.
pub fn dedup_position(key: &[u8]) -> Result<(Position, u16), RecordError> {
    let mut cursor = RecordCursor::new(key);
    if cursor.array()? != DEDUP || key.len() != 11 {
        return Err(RecordError::Damaged("its key is no chunk's key"));
    }
    let position = Position(u64::from_be_bytes(cursor.array()?));
    Ok((position, u16::from_be_bytes(cursor.array()?)))
}

/// Appends the chunks that hold `entries`, and returns how many there are: what it takes to remove them later.
/// About 190 entries fill a chunk. On an error (more than 10 million entries) nothing is appended.
pub fn encode_dedup(
    checkpoint: Position,
    entries: &[DedupEntry],
    out: &mut Vec<StoreChange>,
) -> Result<u16, RecordError> {
    let before = out.len();
    let mut value = Vec::new();
    let mut last = 0_i64;
    let mut chunks = 0_u16;
    let contents = entries.iter().any(|(.., content)| *content != Content::UNKNOWN);
    for (at, (digest, time, content)) in entries.iter().enumerate() {
        if value.is_empty() {
            value.push(if contents { IDS } else { TIMES });
            last = 0;
        }
        value.extend_from_slice(&digest.0.to_be_bytes());
        // Wrapping on both sides, so that times at both ends of the range come back too.
        put_signed(&mut value, time.0.wrapping_sub(last));
        last = time.0;
        if contents {
            value.extend_from_slice(&content.0.to_be_bytes());
        }
        if value.len() + LONGEST_ENTRY >= VALUE_LIMIT || at + 1 == entries.len() {
            out.push((dedup_key(checkpoint, chunks), Some(std::mem::take(&mut value))));
            let Some(next) = chunks.checked_add(1) else {
                out.truncate(before);
                let most = usize::from(u16::MAX) * VALUE_LIMIT;
                return Err(RecordError::TooLarge { bytes: entries.len().saturating_mul(17), most });
            };
            chunks = next;
        }
    }
    Ok(chunks)
}

/// Appends a chunk's entries to `out`. On an error some may have been appended.
pub fn decode_dedup(value: &[u8], out: &mut Vec<DedupEntry>) -> Result<(), RecordError> {
    let mut cursor = RecordCursor::new(value);
    let contents = cursor.version(RecordKind::Ids)? != TIMES;
    let mut time = 0_i64;
    while !cursor.is_empty() {
        let digest = Digest(u128::from_be_bytes(cursor.array()?));
        time = time.wrapping_add(cursor.signed()?);
        let content = if contents { Content(u64::from_be_bytes(cursor.array()?)) } else { Content::UNKNOWN };
        out.push((digest, Nanos(time), content));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_come_back(
            position: u64,
            contents: bool,
            entries in prop::collection::vec((any::<u128>(), any::<i64>(), any::<u64>()), 0..700),
        ) {
            let entry = |(d, t, c): (u128, i64, u64)| (Digest(d), Nanos(t), Content(if contents { c } else { 0 }));
            let entries: Vec<DedupEntry> = entries.into_iter().map(entry).collect();
            let mut changes = Vec::new();
            let chunks = encode_dedup(Position(position), &entries, &mut changes).unwrap();
            prop_assert_eq!(usize::from(chunks), changes.len());
            prop_assert!(changes.is_sorted());
            let mut found = Vec::new();
            for (n, (key, value)) in changes.iter().enumerate() {
                let value = value.as_ref().unwrap();
                prop_assert!(value.len() < VALUE_LIMIT);
                prop_assert_eq!(dedup_position(key).unwrap(), (Position(position), n as u16));
                decode_dedup(value, &mut found).unwrap();
            }
            prop_assert_eq!(found, entries);
        }

        #[test]
        fn arbitrary_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode_dedup(&bytes, &mut Vec::new());
            let _ = dedup_position(&bytes);
        }
    }

    #[test]
    fn the_layout_is_pinned() {
        let mut out = Vec::new();
        let none = Content::UNKNOWN;
        encode_dedup(Position(258), &[(Digest(7), Nanos(1), none), (Digest(8), Nanos(65), none)], &mut out).unwrap();
        let (key, value) = &out[0];
        assert_eq!(key[..], [2, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0]);
        let seven = 7_u128.to_be_bytes();
        let eight = 8_u128.to_be_bytes();
        assert_eq!(value.as_deref().unwrap(), [&[1], &seven[..], &[2], &eight[..], &[0x80, 1]].concat());
        // One content makes room for all.
        out.clear();
        encode_dedup(Position(258), &[(Digest(7), Nanos(1), none), (Digest(8), Nanos(65), Content(9))], &mut out)
            .unwrap();
        let [unknown, nine] = [0_u64.to_be_bytes(), 9_u64.to_be_bytes()];
        let value = out[0].1.as_deref().unwrap();
        assert_eq!(value, [&[2], &seven[..], &[2], &unknown[..], &eight[..], &[0x80, 1], &nine[..]].concat());
    }

    #[test]
    fn neighbours_in_time_take_little_room() {
        let entries: Vec<DedupEntry> = (0..10_000)
            .map(|n| (Digest(n), Nanos(1_790_000_000_000_000_000 + n as i64 * 10_000), Content::UNKNOWN))
            .collect();
        let mut out = Vec::new();
        let chunks = encode_dedup(Position(1), &entries, &mut out).unwrap();
        let bytes: usize = out.iter().map(|(_, v)| v.as_ref().unwrap().len()).sum();
        assert!(chunks < 50 && bytes < 10_000 * 20, "{chunks} chunks, {bytes} bytes");
    }
}
