//! The numbers of the last 65,536 batches, inside the database: no batch among those in its journals goes missing unseen.
//!
//! fjall replays what its journals hold, oldest first. It takes damage in any of them for that one's end, and a journal
//! that is gone for one that was done with; then it goes on with the next. The newest batches are there, and between
//! them some are not. So every batch also writes its number under one of 65,536 keys in turn, and opening compares them
//! all. Tables are checked by fjall itself, and the store sees to it that batches are in tables before their key is
//! another's. Nothing here writes.

use super::guard::guarded;
use crate::adapters::directory::files::unreadable;
use crate::ports::store::StoreError;
use std::path::Path;

/// How many of the last batches have a number in the database.
pub const SLOTS: u64 = 1 << 16;

/// A prefix that no space has.
const RING: [u8; 2] = [0xff, 0xfd];

/// The key and the value with which a batch notes its number.
pub fn entry(batch: u64) -> ([u8; 4], [u8; 8]) {
    let [high, low] = slot(batch).to_be_bytes();
    let [first, second] = RING;
    ([first, second, high, low], batch.to_be_bytes())
}

fn slot(batch: u64) -> u16 {
    // The remainder is below 65,536.
    (batch % SLOTS) as u16
}

/// Whether every one of the last batches up to `count` is there.
pub fn check(path: &Path, rows: &::fjall::Keyspace, count: u64) -> Result<(), StoreError> {
    let mut seen = 0;
    let mut entries = guarded(path, "cannot read the batches' numbers", || Ok(rows.prefix(RING)))?;
    while let Some((key, value)) = guarded(path, "cannot read the batches' numbers", || {
        entries.next().map(::fjall::Guard::into_inner).transpose()
    })? {
        let number = (*value).try_into().map(u64::from_be_bytes).unwrap_or_default();
        // Too old: the batch that came after it under this key is missing. Too new: the count is.
        let (in_place, oldest) = (*key == entry(number).0, count.saturating_sub(SLOTS - 1).max(1));
        if !in_place || !(oldest..=count).contains(&number) {
            return Err(unreadable(path, format!("batches up to {count} are there, and others before are not")));
        }
        seen += 1;
    }
    if seen == count.min(SLOTS) {
        return Ok(());
    }
    let missing = count.min(SLOTS) - seen.min(count);
    Err(unreadable(path, format!("{missing} of the last {} batches are missing", count.min(SLOTS))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_that_are_65_536_apart_share_a_key() {
        assert_eq!(entry(1), ([0xff, 0xfd, 0, 1], [0, 0, 0, 0, 0, 0, 0, 1]));
        assert_eq!(entry(7).0, entry(7 + SLOTS).0);
        assert_ne!(entry(7).0, entry(8 + SLOTS).0);
    }
}
