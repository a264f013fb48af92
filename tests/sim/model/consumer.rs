//! A pull consumer in memory that needs no acks: what the usual source reads with.
//!
//! It keeps no messages and no clock: it is never forgotten for its silence here. One that is created to begin beyond
//! the stream's end does not count the messages before its beginning as pending, as the real server then does.

use super::stream::Stream;
use sidestream::ports::stream::StoredMessage;

/// A consumer's name; never given twice by one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerId(pub u64);

/// The consumer is unknown: the server was started again, or its stream is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which delivery of this consumer it is, from 1.
    pub consumer_sequence: u64,
    /// How many messages are still to be delivered after it.
    pub pending: u64,
    /// The message; its sequence is the stream's.
    pub message: StoredMessage,
}

#[derive(Clone, Debug)]
pub(super) struct Consumer {
    pub(super) stream: String,
    /// The lowest stream sequence that may be delivered next.
    next: u64,
    delivered: u64,
}

impl Consumer {
    pub(super) fn new(stream: &str, after: u64) -> Consumer {
        Consumer { stream: stream.to_owned(), next: after + 1, delivered: 0 }
    }

    pub(super) fn pending(&self, stream: &Stream) -> u64 {
        stream.count_from(self.next)
    }

    pub(super) fn deliver(&mut self, stream: &Stream) -> Option<Delivery> {
        let message = stream.from(self.next)?.clone();
        self.next = message.sequence + 1;
        self.delivered += 1;
        Some(Delivery { consumer_sequence: self.delivered, pending: self.pending(stream), message })
    }
}
