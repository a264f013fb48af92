//! Reading a state file, block by block: nothing of a block is handed out before its sum is right.
//!
//! Says of the first thing that is not right where it stands. Never panics, whatever the bytes.

use super::error::FileError;
use super::layout::{BLOCK, BLOCK_MOST, END, END_BYTES, HEADER_MOST, MAGIC, VALUE_MOST, VERSION, space};
use crate::core::record::StoreFormat;
use crate::ports::store::Space;
use std::io::{ErrorKind, Read};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// What a whole file comes to; two files with the same account hold the same, but for a chance of 2^-64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Blocks.
    pub blocks: u64,
    /// Entries.
    pub entries: u64,
    /// The sum over the blocks' sums.
    pub sum: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// A file that is being read.
pub struct StateFileReader<R> {
    from: R,
    at: u64,
    blocks: u64,
    entries: u64,
    sums: Xxh3,
    last: Option<(u16, Vec<u8>)>,
    /// The format settings that the file begins with.
    pub format: StoreFormat,
}

/// Called with the space, key and value of each entry.
pub type VisitEntry<'a> = &'a mut dyn FnMut(Space, &[u8], &[u8]) -> Result<(), FileError>;

impl<R: Read> StateFileReader<R> {
    /// Begins to read; refuses what is no state file, or one of another version or format.
    pub fn new(from: R) -> Result<StateFileReader<R>, FileError> {
        let mut reader = StateFileReader {
            from,
            at: 0,
            blocks: 0,
            entries: 0,
            sums: Xxh3::new(),
            last: None,
            format: StoreFormat::first(),
        };
        let mut head = Vec::new();
        reader.take(MAGIC.len() + 5, &mut head).map_err(|error| match error {
            FileError::Damaged { .. } => no_state_file(),
            other => other,
        })?;
        let (magic, rest) = head.split_at_checked(MAGIC.len()).unwrap_or_default();
        let Some((version, length)) = rest.split_first() else { return Err(no_state_file()) };
        if magic != MAGIC {
            return Err(no_state_file());
        }
        if *version != VERSION {
            return Err(FileError::Other(vec![format!("its version is {version}, this build knows {VERSION}")]));
        }
        let length = length.try_into().map(u32::from_be_bytes).unwrap_or(u32::MAX) as usize;
        if length > HEADER_MOST {
            return Err(damaged(MAGIC.len() as u64 + 1, "the header is longer than any"));
        }
        let settings = head.len();
        reader.take(length, &mut head)?;
        reader.check_sum(0, &head, "the header")?;
        let format = serde_json::from_slice(head.get(settings..).unwrap_or_default());
        let format: StoreFormat = format.map_err(|_| damaged(settings as u64, "the format settings are not known"))?;
        let mut differences = format.differences();
        differences.extend(format.later().map(|why| format!("a later build of Sidestream wrote it: {why}")));
        if !differences.is_empty() {
            return Err(FileError::Other(differences));
        }
        reader.format = format;
        Ok(reader)
    }

    /// Bytes read so far.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Reads the next block and visits its entries; after the last one returns the file's account, once.
    pub fn next(&mut self, visit: VisitEntry<'_>) -> Result<Option<Account>, FileError> {
        let (begin, mut piece) = (self.at, Vec::new());
        self.take(1, &mut piece)?;
        match piece.first() {
            Some(&BLOCK) => self.block(begin, piece, visit).map(|()| None),
            Some(&END) => self.end(begin, piece).map(Some),
            _ => Err(damaged(begin, "neither a block nor the end begins here")),
        }
    }

    fn block(&mut self, begin: u64, mut piece: Vec<u8>, visit: VisitEntry<'_>) -> Result<(), FileError> {
        self.take(12, &mut piece)?;
        let number = number_at(&piece, 1);
        let length = piece.get(9..13).and_then(|b| b.try_into().ok()).map_or(u32::MAX, u32::from_be_bytes) as usize;
        if number != self.blocks || length == 0 || length > BLOCK_MOST {
            return Err(damaged(begin, format!("block {} does not begin here", self.blocks)));
        }
        self.take(length, &mut piece)?;
        let sum = self.check_sum(begin, &piece, &format!("block {number}"))?;
        self.sums.update(&sum.to_be_bytes());
        self.blocks += 1;
        let mut rest = piece.get(13..).unwrap_or_default();
        while !rest.is_empty() {
            let at = begin + (piece.len() - rest.len()) as u64;
            let (number, key, value);
            (number, key, value, rest) = entry(rest).ok_or_else(|| damaged(at, "an entry breaks off"))?;
            let place = space(number).ok_or_else(|| damaged(at, format!("there is no space {number}")))?;
            let last = self.last.as_ref().map(|(space, key)| (*space, key.as_slice()));
            if last.is_some_and(|last| last >= (number, key)) {
                return Err(damaged(at, "an entry is not behind the one before it"));
            }
            visit(place, key, value)?;
            self.last = Some((number, key.to_vec()));
            self.entries += 1;
        }
        Ok(())
    }

    fn end(&mut self, begin: u64, mut piece: Vec<u8>) -> Result<Account, FileError> {
        self.take(END_BYTES - 8, &mut piece)?;
        self.check_sum(begin, &piece, "the end")?;
        let (blocks, entries, sum) = (number_at(&piece, 1), number_at(&piece, 9), number_at(&piece, 17));
        if (blocks, entries, sum) != (self.blocks, self.entries, self.sums.digest()) {
            let said = format!("the end counts {blocks} blocks and {entries} entries, and there were others");
            return Err(damaged(begin, said));
        }
        let mut more = [0];
        match self.from.read(&mut more) {
            Ok(0) => Ok(Account { blocks, entries, sum, bytes: self.at }),
            Ok(_) => Err(damaged(self.at, "something follows the end")),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the sum behind a piece and compares.
    fn check_sum(&mut self, begin: u64, piece: &[u8], what: &str) -> Result<u64, FileError> {
        let mut sum = Vec::new();
        self.take(8, &mut sum)?;
        let right = xxh3_64(piece);
        if number_at(&sum, 0) == right { Ok(right) } else { Err(damaged(begin, format!("{what} was altered"))) }
    }

    fn take(&mut self, bytes: usize, into: &mut Vec<u8>) -> Result<(), FileError> {
        let from = into.len();
        into.resize(from + bytes, 0);
        match self.from.read_exact(into.get_mut(from..).unwrap_or_default()) {
            Ok(()) => {
                self.at += bytes as u64;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(damaged(self.at, "the file ends here, before its end"))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A space's number, a key, a value, and what follows them.
type FileEntry<'a> = (u16, &'a [u8], &'a [u8], &'a [u8]);

/// The next entry.
fn entry(bytes: &[u8]) -> Option<FileEntry<'_>> {
    let (space, rest) = bytes.split_first_chunk()?;
    let (key, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*key)))?;
    let length = usize::try_from(u32::from_be_bytes(*value)).ok().filter(|length| *length <= VALUE_MOST)?;
    let (value, rest) = rest.split_at_checked(length)?;
    Some((u16::from_be_bytes(*space), key, value, rest))
}

fn number_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

fn damaged(at: u64, what: impl Into<String>) -> FileError {
    FileError::Damaged { at, what: what.into() }
}

fn no_state_file() -> FileError {
    damaged(0, "this is no state file of Sidestream")
}
