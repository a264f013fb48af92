//! A checkpoint of a Delta log as a Parquet file: a row for the protocol, the table, the writer, and each file.
//!
//! Written leaf by leaf with its levels, since the groups are nested; see "Checkpoint Schema" in PROTOCOL.md of Delta Lake.

use super::parquet::failed;
use crate::ports::lake::LakeError;
use crate::protocol::lake::checkpoint::TableCheckpoint;
use crate::protocol::lake::delta::Add;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::record::{Field, Row};
use ::parquet::schema::parser::parse_message_type;
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

const MAP: &str =
    "(MAP) { repeated group key_value { required binary key (STRING); optional binary value (STRING); } }";

/// Writes a checkpoint.
pub fn write(checkpoint: &TableCheckpoint, file: File) -> Result<(), LakeError> {
    let schema = format!(
        "message checkpoint {{
            optional group protocol {{ required int32 minReaderVersion; required int32 minWriterVersion; }}
            optional group metaData {{
                required binary id (STRING);
                required group format {{ required binary provider (STRING); required group options {MAP} }}
                required binary schemaString (STRING);
                required group partitionColumns (LIST) {{ repeated group list {{ required binary element (STRING); }} }}
                required group configuration {MAP}
            }}
            optional group txn {{ required binary appId (STRING); required int64 version; }}
            optional group add {{
                required binary path (STRING);
                required group partitionValues {MAP}
                required int64 size;
                required int64 modificationTime;
                required boolean dataChange;
                optional binary stats (STRING);
            }}
        }}"
    );
    let schema = Arc::new(parse_message_type(&schema).map_err(failed)?);
    let level = ZstdLevel::try_new(super::ndjson::LEVEL).map_err(failed)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by("sidestream".to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(failed)?;
    let mut group = writer.next_row_group().map_err(failed)?;
    leaves(checkpoint, &mut group).map_err(failed)?;
    group.close().map_err(failed)?;
    writer.close().map(drop).map_err(failed)
}

/// The rows before the files: the protocol, the table, the writer.
const FIRST: usize = 3;
const PROTOCOL: usize = 0;
const METADATA: usize = 1;
const TXN: usize = 2;

/// A value of a leaf: how much of its path is there, whether it continues its row's list, and what it is.
type LeafCell<T> = (i16, i16, Option<T>);

/// In the order of the schema.
fn leaves(checkpoint: &TableCheckpoint, group: &mut SerializedRowGroupWriter<'_, File>) -> Result<(), ParquetError> {
    let rows = FIRST + checkpoint.files.len();
    let text = |text: &str| ByteArray::from(text);
    let TableCheckpoint { txn: (lake, n), metadata, files } = checkpoint;
    let nothing = || vec![(1, 0, None)];
    leaf::<Int32Type>(group, rows, |row| (row == PROTOCOL).then(|| vec![(1, 0, Some(1))]))?;
    leaf::<Int32Type>(group, rows, |row| (row == PROTOCOL).then(|| vec![(1, 0, Some(2))]))?;
    let said = |row: usize, value: &str| (row == METADATA).then(|| vec![(1, 0, Some(text(value)))]);
    leaf::<ByteArrayType>(group, rows, |row| said(row, &metadata.id))?;
    leaf::<ByteArrayType>(group, rows, |row| said(row, "parquet"))?;
    leaf::<ByteArrayType>(group, rows, |row| (row == METADATA).then(nothing))?;
    leaf::<ByteArrayType>(group, rows, |row| (row == METADATA).then(nothing))?;
    leaf::<ByteArrayType>(group, rows, |row| said(row, &metadata.schema))?;
    leaf::<ByteArrayType>(group, rows, |row| {
        (row == METADATA).then(|| list(metadata.folders.iter().map(|name| (2, Some(text(name))))))
    })?;
    leaf::<ByteArrayType>(group, rows, |row| (row == METADATA).then(nothing))?;
    leaf::<ByteArrayType>(group, rows, |row| (row == METADATA).then(nothing))?;
    leaf::<ByteArrayType>(group, rows, |row| (row == TXN).then(|| vec![(1, 0, Some(text(lake)))]))?;
    leaf::<Int64Type>(group, rows, |row| (row == TXN).then(|| vec![(1, 0, Some(*n as i64))]))?;
    let file = |row: usize| row.checked_sub(FIRST).and_then(|row| files.get(row));
    leaf::<ByteArrayType>(group, rows, |row| Some(vec![(1, 0, Some(text(&file(row)?.path)))]))?;
    leaf::<ByteArrayType>(group, rows, |row| Some(list(file(row)?.partition.keys().map(|key| (2, Some(text(key)))))))?;
    leaf::<ByteArrayType>(group, rows, |row| {
        let value = |value: &Option<String>| value.as_ref().map_or((2, None), |value| (3, Some(text(value))));
        Some(list(file(row)?.partition.values().map(value)))
    })?;
    leaf::<Int64Type>(group, rows, |row| Some(vec![(1, 0, Some(file(row)?.size as i64))]))?;
    leaf::<Int64Type>(group, rows, |row| Some(vec![(1, 0, Some(file(row)?.modified))]))?;
    leaf::<BoolType>(group, rows, |row| file(row).map(|_| vec![(1, 0, Some(false))]))?;
    leaf::<ByteArrayType>(group, rows, |row| Some(vec![(2, 0, Some(text(&file(row)?.stats)))]))
}

/// The cells of a list; an empty one is there and has nothing.
fn list<T>(values: impl Iterator<Item = (i16, Option<T>)>) -> Vec<LeafCell<T>> {
    let mut cells: Vec<LeafCell<T>> = values.map(|(there, value)| (there, 1, value)).collect();
    match cells.first_mut() {
        Some(first) => first.1 = 0,
        None => cells.push((1, 0, None)),
    }
    cells
}

/// Writes the next leaf; a row without cells has not even the outermost group.
fn leaf<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: usize,
    cells: impl Fn(usize) -> Option<Vec<LeafCell<T::T>>>,
) -> Result<(), ParquetError> {
    let (mut values, mut there, mut continued) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..rows {
        for (level, again, value) in cells(row).unwrap_or_else(|| vec![(0, 0, None)]) {
            there.push(level);
            continued.push(again);
            values.extend(value);
        }
    }
    let next = group.next_column()?;
    let mut next = next.ok_or_else(|| ParquetError::General("the schema has no such column".to_owned()))?;
    next.typed::<T>().write_batch(&values, Some(&there), Some(&continued))?;
    next.close()
}

/// The files that a checkpoint names; `None` where it has something else than this build would write.
pub fn files(file: File) -> Result<Option<Vec<Add>>, LakeError> {
    let reader = SerializedFileReader::new(file).map_err(failed)?;
    let mut files = Vec::new();
    for row in reader.get_row_iter(None).map_err(failed)? {
        let row = row.map_err(failed)?;
        for (name, field) in row.get_column_iter() {
            if let ("add", Field::Group(add)) = (name.as_str(), field) {
                let Some(add) = added(add) else { return Ok(None) };
                files.push(add);
            }
        }
    }
    Ok(Some(files))
}

fn added(row: &Row) -> Option<Add> {
    let field = |wanted: &str| row.get_column_iter().find(|(name, _)| *name == wanted).map(|(_, field)| field);
    let text = |field: Option<&Field>| match field? {
        Field::Str(text) => Some(text.clone()),
        _ => None,
    };
    let number = |field: Option<&Field>| match field? {
        Field::Long(number) => Some(*number),
        _ => None,
    };
    let Field::MapInternal(map) = field("partitionValues")? else { return None };
    let partition: Option<BTreeMap<String, Option<String>>> = map
        .entries()
        .iter()
        .map(|(key, value)| match value {
            Field::Null => Some((text(Some(key))?, None)),
            value => Some((text(Some(key))?, Some(text(Some(value))?))),
        })
        .collect();
    Some(Add {
        path: text(field("path"))?,
        partition: partition?,
        size: u64::try_from(number(field("size"))?).ok()?,
        modified: number(field("modificationTime"))?,
        stats: text(field("stats"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::lake::delta::Metadata;
    use std::io::Seek;

    #[test]
    fn the_files_of_a_checkpoint_are_read_back() {
        let add = |number: u64, values: &[(&str, Option<&str>)]| Add {
            path: format!("data/t=a%252Fb/{number}.parquet"),
            partition: values.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect(),
            size: number,
            modified: 5,
            stats: "{\"numRecords\":3}".to_owned(),
        };
        let metadata =
            Metadata { id: "i".to_owned(), schema: "{}".to_owned(), folders: vec!["t".to_owned(), "u".to_owned()] };
        for files in
            [vec![], vec![add(1, &[("t", Some("a/b")), ("u", None)]), add(2, &[]), add(3, &[("t", Some("x"))])]]
        {
            let checkpoint = TableCheckpoint { txn: ("lake".to_owned(), 16), metadata: metadata.clone(), files };
            let mut file = tempfile::tempfile().unwrap();
            write(&checkpoint, file.try_clone().unwrap()).unwrap();
            file.rewind().unwrap();
            assert_eq!(super::files(file).unwrap(), Some(checkpoint.files));
        }
    }
}
