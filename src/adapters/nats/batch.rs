//! The book of a fast-ingest batch: which message has which place in it, and what a reply of the server means.
//!
//! Pure: `lane` sends and listens, and a simulator drives the same book against a model of the server. What the
//! server does is described in `lane`.

use super::lane_reply::{About, BATCH_UNKNOWN, Reply};
use crate::core::ids::LaneSequence;
use crate::core::mutants::{Mutant, planted};
use crate::ports::stream::LaneEvent;

/// A message's place in the open batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPlace {
    /// The batch's number among those of this lane, from 1.
    pub batch: u64,
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

    /// How many batches were ended so far.
    pub fn ended(&self) -> u64 {
        self.ended
    }

    /// Whether the next message may go: inside a batch as long as less than the window is unconfirmed; before one, not
    /// until the end of the one before is answered. Its last message may be confirmed earlier, by an ack inside it.
    pub fn has_room(&self, window: u64, answered: Answered) -> bool {
        match self.open {
            None if !planted(Mutant::BatchTooEarly) => answered.ended == self.ended && answered.confirmed == self.sent,
            _ => self.sent - answered.confirmed < window,
        }
    }

    /// Whether a batch stays open behind so many more messages, although none is at hand: with twice the flow unconfirmed
    /// and more, the acks inside the batch come soon, and its end would cost a wait for the server.
    pub fn stays_open(&self, more: usize, flow: u64, answered: Answered) -> bool {
        self.sent + more as u64 - answered.confirmed >= 2 * flow
    }

    /// Whether the server owes an answer.
    pub fn is_owed(sent: u64, ended: u64, answered: Answered) -> bool {
        sent > answered.confirmed || ended > answered.ended
    }

    /// The next message's place; `settle` ends the batch with it.
    pub fn place(&mut self, settle: bool) -> BatchPlace {
        let (base, batch) = (self.open.unwrap_or(self.sent), self.ended + 1);
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
        BatchPlace { batch, sequence: self.sent, base, batch_sequence, operation, expected }
    }

    /// Ends the open batch: the place of the message that does so without being stored.
    pub fn settle(&mut self) -> Option<BatchPlace> {
        let base = self.open.take()?;
        self.ended += 1;
        let batch_sequence = self.sent + 1 - base;
        Some(BatchPlace { batch: self.ended, sequence: self.sent, base, batch_sequence, operation: 3, expected: None })
    }
}

/// What the server has answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Everything up to this lane sequence is stored.
    pub confirmed: u64,
    /// Batches whose end was answered.
    pub ended: u64,
}

impl Answered {
    /// Takes a reply, the newest batch having begun after `base` and `sent` having been sent last; `None` when it is no news.
    ///
    /// The batch at hand is the one after the last whose end was answered. The end of a batch without a message is known to
    /// the stream's leader only: after a change of leaders the new one reports such a batch once more as open, with all that
    /// it holds. That is a confirmation of the past batch and says nothing about the one at hand, but that the leader changed.
    pub fn hear(&mut self, about: About, reply: Reply, base: u64, sent: u64) -> Option<LaneEvent> {
        let at_hand = self.ended + 1;
        match about {
            About::Batch(batch) if batch == at_hand || planted(Mutant::StaleAckTaken) => {}
            About::Batch(batch) => {
                return Some(LaneEvent::Lost(format!(
                    "the stream's leader changed: it answers batch {batch}, not {at_hand}"
                )));
            }
            About::Ping { batch, .. } if batch != at_hand => return None,
            About::Ping { sent, behind_end, .. } => return judge_ping(reply, sent, behind_end),
            About::Unknown => return Some(LaneEvent::Lost("a reply to none of our messages".to_owned())),
        }
        let end = matches!(reply, Reply::Over { .. });
        let event = judge(reply, base, sent, self.confirmed);
        self.ended += u64::from(end);
        if let Some(LaneEvent::Confirmed(sequence)) = event {
            self.confirmed = sequence.0;
        }
        event
    }
}

/// What the answer to a ping of the batch at hand means, behind so many messages of it and perhaps its end.
///
/// It confirms nothing: a leader that holds an earlier batch of the same name answers with that one's count. But a leader
/// that knows the batch as open although its end came before the ping has never seen the end.
fn judge_ping(reply: Reply, sent: u64, behind_end: bool) -> Option<LaneEvent> {
    match reply {
        Reply::Stored(count) if behind_end && count >= sent => {
            Some(LaneEvent::Lost("the stream's leader changed: the end of the batch was lost".to_owned()))
        }
        Reply::Stored(_) => None,
        Reply::Refused(_, error) if error.err_code == BATCH_UNKNOWN => judge(Reply::Refused(0, error), 0, 0, 0),
        Reply::Gap | Reply::Nobody | Reply::Unreadable(_) => judge(reply, 0, 0, 0),
        Reply::Refused(_, error) => Some(LaneEvent::Lost(format!("the server refused a ping: {}", error.description))),
        Reply::Over { .. } => Some(LaneEvent::Lost("the server ended the batch".to_owned())),
    }
}

/// What a reply means for a lane whose open batch began after `base`, of which `sent` was sent last and `confirmed`
/// is known to be stored; `None` when it is no news.
fn judge(reply: Reply, base: u64, sent: u64, confirmed: u64) -> Option<LaneEvent> {
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
    use super::super::api::ApiError;
    use super::*;

    #[test]
    fn a_batch_is_a_burst_and_none_begins_before_the_last_is_confirmed() {
        let mut book = Book::new(LaneSequence(40));
        let answered = |confirmed, ended| Answered { confirmed, ended };
        assert!(book.has_room(3, answered(40, 0)));
        let places: Vec<BatchPlace> = [false, false, true].into_iter().map(|settle| book.place(settle)).collect();
        let told: Vec<_> = places.iter().map(|p| (p.sequence, p.batch_sequence, p.operation, p.expected)).collect();
        assert_eq!(told, [(41, 1, 0, Some(40)), (42, 2, 1, Some(41)), (43, 3, 2, Some(42))]);
        assert!(places.iter().all(|place| place.batch == 1));
        assert!(!book.has_room(3, answered(42, 0)), "the whole batch");
        assert!(!book.has_room(3, answered(43, 0)), "and the answer to its end");
        assert!(book.has_room(3, answered(43, 1)));
        assert_eq!(book.settle(), None, "none is open");
        book.place(false);
        assert!(book.has_room(3, answered(42, 1)) && !book.has_room(3, answered(41, 1)), "less than the window");
        assert!(book.stays_open(5, 3, answered(43, 1)) && !book.stays_open(4, 3, answered(43, 1)));
        let end = book.settle().unwrap();
        assert_eq!((end.batch, book.place(true).batch), (2, 3));
        assert_eq!((end.sequence, end.base, end.batch_sequence, end.operation), (44, 43, 2, 3));
    }
    /// Batch 1 of the messages up to 40 is answered; batch 2 began after them, up to 60 are sent.
    fn hear(about: About, reply: Reply) -> Option<LaneEvent> {
        Answered { confirmed: 40, ended: 1 }.hear(about, reply, 40, 60)
    }

    #[test]
    fn what_a_new_leader_knows_of_the_batch_before_confirms_nothing() {
        assert_eq!(hear(About::Batch(2), Reply::Stored(5)), Some(LaneEvent::Confirmed(LaneSequence(45))));
        for reply in [Reply::Stored(5), Reply::Stored(0), Reply::Over { last: 60, count: 20 }, Reply::Gap] {
            assert!(
                matches!(hear(About::Batch(1), reply), Some(LaneEvent::Lost(why)) if why.contains("leader changed"))
            );
        }
        assert!(matches!(hear(About::Unknown, Reply::Stored(5)), Some(LaneEvent::Lost(_))));
    }

    #[test]
    fn a_ping_confirms_nothing_and_finds_a_lost_end() {
        let ping = |batch, behind_end| About::Ping { batch, sent: 20, behind_end };
        let lost = |event| matches!(event, Some(LaneEvent::Lost(_)));
        // The leader is at work on the batch, its end may stand behind messages that are not stored yet.
        assert_eq!(hear(ping(2, false), Reply::Stored(20)), None);
        assert_eq!(hear(ping(2, true), Reply::Stored(19)), None);
        assert!(lost(hear(ping(2, true), Reply::Stored(20))), "open behind its end");
        assert!(lost(hear(ping(2, true), Reply::Gap)) && lost(hear(ping(2, false), Reply::Nobody)));
        let unknown = || Reply::Refused(0, ApiError { code: 400, err_code: BATCH_UNKNOWN, description: String::new() });
        assert!(lost(hear(ping(2, true), unknown())));
        // A slow server answers the end before the ping behind it.
        assert_eq!(hear(ping(1, true), unknown()), None);
        assert_eq!(hear(ping(1, true), Reply::Gap), None);
    }
}
