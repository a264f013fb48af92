//! Fast-ingest batches of one stream: which are open, and what each message of one is answered.
//!
//! A batch stores as it goes: ending one never takes anything back. Nothing is sent unasked, not even when a batch
//! dies of silence. The stream itself only stores; see `stream`.

use super::reply::{self, Reply};
use super::stream::{Sent, Stream};
use bytes::Bytes;
use sidestream::core::ids::Nanos;
use std::collections::BTreeMap;

/// Messages between two acks at most, shared by the open batches of a stream.
const FLOW: u64 = 500;
/// The flow where the client's is no number, or 0.
const FLOW_UNSAID: u64 = 10;
/// Silence after which a batch is forgotten, in nanoseconds.
const SILENCE: u64 = 10_000_000_000;

/// The open batches of one stream by name. The name is one token of the inbox: whose inbox, does not matter.
#[derive(Clone, Debug, Default)]
pub(super) struct Batches {
    open: BTreeMap<String, Batch>,
    /// What the other members of a cluster know: each batch as of its newest stored message, with that one's reply subject. The
    /// end of a batch is known to them only where it came with a message, and no refusal and no gap is.
    known: BTreeMap<String, (Batch, String)>,
}

#[derive(Clone, Debug)]
struct Batch {
    /// The batch sequence of its newest message.
    sequence: u64,
    /// The stream sequence of the newest that was stored; 0 before.
    stored: u64,
    /// The newest flow boundary.
    acked: u64,
    /// Messages from there to the next.
    flow: u64,
    /// What the client asked for.
    wanted: u64,
    /// Whether missing messages are reported and passed over instead of ending the batch. The real server never ends
    /// such a batch once a lower sequence follows a refusal; the product allows no gaps, so this one does.
    gap_ok: bool,
    /// When it was last heard of, on the clock that never goes back.
    heard: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Start,
    Append,
    CommitAndStore,
    Commit,
    Ping,
}

/// What the reply subject of a message says.
#[derive(Clone, Copy, Debug)]
struct Address<'a> {
    batch: &'a str,
    flow: u64,
    gap_ok: bool,
    sequence: u64,
    operation: Operation,
}

/// A message on its way into a stream's batch.
pub(super) struct Incoming<'a> {
    pub(super) subject: &'a str,
    pub(super) reply: &'a str,
    pub(super) headers: Sent,
    pub(super) payload: Bytes,
}

/// Whether a reply subject is one of the batch protocol, be it well formed or not.
pub(super) fn is_fast(reply: &str) -> bool {
    reply.ends_with(".$FI")
}

impl<'a> Address<'a> {
    /// `<inbox…>.<batch>.<flow>.<ok|fail>.<sequence>.<operation>.$FI`, seven tokens or more.
    fn parse(reply: &'a str) -> Option<Address<'a>> {
        if reply.split('.').count() < 7 {
            return None;
        }
        let mut tokens = reply.rsplit('.').skip(1);
        let operation = match tokens.next()? {
            "0" => Operation::Start,
            "1" => Operation::Append,
            "2" => Operation::CommitAndStore,
            "3" => Operation::Commit,
            "4" => Operation::Ping,
            _ => return None,
        };
        let sequence: u64 = tokens.next()?.parse().ok()?;
        let gap_ok = match tokens.next()? {
            "ok" => true,
            "fail" => false,
            _ => return None,
        };
        let flow = tokens.next()?.parse().ok().filter(|flow| *flow > 0).unwrap_or(FLOW_UNSAID);
        let sound = match operation {
            Operation::Start => sequence == 1,
            Operation::Append | Operation::Commit => sequence > 1,
            Operation::CommitAndStore | Operation::Ping => sequence > 0,
        };
        sound.then_some(Address { batch: tokens.next()?, flow, gap_ok, sequence, operation })
    }
}

impl Batches {
    /// Forgets the batches that were silent too long.
    pub(super) fn expire(&mut self, clock: u64) {
        self.open.retain(|_, batch| clock - batch.heard < SILENCE);
        self.known.retain(|_, (batch, _)| clock - batch.heard < SILENCE);
    }

    pub(super) fn clear(&mut self) {
        *self = Batches::default();
    }

    /// Another member leads the stream from now on: it goes on with the batches as it knows them, and acks each once.
    pub(super) fn change_leader(&mut self) -> Vec<Reply> {
        let alone = self.known.len() == 1;
        let mut replies = Vec::new();
        self.open.clear();
        for (name, (known, to)) in &mut self.known {
            (known.acked, known.flow) = (known.sequence, if alone { known.wanted } else { 1 });
            replies.push(Reply::ack(to, known.acked, known.flow));
            self.open.insert(name.clone(), known.clone());
        }
        replies
    }

    /// Whether the other members take a batch of so many messages at most for open that has ended.
    pub(super) fn has_lost_end(&self, most: u64) -> bool {
        self.known.iter().any(|(name, (batch, _))| batch.sequence <= most && !self.open.contains_key(name))
    }

    fn note(&mut self, name: &str, to: &str) {
        match self.open.get(name) {
            Some(batch) => drop(self.known.insert(name.to_owned(), (batch.clone(), to.to_owned()))),
            None => drop(self.known.remove(name)),
        }
    }

    /// One message of a batch, as it stands on the wire.
    pub(super) fn receive(
        &mut self,
        stream: &mut Stream,
        name: &str,
        message: Incoming<'_>,
        (now, clock): (Nanos, u64),
    ) -> Vec<Reply> {
        let to = message.reply;
        let refused = |(code, words): (u64, &str)| vec![Reply::refused(to, name, &(code, words.to_owned()))];
        if !stream.settings.allow_batched {
            return refused(reply::BATCH_DISABLED);
        }
        let Some(address) = Address::parse(to) else { return refused(reply::BATCH_PATTERN) };
        let mut replies = Vec::new();
        if !self.open.contains_key(address.batch) {
            match (address.sequence, address.operation) {
                (1, Operation::Start) => replies.push(self.open(&address, to, clock)),
                // A batch of one message is never open.
                (1, Operation::CommitAndStore) => {
                    let stored = stream.store(message.subject, message.headers, message.payload, now);
                    let over = |sequence, count| Reply::over(to, name, address.batch, sequence, count);
                    if stored.is_ok() {
                        self.known.remove(address.batch);
                    }
                    return match stored {
                        Ok(sequence) => vec![over(sequence, 1)],
                        Err(error) if address.gap_ok => vec![Reply::error(to, 1, &error), over(0, 0)],
                        Err(error) => vec![Reply::refused(to, name, &error)],
                    };
                }
                _ => return refused(reply::BATCH_UNKNOWN),
            }
        }
        let open = self.open.len() as u64;
        let Some(batch) = self.open.get_mut(address.batch) else { return replies };
        batch.heard = clock;
        let last = stream.last;
        let turn = Turn { stream: &mut *stream, name, address: &address, now, most: FLOW / open };
        if turn.receive(batch, message, &mut replies) {
            self.open.remove(address.batch);
        }
        if stream.last > last {
            self.note(address.batch, to);
        }
        replies
    }

    fn open(&mut self, address: &Address<'_>, to: &str, clock: u64) -> Reply {
        let wanted = address.flow.min(FLOW);
        // Beside others a batch begins slowly.
        let flow = if self.open.is_empty() { wanted } else { 1 };
        let batch = Batch { sequence: 0, stored: 0, acked: 0, flow, wanted, gap_ok: address.gap_ok, heard: clock };
        self.open.insert(address.batch.to_owned(), batch);
        Reply::ack(to, 0, flow)
    }
}

/// One message's turn in an open batch.
struct Turn<'a> {
    stream: &'a mut Stream,
    name: &'a str,
    address: &'a Address<'a>,
    now: Nanos,
    /// The most that this batch's flow may be beside the others.
    most: u64,
}

impl Turn<'_> {
    /// True when the batch is over.
    fn receive(self, batch: &mut Batch, message: Incoming<'_>, replies: &mut Vec<Reply>) -> bool {
        let (to, Address { sequence, operation, .. }) = (message.reply, *self.address);
        let over = |batch: &Batch| Reply::over(to, self.name, self.address.batch, batch.stored, batch.sequence);
        // A ping says what was sent, so the next one counts.
        let came = if operation == Operation::Ping { sequence + 1 } else { sequence };
        let due = batch.sequence + 1;
        if came > due || (came < due && operation != Operation::Ping) {
            replies.push(Reply::gap(to, due, came));
            // What came before is never passed over.
            if !batch.gap_ok || came < due {
                replies.push(over(batch));
                return true;
            }
            batch.sequence = came - 1;
        }
        if operation == Operation::Ping {
            // Without a gap a ping moves nothing, not even past a boundary that a refused message has reached.
            if came == due || !self.boundary(batch, to, replies) {
                replies.push(Reply::ack(to, batch.acked, batch.flow));
            }
            return false;
        }
        if operation == Operation::Commit {
            replies.push(over(batch));
            return true;
        }
        let commit = operation == Operation::CommitAndStore;
        match self.stream.store(message.subject, message.headers, message.payload, self.now) {
            Err(error) if batch.sequence == 0 && !self.address.gap_ok => {
                replies.push(Reply::refused(to, self.name, &error));
                true
            }
            Err(error) => {
                replies.push(Reply::error(to, sequence, &error));
                // For refusals each message says for itself what the first one says for gaps.
                if commit || !self.address.gap_ok {
                    replies.push(over(batch));
                    return true;
                }
                batch.sequence = sequence;
                false
            }
            Ok(stored) => {
                (batch.sequence, batch.stored) = (sequence, stored);
                if commit {
                    replies.push(over(batch));
                } else {
                    self.boundary(batch, to, replies);
                }
                commit
            }
        }
    }

    /// Acknowledges the newest flow boundary if the batch has reached one, and moves the flow one step towards what
    /// the client wants and the others leave.
    fn boundary(&self, batch: &mut Batch, to: &str, replies: &mut Vec<Reply>) -> bool {
        let steps = (batch.sequence - batch.acked) / batch.flow;
        if steps == 0 {
            return false;
        }
        batch.acked += steps * batch.flow;
        let aim = batch.wanted.min(self.most).max(1);
        batch.flow = if batch.flow < aim { (batch.flow * 2).min(aim) } else { (batch.flow / 2).max(aim) };
        replies.push(Reply::ack(to, batch.acked, batch.flow));
        true
    }
}
