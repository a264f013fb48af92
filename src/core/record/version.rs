//! The version of each kind of record, and the generation that a state directory says of all of them.
//!
//! Every value begins with the version of its kind. A build writes the lowest version that can say what is to be said, and
//! reads every version up to its own: what was written since the first one stays readable for ever. A later version is no
//! damage but another build's words. A *generation* numbers what the versions were together; it stands in the file
//! `FORMAT` and goes up before the first record that needs it is written, so that an earlier build refuses the directory
//! before it reads a record, and goes on with one in which nothing new was used.

use super::dedup::DEDUP;
use super::mark::{FLOOR_KEY, MARK_KEY};
use super::meta::{CHECKPOINT_KEY, FORMAT_KEY};
use super::parked;
use super::plan_text::PLANS;
use super::row::ROWS;
use super::space::{Batch, Space};
use std::fmt;

/// The newest version of a table's row.
pub const ROW: u8 = 1;
/// The newest version of a chunk of ids: version 1, and contents.
pub const IDS: u8 = 2;
/// The newest version of a mark.
pub const MARK: u8 = 1;
/// The newest version of the checkpoint: version 1, and members that are left out where they are not used.
pub const CHECKPOINT: u8 = 2;
/// The newest version of the format settings.
pub const FORMAT: u8 = 1;
/// The newest version of an event that waits.
pub const WAITING: u8 = 1;
/// The newest version of a plan's text: version 1, and members and words that came later.
pub const PLAN: u8 = 2;

/// No kind will ever have a version beyond this one: another leading byte is damage.
pub const LAST_VERSION: u8 = 31;

/// The generation that a new directory begins with: version 1 of every record.
pub const FIRST_GENERATION: u8 = 1;
/// The newest generation: 2 has version 2 of the checkpoint and of plans, 3 that of chunks of ids, 4 has events that wait, 5 rows
/// and ids in the meta space.
pub const GENERATION: u8 = 5;
/// The generation in which the checkpoint and plans got version 2.
const WORDS: u8 = 2;
/// The generation in which chunks of ids got version 2.
const CONTENTS: u8 = 3;
/// The generation in which events began to wait.
const WAITS: u8 = 4;

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A table's row.
    Row,
    /// A chunk of ids.
    Ids,
    /// A key group's mark, or the floor.
    Mark,
    /// The record of S.
    Checkpoint,
    /// The format settings.
    Format,
    /// A plan's text.
    Plan,
    /// An event that waits.
    Waiting,
}

impl RecordKind {
    /// All of them.
    pub const ALL: [RecordKind; 7] = [
        RecordKind::Row,
        RecordKind::Ids,
        RecordKind::Mark,
        RecordKind::Checkpoint,
        RecordKind::Format,
        RecordKind::Plan,
        RecordKind::Waiting,
    ];

    /// The newest version that this build reads.
    pub fn newest(self) -> u8 {
        match self {
            RecordKind::Row => ROW,
            RecordKind::Ids => IDS,
            RecordKind::Mark => MARK,
            RecordKind::Checkpoint => CHECKPOINT,
            RecordKind::Format => FORMAT,
            RecordKind::Plan => PLAN,
            RecordKind::Waiting => WAITING,
        }
    }

    /// The kind of what stands under a key; `None` where this build puts nothing.
    pub fn of(space: Space, key: &[u8]) -> Option<RecordKind> {
        match space {
            Space::Group(_) if key == MARK_KEY => Some(RecordKind::Mark),
            Space::Group(_) | Space::Meta if key.starts_with(&ROWS) => Some(RecordKind::Row),
            Space::Group(_) | Space::Meta if key.starts_with(&DEDUP) => Some(RecordKind::Ids),
            Space::Group(_) if key.starts_with(&parked::WAITING) => Some(RecordKind::Waiting),
            Space::Meta if key == CHECKPOINT_KEY => Some(RecordKind::Checkpoint),
            Space::Meta if key == FLOOR_KEY => Some(RecordKind::Mark),
            Space::Meta if key == FORMAT_KEY => Some(RecordKind::Format),
            Space::Meta if key.starts_with(PLANS) => Some(RecordKind::Plan),
            _ => None,
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            RecordKind::Row => "a table's row",
            RecordKind::Ids => "a chunk of ids",
            RecordKind::Mark => "a key group's mark",
            RecordKind::Checkpoint => "the checkpoint",
            RecordKind::Format => "the format settings",
            RecordKind::Plan => "a plan's text",
            RecordKind::Waiting => "an event that waits",
        })
    }
}

/// The generation that a directory must have before these changes are written to it.
pub fn generation(space: Space, batch: &Batch) -> u8 {
    let needed = |(key, value): &(Vec<u8>, Option<Vec<u8>>)| {
        let Some(version) = value.as_deref().and_then(<[u8]>::first) else { return FIRST_GENERATION };
        // A kind that is new or gets another version says here with which generation that came.
        match (RecordKind::of(space, key), version) {
            (Some(RecordKind::Row | RecordKind::Ids), _) if space == Space::Meta => GENERATION,
            (Some(RecordKind::Waiting), _) => WAITS,
            (None, _) | (_, 0 | 1) => FIRST_GENERATION,
            (Some(RecordKind::Checkpoint | RecordKind::Plan), _) => WORDS,
            (Some(RecordKind::Ids), _) => CONTENTS,
            (Some(RecordKind::Row | RecordKind::Mark | RecordKind::Format), _) => GENERATION,
        }
    };
    batch.changes.iter().map(needed).max().unwrap_or(FIRST_GENERATION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{Content, Digest, KeyGroup, Nanos, Position};
    use crate::core::record::{GroupMark, RecordError, decode_dedup, encode_dedup, encode_plan};

    fn one(key: &[u8], value: &[u8]) -> Batch {
        Batch { changes: vec![(key.to_vec(), Some(value.to_vec()))] }
    }

    #[test]
    fn every_key_names_its_kind() {
        let group = Space::Group(KeyGroup(3));
        for (space, key, kind) in [
            (group, &[0_u8][..], RecordKind::Mark),
            (group, &[1, 7], RecordKind::Row),
            (group, &[2, 7], RecordKind::Ids),
            (group, &[3, 7], RecordKind::Waiting),
            (Space::Meta, &[1, 7], RecordKind::Row),
            (Space::Meta, &[2, 7], RecordKind::Ids),
            (Space::Meta, b"checkpoint", RecordKind::Checkpoint),
            (Space::Meta, b"floor", RecordKind::Mark),
            (Space::Meta, b"format", RecordKind::Format),
            (Space::Meta, b"plan/0123/\0\0", RecordKind::Plan),
        ] {
            assert_eq!(RecordKind::of(space, key), Some(kind));
        }
        assert_eq!(RecordKind::of(group, b"checkpoint"), None);
    }

    #[test]
    fn a_later_version_of_any_kind_needs_a_later_generation() {
        let group = Space::Group(KeyGroup(3));
        assert_eq!(generation(group, &one(&[1, 7], &[1, 9])), 1);
        assert_eq!(generation(group, &one(&[1, 7], &[2, 9])), GENERATION);
        assert_eq!(generation(group, &one(&[2, 7], &[1, 9])), 1);
        assert_eq!(generation(group, &one(&[2, 7], &[2, 9])), 3);
        assert_eq!(generation(group, &one(&[3, 7], &[1, 9])), 4);
        assert_eq!(generation(Space::Meta, &one(&[1, 7], &[1, 9])), 5);
        assert_eq!(generation(Space::Meta, &one(&[2, 7], &[1, 9])), 5);
        assert_eq!(generation(Space::Meta, &one(b"checkpoint", &[2])), 2);
        assert_eq!(generation(Space::Meta, &one(b"plan/0123/\0\0", &[2])), 2);
        assert_eq!(generation(Space::Meta, &Batch { changes: vec![(b"checkpoint".to_vec(), None)] }), 1);
    }

    #[test]
    fn what_has_nothing_new_in_it_is_written_as_the_first_build_wrote_it() {
        let mut out = Vec::new();
        encode_dedup(Position(1), &[(Digest(7), Nanos(1), Content::UNKNOWN)], &mut out).unwrap();
        encode_plan("0123", &crate::core::plan::fixture::spec('A').text(), &mut out).unwrap();
        out.push((MARK_KEY.to_vec(), Some(GroupMark::default().encode())));
        assert!(out.iter().all(|(_, value)| value.as_ref().unwrap()[0] == 1));
    }

    #[test]
    fn a_later_version_is_no_damage_and_none_at_all_is() {
        let later = RecordError::Later { kind: RecordKind::Ids, found: IDS + 1, known: IDS };
        assert_eq!(decode_dedup(&[IDS + 1], &mut Vec::new()), Err(later));
        for none in [0, LAST_VERSION + 1, 0xff] {
            assert!(matches!(decode_dedup(&[none], &mut Vec::new()), Err(RecordError::Damaged(_))));
        }
    }
}
