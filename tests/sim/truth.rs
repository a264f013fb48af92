//! What must hold at every step about the disk: never ahead of the lane, never in another order, never another value.

use super::context::Context;
use super::model::Disk;
use super::oracle::{Count, KEYS, LANGUAGES, Rows};
use super::plans::{at, letter};
use serde_json::{Value, json};
use sidestream::core::ids::{KeyGroup, Position};
use sidestream::core::record::{Batch, CHECKPOINT_KEY, Checkpoint, GroupMark, MARK_KEY, PlanSince, Space};
use sidestream::core::state::row::StoredRow;
use sidestream::core::state::view;
use sidestream::engine::restore::{read, stored_rows};
use sidestream::ports::store::{Store, StoreError};
use sidestream::protocol::facts::Disk as Known;
use sidestream::protocol::writes::CheckpointWrite;

/// Carries out one step of a checkpoint that follows the record `before`, the lane having confirmed outputs up to `known`,
/// after looking whether it may be.
pub fn write(
    context: &mut Context,
    disk: &Disk,
    before: &Checkpoint,
    known: u64,
    write: &CheckpointWrite,
) -> Result<(), StoreError> {
    match write {
        CheckpointWrite::Group(group, batch) => {
            let Some(mark) = value(batch, &MARK_KEY).and_then(|value| GroupMark::decode(value).ok()) else {
                context.violated(format!("group {} is written without a mark", group.0));
                return Ok(());
            };
            let recorded = disk.get(Space::Meta, CHECKPOINT_KEY).ok().flatten();
            let recorded = recorded.and_then(|value| Checkpoint::decode(&value).ok());
            if recorded.is_some_and(|record| record.position != before.position) {
                context.violated(format!("S is recorded before key group {} is written", group.0));
            }
            confirmed(context, "a key group", mark.position, (mark.lane.0, known), &before.plans);
            disk.apply(Space::of(*group), batch)
        }
        CheckpointWrite::Sync => disk.sync(),
        CheckpointWrite::Record(batch) => {
            let Some(record) = value(batch, CHECKPOINT_KEY).and_then(|value| Checkpoint::decode(value).ok()) else {
                context.violated("the record is written without a checkpoint");
                return Ok(());
            };
            if disk.pending() > 0 {
                context.violated("the record of S is written before its key groups are durable");
            }
            confirmed(context, "the record of S", record.position, (record.lane.0, known), &before.plans);
            disk.apply(Space::Meta, batch)
        }
    }
}

/// What is said to be durable stands on the disk: nothing waits for a sync, and the record names the position.
pub fn is_recorded(context: &mut Context, disk: &Disk, position: Position) {
    if disk.pending() > 0 {
        context.violated("a checkpoint counts as durable and is not synced");
    }
    // Looked at beside the disk, so that no operation is taken from those that still succeed.
    let recorded = disk.fork().get(Space::Meta, CHECKPOINT_KEY).ok().flatten();
    let recorded = recorded.and_then(|value| Checkpoint::decode(&value).ok()).map(|record| record.position);
    if recorded != Some(position) {
        context.violated(format!("the checkpoint at {position} counts as durable and the record says {recorded:?}"));
    }
}

fn value<'a>(batch: &'a Batch, key: &[u8]) -> Option<&'a [u8]> {
    batch.changes.iter().rev().find(|(name, _)| name == key)?.1.as_deref()
}

/// State as of a position may be written once the lane has confirmed every output up to there, and R counts exactly those.
/// The plans are those of the start that writes.
fn confirmed(context: &mut Context, what: &str, position: Position, (lane, known): (u64, u64), plans: &[PlanSince]) {
    if context.input_before.is_some() {
        return;
    }
    if lane <= known && context.longest > context.lane_last() {
        // The lane lost outputs since they were confirmed, and nobody has noticed yet: what there were is not there to be counted.
        return;
    }
    let outputs = context.stored(position.0);
    let due = context.due(|position| at(plans, position).unwrap_or('A'));
    if lane > known {
        context.violated(format!("{what} as of {position} is written with R {lane}: the lane has confirmed {known}"));
    } else if lane > context.longest {
        let longest = context.longest;
        context.violated(format!(
            "{what} as of {position} is written with R {lane}: the lane never went beyond {longest}"
        ));
    } else if lane != outputs {
        context.violated(format!("{what} as of {position} has R {lane}, but there are {outputs} outputs up to there"));
    } else if let Some((due, n)) = due.filter(|(due, _)| *due <= position.0) {
        context.violated(format!("{what} as of {position} is written without output {n} of position {due}"));
    }
}

/// Whether the lane has other outputs up to B than a directory says, or went on under another plan before B: since an older
/// copy of the directory was there, another engine published something else.
pub fn is_of_another_history(context: &Context, known: &Known) -> bool {
    let (Some(record), Some(newest)) = (&known.checkpoint, context.newest_of_ours()) else { return false };
    let reached = known.reached();
    let plan = record.plans.iter().rev().find(|plan| plan.since <= reached);
    let plan = plan.and_then(|plan| Some((letter(&plan.plan)?, plan.since.0)));
    let other_plan = newest.plan.1 <= reached.0 && newest.cause > reached.0 && plan != Some(newest.plan);
    other_plan || context.stored(reached.0) != known.reached_lane().0
}

/// Every key on disk holds what the input left behind up to its group's position.
pub fn check_disk(context: &mut Context, disk: &Disk) {
    if context.input_before.is_some() {
        return;
    }
    let Ok(known) = read(disk) else { return };
    let Some(record) = &known.checkpoint else { return };
    let plan = record.plans.iter().rev().find(|plan| plan.since.0 <= record.position.0 + 1);
    let Some(letter) = plan.and_then(|plan| letter(&plan.plan)) else {
        return context.violated("the record names an unknown plan");
    };
    if ['G', 'H'].contains(&letter) {
        let Ok(rows) = stored_rows(disk, "") else { return };
        let shown = view::of_key("", record.position, &record.layout, rows.iter().map(StoredRow::row));
        let found = shown.map(|mut shown| shown["tables"]["land"].take()).unwrap_or_else(|| json!({}));
        let lands = context.oracle.lands(record.position.0);
        let expected: serde_json::Map<String, Value> =
            lands.into_iter().map(|(language, name)| (language.to_owned(), json!({ "name": name }))).collect();
        if found != Value::Object(expected.clone()) {
            let position = record.position;
            return context.violated(format!("the global table as of {position} is {found}, not {}", json!(expected)));
        }
    }
    for key in 0..KEYS {
        let text = format!("u{key}");
        let group = KeyGroup::of(&text);
        let mark = disk.get(Space::Group(group), &MARK_KEY).ok().flatten().and_then(|v| GroupMark::decode(&v).ok());
        let position = mark.map_or(record.position, |mark| mark.position.max(record.position));
        let Ok(rows) = stored_rows(disk, &text) else { return };
        let found = view::of_key(&text, position, &record.layout, rows.iter().map(StoredRow::row))
            .map(|mut v| v["tables"].take());
        let count = context.oracle.count(key, position.0).filter(|_| ['G', 'H'].contains(&letter));
        let expected = tables(key, &context.oracle.rows(position.0), letter == 'C', count);
        if found != expected {
            let show = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
            let (found, expected) = (show(&found), show(&expected));
            return context.violated(format!("key {text} as of {position} holds {found}, not {expected}"));
        }
    }
}

/// A key's rows as the product shows them.
fn tables(key: u64, rows: &Rows, names: bool, count: Option<Count>) -> Option<Value> {
    let mut tables = serde_json::Map::new();
    if let Some(count) = count {
        let sum: Value = serde_json::from_str(&count.sum()).unwrap_or_default();
        tables.insert("counts".to_owned(), json!({ "n": count.n, "v": sum }));
    }
    if let Some(value) = rows.get(&(key, "")).and_then(|row| row.value) {
        let mut user = json!({ "country": format!("c{value}") });
        if names {
            user["name"] = json!(format!("n{value}"));
        }
        tables.insert("user".to_owned(), user);
    }
    let mut subscriptions = serde_json::Map::new();
    for language in LANGUAGES {
        let Some(row) = rows.get(&(key, language)) else { continue };
        let mut shown = match row.value {
            Some(value) => json!({ "status": format!("s{value}") }),
            None => json!({ ".removed": true }),
        };
        let version = row.version.as_ref().and_then(|(_, text)| serde_json::from_str(text).ok());
        shown[".version"] = version.unwrap_or_default();
        subscriptions.insert(language.to_owned(), shown);
    }
    if !subscriptions.is_empty() {
        tables.insert("subscription".to_owned(), Value::Object(subscriptions));
    }
    (!tables.is_empty()).then_some(Value::Object(tables))
}
