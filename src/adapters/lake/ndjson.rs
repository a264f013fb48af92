//! NDJSON: a row's text a line, compressed with zstd.

use crate::ports::lake::{FileRow, LakeError, RowWriter};
use crate::protocol::lake::row::LakeRow;
use crate::protocol::lake::table::FileFormat;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};

/// The level: 3 costs a third of the speed and saves nothing on events.
pub(super) const LEVEL: i32 = 1;

/// A file that is being written.
pub struct Lines {
    encoder: zstd::Encoder<'static, File>,
}

impl Lines {
    /// Begins a file.
    pub fn new(file: File) -> Result<Lines, LakeError> {
        Ok(Lines { encoder: zstd::Encoder::new(file, LEVEL).map_err(failed)? })
    }
}

impl RowWriter for Lines {
    fn row(&mut self, row: LakeRow) -> Result<(), LakeError> {
        self.encoder.write_all(&FileFormat::Ndjson.text(&row)).map_err(failed)?;
        self.encoder.write_all(b"\n").map_err(failed)
    }

    fn finish(self: Box<Self>) -> Result<(), LakeError> {
        self.encoder.finish().map(drop).map_err(failed)
    }
}

/// Reads a file's lines.
pub fn read(file: File, visit: &mut dyn FnMut(FileRow) -> bool) -> Result<(), LakeError> {
    let mut lines = BufReader::new(zstd::Decoder::new(file).map_err(failed)?);
    loop {
        let mut text = Vec::new();
        if lines.read_until(b'\n', &mut text).map_err(failed)? == 0 {
            return Ok(());
        }
        if text.last() == Some(&b'\n') {
            text.pop();
        }
        if !visit(FileRow { id: None, key: None, event_time_us: None, text }) {
            return Ok(());
        }
    }
}

fn failed(error: std::io::Error) -> LakeError {
    LakeError::io("a file of lines", error)
}
