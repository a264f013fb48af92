//! The rows that are to be published next: spooled, sorted into folders, and written to files.

use super::job::sorter;
use crate::adapters::lake::encode;
use crate::adapters::lake::spool::SpoolFile;
use crate::app::exit::Exit;
use crate::engine::crash;
use crate::ports::lake::{Created, LakeError, LakeStore};
use crate::protocol::lake::cut;
use crate::protocol::lake::entry::{Digests, File, FileRules};
use crate::protocol::lake::plan_files::{CutFolder, FileShape, Planned, Spooled, plan_files};
use crate::protocol::lake::row::{LakeRow, LakeRowId};
use crate::protocol::lake::sort::{Belongs, Sorter};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// Rows, and where they belong.
pub struct Interval {
    made: FileRules,
    sorter: Sorter,
    spool: SpoolFile,
    rows: Vec<Spooled>,
    folders: Vec<CutFolder>,
    numbers: BTreeMap<CutFolder, u32>,
    /// Rows without a time of their own.
    pub fallbacks: u64,
    /// The last row, and its sequence in the output stream.
    pub last: Option<(LakeRowId, u64)>,
    since: Option<Instant>,
    /// Values that did not fit, by declared column.
    pub misfits: Vec<u64>,
}

impl Interval {
    /// An empty one, with its spool in this folder.
    pub fn new(made: &FileRules, folder: &Path) -> Result<Interval, Exit> {
        Ok(Interval {
            sorter: sorter(made)?,
            spool: SpoolFile::open(folder)?,
            rows: Vec::new(),
            folders: Vec::new(),
            numbers: BTreeMap::new(),
            fallbacks: 0,
            last: None,
            since: None,
            misfits: vec![0; made.columns.len()],
            made: made.clone(),
        })
    }

    /// Takes a row and its sequence in the output stream.
    pub fn push(&mut self, mut row: LakeRow, lane: u64) -> Result<(), LakeError> {
        let Belongs { table, values, fallback } = self.sorter.sort(&mut row);
        let text = self.made.format.text(&row);
        // A message is no larger than what the server takes.
        let (size, digest) = (text.len() as u32, Digests::of(&text));
        drop(text);
        let (offset, length) = self.spool.push(&row)?;
        let folder = CutFolder { table, values };
        let number = match self.numbers.get(&folder) {
            Some(number) => *number,
            None => {
                // At most `MAX_FOLDERS` and one.
                let number = self.folders.len() as u32;
                self.folders.push(folder.clone());
                self.numbers.insert(folder, number);
                number
            }
        };
        self.rows.push(Spooled { id: row.id, folder: number, length, size, offset, text: digest });
        self.fallbacks += u64::from(fallback);
        self.last = Some((row.id, lane));
        self.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// How much there is.
    pub fn figures(&self) -> cut::Spool {
        cut::Spool {
            rows: self.rows.len() as u64,
            bytes: self.spool.bytes(),
            folders: self.folders.len(),
            age_s: self.since.map_or(0, |since| since.elapsed().as_secs()),
        }
    }

    /// Nothing is left of it.
    pub fn clear(&mut self) -> Result<(), LakeError> {
        self.rows.clear();
        self.folders.clear();
        self.numbers.clear();
        (self.fallbacks, self.last, self.since) = (0, None, None);
        self.misfits.fill(0);
        self.spool.clear()
    }

    /// The files of an entry of this number behind a row.
    pub fn plan(&self, n: u64, from: Option<LakeRowId>, to: LakeRowId) -> Vec<Planned> {
        let shape = FileShape {
            n,
            interval: (from, to),
            sorter: &self.sorter,
            format: self.made.format,
            target_bytes: self.made.target_bytes,
        };
        plan_files(&self.rows, &self.folders, shape)
    }

    /// Creates the files, each unless it is there; their lengths in the store.
    pub fn write(&mut self, planned: &[Planned], store: &dyn LakeStore) -> Result<Vec<u64>, Exit> {
        self.spool.flush()?;
        let mut bytes = Vec::with_capacity(planned.len());
        for Planned { file, rows } in planned {
            if !bytes.is_empty() {
                crash::point("lake_between_two_files");
            }
            let staged = store.staging()?;
            let own = staged.file.try_clone().map_err(|error| LakeError::io("a staged file", error))?;
            let (format, sorter) = (self.made.format, &mut self.sorter);
            let mut writer = encode::writer(format, file.table, own, sorter, &mut self.misfits)?;
            for number in rows {
                let row =
                    self.rows.get(*number as usize).ok_or_else(|| Exit::broken("a planned row is not spooled"))?;
                writer.row(self.spool.row(row.offset, row.length)?)?;
            }
            writer.finish()?;
            if store.create_from(&file.path, staged)? == Created::Before {
                agrees(store, &self.made, file)?;
            }
            let length = store.length(&file.path)?;
            bytes.push(length.ok_or_else(|| unreadable(&file.path))?);
        }
        Ok(bytes)
    }
}

/// An object that was created, and cannot be read yet.
pub(super) fn unreadable(path: &str) -> LakeError {
    LakeError::Unsure { what: format!("{path} was created and cannot be read"), source: None }
}

/// A file that somebody else created has the same rows, if not the same bytes: another build may compress otherwise.
fn agrees(store: &dyn LakeStore, made: &FileRules, file: &File) -> Result<(), Exit> {
    match contents(store, made, file)? {
        Some(found) if found.matches(file) => Ok(()),
        Some(found) => Err(Exit::broken(format!("{} holds {} other rows than its entry says", file.path, found.rows))),
        // A store may also say so of an object that is being created.
        None => Err(unreadable(&file.path).into()),
    }
}

/// What a file of the store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// How many rows.
    pub rows: u64,
    digest: String,
    /// Where the format has the rows' numbers.
    ids: Option<(String, LakeRowId, LakeRowId)>,
}

impl Contents {
    /// Whether these are the rows that an entry names.
    pub fn matches(&self, file: &File) -> bool {
        let ids = self.ids.as_ref().is_none_or(|(ids, first, last)| {
            (ids.as_str(), *first, *last) == (file.ids.as_str(), file.first, file.last)
        });
        ids && self.rows == file.rows && self.digest == file.digest
    }
}

/// Reads a file's rows; `None` where there is no such file.
pub fn contents(store: &dyn LakeStore, made: &FileRules, file: &File) -> Result<Option<Contents>, Exit> {
    let Some(open) = store.open(&file.path)? else { return Ok(None) };
    let (mut digests, mut rows, mut ends) = (Digests::default(), 0, None);
    encode::read(made.format, file.table, open, &mut |row| {
        digests.add(row.id.unwrap_or_default(), Digests::of(&row.text));
        rows += 1;
        if let Some(id) = row.id {
            ends = Some((ends.map_or(id, |(first, _)| first), id));
        }
        true
    })?;
    let (digest, ids) = digests.finish();
    Ok(Some(Contents { rows, digest, ids: ends.map(|(first, last)| (ids, first, last)) }))
}
