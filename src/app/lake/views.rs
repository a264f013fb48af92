//! The lake as SQL: views over the files that the log names, for DuckDB.
//!
//! Exact also while a writer runs: what is not published yet is in no view.

use crate::config::LakePlace;
use crate::protocol::lake::columns::ColumnType;
use crate::protocol::lake::delta::fixed;
use crate::protocol::lake::entry::{File, LakeEntry};
use crate::protocol::lake::layout::{DEAD_LETTERS, FolderLayout};
use crate::protocol::lake::table::{FileFormat, LakeTable};

/// The statements that make the views `events`, `dead_letters` and `commits`; `place` is the lake's.
pub fn views(place: &LakePlace, entries: &[LakeEntry]) -> String {
    let mut text = String::new();
    for table in LakeTable::ALL {
        text.push_str(&format!("create view {} as {};\n", table.name(), rows(place, entries, table)));
    }
    let log = quoted(&place.of("_sidestream/log/*.json"));
    let columns = "n: 'BIGINT', kind: 'VARCHAR', epoch: 'BIGINT', writer: 'VARCHAR', at_ms: 'BIGINT', \"from\": 'VARCHAR', \"to\": 'VARCHAR', rows: 'BIGINT'";
    text.push_str(&format!("create view commits as select * from read_json({log}, columns = {{{columns}}});\n"));
    text
}

fn rows(place: &LakePlace, entries: &[LakeEntry], table: LakeTable) -> String {
    let files: Vec<&File> = entries.iter().flat_map(|entry| &entry.files).filter(|file| file.table == table).collect();
    let Some(newest) = entries.last().filter(|_| !files.is_empty()) else { return nothing(entries.last(), table) };
    let paths: Vec<String> = files.iter().map(|file| quoted(&place.of(&file.path))).collect();
    let paths = paths.join(", ");
    match newest.made.format {
        FileFormat::Parquet => format!(
            "select * from read_parquet([{paths}], hive_partitioning = true, hive_types_autocast = false, union_by_name = true)"
        ),
        FileFormat::Ndjson => format!(
            "select json as event, * exclude (json) from read_ndjson_objects([{paths}], hive_partitioning = true, hive_types_autocast = false)"
        ),
    }
}

/// A table without rows, and with its columns.
fn nothing(newest: Option<&LakeEntry>, table: LakeTable) -> String {
    let of = |kind: &str| match kind {
        "integer" => "integer",
        "long" => "bigint",
        "timestamp" => "timestamptz",
        "binary" => "blob",
        _ => "varchar",
    };
    let mut columns: Vec<(String, &str)> =
        fixed(table).iter().map(|(name, kind)| ((*name).to_owned(), of(kind))).collect();
    let partition = match table {
        LakeTable::Events => newest.map(|newest| newest.made.partition.clone()),
        LakeTable::DeadLetters => Some(DEAD_LETTERS.to_owned()),
    };
    if table == LakeTable::Events {
        columns.extend(newest.iter().flat_map(|newest| &newest.made.columns).map(|column| {
            let kind = match column.kind {
                ColumnType::Text => "varchar",
                ColumnType::Bigint => "bigint",
                ColumnType::Double => "double",
                ColumnType::Boolean => "boolean",
                ColumnType::Timestamp => "timestamptz",
            };
            (column.name.clone(), kind)
        }));
    }
    let layout = partition.and_then(|partition| FolderLayout::parse(&partition).ok());
    columns.extend(layout.iter().flat_map(FolderLayout::names).map(|name| (name.to_owned(), "varchar")));
    let columns: Vec<String> = columns.iter().map(|(name, kind)| format!("null::{kind} as \"{name}\"")).collect();
    format!("select {} where false", columns.join(", "))
}

/// A text as SQL writes it.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_lake_has_empty_tables() {
        let text = views(&LakePlace::Folder("it's".into()), &[]);
        assert!(text.contains("create view events as select null::integer as \"rewinds\""), "{text}");
        assert!(text.contains("null::varchar as \"stored_date\" where false"), "{text}");
        assert!(text.contains("read_json('it''s/_sidestream/log/*.json'"), "{text}");
    }
}
