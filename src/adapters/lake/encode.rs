//! The formats by their names: a writer for a file of the lake, and a reader of one.

use crate::ports::lake::{FileRow, LakeError, RowWriter};
use crate::protocol::lake::checkpoint::TableCheckpoint;
use crate::protocol::lake::delta::Add;
use crate::protocol::lake::sort::Sorter;
use crate::protocol::lake::table::{FileFormat, LakeTable};
use std::fs::File;

/// What a reader of a file does with each row; `false` ends the reading.
pub type VisitRow<'a> = &'a mut dyn FnMut(FileRow) -> bool;

/// A writer for a file of a table; what does not fit declared columns is counted in `misfits`, column by column.
#[cfg(feature = "archive")]
pub fn writer<'a>(
    format: FileFormat,
    table: LakeTable,
    file: File,
    sorter: &'a mut Sorter,
    misfits: &'a mut [u64],
) -> Result<Box<dyn RowWriter + 'a>, LakeError> {
    Ok(match format {
        FileFormat::Ndjson => Box::new(super::ndjson::Lines::new(file)?),
        FileFormat::Parquet => Box::new(super::parquet::ParquetFile::new(table, file, sorter, misfits)?),
    })
}

/// Reads the rows of a file in order.
#[cfg(feature = "archive")]
pub fn read(format: FileFormat, table: LakeTable, file: File, visit: VisitRow<'_>) -> Result<(), LakeError> {
    match format {
        FileFormat::Ndjson => super::ndjson::read(file, visit),
        FileFormat::Parquet => super::parquet_read::read(table, file, visit),
    }
}

/// Writes a checkpoint of a Delta log.
#[cfg(feature = "archive")]
pub fn checkpoint(checkpoint: &TableCheckpoint, file: File) -> Result<(), LakeError> {
    super::parquet_checkpoint::write(checkpoint, file)
}

/// The files that a checkpoint names; `None` where it is not one of ours.
#[cfg(feature = "archive")]
pub fn checkpointed(file: File) -> Result<Option<Vec<Add>>, LakeError> {
    super::parquet_checkpoint::files(file)
}

/// Needs the feature `archive`.
#[cfg(not(feature = "archive"))]
pub fn checkpoint(_: &TableCheckpoint, _: File) -> Result<(), LakeError> {
    Err(absent())
}

/// Needs the feature `archive`.
#[cfg(not(feature = "archive"))]
pub fn checkpointed(_: File) -> Result<Option<Vec<Add>>, LakeError> {
    Err(absent())
}

/// Every format needs the feature `archive`.
#[cfg(not(feature = "archive"))]
pub fn writer<'a>(
    _: FileFormat,
    _: LakeTable,
    _: File,
    _: &'a mut Sorter,
    _: &'a mut [u64],
) -> Result<Box<dyn RowWriter + 'a>, LakeError> {
    Err(absent())
}

/// Every format needs the feature `archive`.
#[cfg(not(feature = "archive"))]
pub fn read(_: FileFormat, _: LakeTable, _: File, _: VisitRow<'_>) -> Result<(), LakeError> {
    Err(absent())
}

#[cfg(not(feature = "archive"))]
fn absent() -> LakeError {
    LakeError::Unsuitable {
        what: "this build has no formats for a lake".to_owned(),
        hint: "take a build with the feature `archive`".to_owned(),
    }
}
