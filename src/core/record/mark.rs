//! How far a key group is: one small record in its space, written in the same batch as its rows.
//!
//! ```text
//! key    00
//! value  version u8 | position u64 BE | stored at, ns, i64 BE | lane sequence u64 BE
//! ```
//!
//! It never says less than its rows hold: both stand in one batch.

use super::bytes::RecordCursor;
use super::error::RecordError;
use super::version::{MARK, RecordKind};
use crate::core::ids::{LaneSequence, Nanos, Position};

/// The key of the mark in a group's space.
pub const MARK_KEY: [u8; 1] = [0x00];

/// The key, in the meta space, of the B that a start over an empty state began with; a mark like those of the groups.
pub const FLOOR_KEY: &[u8] = b"floor";

/// A key group's position, and what the start compares it with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupMark {
    /// Everything up to here is in the group's rows.
    pub position: Position,
    /// When the event at that position was stored.
    pub stored_at: Nanos,
    /// The lane's sequence after all outputs up to that position.
    pub lane: LaneSequence,
}

impl GroupMark {
    /// The mark's value.
    pub fn encode(&self) -> Vec<u8> {
        let mut value = Vec::with_capacity(25);
        value.push(MARK);
        value.extend_from_slice(&self.position.0.to_be_bytes());
        value.extend_from_slice(&self.stored_at.0.to_be_bytes());
        value.extend_from_slice(&self.lane.0.to_be_bytes());
        value
    }

    /// Reads a mark's value.
    pub fn decode(value: &[u8]) -> Result<GroupMark, RecordError> {
        let mut cursor = RecordCursor::new(value);
        cursor.version(RecordKind::Mark)?;
        let mark = GroupMark {
            position: Position(u64::from_be_bytes(cursor.array()?)),
            stored_at: Nanos(i64::from_be_bytes(cursor.array()?)),
            lane: LaneSequence(u64::from_be_bytes(cursor.array()?)),
        };
        if cursor.is_empty() { Ok(mark) } else { Err(RecordError::Damaged("a mark is too long")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_come_back(position: u64, stored_at: i64, lane: u64) {
            let mark = GroupMark { position: Position(position), stored_at: Nanos(stored_at), lane: LaneSequence(lane) };
            prop_assert_eq!(GroupMark::decode(&mark.encode()), Ok(mark));
        }

        #[test]
        fn any_other_length_or_version_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let right = bytes.len() == 25 && bytes[0] == MARK;
            prop_assert_eq!(GroupMark::decode(&bytes).is_ok(), right);
        }
    }
}
