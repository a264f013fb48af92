//! fjall's journal, read just far enough to find where its last whole batch ends.
//!
//! A power cut may leave of the batches that were not synced any sectors. fjall drops a batch that breaks off, but
//! one whose end is there and whose middle is not makes it refuse the whole database. So the newest journal is cut
//! behind its last whole batch, and then opened again. Only what no sync covered is ever cut from a journal that is
//! otherwise sound: where more is missing, the count beside the database says so. Older journals were synced before
//! the next was made and are left alone.
//!
//! Layout, all numbers little endian, as fjall 3.1 writes it (the version is pinned for it):
//! batch = 1 u8 | items u32 | number u64, the items, 3 u8 | xxh3 of the items' bytes u64 | "FJL" 3.
//! item  = 2 u8 | type u8 | 0 u8 (not compressed) | keyspace u64 | key bytes u16 | value bytes u32, twice | key | value.

use crate::adapters::directory::files::{failed, names};
use crate::ports::store::StoreError;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// Cuts the newest journal of a database behind its last whole batch, durably. Returns whether anything was cut.
pub fn mend(home: &Path) -> Result<bool, StoreError> {
    let Some(newest) = newest(home)? else { return Ok(false) };
    let bytes = fs::read(&newest).map_err(failed(&newest, "cannot read it"))?;
    let end = whole(&bytes);
    if end == bytes.len() {
        return Ok(false);
    }
    let cut = OpenOptions::new().write(true).open(&newest).and_then(|file| {
        file.set_len(end as u64)?;
        file.sync_all()
    });
    cut.map_err(failed(&newest, "cannot cut it"))?;
    tracing::debug!(journal = %newest.display(), end, length = bytes.len(), "the journal's torn end was cut off");
    Ok(true)
}

/// The journal with the highest number: the only one that is written.
fn newest(home: &Path) -> Result<Option<PathBuf>, StoreError> {
    let names = names(home)?;
    let numbers = names.iter().filter_map(|name| name.strip_suffix(".jnl")?.parse::<u64>().ok());
    Ok(numbers.max().map(|number| home.join(format!("{number}.jnl"))))
}

/// How many bytes at the beginning are whole batches.
fn whole(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some(after) = batch(rest) {
        rest = after;
    }
    bytes.len() - rest.len()
}

/// What follows the batch that stands here, if a whole one does.
fn batch(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(&[1])?;
    let (count, rest) = rest.split_first_chunk()?;
    let (_, items) = rest.split_first_chunk::<8>()?;
    let mut rest = items;
    for _ in 0..u32::from_le_bytes(*count) {
        rest = item(rest)?;
    }
    let (items, _) = items.split_at_checked(items.len() - rest.len())?;
    let (sum, rest) = rest.strip_prefix(&[3])?.split_first_chunk()?;
    let rest = rest.strip_prefix(b"FJL\x03")?;
    (u64::from_le_bytes(*sum) == xxh3_64(items)).then_some(rest)
}

fn item(bytes: &[u8]) -> Option<&[u8]> {
    let (head, rest) = bytes.split_first_chunk::<11>()?;
    let [2, _, 0, ..] = head else { return None };
    let (key, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_first_chunk()?;
    let (stored, rest) = rest.split_first_chunk()?;
    let (key, value) = (usize::from(u16::from_le_bytes(*key)), u32::from_le_bytes(*value));
    if value != u32::from_le_bytes(*stored) {
        return None;
    }
    rest.get(key + usize::try_from(value).ok()?..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::fjall::{Database, KeyspaceCreateOptions, PersistMode};

    /// A journal that fjall wrote, without the zeros behind it, and the ends of its batches.
    fn written(home: &Path) -> (Vec<u8>, Vec<usize>) {
        let db = Database::builder(home).journal_compression(::fjall::CompressionType::None).open().unwrap();
        let rows = db.keyspace("rows", KeyspaceCreateOptions::default).unwrap();
        let journal = home.join("0.jnl");
        let mut ends = Vec::new();
        for n in 0..6_u8 {
            let mut batch = db.batch();
            for item in 0..=n {
                batch.insert(&rows, [n, item], vec![n + 1; 700 * usize::from(item)]);
            }
            batch.remove(&rows, [n, 200]);
            batch.commit().unwrap();
            db.persist(PersistMode::SyncAll).unwrap();
            // Every batch ends with a byte that is not zero.
            let bytes = fs::read(&journal).unwrap();
            ends.push(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
        }
        let mut bytes = fs::read(&journal).unwrap();
        bytes.truncate(ends[5]);
        (bytes, ends)
    }

    #[test]
    fn what_fjall_writes_is_whole_and_ends_where_its_batches_end() {
        let home = tempfile::tempdir().unwrap();
        let (bytes, ends) = written(home.path());
        assert_eq!(whole(&bytes), bytes.len());
        for at in 0..bytes.len() {
            let last = ends.iter().copied().rfind(|end| *end <= at).unwrap_or(0);
            assert_eq!(whole(&bytes[..at]), last, "cut at {at}");
        }
    }

    /// fjall alone refuses such a database, the first three batches with it.
    #[test]
    fn a_batch_without_its_middle_is_cut_off_and_what_was_before_is_there() {
        let home = tempfile::tempdir().unwrap();
        let (mut bytes, ends) = written(home.path());
        let journal = home.path().join("0.jnl");
        // Inside a value: everything around it can still be read.
        let middle = ends[3] - 500;
        bytes[middle..middle + 64].fill(0);
        fs::write(&journal, &bytes).unwrap();
        assert!(Database::builder(home.path()).open().is_err());
        assert!(mend(home.path()).unwrap());
        assert_eq!(fs::metadata(&journal).unwrap().len(), ends[2] as u64);
        assert!(!mend(home.path()).unwrap());
        let db = Database::builder(home.path()).open().unwrap();
        let rows = db.keyspace("rows", KeyspaceCreateOptions::default).unwrap();
        assert_eq!(rows.len().unwrap(), 1 + 2 + 3);
    }
}
