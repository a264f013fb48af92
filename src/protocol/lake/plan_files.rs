//! From the rows of a cut to the files of an entry: folder by folder, within a folder in the rows' order.
//!
//! A function of the rows and the layout alone, so that a commit that is made again after a crash has the same files.

use super::entry::{Digests, File};
use super::layout::FolderValues;
use super::row::LakeRowId;
use super::sort::Sorter;
use super::table::{FileFormat, LakeTable};
use std::collections::BTreeMap;

/// A spooled row, as far as the files are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spooled {
    /// Which row.
    pub id: LakeRowId,
    /// Its folder, by number.
    pub folder: u32,
    /// Its length in the spool, in bytes.
    pub length: u32,
    /// The length of its text, in bytes.
    pub size: u32,
    /// Where it stands in the spool.
    pub offset: u64,
    /// The digest of its text.
    pub text: u64,
}

/// A folder of a cut.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CutFolder {
    /// Its table.
    pub table: LakeTable,
    /// The values that name it.
    pub values: FolderValues,
}

/// A file and the rows that it is made of, by their numbers in the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The file.
    pub file: File,
    /// Its rows.
    pub rows: Vec<u32>,
}

/// What files are made for.
#[derive(Clone, Copy, Debug)]
pub struct FileShape<'a> {
    /// The number of the entry.
    pub n: u64,
    /// The last row before the entry, and its last one: they stand in the names.
    pub interval: (Option<LakeRowId>, LakeRowId),
    /// The layouts.
    pub sorter: &'a Sorter,
    /// The format.
    pub format: FileFormat,
    /// The most bytes of texts in one file; a file has one row at least.
    pub target_bytes: u64,
}

/// The files of spooled rows.
pub fn plan_files(rows: &[Spooled], folders: &[CutFolder], shape: FileShape<'_>) -> Vec<Planned> {
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    let mut ranks: Vec<usize> = (0..folders.len()).collect();
    ranks.sort_by_key(|folder| folders.get(*folder));
    let mut rank = vec![0; folders.len()];
    for (place, folder) in ranks.iter().enumerate() {
        if let Some(rank) = rank.get_mut(*folder) {
            *rank = place;
        }
    }
    let row = |number: &u32| rows.get(*number as usize);
    // Stable: within a folder the rows stay in order.
    order.sort_by_key(|number| row(number).and_then(|row| rank.get(row.folder as usize)));
    let mut planned: Vec<Planned> = Vec::new();
    let mut open: Option<OpenFile> = None;
    for number in &order {
        let Some(row) = row(number) else { continue };
        let same = |open: &OpenFile| open.folder == row.folder;
        let fits = |open: &OpenFile| same(open) && open.bytes + u64::from(row.size) <= shape.target_bytes;
        if !open.as_ref().is_some_and(fits) {
            let part = open.as_ref().filter(|open| same(open)).map_or(0, |open| open.part + 1);
            planned.extend(open.take().and_then(|open| open.close(folders, &shape)));
            open = Some(OpenFile::new(row.folder, part));
        }
        if let Some(open) = &mut open {
            open.add(*number, row);
        }
    }
    planned.extend(open.and_then(|open| open.close(folders, &shape)));
    planned
}

/// A file that is being filled.
struct OpenFile {
    folder: u32,
    part: usize,
    bytes: u64,
    rows: Vec<u32>,
    ends: Option<(LakeRowId, LakeRowId)>,
    digests: Digests,
}

impl OpenFile {
    fn new(folder: u32, part: usize) -> OpenFile {
        OpenFile { folder, part, bytes: 0, rows: Vec::new(), ends: None, digests: Digests::default() }
    }

    fn add(&mut self, number: u32, row: &Spooled) {
        self.bytes += u64::from(row.size);
        self.rows.push(number);
        self.ends = Some((self.ends.map_or(row.id, |(first, _)| first), row.id));
        self.digests.add(row.id, row.text);
    }

    fn close(self, folders: &[CutFolder], shape: &FileShape<'_>) -> Option<Planned> {
        let folder = folders.get(self.folder as usize)?;
        let (first, last) = self.ends?;
        let layout = shape.sorter.layout(folder.table);
        let (digest, ids) = self.digests.finish();
        let (from, to) = shape.interval;
        let path = format!(
            "{}/data/{}/{:010}-{:020}-{:020}-{:02}.{}",
            folder.table.name(),
            layout.path(&folder.values),
            shape.n,
            from.map_or(0, |from| from.position),
            to.position,
            self.part,
            shape.format.suffix()
        );
        let partition: BTreeMap<_, _> = layout.names().map(str::to_owned).zip(folder.values.iter().cloned()).collect();
        let rows = self.rows.len() as u64;
        let file = File { table: folder.table, path, partition, rows, first, last, digest, ids, bytes: None };
        Some(Planned { file, rows: self.rows })
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::FolderLayout;
    use super::*;
    use proptest::prelude::*;

    fn row(position: u64, folder: u32, size: u32) -> Spooled {
        Spooled { id: LakeRowId { rewinds: 0, position, n: 0 }, folder, length: 0, size, offset: 0, text: position }
    }

    fn planned(rows: &[Spooled], target_bytes: u64) -> Vec<Planned> {
        let sorter = Sorter::new(FolderLayout::parse("t={type}").unwrap(), &[], None);
        let folders: Vec<CutFolder> = ["b", "a", "c"]
            .map(|value| CutFolder { table: LakeTable::Events, values: vec![Some(value.to_owned())] })
            .into();
        let interval = (None, rows.last().map_or(LakeRowId::default(), |row| row.id));
        plan_files(
            rows,
            &folders,
            FileShape { n: 3, interval, sorter: &sorter, format: FileFormat::Ndjson, target_bytes },
        )
    }

    #[test]
    fn files_are_cut_by_folder_and_size_and_named_after_the_interval() {
        let rows = [row(1, 0, 10), row(2, 1, 10), row(3, 0, 10), row(4, 0, 10), row(5, 0, 99)];
        let files: Vec<(String, Vec<u32>)> =
            planned(&rows, 20).into_iter().map(|planned| (planned.file.path, planned.rows)).collect();
        let path = |value, part| {
            format!("events/data/t={value}/0000000003-00000000000000000000-00000000000000000005-{part}.ndjson.zst")
        };
        assert_eq!(
            files,
            [
                (path("a", "00"), vec![1]),
                (path("b", "00"), vec![0, 2]),
                (path("b", "01"), vec![3]),
                (path("b", "02"), vec![4]),
            ]
        );
    }

    proptest! {
        #[test]
        fn every_row_stands_in_one_file_of_its_folder_in_order(
            rows in proptest::collection::vec((0..3u32, 1..50u32), 0..200), target in 1..200u64,
        ) {
            let rows: Vec<Spooled> =
                (1..).zip(rows).map(|(position, (folder, length))| row(position, folder, length)).collect();
            let files = planned(&rows, target);
            let mut seen: Vec<u32> = files.iter().flat_map(|file| file.rows.iter().copied()).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..rows.len() as u32).collect::<Vec<u32>>());
            for file in &files {
                let own: Vec<&Spooled> = file.rows.iter().map(|number| &rows[*number as usize]).collect();
                prop_assert!(own.is_sorted_by(|a, b| a.id < b.id && a.folder == b.folder));
                let bytes: u64 = own.iter().map(|row| u64::from(row.size)).sum();
                prop_assert!(bytes <= target || own.len() == 1);
                prop_assert_eq!(file.file.rows, own.len() as u64);
            }
            let mut paths: Vec<&str> = files.iter().map(|file| file.file.path.as_str()).collect();
            paths.sort_unstable();
            paths.dedup();
            prop_assert_eq!(paths.len(), files.len());
        }
    }
}
