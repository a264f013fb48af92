//! An entry of the lake: a run of rows and the files that they stand in, as JSON text.
//!
//! The same text decides (the intent) and, with the files' lengths, publishes (the log). Two builds that carry out one intent
//! write one log text: nothing in it depends on who did.

use super::columns::Column;
use super::row::LakeRowId;
use super::table::{FileFormat, LakeTable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The layout of an entry's text that this build writes.
pub const VERSION: u32 = 1;

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A writer begins; every earlier one ends.
    Claim,
    /// Rows are published.
    Commit,
    /// Rows are given up that the output stream does not have any more.
    Gap,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LakeEntry {
    /// The version of this text.
    pub version: u32,
    /// Its number, from 0 without a hole.
    pub n: u64,
    /// What it does.
    pub kind: EntryKind,
    /// The epoch of its writer; a claim begins a new one.
    pub epoch: u64,
    /// Its writer, a process.
    pub writer: String,
    /// When its writer decided it, in milliseconds since 1970 by the writer's clock; for people and for Delta.
    pub at_ms: i64,
    /// The last row before it; `None` before the first row.
    pub from: Option<LakeRowId>,
    /// The last row of it.
    pub to: Option<LakeRowId>,
    /// The sequence in the output stream of the row `to`: a hint, since the stream may be made again.
    pub lane: u64,
    /// When that stream was created, in nanoseconds since 1970.
    pub lane_created: i64,
    /// Rows of both tables.
    pub rows: u64,
    /// Those among them whose own time could not be used.
    pub fallbacks: u64,
    /// How its files are made.
    pub made: FileRules,
    /// The files, in the order of their paths' making.
    pub files: Vec<File>,
    /// XXH3 of the log text before it, 16 hexadecimal digits; empty for the first.
    pub after: String,
}

/// How files are made: all that decides which rows stand in which file, beside the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRules {
    /// The layout of the events' folders.
    pub partition: String,
    /// What the files are.
    pub format: FileFormat,
    /// Where an event's own time is.
    pub time: Option<String>,
    /// The most bytes of texts in one file.
    pub target_bytes: u64,
    /// The declared columns of the events' files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its table.
    pub table: LakeTable,
    /// Its path from the lake's root.
    pub path: String,
    /// The values of its folder by column; null where rows have none.
    pub partition: BTreeMap<String, Option<String>>,
    /// How many rows it has.
    pub rows: u64,
    /// Its first row.
    pub first: LakeRowId,
    /// Its last row.
    pub last: LakeRowId,
    /// The texts of its rows; see [`Digests`].
    pub digest: String,
    /// Which rows it has; see [`Digests`].
    pub ids: String,
    /// Its length in bytes, once it is in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl LakeEntry {
    /// The entry's text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("owned strings and numbers into memory")
    }

    /// Reads a text; the error is a sentence.
    pub fn parse(text: &str) -> Result<LakeEntry, String> {
        let entry: LakeEntry = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match entry.version {
            VERSION => Ok(entry),
            later => Err(format!("it has version {later}, and this build knows {VERSION}")),
        }
    }

    /// The fingerprint of a text, for the entry behind it.
    pub fn fingerprint(text: &str) -> String {
        format!("{:016x}", xxh3_64(text.as_bytes()))
    }
}

/// The digests of a file: XXH3 of its rows' own digests in order, and of their numbers.
#[derive(Clone, Default)]
pub struct Digests {
    texts: Xxh3,
    ids: Xxh3,
}

impl Digests {
    /// Takes a row with the digest of its text ([`Digests::of`]).
    pub fn add(&mut self, id: LakeRowId, text: u64) {
        self.texts.update(&text.to_le_bytes());
        self.ids.update(&id.rewinds.to_le_bytes());
        self.ids.update(&id.position.to_le_bytes());
        self.ids.update(&id.n.to_le_bytes());
    }

    /// The digest of one row's text.
    pub fn of(text: &[u8]) -> u64 {
        xxh3_64(text)
    }

    /// Both digests, as 16 hexadecimal digits each: of the texts and of the numbers.
    pub fn finish(&self) -> (String, String) {
        (format!("{:016x}", self.texts.digest()), format!("{:016x}", self.ids.digest()))
    }
}
