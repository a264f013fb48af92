//! Where a replay's feed ends and how fast it goes, from start to start of a process.
//!
//! Decides no outcome: an event outside the range has none because the plan says so.

use crate::core::ids::{Nanos, Position};
use crate::ports::stream::StoredMessage;
use crate::protocol::replay::tempo::{Pace, Tempo};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// What a replay's feed keeps to.
#[derive(Debug)]
pub struct FeedBounds {
    /// The first position that has an outcome; paced from here on.
    pub from: Position,
    /// The last position that is taken.
    pub until: Position,
    /// How fast.
    pub pace: Pace,
    /// The state is a copy: it cannot be built anew.
    pub copied: bool,
    /// The last position that was taken when the end was reached, plus one; 0 before.
    end: AtomicU64,
}

impl FeedBounds {
    /// Bounds that are not reached yet.
    pub fn new(from: Position, until: Position, pace: Pace, copied: bool) -> FeedBounds {
        FeedBounds { from, until, pace, copied, end: AtomicU64::new(0) }
    }

    /// The last position taken, once the end was reached.
    pub fn reached(&self) -> Option<Position> {
        self.end.load(Ordering::Acquire).checked_sub(1).map(Position)
    }

    /// Everything up to the end was taken, the last event being at this position.
    pub fn reach(&self, last: Position) {
        self.end.store(last.0 + 1, Ordering::Release);
    }

    /// Whether everything up to the end was taken by a source that stands at `last`.
    pub fn is_over(&self, last: Position) -> bool {
        last >= self.until
    }

    /// What of these messages belongs to the replay.
    pub fn cut(&self, mut messages: Vec<StoredMessage>) -> Vec<StoredMessage> {
        messages.retain(|message| message.sequence <= self.until.0);
        messages
    }
}

/// Lets messages through when they are due.
#[derive(Debug)]
pub struct Gate {
    tempo: Tempo,
    began: Instant,
}

impl Gate {
    /// A gate that opens with the range's first event.
    pub fn new(bounds: &FeedBounds) -> Gate {
        Gate { tempo: Tempo::new(bounds.pace, bounds.from), began: Instant::now() }
    }

    /// Takes what is due from the front, waiting until something is. Cancelling it loses nothing.
    pub async fn next(&mut self, messages: &mut Vec<StoredMessage>) -> Vec<StoredMessage> {
        loop {
            let elapsed = i64::try_from(self.began.elapsed().as_nanos()).unwrap_or(i64::MAX);
            match self.tempo.due(messages, Nanos(elapsed)) {
                (0, wait) if !messages.is_empty() => {
                    tokio::time::sleep(Duration::from_nanos(wait.0.unsigned_abs())).await;
                }
                (count, _) => {
                    let rest = messages.split_off(count.min(messages.len()));
                    return std::mem::replace(messages, rest);
                }
            }
        }
    }
}
