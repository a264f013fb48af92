//! The messages of a stream in stream order, each once, from a position on.
//!
//! The consumer is unfiltered, unless a few messages of many are wanted (dead letters). What is lost on the way shows as
//! a jump of the consumer's own sequence; then it is made again after the last position taken. Streams with interest
//! retention need a durable one and acks; see `pull`. A position is never yielded twice or out of turn. Jumps of the
//! *stream's* sequence are yielded as they are: what they mean is the caller's judgement. Used by the intake, the audit
//! and the replay.

use super::connect::{Connection, Trouble, forbidden};
use super::delivery::{Delivery, headers};
use super::follow::{self, Took};
use super::heard::Heard;
use super::pull::Pull;
pub use super::pull::{SourceOptions, durable_name};
use super::single::{Fetched, POLL, Singly, as_delivered};
use super::streams::follows;
use super::subjects::SubjectCache;
use super::taken::Taken;
use crate::core::ids::Position;
use crate::ports::stream::{BrokerError, StoredMessage};
use async_nats::Message;
use futures_util::{FutureExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Silence after which the consumer is believed gone: two heartbeats and some slack. Nobody says when it is: it lives on
/// one server of a cluster.
const SILENCE: Duration = Duration::from_millis(2_500);
/// After so long without a consumer the caller hears of it: another connection may do better.
const PATIENCE: Duration = Duration::from_secs(5);
/// Silence after which the stream is asked whether anything is left of what is wanted.
const QUIET: Duration = Duration::from_secs(2);
/// The wait after the first failed attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes after which no more is taken in one go.
const READY_BYTES: usize = 1 << 20;

/// A reader of one stream.
#[derive(Debug)]
pub struct Source {
    connection: Connection,
    trouble: watch::Receiver<Option<Trouble>>,
    stream: String,
    options: SourceOptions,
    /// The last position taken.
    last: Position,
    /// The consumer in use.
    pull: Pull,
    pending: u64,
    recreated: u64,
    /// Lives of the consumer since the last event, this one included.
    barren: u32,
    /// A new consumer is being made.
    mending: bool,
    /// Reading goes on without the consumer.
    singly: Option<Singly>,
    unreadable: u64,
    heard: Heard,
    /// What a durable consumer has delivered and nobody acknowledged.
    taken: Taken,
    /// Everything up to here may be gone from a stream with interest retention.
    acked: Position,
    subjects: SubjectCache<Arc<str>>,
}

impl Source {
    /// Starts reading `stream` with the first message after `after`; a missing stream is a permanent error.
    pub async fn open(
        connection: &Connection,
        stream: &str,
        after: Position,
        options: SourceOptions,
    ) -> Result<Source, BrokerError> {
        let mut trouble = connection.trouble();
        trouble.mark_unchanged();
        let inbox = Pull::inbox(connection).await?;
        let (pull, pending) = Pull::create(connection, stream, after, &options, inbox).await?;
        let source = Source {
            connection: connection.clone(),
            trouble,
            stream: stream.to_owned(),
            options,
            last: after,
            pull,
            pending,
            recreated: 0,
            barren: 0,
            mending: false,
            singly: None,
            unreadable: 0,
            heard: Heard::default(),
            taken: Taken::default(),
            acked: after,
            subjects: SubjectCache::new(),
        };
        Ok(source)
    }

    /// Waits for a message, then takes what else is there without waiting, up to `max`: few when idle, many when
    /// behind. Positions strictly increase, also across calls.
    ///
    /// Transient: the consumer could not be made again in several attempts. Permanent: no such stream any more,
    /// or a missing permission. After an error the source may be asked again. A call that is cancelled while it
    /// waits loses nothing.
    pub async fn next(&mut self, max: usize) -> Result<Vec<StoredMessage>, BrokerError> {
        loop {
            let events = self.next_or_anew(max).await?;
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// The same, but returns at once, with nothing, when the consumer was made anew: the stream may have been, too, and
    /// its messages may then be as long in coming as the old ones were many.
    pub async fn next_or_anew(&mut self, max: usize) -> Result<Vec<StoredMessage>, BrokerError> {
        self.next_before(max, None).await
    }

    /// The same, but returns with nothing, too, when nothing came until then, give or take a heartbeat.
    pub async fn next_before(
        &mut self,
        max: usize,
        deadline: Option<Instant>,
    ) -> Result<Vec<StoredMessage>, BrokerError> {
        let late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        loop {
            if self.singly.is_some() {
                let events = self.read_singly().await?;
                if !events.is_empty() || late() {
                    return Ok(events);
                }
                continue;
            }
            if let Some(why) = self.pull.broken.clone() {
                self.recreate(&why).await?;
                return Ok(Vec::new());
            }
            self.pull.ask(&self.connection, &self.stream, self.options.batch).await?;
            let mut events = self.ready(max);
            if events.is_empty() && self.pull.broken.is_none() {
                events.extend(self.wait().await?);
                events.append(&mut self.ready(max.saturating_sub(events.len())));
            }
            // What came before a break is good; the next call mends the break.
            if !events.is_empty() {
                self.heard.now();
                return Ok(events);
            }
            if late() && self.pull.broken.is_none() {
                return Ok(Vec::new());
            }
        }
    }

    /// What is there already, up to `max`.
    fn ready(&mut self, max: usize) -> Vec<StoredMessage> {
        let mut events = Vec::new();
        let mut bytes = 0;
        while events.len() < max && bytes < READY_BYTES && self.pull.broken.is_none() {
            // Outside the runtime's cooperative budget, which would end a batch after 128 messages; `max` bounds it.
            match tokio::task::unconstrained(self.pull.messages.next()).now_or_never() {
                Some(message) => {
                    bytes += message.as_ref().map_or(0, |message| message.length);
                    events.extend(self.take(message));
                }
                None => break,
            }
        }
        events
    }

    /// Waits for one message from the server, or for a sign that none will come.
    async fn wait(&mut self) -> Result<Option<StoredMessage>, BrokerError> {
        // Again, because what was just passed over, or a pull's end, may have been all that was asked for.
        self.pull.ask(&self.connection, &self.stream, self.options.batch).await?;
        // Any branch may be cancelled: a message that leaves the channel is handled without another await.
        tokio::select! {
            biased;
            message = self.pull.messages.next() => {
                self.heard.now();
                return Ok(self.take(message));
            }
            _ = self.trouble.changed() => match self.trouble.borrow_and_update().clone() {
                Some(Trouble::Refused(words))
                    // Letting a consumer go is a courtesy: without the permission the server forgets it by itself.
                    if words.contains(&format!("{}.CONSUMER.", self.connection.prefixes().of(&self.stream)))
                        && !words.contains(".CONSUMER.DELETE.") =>
                {
                    return Err(forbidden(&words));
                }
                Some(trouble @ (Trouble::Lost | Trouble::SlowConsumer)) => {
                    self.pull.broken = Some(trouble.to_string());
                }
                _ => {}
            },
            () = tokio::time::sleep(SILENCE) => {
                self.pull.broken = Some("the server was silent for two heartbeats".to_owned());
            }
        }
        Ok(None)
    }

    /// The event in a message of the subscription, if it is one; notes when the consumer is of no more use.
    fn take(&mut self, message: Option<Message>) -> Option<StoredMessage> {
        let Some(message) = message else {
            self.pull.broken = Some("the subscription ended".to_owned());
            return None;
        };
        if let Some(status) = message.status {
            self.pull.status(status, &message);
            return None;
        }
        let reply = message.reply.as_deref()?;
        let delivery = Delivery::parse(reply)?;
        self.pull.learn_acks(reply);
        let (delivered, last) = (self.pull.delivered, self.last);
        let took = follow::judge(delivery.consumer_sequence, delivery.stream_sequence, delivered, last);
        if let Took::Broken(why) = took {
            self.pull.broken = Some(why);
            return None;
        }
        self.pull.came();
        self.pending = delivery.pending;
        if self.options.durable.is_some() {
            self.taken.record(delivery.stream_sequence, delivery.consumer_sequence);
        }
        if took == Took::Known {
            return None;
        }
        self.last = Position(delivery.stream_sequence);
        self.barren = 0;
        Some(StoredMessage {
            sequence: delivery.stream_sequence,
            stored_at: delivery.stored_at,
            subject: self.subjects.get(&message.subject, Arc::clone),
            headers: message.headers.as_ref().and_then(|map| headers(map, self.options.reserved_headers)).map(Arc::new),
            payload: message.payload,
        })
    }

    /// The next messages up to `until`, none when there are no more: the stream's leader says so, and not the consumer.
    pub async fn next_until(&mut self, max: usize, until: u64) -> Result<Vec<StoredMessage>, BrokerError> {
        let wildcard = self.options.filter.clone().unwrap_or_else(|| ">".to_owned());
        let mut quiet = false;
        while self.last.0 < until {
            if (quiet || self.pending == 0)
                && !follows(&self.connection, &self.stream, self.last.0, until, &wildcard).await?
            {
                break;
            }
            let mut messages = self.next_before(max, Some(Instant::now() + QUIET)).await?;
            // What was still to come may be gone since, and nothing would ever come.
            quiet = messages.is_empty();
            messages.retain(|message| message.sequence <= until);
            if !messages.is_empty() {
                return Ok(messages);
            }
        }
        Ok(Vec::new())
    }

    /// Makes the consumer again after the last position taken.
    async fn recreate(&mut self, why: &str) -> Result<(), BrokerError> {
        // The caller may have let go of this in the middle, and comes again.
        if !std::mem::replace(&mut self.mending, true) {
            tracing::info!(stream = self.stream, after = self.last.0, why, "the source starts its consumer again");
            self.recreated += 1;
            self.trouble.mark_unchanged();
            self.barren += 1;
        }
        self.pull.silence().await;
        if self.barren > 1 {
            tokio::time::sleep(PAUSE).await;
            // One life after the other brought nothing: the next message may be one that no client can read.
            self.barren = 0;
            self.mending = false;
            self.singly = Some(Singly::new());
            return Ok(());
        }
        self.make(why).await
    }

    /// Makes the consumer, or says after a while that it could not be made.
    async fn make(&mut self, why: &str) -> Result<(), BrokerError> {
        // Setting a durable consumer forward acknowledges what it skips, so it goes back to what may be gone, and
        // what comes again is passed over.
        let from = if self.options.durable.is_some() { self.acked } else { self.last };
        let mut pause = PAUSE;
        let began = Instant::now();
        loop {
            let inbox = Pull::inbox(&self.connection).await?;
            match Pull::create(&self.connection, &self.stream, from, &self.options, inbox).await {
                Ok((pull, pending)) => {
                    self.taken.clear();
                    self.mending = false;
                    let old = std::mem::replace(&mut self.pull, pull);
                    self.pending = pending;
                    old.forget(&self.connection, &self.stream).await;
                    return Ok(());
                }
                Err(error) if !error.is_transient() => return Err(error),
                Err(error) if began.elapsed() + pause >= PATIENCE => {
                    return Err(BrokerError::Transient(format!("reading {}: {why}; {error}", self.stream)));
                }
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
    }

    /// Reads on without the consumer, and goes back to it when it may be read again.
    async fn read_singly(&mut self) -> Result<Vec<StoredMessage>, BrokerError> {
        let Some(singly) = &mut self.singly else { return Ok(Vec::new()) };
        // A durable consumer begins behind what is acknowledged.
        let in_the_way = self.options.durable.is_some() && self.acked.0 < singly.last_unreadable;
        if singly.is_over() && !in_the_way {
            self.make("its messages can be read again").await?;
            self.singly = None;
            return Ok(Vec::new());
        }
        let filter = self.options.filter.as_deref();
        let fetched = singly.next(&self.connection, &self.stream, self.last.0, filter).await;
        let Fetched { messages, unreadable } = match fetched {
            Ok(fetched) => fetched,
            // The client is about to connect again: what it could not read has just cost it its connection.
            Err(error) if error.is_transient() && self.heard.silent() < PATIENCE => {
                tokio::time::sleep(PAUSE).await;
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        self.heard.now();
        self.unreadable += unreadable;
        match messages.last() {
            None => tokio::time::sleep(POLL).await,
            Some(newest) => {
                self.last = Position(newest.sequence);
                self.pending = self.pending.saturating_sub(messages.len() as u64);
            }
        }
        let reserved = self.options.reserved_headers;
        Ok(messages.into_iter().map(|message| as_delivered(message, reserved)).collect())
    }

    /// How many messages were read that the client library cannot read.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// When the server was last heard.
    pub fn heard(&self) -> Heard {
        self.heard.clone()
    }

    /// How far behind the stream's end the last message was: messages still to come.
    pub fn pending(&self) -> u64 {
        self.pending
    }

    /// The last position taken.
    pub fn last(&self) -> Position {
        self.last
    }

    /// How often the consumer had to be made again.
    pub fn recreated(&self) -> u64 {
        self.recreated
    }

    /// Tells a stream with interest retention that everything up to `position` may go; does nothing for others.
    ///
    /// To be called after the checkpoint, never before: what is acknowledged cannot be read again. A failure is
    /// harmless: the next call with a later position covers the same messages. Opening a durable source after a
    /// position acknowledges everything up to it, too.
    pub async fn ack_through(&mut self, position: Position) -> Result<(), BrokerError> {
        self.acked = self.acked.max(position);
        if self.singly.is_some() && self.options.durable.is_some() {
            self.taken.clear();
            return self.pull.pass_over(&self.connection, &self.stream, self.acked, &self.options).await;
        }
        match self.taken.through(position.0) {
            Some((position, delivery)) => self.pull.acknowledge(&self.connection, position, delivery).await,
            None => Ok(()),
        }
    }

    /// Deletes the consumer, unless it is durable; without this the server does so after a while.
    pub async fn close(self) -> Result<(), BrokerError> {
        self.pull.close(&self.connection, &self.stream).await
    }
}
