//! Writing a state file, entry by entry.
//!
//! Whether entries come in order is the caller's business; a reader checks it.

use super::layout::{BLOCK, BLOCK_BYTES, END, MAGIC, VALUE_MOST, VERSION, number};
use crate::core::record::StoreFormat;
use crate::ports::store::Space;
use std::io::{Error, ErrorKind, Result, Write};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// A file that is being written.
pub struct StateFileWriter<W> {
    out: W,
    block: Vec<u8>,
    blocks: u64,
    sums: Xxh3,
    /// Entries so far.
    pub entries: u64,
    /// Bytes of the file so far.
    pub bytes: u64,
}

impl<W: Write> StateFileWriter<W> {
    /// Begins a file.
    pub fn new(out: W, format: &StoreFormat) -> Result<StateFileWriter<W>> {
        let mut writer = StateFileWriter { out, block: Vec::new(), blocks: 0, sums: Xxh3::new(), entries: 0, bytes: 0 };
        let json = serde_json::to_vec(format).map_err(Error::other)?;
        let mut head = MAGIC.to_vec();
        head.push(VERSION);
        // The settings are a few dozen bytes.
        head.extend_from_slice(&(json.len() as u32).to_be_bytes());
        head.extend_from_slice(&json);
        writer.put(&mut head)?;
        Ok(writer)
    }

    /// Adds an entry.
    pub fn entry(&mut self, space: Space, key: &[u8], value: &[u8]) -> Result<()> {
        let too_long = |_| Error::new(ErrorKind::InvalidInput, "an entry is too long for a state file");
        let key_bytes = u16::try_from(key.len()).map_err(too_long)?;
        let value_bytes = u32::try_from(value.len()).map_err(too_long)?;
        if value.len() > VALUE_MOST {
            return Err(Error::new(ErrorKind::InvalidInput, "a value is too long for a state file"));
        }
        self.block.extend_from_slice(&number(space).to_be_bytes());
        self.block.extend_from_slice(&key_bytes.to_be_bytes());
        self.block.extend_from_slice(&value_bytes.to_be_bytes());
        self.block.extend_from_slice(key);
        self.block.extend_from_slice(value);
        self.entries += 1;
        if self.block.len() >= BLOCK_BYTES { self.end_block() } else { Ok(()) }
    }

    /// Ends the file; returns what was written to, the sum over all blocks, and the file's bytes.
    pub fn finish(mut self) -> Result<(W, u64, u64)> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let sum = self.sums.digest();
        let mut end = vec![END];
        for number in [self.blocks, self.entries, sum] {
            end.extend_from_slice(&number.to_be_bytes());
        }
        self.put(&mut end)?;
        self.out.flush()?;
        Ok((self.out, sum, self.bytes))
    }

    fn end_block(&mut self) -> Result<()> {
        let mut block = Vec::with_capacity(self.block.len() + 21);
        block.push(BLOCK);
        block.extend_from_slice(&self.blocks.to_be_bytes());
        // Bounded by the longest entry.
        block.extend_from_slice(&(self.block.len() as u32).to_be_bytes());
        block.append(&mut self.block);
        let sum = self.put(&mut block)?;
        self.sums.update(&sum.to_be_bytes());
        self.blocks += 1;
        Ok(())
    }

    /// Writes a piece with its sum behind it.
    fn put(&mut self, piece: &mut Vec<u8>) -> Result<u64> {
        let sum = xxh3_64(piece);
        piece.extend_from_slice(&sum.to_be_bytes());
        self.bytes += piece.len() as u64;
        self.out.write_all(piece)?;
        Ok(sum)
    }
}
