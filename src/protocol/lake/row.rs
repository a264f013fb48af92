//! A row of the lake: an output or a dead letter as the output stream has it.
//!
//! A row is told by its cause, never by its sequence in the output stream: a stream that was made again has other sequences and
//! the same rows.

use crate::core::event::StoredMessage;
use crate::core::ids::Nanos;
use crate::core::output::{DUPLICATE, ERROR, KEY, KIND, LENGTH, REASON, STORED, SUBJECT};
use crate::core::percent;
use crate::protocol::header::LaneMessage;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which row: rows stand in the output stream in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LakeRowId {
    /// How many rewinds of the input its cause stands behind.
    pub rewinds: u32,
    /// Its cause's position.
    pub position: u64,
    /// Which of the cause's outputs it is, from 0.
    pub n: u32,
}

impl fmt::Display for LakeRowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.rewinds, self.position, self.n)
    }
}

impl FromStr for LakeRowId {
    type Err = String;

    fn from_str(text: &str) -> Result<LakeRowId, String> {
        let read = || {
            let mut parts = text.split(':');
            let id = LakeRowId {
                rewinds: parts.next()?.parse().ok()?,
                position: parts.next()?.parse().ok()?,
                n: parts.next()?.parse().ok()?,
            };
            parts.next().is_none().then_some(id)
        };
        read().ok_or_else(|| format!("`{text}` is no row: write REWINDS:POSITION:N"))
    }
}

impl TryFrom<String> for LakeRowId {
    type Error = String;

    fn try_from(text: String) -> Result<LakeRowId, String> {
        text.parse()
    }
}

impl From<LakeRowId> for String {
    fn from(id: LakeRowId) -> String {
        id.to_string()
    }
}

/// What a dead letter has beside an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// The reason code.
    pub reason: String,
    /// The sentence.
    pub error: String,
    /// The event's subject.
    pub subject: String,
    /// The length of the event's body in bytes, where the dead letter's is shorter.
    pub length: Option<i64>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakeRow {
    /// Which one.
    pub id: LakeRowId,
    /// When its event was stored in the input.
    pub stored_at: Nanos,
    /// Its event's own time, where that can be read.
    pub event_time: Option<Nanos>,
    /// Its kind, where it is known.
    pub kind: Option<String>,
    /// Its key, where it has one.
    pub key: Option<String>,
    /// What makes it a dead letter.
    pub dead: Option<Box<Dead>>,
    /// The body, byte for byte.
    pub body: Bytes,
}

/// What a message of the output stream is to the lake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LakeMessage {
    /// A row.
    Row(LakeRow),
    /// The marker of a rewind: no event's.
    Marker,
    /// A duplicate that is kept aside: its event is a row already.
    Duplicate,
    /// Not published by this product.
    Foreign,
}

impl LakeRow {
    /// Reads a message of the output stream; the event's own time is not looked for.
    pub fn read(message: &StoredMessage) -> LakeMessage {
        let Some(lane) = LaneMessage::read(message) else { return LakeMessage::Foreign };
        if lane.marks().is_some() {
            return LakeMessage::Marker;
        }
        let header = |wanted: &str| {
            let list = message.headers.as_deref()?;
            list.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        if header(DUPLICATE).is_some() {
            return LakeMessage::Duplicate;
        }
        let decoded = |name: &str| header(name).map(|text| percent::decoded(text).unwrap_or_else(|_| text.to_owned()));
        let id = LakeRowId { rewinds: lane.epoch(), position: lane.cause.0, n: lane.n };
        // Outputs from before the envelope was switched on have neither this nor kind and key.
        let stored_at = header(STORED).and_then(|text| text.parse().ok()).unwrap_or(lane.time.0);
        let dead = header(REASON).map(|reason| {
            Box::new(Dead {
                reason: reason.to_owned(),
                error: header(ERROR).unwrap_or_default().to_owned(),
                subject: decoded(SUBJECT).unwrap_or_default(),
                length: header(LENGTH).and_then(|length| length.parse().ok()),
            })
        });
        LakeMessage::Row(LakeRow {
            id,
            stored_at: Nanos(stored_at),
            event_time: None,
            kind: decoded(KIND),
            key: decoded(KEY),
            dead,
            body: message.payload.clone(),
        })
    }

    /// Appends the row's bytes, for a spool; [`LakeRow::parse`] reads them back.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.id.rewinds.to_le_bytes());
        out.extend(self.id.position.to_le_bytes());
        out.extend(self.id.n.to_le_bytes());
        out.extend(self.stored_at.0.to_le_bytes());
        out.extend(self.event_time.map_or(i64::MIN, |time| time.0).to_le_bytes());
        let dead = self.dead.as_deref();
        let texts = [self.kind.as_deref(), self.key.as_deref()];
        let dead_texts =
            [dead.map(|dead| &*dead.reason), dead.map(|dead| &*dead.error), dead.map(|dead| &*dead.subject)];
        for text in texts.into_iter().chain(dead_texts) {
            // Headers are shorter than 4 GiB.
            let length = text.map_or(u32::MAX, |text| text.len() as u32);
            out.extend(length.to_le_bytes());
            out.extend(text.unwrap_or_default().as_bytes());
        }
        out.extend(dead.and_then(|dead| dead.length).unwrap_or(-1).to_le_bytes());
        out.extend(&*self.body);
    }

    /// Reads what [`LakeRow::write`] wrote; `None` for anything else.
    pub fn parse(bytes: &Bytes) -> Option<LakeRow> {
        let mut rest = RowParts { bytes, at: 0 };
        let id = LakeRowId { rewinds: rest.u32()?, position: rest.i64()? as u64, n: rest.u32()? };
        let stored_at = Nanos(rest.i64()?);
        let event_time = Some(rest.i64()?).filter(|time| *time != i64::MIN).map(Nanos);
        let (kind, key) = (rest.text()?, rest.text()?);
        let (reason, error, subject) = (rest.text()?, rest.text()?, rest.text()?);
        let length = Some(rest.i64()?).filter(|length| *length >= 0);
        let dead = reason.map(|reason| {
            Box::new(Dead { reason, error: error.unwrap_or_default(), subject: subject.unwrap_or_default(), length })
        });
        Some(LakeRow { id, stored_at, event_time, kind, key, dead, body: bytes.slice(rest.at..) })
    }
}

struct RowParts<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl RowParts<'_> {
    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let taken = self.bytes.get(self.at..self.at + length)?;
        self.at += length;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take(8)?.try_into().ok().map(i64::from_le_bytes)
    }

    /// A text that may be missing.
    fn text(&mut self) -> Option<Option<String>> {
        match self.u32()? {
            u32::MAX => Some(None),
            length => String::from_utf8(self.take(length as usize)?.to_vec()).ok().map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_row_survives_the_spool(
            rewinds in any::<u32>(), position in any::<u64>(), n in any::<u32>(), stored in any::<i64>(),
            time in proptest::option::of(1..i64::MAX), kind in proptest::option::of(".*"), key in proptest::option::of(".*"),
            dead in proptest::option::of((".*", ".*", ".*", proptest::option::of(0..i64::MAX))), body in any::<Vec<u8>>(),
        ) {
            let dead = dead.map(|(reason, error, subject, length)| Box::new(Dead { reason, error, subject, length }));
            let row = LakeRow {
                id: LakeRowId { rewinds, position, n }, stored_at: Nanos(stored), event_time: time.map(Nanos), kind, key, dead,
                body: body.into(),
            };
            let mut bytes = Vec::new();
            row.write(&mut bytes);
            prop_assert_eq!(LakeRow::parse(&bytes.into()), Some(row.clone()));
            prop_assert_eq!(row.id.to_string().parse::<LakeRowId>(), Ok(row.id));
        }
    }

    #[test]
    fn what_is_cut_off_is_no_row() {
        let row = LakeRow {
            id: LakeRowId::default(),
            stored_at: Nanos(1),
            event_time: None,
            kind: Some("a".to_owned()),
            key: None,
            dead: None,
            body: Bytes::new(),
        };
        let mut bytes = Vec::new();
        row.write(&mut bytes);
        for length in 0..bytes.len() {
            assert_eq!(LakeRow::parse(&Bytes::copy_from_slice(&bytes[..length])), None, "{length}");
        }
        for text in ["", "1:2", "1:2:3:4", "a:1:2"] {
            assert!(text.parse::<LakeRowId>().is_err(), "{text}");
        }
    }
}
