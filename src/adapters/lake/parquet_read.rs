//! Reading Parquet files of the lake back, for audits and searches: the rows' numbers, keys, times and texts.

use super::parquet::failed;
use crate::ports::lake::{FileRow, LakeError};
use crate::protocol::lake::row::LakeRowId;
use crate::protocol::lake::table::LakeTable;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use std::fs::File;

/// Reads a file's rows in order.
pub fn read(table: LakeTable, file: File, visit: &mut dyn FnMut(FileRow) -> bool) -> Result<(), LakeError> {
    let reader = SerializedFileReader::new(file).map_err(failed)?;
    let body = match table {
        LakeTable::Events => "event",
        LakeTable::DeadLetters => "body",
    };
    for row in reader.get_row_iter(None).map_err(failed)? {
        let row = row.map_err(failed)?;
        let mut id = LakeRowId::default();
        let mut stored = FileRow { id: None, key: None, event_time_us: None, text: Vec::new() };
        for (name, field) in row.get_column_iter() {
            match (name.as_str(), field) {
                ("rewinds", Field::Int(rewinds)) => id.rewinds = *rewinds as u32,
                ("position", Field::Long(position)) => id.position = *position as u64,
                ("n", Field::Int(n)) => id.n = *n as u32,
                ("key", Field::Str(key)) => stored.key = Some(key.clone()),
                ("event_time", Field::TimestampMicros(time)) => stored.event_time_us = Some(*time),
                (name, Field::Str(text)) if name == body => stored.text = text.clone().into_bytes(),
                (name, Field::Bytes(bytes)) if name == body => stored.text = bytes.data().to_vec(),
                _ => {}
            }
        }
        stored.id = Some(id);
        if !visit(stored) {
            return Ok(());
        }
    }
    Ok(())
}
