//! The spool: rows that are not published yet, in a file without a name.
//!
//! The file is unlinked as soon as it is open: a process that ends, however it ends, leaves nothing behind. What a crash takes
//! stands in the output stream still and is read again.

use crate::ports::lake::LakeError;
use crate::protocol::lake::row::LakeRow;
use bytes::Bytes;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes that are collected before they are written.
const BUFFER: usize = 1 << 20;

/// Rows in a file.
#[derive(Debug)]
pub struct SpoolFile {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    written: u64,
}

impl SpoolFile {
    /// An empty spool in this folder, which is made where it is not there.
    pub fn open(folder: &Path) -> Result<SpoolFile, LakeError> {
        let path = folder.join(format!("spool-{}", std::process::id()));
        let failed = |error| LakeError::io(format!("cannot make the spool {}", path.display()), error);
        fs::create_dir_all(folder).map_err(failed)?;
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).map_err(failed)?;
        fs::remove_file(&path).map_err(failed)?;
        Ok(SpoolFile { path, file, buffer: Vec::with_capacity(BUFFER), written: 0 })
    }

    /// Appends a row; where it stands, and its length.
    pub fn push(&mut self, row: &LakeRow) -> Result<(u64, u32), LakeError> {
        let offset = self.bytes();
        let before = self.buffer.len();
        row.write(&mut self.buffer);
        // A message is no larger than what the server takes, 64 MiB at most.
        let length = (self.buffer.len() - before) as u32;
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok((offset, length))
    }

    /// So many bytes are spooled.
    pub fn bytes(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Makes all rows readable.
    pub fn flush(&mut self) -> Result<(), LakeError> {
        self.file.write_all(&self.buffer).map_err(|error| self.failed(error))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// A row, after `flush`.
    pub fn row(&self, offset: u64, length: u32) -> Result<LakeRow, LakeError> {
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, offset).map_err(|error| self.failed(error))?;
        let damaged = || self.failed(std::io::Error::other("a row in it is damaged"));
        LakeRow::parse(&Bytes::from(bytes)).ok_or_else(damaged)
    }

    /// Empties it.
    pub fn clear(&mut self) -> Result<(), LakeError> {
        use std::io::{Seek, SeekFrom};
        self.buffer.clear();
        self.written = 0;
        self.file.set_len(0).map_err(|error| self.failed(error))?;
        self.file.seek(SeekFrom::Start(0)).map_err(|error| self.failed(error))?;
        Ok(())
    }

    fn failed(&self, error: std::io::Error) -> LakeError {
        LakeError::io(format!("the spool in {}", self.path.parent().unwrap_or(Path::new(".")).display()), error)
    }
}
