//! Parquet: the fixed columns of a table, the declared ones behind them, compressed with zstd.
//!
//! Written column by column without Arrow. Rows stand in the order of their numbers, with a Bloom filter on `key`, so that who
//! looks for one key passes over files and row groups without it.

use super::ndjson::LEVEL;
use crate::ports::lake::{LakeError, RowWriter};
use crate::protocol::lake::columns::{Cell, Column, ColumnType};
use crate::protocol::lake::delta::fixed;
use crate::protocol::lake::row::LakeRow;
use crate::protocol::lake::sort::Sorter;
use crate::protocol::lake::table::LakeTable;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::ColumnPath;
use std::fs::File;
use std::sync::Arc;

/// Rows of a row group at most, and bytes of their bodies: the memory that one open file takes.
const GROUP_ROWS: usize = 131_072;
const GROUP_BYTES: usize = 64 << 20;

/// A file that is being written.
pub struct ParquetFile<'a> {
    writer: SerializedFileWriter<File>,
    table: LakeTable,
    sorter: &'a mut Sorter,
    misfits: &'a mut [u64],
    rows: Vec<LakeRow>,
    bytes: usize,
}

impl<'a> ParquetFile<'a> {
    /// Begins a file of a table.
    pub fn new(
        table: LakeTable,
        file: File,
        sorter: &'a mut Sorter,
        misfits: &'a mut [u64],
    ) -> Result<ParquetFile<'a>, LakeError> {
        let schema = Arc::new(parse_message_type(&message(table, sorter)).map_err(failed)?);
        let level = ZstdLevel::try_new(LEVEL).map_err(failed)?;
        let key = ColumnPath::from("key");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_created_by("sidestream".to_owned())
            .set_column_bloom_filter_enabled(key.clone(), true)
            .set_column_bloom_filter_max_ndv(key, 10_000)
            .build();
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(failed)?;
        Ok(ParquetFile { writer, table, sorter, misfits, rows: Vec::new(), bytes: 0 })
    }

    fn group(&mut self) -> Result<(), LakeError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let cells: Vec<Vec<Cell>> = match self.table {
            LakeTable::Events => rows.iter().map(|row| self.sorter.cells(row)).collect(),
            LakeTable::DeadLetters => Vec::new(),
        };
        for (column, misfits) in self.misfits.iter_mut().enumerate() {
            *misfits += cells.iter().filter(|cells| cells.get(column) == Some(&Cell::Misfit)).count() as u64;
        }
        let mut group = self.writer.next_row_group().map_err(failed)?;
        fixed_columns(self.table, &rows, &mut group).map_err(failed)?;
        if self.table == LakeTable::Events {
            for (number, column) in self.sorter.columns().enumerate() {
                let cells = cells.iter().map(|cells| cells.get(number));
                declared(column, cells, &mut group).map_err(failed)?;
            }
        }
        group.close().map(drop).map_err(failed)
    }
}

impl RowWriter for ParquetFile<'_> {
    fn row(&mut self, row: LakeRow) -> Result<(), LakeError> {
        self.bytes += row.body.len();
        self.rows.push(row);
        if self.rows.len() >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.group() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(), LakeError> {
        self.group()?;
        self.writer.close().map(drop).map_err(failed)
    }
}

/// The schema in Parquet's own notation.
fn message(table: LakeTable, sorter: &Sorter) -> String {
    let field = |name: &str, kind: &str| format!("optional {kind} {name};");
    // Not Parquet's own type for JSON: DuckDB then reads every text, and refuses the whole file for one with a lone surrogate,
    // which is valid JSON.
    let written = |name: &str, kind: &str| match kind {
        "integer" => field(name, "int32"),
        "long" => field(name, "int64"),
        "timestamp" => format!("optional int64 {name} (TIMESTAMP(MICROS,true));"),
        "binary" => field(name, "binary"),
        _ => format!("optional binary {name} (STRING);"),
    };
    let mut fields: Vec<String> = fixed(table).iter().map(|(name, kind)| written(name, kind)).collect();
    if table == LakeTable::Events {
        fields.extend(sorter.columns().map(|Column { name, kind, .. }| match kind {
            ColumnType::Text => format!("optional binary {name} (STRING);"),
            ColumnType::Bigint => field(name, "int64"),
            ColumnType::Double => field(name, "double"),
            ColumnType::Boolean => field(name, "boolean"),
            ColumnType::Timestamp => format!("optional int64 {name} (TIMESTAMP(MICROS,true));"),
        }));
    }
    format!("message row {{ {} }}", fields.join(" "))
}

type RowGroup<'a> = SerializedRowGroupWriter<'a, File>;

/// Writes the next column; what is `None` is null.
fn column<T: DataType>(
    group: &mut RowGroup<'_>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let (mut there, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        there.extend(value);
    }
    let next = group.next_column()?;
    let mut next = next.ok_or_else(|| ParquetError::General("the schema has no such column".to_owned()))?;
    next.typed::<T>().write_batch(&there, Some(&levels), None)?;
    next.close()
}

fn texts<'a>(group: &mut RowGroup<'_>, values: impl Iterator<Item = Option<&'a str>>) -> Result<(), ParquetError> {
    column::<ByteArrayType>(group, values.map(|value| value.map(ByteArray::from)))
}

/// In the order of [`fixed`].
fn fixed_columns(table: LakeTable, rows: &[LakeRow], group: &mut RowGroup<'_>) -> Result<(), ParquetError> {
    // Both fit: no output has so many siblings, and no stream so many messages or rewinds.
    column::<Int32Type>(group, rows.iter().map(|row| Some(row.id.rewinds as i32)))?;
    column::<Int64Type>(group, rows.iter().map(|row| Some(row.id.position as i64)))?;
    column::<Int32Type>(group, rows.iter().map(|row| Some(row.id.n as i32)))?;
    let micros = |nanos: i64| nanos.div_euclid(1_000);
    column::<Int64Type>(group, rows.iter().map(|row| Some(micros(row.stored_at.0))))?;
    if table == LakeTable::Events {
        column::<Int64Type>(group, rows.iter().map(|row| row.event_time.map(|time| micros(time.0))))?;
    }
    texts(group, rows.iter().map(|row| row.kind.as_deref()))?;
    texts(group, rows.iter().map(|row| row.key.as_deref()))?;
    if table == LakeTable::DeadLetters {
        let dead = || rows.iter().map(|row| row.dead.as_deref());
        texts(group, dead().map(|dead| dead.map(|dead| dead.reason.as_str())))?;
        texts(group, dead().map(|dead| dead.map(|dead| dead.error.as_str())))?;
        texts(group, dead().map(|dead| dead.map(|dead| dead.subject.as_str())))?;
        column::<Int64Type>(group, dead().map(|dead| dead.and_then(|dead| dead.length)))?;
    }
    column::<ByteArrayType>(group, rows.iter().map(|row| Some(ByteArray::from(row.body.clone()))))
}

fn declared<'a>(
    spec: &Column,
    cells: impl Iterator<Item = Option<&'a Cell>>,
    group: &mut RowGroup<'_>,
) -> Result<(), ParquetError> {
    match spec.kind {
        ColumnType::Text => texts(
            group,
            cells.map(|cell| match cell {
                Some(Cell::Text(text)) => Some(text.as_str()),
                _ => None,
            }),
        ),
        ColumnType::Bigint => column::<Int64Type>(
            group,
            cells.map(|cell| match cell {
                Some(Cell::Bigint(number)) => Some(*number),
                _ => None,
            }),
        ),
        ColumnType::Double => column::<DoubleType>(
            group,
            cells.map(|cell| match cell {
                Some(Cell::Double(number)) => Some(*number),
                _ => None,
            }),
        ),
        ColumnType::Boolean => column::<BoolType>(
            group,
            cells.map(|cell| match cell {
                Some(Cell::Boolean(flag)) => Some(*flag),
                _ => None,
            }),
        ),
        ColumnType::Timestamp => column::<Int64Type>(
            group,
            cells.map(|cell| match cell {
                Some(Cell::Timestamp(micros)) => Some(*micros),
                _ => None,
            }),
        ),
    }
}

pub(super) fn failed(error: ParquetError) -> LakeError {
    LakeError::io("a Parquet file", std::io::Error::other(error))
}
