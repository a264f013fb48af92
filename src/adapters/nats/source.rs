//! The messages of a stream in stream order, each once, from a position on.
//!
//! An unfiltered pull consumer without acks, which the server forgets when nobody pulls. What is lost on the way
//! shows as a jump of the consumer's own sequence; then the consumer is made again after the last position taken.
//! A position is never yielded twice or out of turn. Jumps of the *stream's* sequence are yielded as they are:
//! what they mean is the caller's judgement. Used by the intake, the audit and the replay.

use super::api;
use super::connect::{Connection, Trouble, forbidden};
use super::delivery::{Delivery, given_up, headers};
use super::streams::missing;
use super::subjects::Subjects;
use crate::core::ids::Position;
use crate::ports::stream::{BrokerError, StoredMessage};
use async_nats::{Message, StatusCode, Subscriber};
use futures_util::{FutureExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the server says that it still knows an idle pull.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Silence after which the consumer is believed gone: two heartbeats and some slack.
const SILENCE: Duration = Duration::from_secs(11);
/// How long one pull waits for messages.
const PULL_EXPIRES: Duration = Duration::from_secs(60);
/// How long the server keeps the consumer when nobody pulls from it, so that a killed engine leaves nothing.
const INACTIVE: Duration = Duration::from_secs(90);
/// Attempts to make the consumer again before the caller hears of it.
const ATTEMPTS: u32 = 3;
/// The wait after the first failed attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes of one pull at most, so that large messages do not fill memory; more than the largest message (64 MiB),
/// which a server would otherwise never deliver.
const PULL_BYTES: usize = 96 << 20;
/// Bytes after which no more is taken in one go.
const READY_BYTES: usize = 1 << 20;

/// How to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceOptions {
    /// Messages of one pull, 2,000 to 10,000; two pulls overlap.
    pub batch: u64,
    /// Without bodies: for readers that only want sequences and headers.
    pub headers_only: bool,
}

impl Default for SourceOptions {
    fn default() -> SourceOptions {
        SourceOptions { batch: 5_000, headers_only: false }
    }
}

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
    subjects: Subjects<Arc<str>>,
}

/// One life of the consumer.
#[derive(Debug)]
struct Pull {
    consumer: String,
    inbox: String,
    messages: Subscriber,
    /// The consumer sequence of the newest delivery.
    delivered: u64,
    /// Messages asked for that have not come.
    outstanding: u64,
    /// Why this consumer is of no more use.
    broken: Option<String>,
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
        let (pull, pending) = Pull::create(connection, stream, after, options).await?;
        let source = Source {
            connection: connection.clone(),
            trouble,
            stream: stream.to_owned(),
            options,
            last: after,
            pull,
            pending,
            recreated: 0,
            subjects: Subjects::new(),
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
            if let Some(why) = self.pull.broken.clone() {
                self.recreate(&why).await?;
            }
            self.pull.ask(&self.connection, &self.stream, self.options.batch).await?;
            let mut events = self.ready(max);
            if events.is_empty() && self.pull.broken.is_none() {
                events.extend(self.wait().await?);
                events.append(&mut self.ready(max.saturating_sub(events.len())));
            }
            // What came before a break is good; the next call mends the break.
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// What is there already, up to `max`.
    fn ready(&mut self, max: usize) -> Vec<StoredMessage> {
        let mut events: Vec<StoredMessage> = Vec::new();
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
        // Any branch may be cancelled: a message that leaves the channel is handled without another await.
        tokio::select! {
            biased;
            message = self.pull.messages.next() => return Ok(self.take(message)),
            _ = self.trouble.changed() => match self.trouble.borrow_and_update().clone() {
                Some(Trouble::Refused(words)) if words.contains("$JS.API.CONSUMER") => return Err(forbidden(&words)),
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
        let delivery = Delivery::parse(message.reply.as_deref()?)?;
        if delivery.consumer_sequence != self.pull.delivered + 1 {
            let (came, after) = (delivery.consumer_sequence, self.pull.delivered);
            self.pull.broken = Some(format!("delivery {came} came after delivery {after}"));
            return None;
        }
        self.pull.delivered += 1;
        self.pull.outstanding = self.pull.outstanding.saturating_sub(1);
        self.pending = delivery.pending;
        if delivery.stream_sequence <= self.last.0 {
            return None;
        }
        self.last = Position(delivery.stream_sequence);
        Some(StoredMessage {
            sequence: delivery.stream_sequence,
            stored_at: delivery.stored_at,
            subject: self.subjects.get(&message.subject, Arc::clone),
            headers: message.headers.as_ref().and_then(headers).map(Arc::new),
            payload: message.payload,
        })
    }

    /// Makes the consumer again after the last position taken, in a bounded number of attempts.
    async fn recreate(&mut self, why: &str) -> Result<(), BrokerError> {
        tracing::info!(stream = self.stream, after = self.last.0, why, "the source starts its consumer again");
        self.recreated += 1;
        self.trouble.mark_unchanged();
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            match Pull::create(&self.connection, &self.stream, self.last, self.options).await {
                Ok((pull, pending)) => {
                    let old = std::mem::replace(&mut self.pull, pull);
                    self.pending = pending;
                    old.forget(&self.connection, &self.stream).await;
                    return Ok(());
                }
                Err(error) if !error.is_transient() => return Err(error),
                Err(error) if attempt == ATTEMPTS => {
                    return Err(BrokerError::Transient(format!("reading {}: {why}; {error}", self.stream)));
                }
                Err(_) => tokio::time::sleep(pause).await,
            }
            attempt += 1;
            pause *= 2;
        }
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

    /// Deletes the consumer; without it the server does so after a while.
    pub async fn close(self) -> Result<(), BrokerError> {
        // With an answer, because a connection that is dropped at once would take the request with it.
        self.connection.request(&self.pull.deletion(&self.stream), "".into()).await.map(|_| ())
    }
}

impl Pull {
    async fn create(
        connection: &Connection,
        stream: &str,
        after: Position,
        options: SourceOptions,
    ) -> Result<(Pull, u64), BrokerError> {
        #[derive(serde::Deserialize)]
        struct Created {
            #[serde(default)]
            num_pending: u64,
        }
        let inbox = connection.client().new_inbox();
        // The inbox's last token is unique; it names the consumer too, so that late answers meet nobody.
        let consumer = format!("sidestream-{}", inbox.rsplit('.').next().unwrap_or_default());
        let messages = connection.client().subscribe(inbox.clone()).await.map_err(closed)?;
        let subject = format!("$JS.API.CONSUMER.CREATE.{stream}.{consumer}");
        let request = serde_json::json!({ "stream_name": stream, "action": "create", "config": {
            "name": consumer,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": after.0 + 1,
            "ack_policy": "none",
            "replay_policy": "instant",
            "mem_storage": true,
            "num_replicas": 1,
            "inactive_threshold": nanos(INACTIVE),
            "headers_only": options.headers_only,
        }});
        let created: Created =
            api::call(connection, &subject, &request).await?.map_err(|error| missing(stream, error, &subject))?;
        Ok((Pull { consumer, inbox, messages, delivered: 0, outstanding: 0, broken: None }, created.num_pending))
    }

    /// Asks for another batch when the half of one or less is on its way, so that the server never waits for us.
    async fn ask(&mut self, connection: &Connection, stream: &str, batch: u64) -> Result<(), BrokerError> {
        if self.outstanding > batch / 2 {
            return Ok(());
        }
        let request = format!(
            "{{\"batch\":{batch},\"max_bytes\":{PULL_BYTES},\"expires\":{},\"idle_heartbeat\":{}}}",
            nanos(PULL_EXPIRES),
            nanos(HEARTBEAT)
        );
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{}", self.consumer);
        connection.client().publish_with_reply(subject, self.inbox.clone(), request.into()).await.map_err(closed)?;
        self.outstanding += batch;
        Ok(())
    }

    /// A message of the server about a pull: a heartbeat, a pull's end, or the consumer's.
    fn status(&mut self, status: StatusCode, message: &Message) {
        if status == StatusCode::IDLE_HEARTBEAT {
            return;
        }
        let said = message.description.as_deref().unwrap_or_default();
        let over = status == StatusCode::NO_RESPONDERS
            || ["Consumer Deleted", "Leadership Change", "Server Shutdown"].iter().any(|end| said.contains(end));
        if over {
            self.broken = Some(format!("{status} {said}"));
            return;
        }
        // A pull ended by its time or its size: what it leaves is asked for again.
        let left = given_up(message.headers.as_ref()).unwrap_or(self.outstanding);
        self.outstanding = self.outstanding.saturating_sub(left);
    }

    /// Deletes the consumer without waiting; if that fails, it goes by its inactivity limit.
    async fn forget(self, connection: &Connection, stream: &str) {
        let nobody = connection.client().new_inbox();
        let _ = connection.client().publish_with_reply(self.deletion(stream), nobody, "".into()).await;
    }

    fn deletion(&self, stream: &str) -> String {
        format!("$JS.API.CONSUMER.DELETE.{stream}.{}", self.consumer)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn closed(error: impl std::fmt::Display) -> BrokerError {
    BrokerError::Transient(format!("the connection is closed: {error}"))
}
