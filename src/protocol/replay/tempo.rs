//! How fast a replay goes: when each event of the range is due.
//!
//! Knows no clock: it is told how much time has passed. What stands before the range is never held back.

use crate::core::event::StoredMessage;
use crate::core::ids::{Nanos, Position};

/// How far behind its own timetable a replay may be before the timetable is moved: what was late is not made up for in
/// one burst.
const LATE: i64 = SECOND;
/// In nanoseconds.
const SECOND: i64 = 1_000_000_000;

/// The pace that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pace {
    /// As fast as it goes.
    #[default]
    Max,
    /// So many events a second.
    Rate(u64),
    /// So many times as fast as the events were stored.
    Original(f64),
}

impl Pace {
    /// Reads `max`, `original` or a multiple of the original such as `10x`.
    pub fn parse(text: &str) -> Result<Pace, String> {
        let wrong = || format!("`{text}` is no pace: write max, original, or a multiple of the original such as 10x");
        match text {
            "max" => Ok(Pace::Max),
            "original" => Ok(Pace::Original(1.0)),
            _ => {
                let factor: f64 = text.strip_suffix('x').and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
                if factor.is_finite() && factor > 0.0 { Ok(Pace::Original(factor)) } else { Err(wrong()) }
            }
        }
    }
}

/// The timetable of one start.
#[derive(Debug)]
pub struct Tempo {
    pace: Pace,
    /// The range's first position.
    from: Position,
    /// Events of the range let through.
    passed: u64,
    /// When the first of them was stored.
    first: Option<Nanos>,
    /// What was added to the timetable, in nanoseconds.
    moved: i64,
}

impl Tempo {
    /// A timetable that begins with the first event at or behind `from`.
    pub fn new(pace: Pace, from: Position) -> Tempo {
        Tempo { pace, from, passed: 0, first: None, moved: 0 }
    }

    /// How many of the next messages may go now, `elapsed` after the beginning; 0 comes with how long to wait.
    pub fn due(&mut self, messages: &[StoredMessage], elapsed: Nanos) -> (usize, Nanos) {
        if self.pace == Pace::Max {
            return (messages.len(), Nanos(0));
        }
        let mut count = 0;
        for message in messages {
            if message.sequence >= self.from.0 {
                if self.first.is_none() {
                    // The timetable begins here, however long it took to come so far.
                    (self.first, self.moved) = (Some(message.stored_at), elapsed.0);
                }
                let due = self.at(message).saturating_add(self.moved);
                if due > elapsed.0 {
                    return (count, Nanos(due - elapsed.0));
                }
                self.moved += (elapsed.0 - due - LATE).max(0);
                self.passed += 1;
            }
            count += 1;
        }
        (count, Nanos(0))
    }

    /// When an event of the range is due, in nanoseconds after the first one.
    fn at(&self, message: &StoredMessage) -> i64 {
        match self.pace {
            Pace::Max => 0,
            // The cast of a number too large for it gives the largest: never.
            Pace::Rate(rate) => (self.passed as f64 / rate.max(1) as f64 * SECOND as f64) as i64,
            Pace::Original(factor) => {
                // A server's clock that stepped back waits for nothing.
                let since = message.stored_at.0.saturating_sub(self.first.unwrap_or_default().0).max(0);
                (since as f64 / factor) as i64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events from `first` on, a second apart.
    fn events(first: u64, count: u64) -> Vec<StoredMessage> {
        let event = |sequence: u64| StoredMessage {
            sequence,
            stored_at: Nanos(sequence as i64 * 1_000_000_000),
            subject: "events.a".into(),
            headers: None,
            payload: "{}".into(),
        };
        (first..first + count).map(event).collect()
    }

    fn seconds(s: f64) -> Nanos {
        Nanos((s * 1e9) as i64)
    }

    #[test]
    fn a_rate_lets_so_many_through_and_what_comes_before_the_range_at_once() {
        let mut tempo = Tempo::new(Pace::Rate(2), Position(4));
        // 1 to 3 at once, 4 begins the timetable.
        assert_eq!(tempo.due(&events(1, 6), seconds(10.0)), (4, seconds(0.5)));
        assert_eq!(tempo.due(&events(5, 2), seconds(10.25)), (0, seconds(0.25)));
        assert_eq!(tempo.due(&events(5, 2), seconds(10.5)), (1, seconds(0.5)));
        assert_eq!(tempo.due(&events(6, 1), seconds(11.0)), (1, Nanos(0)));
    }

    #[test]
    fn what_is_late_is_not_made_up_for_in_one_burst() {
        let mut tempo = Tempo::new(Pace::Rate(10), Position(1));
        assert_eq!(tempo.due(&events(1, 1), seconds(0.0)).0, 1);
        // A pause of 100 s: about a second's worth goes at once, not a hundred.
        let (count, wait) = tempo.due(&events(2, 512), seconds(100.0));
        assert!((10..=12).contains(&count) && wait > Nanos(0), "{count} {wait:?}");
    }

    #[test]
    fn the_original_pace_follows_the_stored_times_by_a_factor() {
        let mut tempo = Tempo::new(Pace::parse("original").unwrap(), Position(1));
        assert_eq!(tempo.due(&events(1, 3), seconds(0.0)), (1, seconds(1.0)));
        let mut tempo = Tempo::new(Pace::parse("10x").unwrap(), Position(1));
        assert_eq!(tempo.due(&events(1, 3), seconds(0.0)), (1, seconds(0.1)));
        let mut tempo = Tempo::new(Pace::Max, Position(1));
        assert_eq!(tempo.due(&events(1, 3), seconds(0.0)), (3, Nanos(0)));
        for bad in ["", "x", "-1x", "0x", "fast", "10", "NaNx", "infx"] {
            assert!(Pace::parse(bad).is_err(), "{bad}");
        }
    }
}
