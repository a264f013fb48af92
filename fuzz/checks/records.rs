//! Target `records`: any bytes as stored records, and any values through them.
//!
//! Decoding never panics and takes no more memory than what it reads; what decodes is encoded to the same bytes, or,
//! where the record is JSON, to a record of the same meaning; what was encoded comes back; damage is refused or stays
//! under its own name.

use super::feed::Feed;
use sidestream::core::columns::Columns;
use sidestream::core::ids::{Content, Digest, LaneSequence, Nanos, Position};
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::enrich::JoinSpec;
use sidestream::core::plan::layout::Layout;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::core::record::bytes::{RecordCursor, put_signed, put_varint};
use sidestream::core::record::parts::part_of;
use sidestream::core::record::version::{GENERATION, IDS};
use sidestream::core::record::{
    Checkpoint, GroupMark, PlanReader, PlanSince, RecordError, Rewind, RowName, RowReader, StoreChange, StoreFormat,
    VALUE_LIMIT, decode_dedup, dedup_key, dedup_position, encode_dedup, encode_plan, encode_row,
};
use std::collections::BTreeMap;

/// A stored key and its value.
type Entry = (Vec<u8>, Vec<u8>);

/// Checks one input. The first byte picks a check.
pub fn check(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else { return };
    match mode % 8 {
        0 => fixed(rest),
        1 => chunks(rest),
        2 => meta(rest),
        3 => entries(&mut Feed(rest)),
        4 => damaged_rows(&mut Feed(rest)),
        5 => damaged_plan(&mut Feed(rest)),
        6 => any_chunks(&mut Feed(rest)),
        _ => any_checkpoint(&mut Feed(rest)),
    }
}

/// Marks, keys, numbers and columns: one encoding each.
fn fixed(bytes: &[u8]) {
    if let Ok(mark) = GroupMark::decode(bytes) {
        assert_eq!(mark.encode(), bytes);
    }
    if let Ok((position, chunk)) = dedup_position(bytes) {
        assert_eq!(dedup_key(position, chunk), bytes);
    }
    if let Ok((prefix, part)) = part_of(bytes) {
        assert_eq!([prefix, &part.to_be_bytes()].concat(), bytes);
    }
    let mut cursor = RecordCursor::new(bytes);
    let mut again = Vec::new();
    for signed in [false, true] {
        let before = cursor.rest().len();
        let start = again.len();
        match signed {
            false => cursor.varint().map(|number| put_varint(&mut again, number)).unwrap_or_default(),
            true => cursor.signed().map(|number| put_signed(&mut again, number)).unwrap_or_default(),
        }
        if again.len() == start {
            break;
        }
        assert_eq!(before - cursor.rest().len(), again.len() - start, "a number has one encoding");
        assert!(bytes.starts_with(&again));
    }
    if let Some(columns) = Columns::from_bytes(bytes) {
        assert_eq!(columns.as_bytes(), bytes);
        let listed: Vec<(u16, &[u8])> = columns.iter().collect();
        assert!(listed.is_sorted_by(|a, b| a.0 < b.0));
        assert!(listed.iter().all(|(id, text)| columns.get(*id) == Some(*text)));
        let written = Columns::default().merged(listed.iter().copied());
        assert!(written.iter().eq(listed.iter().copied()));
        assert!(columns.merged::<&[u8]>([]).iter().eq(listed.iter().copied()));
    }
}

/// A chunk of ids.
fn chunks(bytes: &[u8]) {
    let mut found = Vec::new();
    let outcome = decode_dedup(bytes, &mut found);
    assert!(found.capacity() <= 8 + bytes.len() / 8, "{} entries' room for {} bytes", found.capacity(), bytes.len());
    if outcome.is_ok() {
        let mut changes = Vec::new();
        encode_dedup(Position(1), &found, &mut changes).expect("it came from less");
        let mut again = Vec::new();
        for (_, value) in &changes {
            decode_dedup(value.as_deref().expect("a value"), &mut again).expect("it was just written");
        }
        assert_eq!(again, found);
        // Room for contents of which none is known stands in a chunk beside another one that has some.
        let bare = bytes.first() == Some(&IDS) && found.iter().all(|(.., content)| *content == Content::UNKNOWN);
        if let ([(_, Some(value))], false) = (changes.as_slice(), bare) {
            assert_eq!(value, bytes);
        }
    }
}

/// The records that are JSON, and plans.
fn meta(bytes: &[u8]) {
    if let Ok(checkpoint) = Checkpoint::decode(bytes) {
        assert_eq!(Checkpoint::decode(&checkpoint.encode()), Ok(checkpoint));
    }
    if let Ok(format) = StoreFormat::decode(bytes) {
        assert_eq!(StoreFormat::decode(&format.encode()), Ok(format.clone()));
        assert_eq!(
            format.differences().is_empty() && format.later().is_none(),
            (1..=GENERATION).contains(&format.record) && StoreFormat { record: 1, ..format } == StoreFormat::first()
        );
    }
    if let Ok(spec) = serde_json::from_slice::<PlanSpec>(bytes) {
        let text = spec.text();
        assert_eq!(serde_json::from_str::<PlanSpec>(&text).expect("a plan's text"), spec);
        // That joins name what there is, the configuration's check sees to.
        let resolves = |join: &JoinSpec| {
            spec.tables.get(&join.table).is_some_and(|table| table.columns.contains_key(&join.column))
        };
        let mut cascaded = spec.tables.values().flat_map(|table| &table.cascade);
        let is_there = |table: &String| spec.tables.contains_key(table);
        if spec.enrich.iter().flat_map(|enrich| enrich.add.values()).all(resolves) && cascaded.all(is_there) {
            let plan = Plan::compile(spec, &Layout::default());
            assert_eq!(plan.spec.text(), text);
            assert_eq!(plan.layout.extended(&plan.spec), plan.layout);
        }
    }
}

/// Entries of any kind, as a scan would bring them.
fn entries(feed: &mut Feed<'_>) {
    let mut list = Vec::new();
    while !feed.is_spent() && list.len() < 12 {
        list.push((feed.stretched(), feed.stretched()));
    }
    let _ = read_rows(&list);
    let _ = read_plans(&list);
    // A reader that met damage stays usable, if only for more of it.
    let (mut rows, mut plans) = (RowReader::default(), PlanReader::default());
    for (key, value) in &list {
        let _ = rows.push(key, value).is_ok();
        let _ = plans.push(key, value).is_ok();
    }
    let _ = (rows.finish(), plans.finish());
}

/// A row's key, table and row text.
type Name = (String, u16, Option<String>);

/// A row by its name, with its columns.
type Row = (String, u16, Option<String>, Vec<(u16, Vec<u8>)>);

/// Reads rows; each must be what its entries are the encoding of.
fn read_rows(entries: &[Entry]) -> Result<Vec<Row>, RecordError> {
    let mut reader = RowReader::default();
    let mut rows = Vec::new();
    for (n, (key, value)) in entries.iter().enumerate() {
        if let Some(view) = reader.push(key, value)? {
            let mut again = Vec::new();
            let parts = encode_row(&view.name, &view.columns, view.parts, &mut again)?;
            assert_eq!(parts, view.parts);
            let first = n + 1 - usize::from(parts);
            assert!(again.iter().eq(entries[first..=n].iter().map(written).collect::<Vec<_>>().iter()));
            let columns = view.columns.iter().map(|(id, text)| (id, text.to_vec())).collect();
            rows.push((view.name.key.to_owned(), view.name.table, view.name.row.map(str::to_owned), columns));
        }
    }
    reader.finish().map(|()| rows)
}

/// Reads plans; each must be what its entries are the encoding of.
fn read_plans(entries: &[Entry]) -> Result<Vec<(String, String)>, RecordError> {
    let mut reader = PlanReader::default();
    let mut plans = Vec::new();
    for (n, (key, value)) in entries.iter().enumerate() {
        if let Some((fingerprint, text)) = reader.push(key, value)? {
            let mut again = Vec::new();
            let parts = encode_plan(fingerprint, text, &mut again)?;
            let first = n + 1 - usize::from(parts);
            assert!(again.iter().eq(entries[first..=n].iter().map(written).collect::<Vec<_>>().iter()));
            plans.push((fingerprint.to_owned(), text.to_owned()));
        }
    }
    reader.finish().map(|()| plans)
}

fn written(entry: &Entry) -> StoreChange {
    (entry.0.clone(), Some(entry.1.clone()))
}

fn stored(changes: Vec<StoreChange>) -> Vec<Entry> {
    let store: BTreeMap<Vec<u8>, Option<Vec<u8>>> = changes.into_iter().collect();
    assert!(store.values().flatten().all(|value| value.len() < VALUE_LIMIT));
    store.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// Rows of any values come back; damaged ones are refused, or differ in their columns only.
fn damaged_rows(feed: &mut Feed<'_>) {
    let mut rows: BTreeMap<Name, BTreeMap<u16, Vec<u8>>> = BTreeMap::new();
    for _ in 0..1 + feed.byte() % 3 {
        let (key, table) = (feed.text(), feed.short());
        let row = (feed.byte() % 2 == 1).then(|| feed.text());
        let columns = (0..feed.byte() % 4).map(|_| (feed.short(), feed.stretched())).collect();
        rows.insert((key, table, row), columns);
    }
    let mut changes = Vec::new();
    for ((key, table, row), columns) in &rows {
        let name = RowName { key, table: *table, row: row.as_deref() };
        let columns: Vec<(u16, &[u8])> = columns.iter().map(|(id, text)| (*id, text.as_slice())).collect();
        encode_row(&name, &Columns::default().merged(columns.iter().copied()), 0, &mut changes)
            .expect("a row of a few kilobytes");
    }
    let mut entries = stored(changes);
    let mut found = read_rows(&entries).expect("what was just written");
    found.sort();
    let wanted: Vec<Row> =
        rows.iter().map(|(name, columns)| (name.0.clone(), name.1, name.2.clone(), pairs(columns))).collect();
    assert_eq!(found, wanted);
    if damage(&mut entries, feed)
        && let Ok(found) = read_rows(&entries)
    {
        for (key, table, row, _) in found {
            assert!(rows.contains_key(&(key, table, row)), "damage made up a row");
        }
    }
}

fn pairs(columns: &BTreeMap<u16, Vec<u8>>) -> Vec<(u16, Vec<u8>)> {
    columns.iter().map(|(id, text)| (*id, text.clone())).collect()
}

/// A plan's text comes back; a damaged one is refused or read, never a panic.
fn damaged_plan(feed: &mut Feed<'_>) {
    let plan = (format!("{:016x}", feed.long()), feed.text());
    let mut changes = Vec::new();
    encode_plan(&plan.0, &plan.1, &mut changes).expect("a plan of a few kilobytes");
    let mut entries = stored(changes);
    assert_eq!(read_plans(&entries), Ok(vec![plan]));
    damage(&mut entries, feed);
    let _ = read_plans(&entries);
}

/// Spoils entries as the rest of the input says; false when it says nothing. Keys stay whole, as in a store.
fn damage(entries: &mut Vec<Entry>, feed: &mut Feed<'_>) -> bool {
    let some = !feed.is_spent();
    while !feed.is_spent() && !entries.is_empty() {
        let n = usize::from(feed.byte()) % entries.len();
        let how = feed.byte();
        let at = usize::from(feed.short());
        let value = &mut entries[n].1;
        match how % 6 {
            0 if !value.is_empty() => {
                let at = at % value.len();
                value[at] ^= 1 << (how >> 5);
            }
            1 => value.truncate(at),
            2 => value.extend_from_slice(feed.bytes(at % 16)),
            3 => drop(entries.remove(n)),
            4 => {
                let other = at % entries.len();
                let copy = entries[other].1.clone();
                entries[n].1 = copy;
            }
            5 if !value.is_empty() => {
                let at = at % value.len();
                value[at] = feed.byte();
            }
            _ => {}
        }
    }
    some
}

/// Ids and times of any value come back.
fn any_chunks(feed: &mut Feed<'_>) {
    let position = Position(feed.long());
    let again = usize::from(feed.byte());
    let contents = again >= 128;
    let mut entries = Vec::new();
    while !feed.is_spent() {
        let digest = Digest(u128::from(feed.long()) << 64 | u128::from(feed.byte()));
        let time = Nanos(feed.long() as i64);
        entries.push((digest, time, if contents { Content(feed.long()) } else { Content::UNKNOWN }));
    }
    let entries = entries.repeat(1 + again % 64);
    let mut changes = Vec::new();
    let count = encode_dedup(position, &entries, &mut changes).expect("a few thousand ids");
    assert_eq!(usize::from(count), changes.len());
    let mut found = Vec::new();
    let version = if entries.iter().any(|(.., content)| *content != Content::UNKNOWN) { IDS } else { 1 };
    for (n, (key, value)) in changes.iter().enumerate() {
        let value = value.as_deref().expect("a value");
        assert!(value.len() < VALUE_LIMIT && value.first() == Some(&version));
        assert_eq!(dedup_position(key), Ok((position, n as u16)));
        decode_dedup(value, &mut found).expect("it was just written");
    }
    assert_eq!(found, entries);
}

/// A checkpoint and a mark of any values come back.
fn any_checkpoint(feed: &mut Feed<'_>) {
    let mark = GroupMark {
        position: Position(feed.long()),
        stored_at: Nanos(feed.long() as i64),
        lane: LaneSequence(feed.long()),
    };
    assert_eq!(GroupMark::decode(&mark.encode()), Ok(mark));
    let mut nanos = || Nanos(feed.long() as i64);
    let (stream_time, input_created, output_created) = (nanos(), nanos(), nanos());
    let (origin, gaps) = (Position(feed.long()), feed.long());
    let names: Vec<String> = (0..1 + feed.byte() % 3).map(|_| feed.text()).collect();
    let plans = names.iter().map(|name| PlanSince { plan: name.clone(), since: Position(feed.long()) }).collect();
    let checkpoint = Checkpoint {
        position: mark.position,
        lane: mark.lane,
        stored_at: mark.stored_at,
        stream_time,
        input_created,
        output_created,
        origin,
        plans,
        layout: Layout::default(),
        gaps,
        rewinds: (1..=u32::from(feed.byte() % 3))
            .map(|number| Rewind { number, floor: mark.position, lane: mark.lane })
            .collect(),
    };
    assert_eq!(Checkpoint::decode(&checkpoint.encode()), Ok(checkpoint));
}
