//! When an interval of rows ends.
//!
//! Told how much is spooled and how old it is; the clock is the caller's.

/// The limits of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntervalLimits {
    /// The age of the oldest spooled row after which it is published, in seconds.
    pub max_age_s: u64,
    /// The most spooled bytes.
    pub max_spool_bytes: u64,
    /// The most rows: their index is in memory, 48 bytes a row.
    pub max_rows: u64,
    /// The most folders.
    pub max_folders: usize,
}

/// Rows whose index fits in 100 MB.
pub const MAX_ROWS: u64 = 2_000_000;
/// Folders that one entry may name: its text stays below a megabyte.
pub const MAX_FOLDERS: usize = 1_024;

/// What is spooled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spool {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// Folders.
    pub folders: usize,
    /// Whole seconds since the oldest row came.
    pub age_s: u64,
}

impl IntervalLimits {
    /// Whether the interval ends behind what is spooled.
    pub fn reached(&self, spool: &Spool) -> bool {
        spool.rows > 0
            && (spool.age_s >= self.max_age_s
                || spool.bytes >= self.max_spool_bytes
                || spool.rows >= self.max_rows
                || spool.folders >= self.max_folders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_ends_an_interval_and_nothing_ends_an_empty_one() {
        let limits = IntervalLimits { max_age_s: 10, max_spool_bytes: 1_000, max_rows: 100, max_folders: 5 };
        let within = Spool { rows: 99, bytes: 999, folders: 4, age_s: 9 };
        assert!(!limits.reached(&within));
        for spool in [
            Spool { rows: 100, ..within },
            Spool { bytes: 1_000, ..within },
            Spool { folders: 5, ..within },
            Spool { age_s: 10, ..within },
        ] {
            assert!(limits.reached(&spool), "{spool:?}");
        }
        assert!(!limits.reached(&Spool { age_s: 99, ..Spool::default() }));
    }
}
