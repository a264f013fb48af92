//! One stream: its messages, its limits, and what of it is on disk.
//!
//! Sequences only grow, and no batch or consumer is known here.

use super::reply::{FULL, WRONG_SEQUENCE};
use bytes::Bytes;
use sidestream::core::ids::Nanos;
use sidestream::core::subject::covers;
use sidestream::ports::stream::{StoredMessage, StreamState};
use sidestream::protocol::evidence::Leader;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a stream is created with. The default takes nothing, since it has no subjects.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The subjects it takes, with `*` and `>`.
    pub subjects: Vec<String>,
    /// Whether it takes fast-ingest batches.
    pub allow_batched: bool,
    /// Messages at most.
    pub max_msgs: Option<u64>,
    /// Bytes at most, counted as the server's file store counts.
    pub max_bytes: Option<u64>,
    /// At a limit, refuse the new message (10077) instead of dropping the oldest.
    pub discard_new: bool,
}

/// Headers as a client sends them.
pub(super) type Sent = Option<Vec<(String, String)>>;

#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) settings: Settings,
    created: Nanos,
    /// Each with the bytes that it takes.
    messages: BTreeMap<u64, (StoredMessage, u64)>,
    /// What a limit discarded and the files still hold.
    discarded: BTreeMap<u64, (StoredMessage, u64)>,
    bytes: u64,
    pub(super) last: u64,
    /// Up to here an age limit took everything.
    aged_out: u64,
    /// The last sequence that survives a power cut; `None` while nothing of the stream does.
    pub(super) synced: Option<u64>,
}

impl Stream {
    pub(super) fn new(settings: Settings, created: Nanos) -> Stream {
        Stream {
            settings,
            created,
            messages: BTreeMap::new(),
            discarded: BTreeMap::new(),
            bytes: 0,
            last: 0,
            aged_out: 0,
            synced: None,
        }
    }

    pub(super) fn takes(&self, subject: &str) -> bool {
        self.settings.subjects.iter().any(|pattern| covers(pattern, subject))
    }

    pub(super) fn state(&self, now: Nanos) -> StreamState {
        let first = self.messages.keys().next().copied().unwrap_or(self.last + 1);
        let messages = self.messages.len() as u64;
        StreamState {
            created: self.created,
            first,
            last: self.last,
            messages,
            aged_out: (1..=self.aged_out).contains(&self.last),
            server_time: now,
            leader: Leader::default(),
        }
    }

    /// Stores a message, or says why not: first the expected sequence, then the limits.
    pub(super) fn store(
        &mut self,
        subject: &str,
        headers: Sent,
        payload: Bytes,
        now: Nanos,
    ) -> Result<u64, (u64, String)> {
        let expected = headers.iter().flatten().find(|(name, _)| name == "Nats-Expected-Last-Sequence");
        // An empty text expects nothing; what is no number is no stream's last sequence either.
        let right = |text: &str| text.is_empty() || (digits(text) && text.parse() == Ok(self.last));
        if expected.is_some_and(|(_, text)| !right(text)) {
            return Err((WRONG_SEQUENCE, format!("wrong last sequence: {}", self.last)));
        }
        let size = size(subject, &headers, &payload);
        if let Some(what) = self.over(size).filter(|_| self.settings.discard_new) {
            return Err((FULL, format!("maximum {what} exceeded")));
        }
        self.last += 1;
        // By name, as the adapter hands headers on.
        let headers = headers.filter(|headers| !headers.is_empty()).map(|mut headers| {
            headers.sort_by(|a, b| a.0.cmp(&b.0));
            Arc::new(headers)
        });
        let message =
            StoredMessage { sequence: self.last, stored_at: now, subject: Arc::from(subject), headers, payload };
        self.messages.insert(self.last, (message, size));
        self.bytes += size;
        self.discard();
        Ok(self.last)
    }

    /// Drops the oldest messages until the limits hold.
    fn discard(&mut self) {
        while self.over(0).is_some()
            && let Some((sequence, message)) = self.messages.pop_first()
        {
            self.bytes -= message.1;
            self.discarded.insert(sequence, message);
        }
    }

    /// Reads the files again after a kill: a discarded message is gone only because newer ones leave it no room.
    pub(super) fn recover(&mut self) {
        self.messages.append(&mut self.discarded);
        self.bytes = self.messages.values().map(|(_, size)| size).sum();
        self.discard();
    }

    /// What is stored is on disk, and what was discarded is gone from it.
    pub(super) fn sync(&mut self) {
        self.synced = Some(self.last);
        self.discarded.clear();
    }

    /// The limit that so many more bytes would break; no bytes ask whether one is broken already.
    fn over(&self, more: u64) -> Option<&'static str> {
        let messages = self.messages.len() as u64 + u64::from(more > 0);
        let beyond = |limit: Option<u64>, value: u64| limit.is_some_and(|limit| value > limit);
        if beyond(self.settings.max_msgs, messages) {
            Some("messages")
        } else {
            beyond(self.settings.max_bytes, self.bytes + more).then_some("bytes")
        }
    }

    pub(super) fn message(&self, sequence: u64) -> Option<&StoredMessage> {
        self.messages.get(&sequence).map(|(message, _)| message)
    }

    /// The first message at a sequence or after it.
    pub(super) fn from(&self, sequence: u64) -> Option<&StoredMessage> {
        self.messages.range(sequence..).next().map(|(_, (message, _))| message)
    }

    pub(super) fn newest(&self) -> Option<&StoredMessage> {
        self.messages.values().next_back().map(|(message, _)| message)
    }

    /// How many messages stand at a sequence or after it.
    pub(super) fn count_from(&self, sequence: u64) -> u64 {
        self.messages.range(sequence..).count() as u64
    }

    /// Takes a message out; false when it is not there.
    pub(super) fn delete(&mut self, sequence: u64) -> bool {
        match self.messages.remove(&sequence) {
            Some((_, size)) => {
                self.bytes -= size;
                true
            }
            None => false,
        }
    }

    /// Takes out everything below a sequence. One beyond the end moves the end: `last` becomes `before - 1`.
    pub(super) fn purge(&mut self, before: u64) {
        self.messages = self.messages.split_off(&before);
        self.discarded = self.discarded.split_off(&before);
        self.bytes = self.messages.values().map(|(_, size)| size).sum();
        self.last = self.last.max(before.saturating_sub(1));
    }

    /// An age limit takes everything below a sequence.
    pub(super) fn age_out(&mut self, before: u64) {
        self.purge(before);
        self.aged_out = before.saturating_sub(1);
    }

    /// Ends the stream at a sequence, as a power cut does.
    pub(super) fn cut(&mut self, last: u64) {
        self.messages.split_off(&(last + 1));
        self.bytes = self.messages.values().map(|(_, size)| size).sum();
        self.last = last;
        // What was read back from the disk is on the disk.
        self.sync();
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a message takes in the server's file store.
fn size(subject: &str, headers: &Sent, payload: &Bytes) -> u64 {
    let lines: usize = headers.iter().flatten().map(|(name, value)| name.len() + value.len() + 4).sum();
    // A record's frame, the length of the header block, its first line and its end.
    let block = if lines > 0 { lines + 4 + 12 } else { 0 };
    (30 + subject.len() + block + payload.len()) as u64
}
