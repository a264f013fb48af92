//! The step of an event as the rules tell it: slow, plain, and with nothing of the product but its plan as data.
//!
//! Keeps rows and ids in ordered maps. What it expects of one event is a `Wanted`; `splice` compares.

use super::expected::{self, Found, Read};
use super::plans::Known;
use super::render::{Target, render};
use sidestream::core::event::StoredMessage;
use sidestream::core::plan::enrich::{EnrichSpec, OnMiss};
use sidestream::core::plan::spec::{IdentityRule, UnknownKinds};
use sidestream::core::plan::table::{TableSpec, WriteMode};
use sidestream::core::rejection::Reason;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// A row's name: key, table, and what tells the key's rows apart.
pub type RowKey = (String, String, Option<String>);

/// A row: the JSON text of every column that was ever set.
pub type Row = BTreeMap<String, String>;

/// What must become of an event.
#[derive(Debug)]
pub enum Wanted {
    Duplicate,
    Dropped,
    Output { subject: String, payload: String, target: Target },
    Dead { reason: Reason, subject: String, kind: Option<String>, key: Option<String> },
}

/// Everything that earlier events left behind.
#[derive(Debug, Default)]
pub struct Model {
    pub rows: BTreeMap<RowKey, Row>,
    /// When each identity was processed last.
    ids: BTreeMap<(Option<String>, Option<String>, String), i64>,
    time: Option<i64>,
}

/// A rejection on the way, or a row that is written (`None`: removed).
type Changes = Vec<(RowKey, Option<Row>)>;

impl Model {
    /// Takes an event and says what must become of it.
    pub fn step(&mut self, known: &Known, message: &StoredMessage) -> Wanted {
        let spec = &known.plan.spec;
        let now = self.time.map_or(message.stored_at.0, |time| time.max(message.stored_at.0));
        self.time = Some(now);
        let read = match expected::read(known, message) {
            Ok(read) => read,
            Err((reason, kind)) => return dead(known, message, reason, kind, None),
        };
        if read.section.is_none() && spec.unknown_kinds == UnknownKinds::Drop {
            return Wanted::Dropped;
        }
        let kind = read.kind_text.clone().filter(|_| spec.identity == IdentityRule::Kind);
        let identity = read.id.clone().map(|id| (kind, read.key.clone(), id));
        let before = identity.as_ref().and_then(|identity| self.ids.get(identity));
        if before.is_some_and(|t0| i128::from(now) - i128::from(*t0) < i128::from(spec.dedup_window_s) * 1_000_000_000)
        {
            return Wanted::Duplicate;
        }
        let (changes, target, payload) = match self.work_out(known, message, &read) {
            Ok(worked_out) => worked_out,
            Err(reason) => return dead(known, message, reason, read.kind_text, read.key),
        };
        if (payload.len() + headers(known, message, &copied(message))) as u64 > spec.max_bytes {
            return dead(known, message, Reason::TooLarge, read.kind_text, read.key);
        }
        for (key, row) in changes {
            match row {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
        if let Some(identity) = identity.filter(|_| spec.dedup_window_s > 0) {
            self.ids.insert(identity, now);
        }
        let kind = read.section.and(read.kind_text.as_deref());
        let subject = subject(&spec.output_subject.to_string(), kind, &message.subject, None);
        Wanted::Output { subject, payload, target }
    }

    fn work_out(
        &self,
        known: &Known,
        message: &StoredMessage,
        read: &Read<'_, '_>,
    ) -> Result<(Changes, Target, String), Reason> {
        let spec = &known.plan.spec;
        let mut changes = Changes::new();
        for (name, table) in spec.tables.iter().filter(|(_, table)| Some(table.from.as_str()) == read.section) {
            changes.push(self.change(name, table, message, read)?);
        }
        let mut target = Target::default();
        let mut missed = false;
        let applies = |section: &&EnrichSpec| section.kinds.iter().any(|kind| Some(kind.as_str()) == read.section);
        for section in spec.enrich.iter().filter(applies) {
            target.at(&section.into);
            for (field, join) in &section.add {
                let row = match &join.row {
                    None => Some(None),
                    Some(selector) => match expected::named(selector, message, &read.event) {
                        Ok(row) => Some(Some(row)),
                        Err(Reason::NoKey) => None,
                        Err(reason) => return Err(reason),
                    },
                };
                let key = |row| (read.key.clone().unwrap_or_default(), join.table.clone(), row);
                let row = row.map(key).and_then(|key| match changes.iter().find(|(changed, _)| *changed == key) {
                    Some((_, own)) => own.as_ref(),
                    None => self.rows.get(&key),
                });
                let value = match (row, section.at_last()) {
                    (Some(row), _) => Some(row.get(&join.column).map_or("null", String::as_str).to_owned()),
                    (None, OnMiss::DeadLetter) => return Err(Reason::Miss),
                    (None, OnMiss::Omit) => None,
                    (None, OnMiss::Null) => Some("null".to_owned()),
                    (None, OnMiss::Wait) => unreachable!("the model has no plan in which events wait"),
                };
                missed |= row.is_none();
                target.at(&section.into).add.insert(field.clone(), value);
            }
        }
        let mark = (read.section.is_some() && !missed).to_string();
        target.last = spec.mark.clone().map(|name| (name, mark));
        let payload = render(&read.event, &target).ok_or(Reason::BadInto)?;
        Ok((changes, target, payload))
    }

    fn change(
        &self,
        name: &str,
        table: &TableSpec,
        message: &StoredMessage,
        read: &Read<'_, '_>,
    ) -> Result<(RowKey, Option<Row>), Reason> {
        let at = |selector| expected::at(selector, message, &read.event);
        let row = table.row.as_ref().map(|row| expected::named(row, message, &read.event)).transpose()?;
        let key = (read.key.clone().unwrap_or_default(), name.to_owned(), row);
        if table.delete.as_ref().is_some_and(|delete| expected::equals(&at(&delete.field), &delete.equals)) {
            return Ok((key, None));
        }
        let kept = self.rows.get(&key).filter(|_| table.write == WriteMode::Merge);
        let mut row = kept.cloned().unwrap_or_default();
        for (column, selector) in &table.columns {
            match at(selector) {
                Found::Absent => continue,
                Found::Json(raw) => row.insert(column.clone(), raw.to_owned()),
                Found::Outside(text) => row.insert(column.clone(), serde_json::Value::from(text).to_string()),
            };
        }
        Ok((key, Some(row)))
    }
}

fn dead(known: &Known, message: &StoredMessage, reason: Reason, kind: Option<String>, key: Option<String>) -> Wanted {
    let unknown = kind.as_deref().is_none_or(|kind| expected::section(&known.plan.spec.kinds, kind).is_none());
    let named = kind.as_deref().filter(|_| !unknown);
    let subject = subject(&known.plan.spec.dead_subject.to_string(), named, &message.subject, Some(reason));
    Wanted::Dead { reason, subject, kind, key }
}

/// The input headers that go on.
pub fn copied(message: &StoredMessage) -> Vec<(String, String)> {
    let ours = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("nats-") || name.starts_with("sidestream-")
    };
    message.headers.iter().flat_map(|list| list.iter()).filter(|(name, _)| !ours(name)).cloned().collect()
}

/// What the headers of an output count for against the size limit.
pub fn headers(known: &Known, message: &StoredMessage, copied: &[(String, String)]) -> usize {
    let position = format!("{}:{}:0", known.plan.spec.input_stream, message.sequence);
    let time = message.stored_at.0.to_string();
    let own = [("Sidestream-Position", position.as_str()), ("Sidestream-Time", time.as_str())];
    let copied = copied.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    own.into_iter().chain(copied).map(|(name, value)| name.len() + value.len() + 4).sum::<usize>() + 12 + 256
}

/// A template, filled.
fn subject(template: &str, kind: Option<&str>, input: &str, reason: Option<Reason>) -> String {
    let mut out = String::new();
    for (n, piece) in template.split(['{', '}']).enumerate() {
        if n % 2 == 0 {
            out += piece;
            continue;
        }
        let part = |n| kind.map_or(Some("unknown"), |kind| kind.split(':').nth(n));
        let value = match piece {
            "kind" => Some(kind.unwrap_or("unknown")),
            "type" => part(0),
            "subtype" => part(1),
            "reason" => reason.map(Reason::code),
            token => input.split('.').nth(token["subject.".len()..].parse::<usize>().expect("a number") - 1),
        };
        out += &token(value.unwrap_or_default());
    }
    out
}

/// One safe token.
fn token(text: &str) -> String {
    let safe: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect();
    match safe.len() {
        0 => "_".to_owned(),
        1..=64 => safe,
        _ => format!("{}_{:016x}", &safe[..47], xxh3_64(text.as_bytes())),
    }
}
