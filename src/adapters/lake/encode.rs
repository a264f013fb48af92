//! The formats by their names: a writer for a file of the lake, and a reader of one.

use crate::ports::lake::{LakeError, RowWriter, StoredRow};
use crate::protocol::lake::checkpoint::Checkpoint;
use crate::protocol::lake::delta::Add;
use crate::protocol::lake::sort::Sorter;
use crate::protocol::lake::table::{Format, Table};
use std::fs::File;

/// What a reader of a file does with each row; `false` ends the reading.
pub type Visit<'a> = &'a mut dyn FnMut(StoredRow) -> bool;

/// A writer for a file of a table; what does not fit declared columns is counted in `misfits`, column by column.
#[cfg(feature = "archive")]
pub fn writer<'a>(
    format: Format,
    table: Table,
    file: File,
    sorter: &'a mut Sorter,
    misfits: &'a mut [u64],
) -> Result<Box<dyn RowWriter + 'a>, LakeError> {
    Ok(match format {
        Format::Ndjson => Box::new(super::ndjson::Lines::new(file)?),
        Format::Parquet => Box::new(super::parquet::Columns::new(table, file, sorter, misfits)?),
    })
}

/// Reads the rows of a file in order.
#[cfg(feature = "archive")]
pub fn read(format: Format, table: Table, file: File, visit: Visit<'_>) -> Result<(), LakeError> {
    match format {
        Format::Ndjson => super::ndjson::read(file, visit),
        Format::Parquet => super::parquet_read::read(table, file, visit),
    }
}

/// Writes a checkpoint of a Delta log.
#[cfg(feature = "archive")]
pub fn checkpoint(checkpoint: &Checkpoint, file: File) -> Result<(), LakeError> {
    super::parquet_checkpoint::write(checkpoint, file)
}

/// The files that a checkpoint names; `None` where it is not one of ours.
#[cfg(feature = "archive")]
pub fn checkpointed(file: File) -> Result<Option<Vec<Add>>, LakeError> {
    super::parquet_checkpoint::files(file)
}

/// Needs the feature `archive`.
#[cfg(not(feature = "archive"))]
pub fn checkpoint(_: &Checkpoint, _: File) -> Result<(), LakeError> {
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
    _: Format,
    _: Table,
    _: File,
    _: &'a mut Sorter,
    _: &'a mut [u64],
) -> Result<Box<dyn RowWriter + 'a>, LakeError> {
    Err(absent())
}

/// Every format needs the feature `archive`.
#[cfg(not(feature = "archive"))]
pub fn read(_: Format, _: Table, _: File, _: Visit<'_>) -> Result<(), LakeError> {
    Err(absent())
}

#[cfg(not(feature = "archive"))]
fn absent() -> LakeError {
    LakeError::Unsuitable {
        what: "this build has no formats for a lake".to_owned(),
        hint: "take a build with the feature `archive`".to_owned(),
    }
}
