//! An event that waits for a row, as it is stored.
//!
//! ```text
//! key    03 | deadline, ns, i64 BE with its sign flipped | position u64 BE | again u16 BE | part u16 BE
//! body   signed varint: stored at, ns | signed varint: stream time at the event, ns
//!        text: subject | headers | text: the name of the kind's section | text or none: the kind | text or none: the key
//!        bytes: the event's text as removals and masks left it
//!        0, or what the input stored where that is another text: varint length + 1 | bytes, empty where it hides something | headers
//!        varint: rows found at the event | for each: varint table | digest of the row, 16 B BE | bytes: its columns
//! ```
//!
//! Headers are 0, or their number + 1 and a name and a value each; a text or none is 0, or its length + 1 and its bytes. Numbers
//! in keys sort, so that a scan gives the events in the order in which time releases them.

use super::bytes::{RecordCursor, put_bytes, put_signed, put_varint};
use super::error::RecordError;
use super::parts::{Joiner, StoreChange, WholeRecord, remove, split};
use super::version::{self, RecordKind};
use crate::core::columns::Columns;
use crate::core::event::{Event, Key, KeyAndId, Original, StoredForm, StoredMessage, Text};
use crate::core::ids::{Digest, KeyGroup, Nanos, Position};
use crate::core::output::Headers;
use crate::core::parked::{FoundRow, Parked, Turn};
use bytes::Bytes;
use smallvec::SmallVec;
use std::sync::Arc;

/// The prefix of every waiting event.
pub const WAITING: [u8; 1] = [0x03];

/// Bytes of its key before the part's number.
const NAME: usize = 1 + 8 + 8 + 2;
/// Puts negative times before positive ones.
const SIGN: u64 = 1 << 63;

fn prefix(turn: Turn) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(NAME);
    prefix.extend_from_slice(&WAITING);
    prefix.extend_from_slice(&(turn.deadline.0.cast_unsigned() ^ SIGN).to_be_bytes());
    prefix.extend_from_slice(&turn.position.0.to_be_bytes());
    prefix.extend_from_slice(&turn.again.to_be_bytes());
    prefix
}

/// Appends what writes a waiting event over the `stored` parts that the store holds of it, and returns how many it has now.
pub fn encode_parked(parked: &Parked, stored: u16, out: &mut Vec<StoreChange>) -> Result<u16, RecordError> {
    let Event { message, stored: before, stream_time, kind_text, .. } = &parked.event;
    let mut body = Vec::with_capacity(message.payload.len() + 128);
    put_signed(&mut body, message.stored_at.0);
    put_signed(&mut body, stream_time.0);
    put_bytes(&mut body, message.subject.as_bytes());
    put_headers(&mut body, message.headers.as_deref());
    put_bytes(&mut body, parked.section.as_bytes());
    put_text(&mut body, kind_text.as_ref().map(|text| text.bytes(&message.payload)));
    let key = parked.event.reading.as_ref().ok().and_then(|reading| reading.key.as_ref());
    put_text(&mut body, key.map(|key| key.text.bytes(&message.payload)));
    put_bytes(&mut body, &message.payload);
    match before {
        StoredForm::AsItIs => put_varint(&mut body, 0),
        StoredForm::Before(original) => {
            put_varint(&mut body, original.length as u64 + 1);
            put_bytes(&mut body, &original.payload);
            put_headers(&mut body, original.headers.as_deref());
        }
        StoredForm::NotToBeShown(_) => unreachable!("what is not to be shown was rejected, and never waits"),
    }
    put_varint(&mut body, parked.found.len() as u64);
    for found in &parked.found {
        put_varint(&mut body, u64::from(found.table));
        body.extend_from_slice(&found.row.0.to_be_bytes());
        put_bytes(&mut body, found.columns.as_bytes());
    }
    split(&prefix(parked.turn), version::WAITING, &body, stored, out)
}

/// Appends what removes a waiting event of `stored` parts.
pub fn remove_parked(turn: Turn, stored: u16, out: &mut Vec<StoreChange>) {
    remove(&prefix(turn), 0..stored, out);
}

fn put_text(out: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        None => put_varint(out, 0),
        Some(text) => {
            put_varint(out, text.len() as u64 + 1);
            out.extend_from_slice(text);
        }
    }
}

fn put_headers(out: &mut Vec<u8>, headers: Option<&Headers>) {
    put_varint(out, headers.map_or(0, |headers| headers.len() as u64 + 1));
    for (name, value) in headers.into_iter().flatten() {
        put_bytes(out, name.as_bytes());
        put_bytes(out, value.as_bytes());
    }
}

/// Puts waiting events together from the entries of a scan over [`WAITING`].
#[derive(Debug)]
pub struct ParkedReader {
    joiner: Joiner,
    group: KeyGroup,
}

impl ParkedReader {
    /// For those of one key group.
    pub fn new(group: KeyGroup) -> ParkedReader {
        ParkedReader { joiner: Joiner::new(RecordKind::Waiting), group }
    }

    /// Takes the next entry of the scan; returns the event that it completes, with the number of its parts. Its registers
    /// and its identity are worked out when it is bound to a plan.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<Option<(Parked, u16)>, RecordError> {
        let group = self.group;
        match self.joiner.push(key, value)? {
            None => Ok(None),
            Some(whole) => Ok(Some((decode(&whole, group)?, whole.parts))),
        }
    }

    /// Asked at the end of the scan: whether its last event was whole.
    pub fn finish(&self) -> Result<(), RecordError> {
        self.joiner.finish()
    }
}

fn decode(whole: &WholeRecord<'_>, group: KeyGroup) -> Result<Parked, RecordError> {
    let mut name = RecordCursor::new(whole.prefix);
    if name.array()? != WAITING || whole.prefix.len() != NAME {
        return Err(RecordError::Damaged("its key is no waiting event's key"));
    }
    let deadline = Nanos((u64::from_be_bytes(name.array()?) ^ SIGN).cast_signed());
    let position = Position(u64::from_be_bytes(name.array()?));
    let turn = Turn { deadline, position, group, again: u16::from_be_bytes(name.array()?) };
    let mut cursor = RecordCursor::new(whole.body);
    let (stored_at, stream_time) = (Nanos(cursor.signed()?), Nanos(cursor.signed()?));
    let subject = sized_text(&mut cursor)?.into();
    let headers = headers(&mut cursor)?;
    let section = sized_text(&mut cursor)?.into();
    let kind_text = optional_text(&mut cursor)?.map(|text| Text::Owned(text.into()));
    let key = optional_text(&mut cursor)?;
    let key = key.map(|key| Key { digest: Digest::of(key.as_bytes()), text: Text::Owned(key.into()) });
    let payload = sized(&mut cursor)?;
    let stored = match cursor.varint()?.checked_sub(1) {
        None => StoredForm::AsItIs,
        Some(length) => {
            let length = usize::try_from(length).map_err(|_| TOO_LONG)?;
            let payload = sized(&mut cursor)?;
            StoredForm::Before(Box::new(Original { length, payload, headers: self::headers(&mut cursor)? }))
        }
    };
    let mut found = Vec::new();
    for _ in 0..cursor.varint()? {
        let table = cursor.short()?;
        let row = Digest(u128::from_be_bytes(cursor.array()?));
        let columns = sized(&mut cursor)?;
        let columns = Columns::from_bytes(&columns).ok_or(RecordError::Damaged("its columns are out of order"))?;
        found.push(FoundRow { table, row, columns });
    }
    if !cursor.is_empty() {
        return Err(RecordError::Damaged("something follows a waiting event"));
    }
    let message = StoredMessage { sequence: position.0, stored_at, subject, headers, payload };
    let event = Event {
        message,
        stored,
        stream_time,
        group,
        kind: 0,
        kind_text,
        reading: Ok(KeyAndId { key, identity: None }),
        unknown: Vec::new(),
        leaves: None,
    };
    Ok(Parked {
        turn,
        section,
        event,
        spans: Box::default(),
        found,
        ordered: SmallVec::new(),
        global_rows: SmallVec::new(),
    })
}

const TOO_LONG: RecordError = RecordError::Damaged("a length is beyond all bounds");

fn sized(cursor: &mut RecordCursor<'_>) -> Result<Bytes, RecordError> {
    let length = usize::try_from(cursor.varint()?).map_err(|_| TOO_LONG)?;
    Ok(Bytes::copy_from_slice(cursor.take(length)?))
}

fn sized_text<'a>(cursor: &mut RecordCursor<'a>) -> Result<&'a str, RecordError> {
    let length = cursor.varint()?;
    cursor.text(length)
}

fn optional_text<'a>(cursor: &mut RecordCursor<'a>) -> Result<Option<&'a str>, RecordError> {
    cursor.varint()?.checked_sub(1).map(|length| cursor.text(length)).transpose()
}

fn headers(cursor: &mut RecordCursor<'_>) -> Result<Option<Arc<Headers>>, RecordError> {
    let Some(count) = cursor.varint()?.checked_sub(1) else { return Ok(None) };
    let mut headers = Headers::new();
    for _ in 0..count {
        headers.push((sized_text(cursor)?.to_owned(), sized_text(cursor)?.to_owned()));
    }
    Ok(Some(Arc::new(headers)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parked(
        payload: Vec<u8>,
        stored: StoredForm,
        headers: Option<Headers>,
        deadline: i64,
        found: Vec<FoundRow>,
    ) -> Parked {
        let turn = Turn { deadline: Nanos(deadline), position: Position(7), group: KeyGroup(3), again: 1 };
        let key = Key { digest: Digest::of(b"ann"), text: Text::Owned("ann".into()) };
        let event = Event {
            message: StoredMessage {
                sequence: 7,
                stored_at: Nanos(-5),
                subject: "events.lesson".into(),
                headers: headers.map(Arc::new),
                payload: payload.into(),
            },
            stored,
            stream_time: Nanos(9),
            group: KeyGroup(3),
            kind: 0,
            kind_text: Some(Text::Owned("lesson".into())),
            reading: Ok(KeyAndId { key: Some(key), identity: None }),
            unknown: Vec::new(),
            leaves: None,
        };
        let (ordered, global_rows) = (SmallVec::new(), SmallVec::new());
        Parked { turn, section: "lesson".into(), event, spans: Box::default(), found, ordered, global_rows }
    }

    proptest! {
        #[test]
        fn a_waiting_event_comes_back(
            payload in prop::collection::vec(any::<u8>(), 0..8000),
            before in prop::option::of((prop::collection::vec(any::<u8>(), 0..50), 0_usize..9000)),
            headers in prop::option::of(prop::collection::vec((".{0,9}", ".{0,9}"), 0..3)),
            deadline: i64,
            rows in prop::collection::vec((any::<u16>(), any::<u128>(), prop::collection::vec(any::<u8>(), 0..9)), 0..3),
        ) {
            let stored = before.map_or(StoredForm::AsItIs, |(payload, length)| {
                StoredForm::Before(Box::new(Original { length, payload: payload.into(), headers: headers.clone().map(Arc::new) }))
            });
            let row = |(table, row, text): (u16, u128, Vec<u8>)| FoundRow {
                table,
                row: Digest(row),
                columns: Columns::default().merged([(1, text)]),
            };
            let parked = parked(payload, stored, headers, deadline, rows.into_iter().map(row).collect());
            let mut out = Vec::new();
            let parts = encode_parked(&parked, 0, &mut out).unwrap();
            let mut reader = ParkedReader::new(KeyGroup(3));
            let mut read = None;
            for (key, value) in &out {
                read = reader.push(key, value.as_ref().unwrap()).unwrap();
            }
            reader.finish().unwrap();
            prop_assert_eq!(format!("{:?}", read), format!("{:?}", Some((parked.clone(), parts))));
            out.clear();
            remove_parked(parked.turn, parts, &mut out);
            prop_assert_eq!(out.len(), usize::from(parts));
        }

        #[test]
        fn arbitrary_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let key = [&prefix(parked(Vec::new(), StoredForm::AsItIs, None, 1, Vec::new()).turn)[..], &[0, 0]].concat();
            let value = [&[1, 0, 1][..], &bytes].concat();
            let _ = ParkedReader::new(KeyGroup(3)).push(&key, &value);
        }
    }

    #[test]
    fn keys_sort_by_the_time_that_releases() {
        let key = |deadline| prefix(parked(Vec::new(), StoredForm::AsItIs, None, deadline, Vec::new()).turn);
        let keys = [i64::MIN, -1, 0, 1, i64::MAX].map(key);
        assert!(keys.is_sorted());
    }

    #[test]
    fn the_layout_is_pinned() {
        let mut out = Vec::new();
        encode_parked(&parked(b"{}".to_vec(), StoredForm::AsItIs, None, 1, Vec::new()), 0, &mut out).unwrap();
        let (key, value) = &out[0];
        assert_eq!(key[..], [3, 128, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 0]);
        let body = [
            &[9, 18, 13],
            &b"events.lesson"[..],
            &[0, 6],
            b"lesson",
            &[7],
            b"lesson",
            &[4],
            b"ann",
            &[2],
            b"{}",
            &[0, 0],
        ];
        assert_eq!(value.as_deref().unwrap(), [&[1, 0, 1], &body.concat()[..]].concat());
    }
}
