//! The server: streams, the batches open on them, consumers, and its deaths.
//!
//! It answers at once and in order; delays, losses and reordering of messages are the network's, which is the
//! caller's. De-duplication by `Nats-Msg-Id`, age limits and mirrors are not modelled: the product uses none of them
//! on its streams. Of replicas there is what a change of leaders forgets.

use super::batch::{Batches, Incoming, is_fast};
use super::consumer::{Consumer, ConsumerId, Delivery, Gone};
use super::reply::{NO_RESPONDERS, Reply};
use super::stream::{Settings, Stream};
use bytes::Bytes;
use sidestream::core::ids::Nanos;
use sidestream::ports::stream::{StoredMessage, StreamState};
use std::collections::BTreeMap;

/// A server with JetStream and file storage: one replica, or three whose members store at once what the leader does.
#[derive(Clone, Debug)]
pub struct Server {
    now: Nanos,
    /// Nanoseconds that have passed, whatever the clock was set to.
    clock: u64,
    streams: BTreeMap<String, (Stream, Batches)>,
    consumers: BTreeMap<ConsumerId, Consumer>,
    made: u64,
}

impl Server {
    /// A server without streams.
    pub fn new(now: Nanos) -> Server {
        Server { now, clock: 0, streams: BTreeMap::new(), consumers: BTreeMap::new(), made: 0 }
    }

    /// Time passes. Batches that were silent for 10 s die, and the server sends nothing about it: the list is always
    /// empty. A step back changes the clock that messages are stamped with, and is no time passing.
    pub fn set_time(&mut self, now: Nanos) -> Vec<Reply> {
        self.clock += u64::try_from(now.0 - self.now.0).unwrap_or(0);
        self.now = now;
        for (_, batches) in self.streams.values_mut() {
            batches.expire(self.clock);
        }
        Vec::new()
    }

    /// The server's clock.
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// Creates a stream now. One of that name stays as it is: creation with equal settings is no error.
    pub fn create(&mut self, name: &str, settings: Settings) {
        let now = self.now;
        self.streams.entry(name.to_owned()).or_insert_with(|| (Stream::new(settings, now), Batches::default()));
    }

    /// Deletes a stream with its batches and consumers. The real server removes the files a little later, and sometimes
    /// never where there was a consumer: a stream of the same name that is created then holds the old one's messages
    /// under a new creation time. Here it is always empty.
    pub fn delete(&mut self, name: &str) {
        self.streams.remove(name);
        self.consumers.retain(|_, consumer| consumer.stream != name);
    }

    /// The stream's account of itself, `None` when there is no such stream.
    pub fn state(&self, name: &str) -> Option<StreamState> {
        self.stream(name).map(|stream| stream.state(self.now))
    }

    /// The message at a sequence.
    pub fn message(&self, name: &str, sequence: u64) -> Option<StoredMessage> {
        self.stream(name)?.message(sequence).cloned()
    }

    /// The first message at a sequence or after it.
    pub fn message_from(&self, name: &str, sequence: u64) -> Option<StoredMessage> {
        self.stream(name)?.from(sequence).cloned()
    }

    /// The newest message that is still there, which need not be at the last sequence.
    pub fn newest(&self, name: &str) -> Option<StoredMessage> {
        self.stream(name)?.newest().cloned()
    }

    /// An ordinary publish with an acknowledgement: the sequence, or the error's code and words. Where no stream
    /// takes the subject, the code is 503.
    pub fn publish(
        &mut self,
        subject: &str,
        headers: Option<Vec<(String, String)>>,
        payload: Bytes,
    ) -> Result<u64, (u64, String)> {
        let now = self.now;
        match self.taker(subject) {
            Some((_, stream, _)) => stream.store(subject, headers, payload, now),
            None => Err((NO_RESPONDERS, "no responders".to_owned())),
        }
    }

    /// One message with its reply subject as it stands on the wire, and what the server sends back, in order. A
    /// reply subject that is none of the batch protocol, or empty, makes it an ordinary publish.
    pub fn fast(
        &mut self,
        subject: &str,
        reply: &str,
        headers: Option<Vec<(String, String)>>,
        payload: Bytes,
    ) -> Vec<Reply> {
        let times = (self.now, self.clock);
        let Some((name, stream, batches)) = self.taker(subject) else {
            return if reply.is_empty() { Vec::new() } else { vec![Reply::nobody(reply)] };
        };
        if is_fast(reply) {
            return batches.receive(stream, name, Incoming { subject, reply, headers, payload }, times);
        }
        let stored = stream.store(subject, headers, payload, times.0);
        match stored {
            _ if reply.is_empty() => Vec::new(),
            Ok(sequence) => vec![Reply::stored(reply, name, sequence)],
            Err(error) => vec![Reply::refused(reply, name, &error)],
        }
    }

    /// Deletes one message; false when it is not there.
    pub fn delete_message(&mut self, name: &str, sequence: u64) -> bool {
        self.stream_mut(name).is_some_and(|stream| stream.delete(sequence))
    }

    /// Takes out everything below a sequence. One beyond the end also moves the end: the last sequence becomes the
    /// one before it. Where that takes all and the sequence is a deleted one, the real server miscounts the messages
    /// of the stream from the next purge on; this one does not.
    pub fn purge_up_to(&mut self, name: &str, sequence: u64) {
        if let Some(stream) = self.stream_mut(name) {
            stream.purge(sequence);
        }
    }

    /// The same by an age limit, which leaves what is not old enough.
    pub fn age_out(&mut self, name: &str, sequence: u64) {
        if let Some(stream) = self.stream_mut(name) {
            stream.age_out(sequence);
        }
    }

    /// Takes out everything; the last sequence stays.
    pub fn purge(&mut self, name: &str) {
        if let Some(stream) = self.stream_mut(name) {
            stream.purge(stream.last + 1);
        }
    }

    /// A consumer of the usual kind (memory, no acks) that delivers what follows `after`; `None`: no such stream.
    pub fn create_consumer(&mut self, stream: &str, after: u64) -> Option<ConsumerId> {
        self.stream(stream)?;
        self.made += 1;
        let id = ConsumerId(self.made);
        self.consumers.insert(id, Consumer::new(stream, after));
        Some(id)
    }

    /// How much the consumer has still to deliver.
    pub fn pending(&self, id: ConsumerId) -> Result<u64, Gone> {
        let consumer = self.consumers.get(&id).ok_or(Gone)?;
        Ok(consumer.pending(self.stream(&consumer.stream).ok_or(Gone)?))
    }

    /// The next delivery, `None` at the end of the stream.
    pub fn deliver(&mut self, id: ConsumerId) -> Result<Option<Delivery>, Gone> {
        let consumer = self.consumers.get_mut(&id).ok_or(Gone)?;
        let (stream, _) = self.streams.get(&consumer.stream).ok_or(Gone)?;
        Ok(consumer.deliver(stream))
    }

    /// Deletes a consumer.
    pub fn delete_consumer(&mut self, id: ConsumerId) {
        self.consumers.remove(&id);
    }

    /// Kill -9 and a new start: batches and consumers are forgotten, and no stored message is lost. Messages that a limit
    /// discarded come back as far as deletions have made room for them, until the stream is synced. That the sync ends
    /// it is not measured, and where purges came between, the real server may bring back others than this one.
    pub fn kill(&mut self) {
        self.consumers.clear();
        for (stream, batches) in self.streams.values_mut() {
            stream.recover();
            batches.clear();
        }
    }

    /// A message to a stream that nobody leads, where somebody says so.
    pub fn leaderless(&self, reply: &str) -> Vec<Reply> {
        vec![Reply::nobody(reply)]
    }

    /// Another member of the cluster leads a stream from now on: what it sends about batches that it takes for open. What was
    /// stored is stored. What was under way is the caller's business.
    pub fn change_leader(&mut self, name: &str) -> Vec<Reply> {
        self.streams.get_mut(name).map(|(_, batches)| batches.change_leader()).unwrap_or_default()
    }

    /// Whether a change of leaders now would bring a batch of so many messages at most back that has ended.
    pub fn has_lost_end(&self, name: &str, most: u64) -> bool {
        self.streams.get(name).is_some_and(|(_, batches)| batches.has_lost_end(most))
    }

    /// What is stored in the stream now survives a power cut.
    pub fn synced(&mut self, name: &str) {
        if let Some(stream) = self.stream_mut(name) {
            stream.sync();
        }
    }

    /// A power cut and a new start. For each stream `kept` is asked with its name, its last synced sequence (0: none)
    /// and its last sequence, and gives the new last one, which is brought between the two. A stream that was never
    /// synced vanishes when that is 0. Batches and consumers are forgotten. Deletions and purges hold.
    pub fn power_cut(&mut self, mut kept: impl FnMut(&str, u64, u64) -> u64) {
        self.kill();
        self.streams.retain(|name, (stream, _)| {
            let synced = stream.synced.unwrap_or(0);
            let last = kept(name, synced, stream.last).clamp(synced, stream.last);
            if last == 0 && stream.synced.is_none() {
                return false;
            }
            stream.cut(last);
            true
        });
    }

    fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.get(name).map(|(stream, _)| stream)
    }

    fn stream_mut(&mut self, name: &str) -> Option<&mut Stream> {
        self.streams.get_mut(name).map(|(stream, _)| stream)
    }

    /// The stream that takes a subject; the server allows no two.
    fn taker(&mut self, subject: &str) -> Option<(&str, &mut Stream, &mut Batches)> {
        let mut all = self.streams.iter_mut();
        let (name, (stream, batches)) = all.find(|(_, (stream, _))| stream.takes(subject))?;
        Some((name, stream, batches))
    }
}
