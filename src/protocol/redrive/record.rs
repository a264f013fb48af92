//! What is written down of a redrive: a short JSON text a step, one after another under the dead letter's subject.
//!
//! Nothing is ever changed or taken back: the newest record of a dead letter says how its redrive stands.

use crate::core::ids::{Digest, Nanos, Position};
use serde::{Deserialize, Serialize};

/// One step of one redrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveRecord {
    /// The dead letter: `<input stream>:<position>:<n>`.
    pub letter: String,
    /// Which attempt this is, from 1; a new one begins after a refusal, or when a person asks for it.
    pub attempt: u32,
    /// What happened.
    #[serde(flatten)]
    pub step: RedriveStep,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum RedriveStep {
    /// The event is about to be published, or may have been by now.
    Intent {
        /// When the input stream was created: its identity.
        input_created: Nanos,
        /// The event stands behind this position of the input, if anywhere.
        after: Position,
        /// What is to be published.
        body: Body,
    },
    /// The event is in the input.
    Done {
        /// Where.
        position: Position,
        /// What was published; `None` when it was gone already as this was written.
        body: Option<Body>,
    },
    /// The server refused the event; nothing was stored.
    Refused {
        /// Its words.
        why: String,
    },
}

/// What was published, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Whether it differs from the event's own bytes.
    pub edited: bool,
    /// Its length.
    pub bytes: u64,
    /// Its XXH3, 128 bits, in hexadecimal.
    pub xxh3: String,
}

impl Body {
    /// The account of a body.
    pub fn of(bytes: &[u8], edited: bool) -> Body {
        Body { edited, bytes: bytes.len() as u64, xxh3: format!("{:032x}", Digest::of(bytes).0) }
    }
}

/// A record with its place in the stream of redrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its sequence.
    pub sequence: u64,
    /// When the server stored it.
    pub at: Nanos,
    /// The record.
    pub record: RedriveRecord,
}

impl RedriveRecord {
    /// The text that is stored.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("plain data with text keys has a JSON form")
    }

    /// Reads a stored text; `None` for what this version does not know.
    pub fn parse(text: &[u8]) -> Option<RedriveRecord> {
        serde_json::from_slice(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_is_pinned_and_read_back() {
        let record = |attempt, step| RedriveRecord { letter: "EVENTS:5:0".into(), attempt, step };
        let body = Body::of(b"", true);
        let intent = RedriveStep::Intent { input_created: Nanos(3), after: Position(9), body: body.clone() };
        for (record, text) in [
            (
                record(1, intent),
                r#"{"letter":"EVENTS:5:0","attempt":1,"step":"intent","input_created":3,"after":9,"body":{"edited":true,"bytes":0,"xxh3":"99aa06d3014798d86001c324468d497f"}}"#,
            ),
            (
                record(1, RedriveStep::Done { position: Position(12), body: None }),
                r#"{"letter":"EVENTS:5:0","attempt":1,"step":"done","position":12,"body":null}"#,
            ),
            (
                record(2, RedriveStep::Refused { why: "full".into() }),
                r#"{"letter":"EVENTS:5:0","attempt":2,"step":"refused","why":"full"}"#,
            ),
        ] {
            assert_eq!(record.text(), text);
            assert_eq!(RedriveRecord::parse(text.as_bytes()), Some(record));
        }
        assert_eq!(RedriveRecord::parse(br#"{"letter":"EVENTS:5:0","attempt":1,"step":"later"}"#), None);
    }
}
