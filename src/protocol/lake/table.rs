//! The lake's two tables, and how a row's body is written in each format.
//!
//! Events and dead letters stand in tables of their own, since a dead letter's body may be no JSON at all.

use super::row::{Dead, LakeRow};
use crate::json::text::escape_into;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LakeTable {
    /// Outputs.
    Events,
    /// Dead letters.
    DeadLetters,
}

impl LakeTable {
    /// Every table.
    pub const ALL: [LakeTable; 2] = [LakeTable::Events, LakeTable::DeadLetters];

    /// The table of a row.
    pub fn of(row: &LakeRow) -> LakeTable {
        if row.dead.is_some() { LakeTable::DeadLetters } else { LakeTable::Events }
    }

    /// The name of its folder, and the value of its metric label.
    pub fn name(self) -> &'static str {
        match self {
            LakeTable::Events => "events",
            LakeTable::DeadLetters => "dead_letters",
        }
    }
}

/// What the files of a lake are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Parquet, compressed with zstd.
    #[default]
    Parquet,
    /// One JSON text a line, compressed with zstd.
    Ndjson,
}

impl FileFormat {
    /// The end of a file's name.
    pub fn suffix(self) -> &'static str {
        match self {
            FileFormat::Parquet => "parquet",
            FileFormat::Ndjson => "ndjson.zst",
        }
    }

    /// The text of a row as its file has it: what a file's digest is made of.
    pub fn text(self, row: &LakeRow) -> Cow<'_, [u8]> {
        match (self, &row.dead) {
            (FileFormat::Parquet, _) => Cow::Borrowed(&row.body),
            (FileFormat::Ndjson, None) => one_line(&row.body),
            (FileFormat::Ndjson, Some(dead)) => Cow::Owned(letter(row, dead)),
        }
    }
}

/// A JSON text without line breaks, which can only stand between its tokens.
fn one_line(body: &[u8]) -> Cow<'_, [u8]> {
    if !body.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Cow::Borrowed(body);
    }
    Cow::Owned(body.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect())
}

/// A dead letter as a line: its body as text where it is UTF-8, else in hexadecimal digits.
fn letter(row: &LakeRow, dead: &Dead) -> Vec<u8> {
    let mut out = format!(
        r#"{{"rewinds":{},"position":{},"n":{},"stored_at_ns":{}"#,
        row.id.rewinds, row.id.position, row.id.n, row.stored_at
    )
    .into_bytes();
    let mut member = |name: &str, value: Option<&str>| {
        out.extend(format!(",\"{name}\":").bytes());
        match value {
            Some(value) => escape_into(&mut out, value),
            None => out.extend(b"null"),
        }
    };
    member("kind", row.kind.as_deref());
    member("key", row.key.as_deref());
    member("reason", Some(&dead.reason));
    member("error", Some(&dead.error));
    member("subject", Some(&dead.subject));
    match std::str::from_utf8(&row.body) {
        Ok(text) => member("body", Some(text)),
        Err(_) => {
            let digits: String = row.body.iter().map(|byte| format!("{byte:02x}")).collect();
            member("body_hex", Some(&digits));
        }
    }
    if let Some(length) = dead.length {
        out.extend(format!(",\"length\":{length}").bytes());
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::super::row::LakeRowId;
    use super::*;
    use crate::core::ids::Nanos;

    fn row(body: &'static [u8], dead: Option<Dead>) -> LakeRow {
        LakeRow {
            id: LakeRowId { rewinds: 0, position: 7, n: 0 },
            stored_at: Nanos(5),
            event_time: None,
            kind: None,
            key: Some("k".to_owned()),
            dead: dead.map(Box::new),
            body: body.into(),
        }
    }

    #[test]
    fn a_line_has_no_line_break_and_parquet_keeps_every_byte() {
        let event = row(b"{\"a\":\r\n1}", None);
        assert_eq!(&*FileFormat::Ndjson.text(&event), b"{\"a\":  1}");
        assert_eq!(*FileFormat::Parquet.text(&event), *event.body);
        let dead = Dead { reason: "not_json".into(), error: "no \"x\"".into(), subject: "a.b".into(), length: Some(9) };
        let letter = row(b"x\xff", Some(dead));
        assert_eq!(
            String::from_utf8(FileFormat::Ndjson.text(&letter).into_owned()).unwrap(),
            r#"{"rewinds":0,"position":7,"n":0,"stored_at_ns":5,"kind":null,"key":"k","reason":"not_json","error":"no \"x\"","subject":"a.b","body_hex":"78ff","length":9}"#
        );
    }
}
