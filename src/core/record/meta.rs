//! The records of the meta space that are read by people too: the checkpoint and the format settings.
//!
//! ```text
//! key "checkpoint", key "format"    value: version u8 | JSON object
//! ```
//!
//! Unknown members are refused: an earlier build must not go on from half of a checkpoint. A member that is added is left
//! out where it is not used (`#[serde(default, skip_serializing_if = …)]`); a checkpoint without any is written as version
//! 1, as `shape` finds by itself, so that an earlier build can follow it.

use super::bytes::RecordCursor;
use super::error::RecordError;
use super::shape::CHECKPOINT_1;
use super::version::{self, FIRST_GENERATION, GENERATION, RecordKind};
use crate::core::ids::{KEY_GROUPS, LaneSequence, Nanos, Position};
use crate::core::plan::layout::Layout;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The key of the checkpoint.
pub const CHECKPOINT_KEY: &[u8] = b"checkpoint";

/// The key of the format settings.
pub const FORMAT_KEY: &[u8] = b"format";

/// The durable state as of one position: what a start begins from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// S: everything up to here is in the state.
    pub position: Position,
    /// R(S): the lane's sequence after all outputs of positions up to S, those passed over counted.
    pub lane: LaneSequence,
    /// When event S was stored.
    pub stored_at: Nanos,
    /// Stream time after event S.
    pub stream_time: Nanos,
    /// When the input stream was created.
    pub input_created: Nanos,
    /// When the output stream was created.
    pub output_created: Nanos,
    /// The input's first position that this state was ever built from.
    pub origin: Position,
    /// The plans so far, the last one being in force after S; their texts stand under `plan/…`.
    pub plans: Vec<PlanSince>,
    /// The numbers of tables and columns.
    pub layout: Layout,
    /// How often an operator accepted a gap in the input, over the state's whole life.
    pub gaps: u64,
    /// The rewinds of the input that this state has followed, in order; see [`Rewind`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewinds: Vec<Rewind>,
}

/// An input that lost its tail, and an operator who consented to go on: new events have taken old positions since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewind {
    /// Counts the rewinds of a lane from 1.
    pub number: u32,
    /// The last position whose event was still the one that was processed.
    pub floor: Position,
    /// Where the lane says so: the sequence of the rewind's marker.
    pub lane: LaneSequence,
}

/// A plan and where it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanSince {
    /// The plan's fingerprint.
    pub plan: String,
    /// Its first position.
    pub since: Position,
}

impl Checkpoint {
    /// The checkpoint's value.
    pub fn encode(&self) -> Vec<u8> {
        let text = text(self);
        encode(CHECKPOINT_1.version(&text), text)
    }

    /// Reads a checkpoint's value.
    pub fn decode(value: &[u8]) -> Result<Checkpoint, RecordError> {
        decode(RecordKind::Checkpoint, value, "the checkpoint has not the members that this build knows")
    }
}

/// What is fixed when a state directory is created, and compared at every start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreFormat {
    /// The number of key groups.
    pub key_groups: u16,
    /// The hash that places keys and names rows.
    pub hash: String,
    /// The generation of the records, which goes up with the first record that needs it.
    pub record: u8,
}

impl StoreFormat {
    /// What a new directory begins with.
    pub fn first() -> StoreFormat {
        StoreFormat { key_groups: KEY_GROUPS, hash: "xxh3".to_owned(), record: FIRST_GENERATION }
    }

    /// What a later build made of it; `None` when this build knows all of its records.
    pub fn later(&self) -> Option<String> {
        let found = self.record;
        (found > GENERATION)
            .then(|| format!("its records are of generation {found}, and this build knows {GENERATION}"))
    }

    /// The settings in which this format is none of this build's, as sentences; empty when it is one.
    pub fn differences(&self) -> Vec<String> {
        let (ours, stored) = (StoreFormat::first(), self);
        let mut found = Vec::new();
        let mut compare = |name: &str, ours: String, theirs: String| {
            if ours != theirs {
                found.push(format!("{name} is {theirs} in the state directory and {ours} here"));
            }
        };
        compare("key_groups", ours.key_groups.to_string(), stored.key_groups.to_string());
        compare("hash", ours.hash.clone(), stored.hash.clone());
        if stored.record < FIRST_GENERATION {
            compare("record", FIRST_GENERATION.to_string(), stored.record.to_string());
        }
        found
    }

    /// The value under `FORMAT_KEY`.
    pub fn encode(&self) -> Vec<u8> {
        encode(version::FORMAT, text(self))
    }

    /// Reads the value under `FORMAT_KEY`.
    pub fn decode(value: &[u8]) -> Result<StoreFormat, RecordError> {
        decode(RecordKind::Format, value, "the format has not the members that this build knows")
    }
}

fn text(record: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(record).expect("numbers and texts into memory")
}

fn encode(version: u8, text: Vec<u8>) -> Vec<u8> {
    let mut value = vec![version];
    value.extend(text);
    value
}

fn decode<T: DeserializeOwned>(kind: RecordKind, value: &[u8], otherwise: &'static str) -> Result<T, RecordError> {
    let mut cursor = RecordCursor::new(value);
    cursor.version(kind)?;
    serde_json::from_slice(cursor.rest()).map_err(|_| RecordError::Damaged(otherwise))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checkpoint(n: u64) -> Checkpoint {
        Checkpoint {
            position: Position(n),
            lane: LaneSequence(n.wrapping_mul(3)),
            stored_at: Nanos(n as i64),
            stream_time: Nanos(i64::MAX - (n as i64).wrapping_abs()),
            input_created: Nanos(-1),
            output_created: Nanos(0),
            origin: Position(1),
            plans: vec![PlanSince { plan: format!("{n:016x}"), since: Position(n / 2) }],
            layout: Layout::default(),
            gaps: u64::MAX,
            rewinds: Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn checkpoints_come_back(n: u64) {
            prop_assert_eq!(Checkpoint::decode(&checkpoint(n).encode()), Ok(checkpoint(n)));
        }

        #[test]
        fn arbitrary_bytes_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..60), ours: bool) {
            if ours && let Some(first) = bytes.first_mut() {
                *first = 1;
            }
            prop_assert!(Checkpoint::decode(&bytes).is_err());
            prop_assert!(StoreFormat::decode(&bytes).is_err());
        }
    }

    #[test]
    fn the_layout_is_pinned() {
        assert_eq!(StoreFormat::first().encode(), b"\x01{\"key_groups\":128,\"hash\":\"xxh3\",\"record\":1}");
        let text = checkpoint(2).encode();
        let members = r#"{"position":2,"lane":6,"stored_at":2,"stream_time":9223372036854775805,"input_created":-1,"output_created":0,"origin":1,"plans":[{"plan":"0000000000000002","since":1}],"layout":{"tables":[]},"gaps":18446744073709551615}"#;
        assert_eq!(std::str::from_utf8(&text[1..]).unwrap(), members);
    }

    #[test]
    fn rewinds_are_left_out_where_there_are_none_and_make_it_version_2_where_there_are() {
        assert_eq!(checkpoint(2).encode()[0], 1);
        let rewind = Rewind { number: 1, floor: Position(9), lane: LaneSequence(12) };
        let rewound = Checkpoint { rewinds: vec![rewind], ..checkpoint(2) };
        assert_eq!((rewound.encode()[0], Checkpoint::decode(&rewound.encode())), (2, Ok(rewound)));
    }

    #[test]
    fn another_version_or_member_is_refused() {
        let mut value = StoreFormat::first().encode();
        value[0] = 2;
        assert_eq!(
            StoreFormat::decode(&value),
            Err(RecordError::Later { kind: RecordKind::Format, found: 2, known: 1 })
        );
        assert!(StoreFormat::decode(b"\x01{\"key_groups\":128,\"hash\":\"xxh3\",\"record\":1,\"salt\":1}").is_err());
    }

    #[test]
    fn differences_name_the_setting() {
        assert!(StoreFormat::first().differences().is_empty());
        let stored = StoreFormat { key_groups: 64, ..StoreFormat::first() };
        assert_eq!(stored.differences(), ["key_groups is 64 in the state directory and 128 here"]);
    }
}
