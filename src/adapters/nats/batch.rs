//! The book of a fast-ingest batch: which message has which place in it, and what a reply of the server means.
//!
//! Pure: `lane` sends and listens, and a simulator drives the same book against a model of the server. What the
//! server does is described in `lane`.

use super::lane_reply::{BATCH_UNKNOWN, Reply};
use crate::core::ids::LaneSequence;
use crate::core::mutants::{Mutant, planted};
use crate::ports::stream::LaneEvent;

/// A message's place in the open batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its sequence in the lane.
    pub sequence: u64,
    /// The lane sequence before the batch's first message.
    pub base: u64,
    /// Its sequence in the batch, from 1.
    pub batch_sequence: u64,
    /// 0 begins a batch, 1 goes on with it, 2 stores its message and ends it, 3 ends it without storing.
    pub operation: u8,
    /// The lane's last sequence as the server must find it.
    pub expected: Option<u64>,
}

/// The writer's half.
#[derive(Debug)]
pub struct Book {
    /// The lane sequence of the last message sent.
    sent: u64,
    /// The lane sequence before the open batch's first message, while one is open.
    open: Option<u64>,
    /// Batches that were ended.
    ended: u64,
}

impl Book {
    /// For a lane that ends at `after`.
    pub fn new(after: LaneSequence) -> Book {
        Book { sent: after.0, open: None, ended: 0 }
    }

    /// The lane sequence of the last message sent.
    pub fn sent(&self) -> LaneSequence {
        LaneSequence(self.sent)
    }

    /// Whether a batch is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// How many batches were ended so far: the server answers the end of each, also where its last message is confirmed
    /// already, and none may begin before that answer.
    pub fn ended(&self) -> u64 {
        if planted(Mutant::BatchTooEarly) { 0 } else { self.ended }
    }

    /// What must be confirmed before the next message: a whole batch before the next begins, and inside one all but
    /// the window.
    pub fn needs(&self, window: u64) -> u64 {
        match self.open {
            Some(_) => (self.sent + 1).saturating_sub(window),
            None if planted(Mutant::BatchTooEarly) => (self.sent + 1).saturating_sub(window),
            None => self.sent,
        }
    }

    /// The next message's place; `settle` ends the batch with it.
    pub fn place(&mut self, settle: bool) -> Place {
        let base = self.open.unwrap_or(self.sent);
        let expected = (!planted(Mutant::NoExpectedSequence)).then_some(self.sent);
        self.sent += 1;
        let batch_sequence = self.sent - base;
        let operation = match (settle, batch_sequence) {
            (true, _) => 2,
            (false, 1) => 0,
            (false, _) => 1,
        };
        self.open = (!settle).then_some(base);
        self.ended += u64::from(settle);
        Place { sequence: self.sent, base, batch_sequence, operation, expected }
    }

    /// Ends the open batch: the place of the message that does so without being stored.
    pub fn settle(&mut self) -> Option<Place> {
        let base = self.open.take()?;
        self.ended += 1;
        let batch_sequence = self.sent + 1 - base;
        Some(Place { sequence: self.sent, base, batch_sequence, operation: 3, expected: None })
    }
}

/// What a reply means for a lane whose open batch began after `base`, of which `sent` was sent last and `confirmed`
/// is known to be stored; `None` when it is no news.
pub fn judge(reply: Reply, base: u64, sent: u64, confirmed: u64) -> Option<LaneEvent> {
    let lost = |why: String| Some(LaneEvent::Lost(why));
    match reply {
        Reply::Stored(count) if base + count > sent => lost(format!("{count} messages confirmed, fewer sent")),
        Reply::Stored(count) => (base + count > confirmed).then(|| LaneEvent::Confirmed(LaneSequence(base + count))),
        Reply::Over { last, count } if last == base + count && last == sent => {
            Some(LaneEvent::Confirmed(LaneSequence(last)))
        }
        Reply::Over { last, count } => {
            lost(format!("the batch ended at {last} with {count} messages; {} were sent after {base}", sent - base))
        }
        Reply::Refused(_, error) if error.err_code == BATCH_UNKNOWN => {
            lost("the server does not know the batch: it timed out, or the server started again".to_owned())
        }
        Reply::Refused(count, error) => Some(LaneEvent::Refused {
            at: LaneSequence(base + count),
            code: error.err_code,
            description: error.description,
        }),
        Reply::Gap => lost("messages were lost on the way to the server".to_owned()),
        Reply::Nobody => lost("no stream takes the lane's subjects".to_owned()),
        Reply::Unreadable(text) => lost(format!("unreadable reply: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_a_burst_and_none_begins_before_the_last_is_confirmed() {
        let mut book = Book::new(LaneSequence(40));
        assert_eq!(book.needs(3), 40);
        let places: Vec<Place> = [false, false, true].into_iter().map(|settle| book.place(settle)).collect();
        let told: Vec<_> = places.iter().map(|p| (p.sequence, p.batch_sequence, p.operation, p.expected)).collect();
        assert_eq!(told, [(41, 1, 0, Some(40)), (42, 2, 1, Some(41)), (43, 3, 2, Some(42))]);
        assert_eq!(book.needs(3), 43, "the whole batch");
        assert_eq!(book.settle(), None, "none is open");
        book.place(false);
        assert_eq!(book.needs(3), 42, "all but the window");
        let end = book.settle().unwrap();
        assert_eq!((end.sequence, end.base, end.batch_sequence, end.operation), (44, 43, 2, 3));
    }
}
