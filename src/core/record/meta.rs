//! The records of the meta space that are read by people too: the checkpoint and the format settings.
//!
//! ```text
//! key "checkpoint", key "format"    value: version u8 | JSON object
//! ```
//!
//! Unknown members are refused: a later build that adds one raises the version, and an earlier one must not go on
//! from half of a checkpoint.

use super::bytes::Cursor;
use super::error::RecordError;
use super::parts::VERSION;
use crate::core::ids::{KEY_GROUPS, LaneSequence, Nanos, Position};
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
    /// R(S): the lane's sequence after all outputs of positions up to S, suppressed ones counted.
    pub lane_sequence: LaneSequence,
    /// When event S was stored.
    pub stored_at: Nanos,
    /// Stream time after event S.
    pub stream_time: Nanos,
    /// When the input stream was created.
    pub input_created: Nanos,
    /// When the output stream was created.
    pub output_created: Nanos,
    /// The fingerprint of the plan in force; its text stands under `plan/…`.
    pub plan: String,
    /// The input's first position that this state was ever built from.
    pub origin: Position,
    /// The first position of the plan in force.
    pub since: Position,
    /// How many positions were missing from the input and accepted as lost, over the state's whole life.
    pub accepted_gaps: u64,
}

impl Checkpoint {
    /// The checkpoint's value.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads a checkpoint's value.
    pub fn decode(value: &[u8]) -> Result<Checkpoint, RecordError> {
        decode(value, "the checkpoint has not the members that this build knows")
    }
}

/// What is fixed when a state directory is created, and compared at every start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// The number of key groups.
    pub key_groups: u16,
    /// The hash that places keys and names rows.
    pub hash: String,
    /// The version of the records.
    pub record: u8,
}

impl Format {
    /// What this build writes.
    pub fn current() -> Format {
        Format { key_groups: KEY_GROUPS, hash: "xxh3".to_owned(), record: VERSION }
    }

    /// The settings in which a stored format is not this one, as sentences; empty when they agree.
    pub fn differences(&self, stored: &Format) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |name: &str, ours: String, theirs: String| {
            if ours != theirs {
                found.push(format!("{name} is {theirs} in the state directory and {ours} here"));
            }
        };
        compare("key_groups", self.key_groups.to_string(), stored.key_groups.to_string());
        compare("hash", self.hash.clone(), stored.hash.clone());
        compare("record", self.record.to_string(), stored.record.to_string());
        found
    }

    /// The value under `FORMAT_KEY`.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the value under `FORMAT_KEY`.
    pub fn decode(value: &[u8]) -> Result<Format, RecordError> {
        decode(value, "the format has not the members that this build knows")
    }
}

fn encode(record: &impl Serialize) -> Vec<u8> {
    let mut value = vec![VERSION];
    // Numbers and texts into memory: there is no failing case.
    value.extend(serde_json::to_vec(record).unwrap_or_default());
    value
}

fn decode<T: DeserializeOwned>(value: &[u8], otherwise: &'static str) -> Result<T, RecordError> {
    let mut cursor = Cursor::new(value);
    cursor.version()?;
    serde_json::from_slice(cursor.rest()).map_err(|_| RecordError::Damaged(otherwise))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checkpoint(n: u64) -> Checkpoint {
        Checkpoint {
            position: Position(n),
            lane_sequence: LaneSequence(n.wrapping_mul(3)),
            stored_at: Nanos(n as i64),
            stream_time: Nanos(i64::MAX - (n as i64).wrapping_abs()),
            input_created: Nanos(-1),
            output_created: Nanos(0),
            plan: format!("{n:016x}"),
            origin: Position(1),
            since: Position(n / 2),
            accepted_gaps: u64::MAX,
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
                *first = VERSION;
            }
            prop_assert!(Checkpoint::decode(&bytes).is_err());
            prop_assert!(Format::decode(&bytes).is_err());
        }
    }

    #[test]
    fn the_layout_is_pinned() {
        assert_eq!(Format::current().encode(), b"\x01{\"key_groups\":128,\"hash\":\"xxh3\",\"record\":1}");
        let text = checkpoint(2).encode();
        let members = r#"{"position":2,"lane_sequence":6,"stored_at":2,"stream_time":9223372036854775805,"input_created":-1,"output_created":0,"plan":"0000000000000002","origin":1,"since":1,"accepted_gaps":18446744073709551615}"#;
        assert_eq!(std::str::from_utf8(&text[1..]).unwrap(), members);
    }

    #[test]
    fn another_version_or_member_is_refused() {
        let mut value = Format::current().encode();
        value[0] = 2;
        assert_eq!(Format::decode(&value), Err(RecordError::Version { found: 2, known: 1 }));
        assert!(Format::decode(b"\x01{\"key_groups\":128,\"hash\":\"xxh3\",\"record\":1,\"salt\":1}").is_err());
    }

    #[test]
    fn differences_name_the_setting() {
        assert!(Format::current().differences(&Format::current()).is_empty());
        let stored = Format { key_groups: 64, ..Format::current() };
        assert_eq!(Format::current().differences(&stored), ["key_groups is 64 in the state directory and 128 here"]);
    }
}
