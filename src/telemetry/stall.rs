//! Whether an engine that is ready stands still, and why: judged a few times a second from figures of the moment.
//!
//! Pure but for the clock that it is told. Asks nobody and ends nothing.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So long nothing may happen.
const SILENT: Duration = Duration::from_secs(3);
/// In this time the restarts of the input's consumer are counted.
const MINUTE: Duration = Duration::from_secs(60);
/// So many of them are too many: deliveries that end after each pull, perhaps.
const OFTEN: usize = 6;

/// What is to be seen at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StallLook {
    /// Outputs handed to the output stream that it has not confirmed.
    pub unconfirmed: u64,
    /// Outputs confirmed so far.
    pub confirmed: u64,
    /// How long the input stream has not answered. Heartbeats do not count: the consumer may live on another server than the
    /// stream's leader, and goes on without one.
    pub input_silent: Duration,
    /// How often the input's consumer was made anew so far.
    pub restarts: u64,
}

/// The judge.
#[derive(Debug)]
pub struct Stall {
    confirmed: u64,
    /// When there was nothing to confirm, or something was confirmed.
    moved: Instant,
    restarts: u64,
    /// When the consumer was made anew, within the last minute.
    restarted: VecDeque<Instant>,
}

impl Stall {
    /// A judge that has seen this so far.
    pub fn new(now: Instant, seen: StallLook) -> Stall {
        Stall { confirmed: seen.confirmed, moved: now, restarts: seen.restarts, restarted: VecDeque::new() }
    }

    /// Why the engine is not ready at this moment; `None` when nothing is in its way.
    pub fn judge(&mut self, now: Instant, seen: StallLook) -> Option<String> {
        if seen.unconfirmed == 0 || seen.confirmed != self.confirmed {
            (self.confirmed, self.moved) = (seen.confirmed, now);
        }
        let since = |then: Instant| now.saturating_duration_since(then);
        let anew = usize::try_from(seen.restarts.saturating_sub(self.restarts)).unwrap_or(OFTEN).min(OFTEN);
        self.restarted.extend(std::iter::repeat_n(now, anew));
        self.restarts = seen.restarts;
        while self.restarted.pop_front_if(|then| since(*then) > MINUTE).is_some() {}
        if since(self.moved) >= SILENT {
            let count = seen.unconfirmed;
            return Some(format!("no confirmation by the output stream for 3 s, {count} outputs are waiting for one"));
        }
        if seen.input_silent >= SILENT {
            return Some("no answer from the input stream for 3 s".to_owned());
        }
        let often = self.restarted.len();
        (often >= OFTEN).then(|| format!("the input's consumer had to be made anew {often} times in a minute"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_still_is_named_and_is_ready_again_by_itself() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let idle = StallLook { confirmed: 10, ..StallLook::default() };
        let busy = StallLook { unconfirmed: 5, ..idle };
        let mut stall = Stall::new(began, idle);
        assert_eq!(stall.judge(at(9_000), idle), None, "nothing to do is no stall");
        assert_eq!(stall.judge(at(11_900), busy), None);
        assert!(stall.judge(at(12_000), busy).is_some_and(|why| why.contains("no confirmation")));
        assert_eq!(stall.judge(at(12_100), StallLook { confirmed: 11, ..busy }), None, "it moves again");
        let silent = |ms| StallLook { input_silent: Duration::from_millis(ms), confirmed: 11, ..idle };
        assert_eq!(stall.judge(at(12_200), silent(2_900)), None);
        assert!(stall.judge(at(12_300), silent(3_000)).is_some_and(|why| why.contains("input stream")));
    }

    #[test]
    fn a_consumer_that_is_made_anew_often_is_no_consumer() {
        let began = Instant::now();
        let mut stall = Stall::new(began, StallLook { restarts: 7, ..StallLook::default() });
        let mut judge =
            |s, restarts| stall.judge(began + Duration::from_secs(s), StallLook { restarts, ..StallLook::default() });
        assert_eq!(judge(1, 7), None);
        assert_eq!(judge(10, 12), None);
        assert!(judge(20, 13).is_some_and(|why| why.contains("6 times")));
        assert_eq!(judge(71, 13), None, "the first five are long ago");
    }
}
