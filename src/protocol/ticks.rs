//! When a message is published into the input that only moves stream time on.
//!
//! Events that wait leave by stream time, and on an idle stream nothing moves that. The message is an event of the log, so that
//! audit, rebuild and replay see the same; how often it comes, and that two engines may send it, decides no outcome.

use crate::core::ids::Nanos;

/// A deadline is overdue when the wall clock is so far behind it, in nanoseconds.
const OVERDUE: i64 = 1_000_000_000;
/// The most looks between two messages that release nothing: the server's clock is behind ours then.
const MOST: u32 = 30;

/// What is to be seen at a look, which comes once a second.
#[derive(Clone, Copy, Debug)]
pub struct TickLook {
    /// The wall clock.
    pub now: Nanos,
    /// Messages taken from the input so far.
    pub received: u64,
    /// The stream time that releases the first event that waits.
    pub deadline: Option<Nanos>,
}

/// Decides, look by look.
#[derive(Debug, Default)]
pub struct Ticks {
    received: Option<u64>,
    /// The deadline that the last message was for.
    meant: Option<Nanos>,
    /// Looks until the next message may come, and how many after it.
    pause: u32,
    next_pause: u32,
}

impl Ticks {
    /// Whether a message is to be published now.
    pub fn look(&mut self, look: TickLook) -> bool {
        let quiet = self.received.replace(look.received) == Some(look.received);
        let Some(deadline) = look.deadline else {
            *self = Ticks { received: self.received, ..Ticks::default() };
            return false;
        };
        if self.meant != Some(deadline) {
            (self.pause, self.next_pause) = (0, 1);
        }
        self.pause = self.pause.saturating_sub(1);
        if !quiet || self.pause > 0 || look.now.0 < deadline.0.saturating_add(OVERDUE) {
            return false;
        }
        self.meant = Some(deadline);
        self.pause = self.next_pause;
        self.next_pause = (self.next_pause * 2).min(MOST);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// The seconds at which messages come; `received` and `deadline` by second.
    fn ticks(seconds: i64, received: impl Fn(i64) -> u64, deadline: impl Fn(i64) -> Option<i64>) -> Vec<i64> {
        let mut ticks = Ticks::default();
        let look = |second: i64| TickLook {
            now: Nanos(second * SECOND),
            received: received(second),
            deadline: deadline(second).map(|deadline| Nanos(deadline * SECOND)),
        };
        (0..seconds).filter(|second| ticks.look(look(*second))).collect()
    }

    #[test]
    fn none_comes_while_nothing_waits_or_the_deadline_is_ahead() {
        assert_eq!(ticks(100, |_| 7, |_| None), [] as [i64; 0]);
        assert_eq!(ticks(31, |_| 7, |_| Some(30)), [] as [i64; 0]);
    }

    #[test]
    fn one_comes_a_second_behind_the_deadline_and_none_once_it_released() {
        assert_eq!(ticks(100, |_| 7, |second| (second < 32).then_some(30)), [31]);
    }

    #[test]
    fn none_comes_while_events_do() {
        assert_eq!(ticks(60, |second| second as u64, |_| Some(30)), [] as [i64; 0]);
        assert_eq!(ticks(52, |second| second.min(50) as u64, |_| Some(30)), [51]);
    }

    #[test]
    fn messages_that_release_nothing_become_rare_until_another_deadline_is_the_first() {
        assert_eq!(ticks(130, |_| 7, |_| Some(0)), [1, 2, 4, 8, 16, 32, 62, 92, 122]);
        assert_eq!(ticks(24, |_| 7, |second| Some(if second < 18 { 0 } else { 17 })), [1, 2, 4, 8, 16, 18, 19, 21]);
    }
}
