//! How fast each sender may send: a token bucket a sender.
//!
//! Told the time, in nanoseconds by a clock that never steps. Senders are those of the tokens file, so they are few.

use std::collections::BTreeMap;

const SECOND: u128 = 1_000_000_000;

/// The buckets of all senders.
#[derive(Clone, Debug)]
pub struct Rates {
    per_s: u64,
    burst: u64,
    /// For each sender, how much is in its bucket, in events times a second's nanoseconds, and as of when.
    buckets: BTreeMap<String, (u128, u64)>,
}

impl Rates {
    /// Buckets that hold `burst` events and gain `per_s` a second; 0 a second: no bound.
    pub fn new(per_s: u64, burst: u64) -> Rates {
        Rates { per_s, burst, buckets: BTreeMap::new() }
    }

    /// Takes so many events; else after how many seconds there will be enough, of which nothing was taken.
    pub fn take(&mut self, sender: &str, events: u64, now: u64) -> Result<(), u64> {
        if self.per_s == 0 {
            return Ok(());
        }
        let full = u128::from(self.burst) * SECOND;
        let (held, since) = self.buckets.get(sender).copied().unwrap_or((full, now));
        let gained = u128::from(now.saturating_sub(since)) * u128::from(self.per_s);
        let held = held.saturating_add(gained).min(full);
        // More than a bucket holds would never pass: it costs a full one.
        let wanted = (u128::from(events) * SECOND).min(full);
        let (left, result) = match held.checked_sub(wanted) {
            Some(left) => (left, Ok(())),
            None => (held, Err((wanted - held).div_ceil(u128::from(self.per_s) * SECOND))),
        };
        self.buckets.insert(sender.to_owned(), (left, now.max(since)));
        result.map_err(|seconds| u64::try_from(seconds).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let mut rates = Rates::new(10, 20);
        let s = 1_000_000_000;
        assert_eq!((rates.take("a", 20, s), rates.take("a", 1, s)), (Ok(()), Err(1)));
        assert_eq!(rates.take("b", 1, s), Ok(()), "another sender has a bucket of its own");
        assert_eq!((rates.take("a", 1, s + s / 10), rates.take("a", 1, s + s / 10)), (Ok(()), Err(1)));
        assert_eq!(rates.take("a", 20, s + s / 10), Err(2));
        assert_eq!(rates.take("a", 20, 100 * s), Ok(()), "it never holds more than its size");
        assert_eq!(rates.take("a", 1, s), Err(1), "a time that was before fills nothing");
        assert_eq!(rates.take("b", 1_000, 100 * s), Ok(()), "more than it holds costs a full one");
        assert_eq!(Rates::new(0, 0).take("a", 1_000_000, 0), Ok(()));
    }
}
