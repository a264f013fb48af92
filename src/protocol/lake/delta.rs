//! The log of a Delta Lake table, made of the lake's own entries: one commit an entry, under the same number.
//!
//! A function of the entries alone, so that whoever is late with it writes the same texts. See PROTOCOL.md of Delta Lake for
//! the actions; reader version 1 and writer version 2 have all that is used here.

use super::columns::{Column, ColumnType};
use super::entry::{File, LakeEntry};
use super::layout::{DEAD_LETTERS, FolderLayout};
use super::table::LakeTable;
use crate::core::percent;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The path of a commit from the lake's root.
pub fn path(table: LakeTable, n: u64) -> String {
    format!("{}/_delta_log/{n:020}.json", table.name())
}

/// The text of a table's commit; `before` is the entry before this one.
pub fn commit(lake: &str, table: LakeTable, entry: &LakeEntry, before: Option<&LakeEntry>) -> Result<String, String> {
    let mut actions = vec![json!({ "commitInfo": {
        "timestamp": entry.at_ms, "operation": "WRITE", "operationParameters": { "mode": "Append" },
        "engineInfo": "sidestream", "isBlindAppend": true,
    }})];
    if before.is_none() {
        actions.push(json!({ "protocol": { "minReaderVersion": 1, "minWriterVersion": 2 } }));
    }
    let unchanged = before.is_some_and(|before| before.made == entry.made);
    if !unchanged {
        let Metadata { id, schema, folders } = Metadata::of(lake, table, entry)?;
        actions.push(json!({ "metaData": {
            "id": id, "format": { "provider": "parquet", "options": {} }, "schemaString": schema,
            "partitionColumns": folders, "configuration": {}, "createdTime": entry.at_ms,
        }}));
    }
    actions.push(json!({ "txn": { "appId": lake, "version": entry.n, "lastUpdated": entry.at_ms } }));
    for Add { path, partition, size, modified, stats } in added(table, entry)? {
        actions.push(json!({ "add": {
            "path": path, "partitionValues": partition, "size": size, "modificationTime": modified,
            "dataChange": true, "stats": stats,
        }}));
    }
    let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
    Ok(lines.join("\n") + "\n")
}

/// A file of a table, as commits and checkpoints say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// Its path from the table's root, as a URI.
    pub path: String,
    /// The values of its folder.
    pub partition: BTreeMap<String, Option<String>>,
    /// Its length in bytes.
    pub size: u64,
    /// When its entry was decided, in milliseconds since 1970.
    pub modified: i64,
    /// How many rows it has, as JSON.
    pub stats: String,
}

/// The files of an entry in a table.
pub fn added(table: LakeTable, entry: &LakeEntry) -> Result<Vec<Add>, String> {
    let root = format!("{}/", table.name());
    let add = |file: &File| {
        let path = file.path.strip_prefix(&root).ok_or_else(|| format!("{} is not in {root}", file.path))?;
        let size = file.bytes.ok_or_else(|| format!("{} has no length", file.path))?;
        let stats = json!({ "numRecords": file.rows }).to_string();
        Ok(Add { path: uri(path), partition: file.partition.clone(), size, modified: entry.at_ms, stats })
    };
    entry.files.iter().filter(|file| file.table == table).map(add).collect()
}

/// What a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Its name, which no other has.
    pub id: String,
    /// Its columns, as Delta writes a schema.
    pub schema: String,
    /// The columns that are folders.
    pub folders: Vec<String>,
}

impl Metadata {
    /// As of an entry.
    pub fn of(lake: &str, table: LakeTable, entry: &LakeEntry) -> Result<Metadata, String> {
        let layout = FolderLayout::parse(match table {
            LakeTable::Events => &entry.made.partition,
            LakeTable::DeadLetters => DEAD_LETTERS,
        })?;
        let folders: Vec<String> = layout.names().map(str::to_owned).collect();
        let field = |name: &str, kind: &str| json!({ "name": name, "type": kind, "nullable": true, "metadata": {} });
        let fixed = fixed(table).iter().map(|(name, kind)| field(name, kind));
        let declared = entry.made.columns.iter().filter(|_| table == LakeTable::Events);
        let declared = declared.map(|Column { name, kind, .. }| field(name, kind_of(*kind)));
        let fields: Vec<Value> =
            fixed.chain(declared).chain(folders.iter().map(|name| field(name, "string"))).collect();
        let schema = json!({ "type": "struct", "fields": fields }).to_string();
        Ok(Metadata { id: format!("{lake}-{}", table.name()), schema, folders })
    }
}

/// The columns of every Parquet file of a table, with Delta's types, in their order.
pub fn fixed(table: LakeTable) -> &'static [(&'static str, &'static str)] {
    match table {
        LakeTable::Events => &[
            ("rewinds", "integer"),
            ("position", "long"),
            ("n", "integer"),
            ("stored_at", "timestamp"),
            ("event_time", "timestamp"),
            ("kind", "string"),
            ("key", "string"),
            ("event", "string"),
        ],
        LakeTable::DeadLetters => &[
            ("rewinds", "integer"),
            ("position", "long"),
            ("n", "integer"),
            ("stored_at", "timestamp"),
            ("kind", "string"),
            ("key", "string"),
            ("reason", "string"),
            ("error", "string"),
            ("subject", "string"),
            ("length", "long"),
            ("body", "binary"),
        ],
    }
}

fn kind_of(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "string",
        ColumnType::Bigint => "long",
        ColumnType::Double => "double",
        ColumnType::Boolean => "boolean",
        ColumnType::Timestamp => "timestamp",
    }
}

/// A path as Delta has it: percent-encoded once more than the folder's name on disk.
fn uri(path: &str) -> String {
    percent::encoded(path, |byte| percent::unreserved(byte) || b"/=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::super::entry::{EntryKind, FileRules, VERSION};
    use super::super::row::LakeRowId;
    use super::super::table::FileFormat;
    use super::*;

    fn entry(n: u64, columns: Vec<Column>) -> LakeEntry {
        let file = File {
            table: LakeTable::Events,
            path: "events/data/t=a%2Fb/1.parquet".to_owned(),
            partition: [("t".to_owned(), Some("a/b".to_owned()))].into(),
            rows: 3,
            first: LakeRowId::default(),
            last: LakeRowId::default(),
            digest: String::new(),
            ids: String::new(),
            bytes: Some(77),
        };
        LakeEntry {
            version: VERSION,
            n,
            kind: EntryKind::Commit,
            epoch: 1,
            writer: "w".to_owned(),
            at_ms: 5,
            from: None,
            to: None,
            lane: 0,
            lane_created: 0,
            rows: 3,
            fallbacks: 0,
            made: FileRules {
                partition: "t={type}".to_owned(),
                format: FileFormat::Parquet,
                time: None,
                target_bytes: 1,
                columns,
            },
            files: vec![file],
            after: String::new(),
        }
    }

    fn actions(text: &str) -> Vec<(String, Value)> {
        let action = |line: &str| {
            let action: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
            action.into_iter().next().unwrap()
        };
        text.lines().map(action).collect()
    }

    #[test]
    fn a_commit_says_the_table_once_and_each_file_with_its_own_encoding() {
        let first = entry(0, Vec::new());
        let text = commit("lake", LakeTable::Events, &first, None).unwrap();
        let all = actions(&text);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["commitInfo", "protocol", "metaData", "txn", "add"]);
        let (_, add) = all.last().unwrap();
        assert_eq!(add["path"], "data/t=a%252Fb/1.parquet");
        assert_eq!(add["partitionValues"], json!({ "t": "a/b" }));
        assert_eq!((&add["size"], &add["stats"]), (&json!(77), &json!("{\"numRecords\":3}")));
        let letters = actions(&commit("lake", LakeTable::DeadLetters, &first, None).unwrap());
        assert!(letters.iter().all(|(name, _)| name != "add"), "{letters:?}");
    }

    #[test]
    fn another_column_is_said_with_the_entry_that_has_it() {
        let column = Column { name: "c".to_owned(), at: "c".to_owned(), kind: ColumnType::Double };
        let (before, after) = (entry(0, Vec::new()), entry(1, vec![column]));
        let says = |entry: &LakeEntry, before: &LakeEntry| {
            let text = commit("lake", LakeTable::Events, entry, Some(before)).unwrap();
            actions(&text).into_iter().find(|(name, _)| name == "metaData").map(|(_, value)| value)
        };
        assert_eq!(says(&before, &before), None);
        let schema = says(&after, &before).unwrap()["schemaString"].as_str().unwrap().to_owned();
        assert!(schema.contains(r#""name":"c""#) && schema.contains("double"), "{schema}");
    }
}
