//! One life of a pull consumer: making it, asking it for messages, letting it go.
//!
//! It does not look at what is delivered; `source` does. Two kinds exist. The usual one needs no acks, lives in
//! memory and is forgotten when nobody pulls. A durable one is for streams with interest retention, which keep a
//! message only until every consumer has acknowledged it: it acknowledges all up to a delivery at once, is never
//! deleted, and is set back at every start (a reset, server 2.14 or later) so that its deliveries count from 1
//! again and begin right after a position. Setting it forward acknowledges what it skips.

use super::api;
use super::connect::Connection;
use super::delivery::{ack_prefix, left_of};
use super::streams::missing;
use crate::core::ids::Position;
use crate::ports::stream::BrokerError;
use async_nats::{Message, StatusCode, Subscriber};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How often the server says that it still knows an idle pull.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long one pull waits for messages.
const EXPIRES: Duration = Duration::from_secs(60);
/// The server's answer to the creation of a consumer that is there, otherwise configured.
const CONSUMER_EXISTS: u64 = 10148;
/// How long the server keeps the usual consumer when nobody pulls, so that a killed engine leaves nothing.
pub(super) const INACTIVE: Duration = Duration::from_secs(90);
/// How long a durable consumer waits for an ack before it delivers again; a checkpoint never takes so long.
const ACK_WAIT: Duration = Duration::from_secs(3_600);

/// After so long a consumer that nobody waits for is made, or never will be.
const STRAGGLES: Duration = Duration::from_secs(5);

/// Bytes of one pull at most. Two pulls of one source overlap, and a connection has three sources at most, so that all
/// that the server may have to hold back for us stays below the 64 MiB at which it calls us a slow consumer.
const BYTES: usize = 8 << 20;
/// Bytes of a pull for one message that is larger than that; no message is larger than 64 MiB.
const LARGEST: usize = 96 << 20;

/// Where a message stands that is larger than a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Large {
    /// Nowhere.
    No,
    /// It is the next one, and is to be asked for by itself.
    Next,
    /// It is asked for.
    Asked,
}

/// How to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceOptions {
    /// Messages of one pull, 2,000 to 10,000; two pulls overlap.
    pub batch: u64,
    /// Without bodies: for readers that only want sequences and headers.
    pub headers_only: bool,
    /// The name of the durable consumer for a stream with interest retention; `None` for all others.
    pub durable: Option<String>,
    /// Only messages whose subject this wildcard covers; costs the server much more a message. `None` for all.
    pub filter: Option<String>,
    /// With the headers of the server and our own, too (`core::output::RESERVED_PREFIXES`).
    pub reserved_headers: bool,
}

impl Default for SourceOptions {
    fn default() -> SourceOptions {
        SourceOptions { batch: 5_000, headers_only: false, durable: None, filter: None, reserved_headers: true }
    }
}

/// One life of the consumer.
#[derive(Debug)]
pub(super) struct Pull {
    consumer: String,
    durable: bool,
    inbox: String,
    /// What acks of a durable consumer begin with, as the deliveries' reply subjects say.
    acks: Option<String>,
    /// What the server sends to the inbox.
    pub(super) messages: Subscriber,
    /// The consumer sequence of the newest delivery.
    pub(super) delivered: u64,
    /// Messages asked for that have not come.
    pub(super) outstanding: u64,
    large: Large,
    /// Why this consumer is of no more use.
    pub(super) broken: Option<String>,
}

#[derive(serde::Deserialize)]
struct CreatedConsumer {
    #[serde(default)]
    num_pending: u64,
}

impl Pull {
    /// An inbox for one life of the consumer; fails only on a connection that is closed for good.
    pub(super) async fn inbox(connection: &Connection) -> Result<(String, Subscriber), BrokerError> {
        let inbox = connection.client().new_inbox();
        let messages = connection.client().subscribe(inbox.clone()).await.map_err(closed)?;
        Ok((inbox, messages))
    }

    /// Tells a durable consumer, which delivers nothing now, that everything up to `position` may go.
    pub(super) async fn pass_over(
        &self,
        connection: &Connection,
        stream: &str,
        position: Position,
        options: &SourceOptions,
    ) -> Result<(), BrokerError> {
        set_back(connection, stream, position, &self.consumer, options).await.map(|_| ())
    }

    /// A consumer that delivers what follows `after`, and how much that is.
    pub(super) async fn create(
        connection: &Connection,
        stream: &str,
        after: Position,
        options: &SourceOptions,
        (inbox, messages): (String, Subscriber),
    ) -> Result<(Pull, u64), BrokerError> {
        // The inbox's last token is unique; it names the usual consumer too, so that late answers meet nobody.
        let unique = format!("sidestream-{}", inbox.rsplit('.').next().unwrap_or_default());
        let (consumer, created) = match &options.durable {
            Some(name) => (name.clone(), set_back(connection, stream, after, name, options).await?),
            None => anywhere(connection, stream, after, &unique, options).await?,
        };
        let durable = options.durable.is_some();
        let (delivered, outstanding, large) = (0, 0, Large::No);
        let pull = Pull { consumer, durable, inbox, acks: None, messages, delivered, outstanding, large, broken: None };
        Ok((pull, created.num_pending))
    }

    /// Asks for another batch when half of one or less is on its way, so that the server never waits for us.
    pub(super) async fn ask(&mut self, connection: &Connection, stream: &str, batch: u64) -> Result<(), BrokerError> {
        if self.outstanding > batch / 2 || self.large == Large::Asked {
            return Ok(());
        }
        let (batch, bytes) = if self.large == Large::Next { (1, LARGEST) } else { (batch, BYTES) };
        let (expires, heartbeat) = (nanos(EXPIRES), nanos(HEARTBEAT));
        let request =
            format!("{{\"batch\":{batch},\"max_bytes\":{bytes},\"expires\":{expires},\"idle_heartbeat\":{heartbeat}}}");
        let subject = connection.consumer_api("MSG.NEXT", stream, &self.consumer);
        let sent = connection.client().publish_with_reply(subject, self.inbox.clone(), request.into()).await;
        sent.map_err(closed)?;
        self.outstanding += batch;
        if self.large == Large::Next {
            self.large = Large::Asked;
        }
        Ok(())
    }

    /// A message of the server about a pull: a heartbeat, a pull's end, or the consumer's.
    pub(super) fn status(&mut self, status: StatusCode, message: &Message) {
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
        let untouched = || left_of(message.headers.as_ref(), "Nats-Pending-Bytes") == Some(BYTES as u64);
        if said.contains("Exceeds MaxBytes") && self.large == Large::No && untouched() {
            self.large = Large::Next;
        }
        // A pull ended by its time or its size: what it leaves is asked for again.
        let left = left_of(message.headers.as_ref(), "Nats-Pending-Messages").unwrap_or(self.outstanding);
        self.outstanding = self.outstanding.saturating_sub(left);
    }

    /// Learns from a delivery's reply subject where acks go: across domains and accounts only the server knows.
    pub(super) fn learn_acks(&mut self, reply: &str) {
        if self.durable && self.acks.is_none() {
            self.acks = ack_prefix(reply).map(str::to_owned);
        }
    }

    /// A delivery came.
    pub(super) fn came(&mut self) {
        self.delivered += 1;
        self.outstanding = self.outstanding.saturating_sub(1);
        self.large = Large::No;
    }

    /// Acknowledges everything up to a delivery and waits for the server's word, which is still no promise: acks
    /// are bookkeeping and may be lost with the server.
    pub(super) async fn acknowledge(
        &self,
        connection: &Connection,
        position: u64,
        delivery: u64,
    ) -> Result<(), BrokerError> {
        let Some(prefix) = &self.acks else { return Ok(()) };
        let subject = format!("{prefix}.1.{position}.{delivery}.0.0");
        connection.request(&subject, "+ACK".into()).await.map(|_| ())
    }

    /// Takes no more deliveries. The server then drops the pulls that wait for this inbox, which must be gone
    /// before a durable consumer is set back: it would go on serving them.
    pub(super) async fn silence(&mut self) {
        let _ = self.messages.unsubscribe().await;
    }

    /// Deletes the usual consumer without waiting; if that fails, it goes by its inactivity limit.
    pub(super) async fn forget(self, connection: &Connection, stream: &str) {
        if !self.durable {
            let nobody = connection.client().new_inbox();
            let _ = connection.client().publish_with_reply(self.deletion(connection, stream), nobody, "".into()).await;
        }
    }

    /// Deletes the usual consumer and waits for the answer, because a connection that is dropped at once would
    /// take the request with it.
    pub(super) async fn close(self, connection: &Connection, stream: &str) -> Result<(), BrokerError> {
        if self.durable {
            return Ok(());
        }
        connection.request(&self.deletion(connection, stream), "".into()).await.map(|_| ())
    }

    fn deletion(&self, connection: &Connection, stream: &str) -> String {
        connection.consumer_api("DELETE", stream, &self.consumer)
    }
}

/// The durable consumer's name: engines of one output stream that follow each other go on with the same one.
pub fn durable_name(output: &str) -> String {
    format!("sidestream-{output}")
}

/// Makes the durable consumer of an interest stream where it is not there yet, and leaves one that is there alone.
pub(super) async fn make_durable(connection: &Connection, stream: &str, consumer: &str) -> Result<(), BrokerError> {
    let config = durable(consumer, &SourceOptions::default());
    let request = serde_json::json!({ "stream_name": stream, "config": config, "action": "create" });
    let subject = connection.consumer_api("CREATE", stream, consumer);
    match api::call::<CreatedConsumer>(connection, &subject, &request).await? {
        Err(error) if error.err_code != CONSUMER_EXISTS => Err(missing(connection, stream, error, &subject).await),
        _ => Ok(()),
    }
}

/// Makes the usual consumer, under another name each second until one is made: a cluster may have placed the first one
/// on a server that just died, and nobody says so.
async fn anywhere(
    connection: &Connection,
    stream: &str,
    after: Position,
    unique: &str,
    options: &SourceOptions,
) -> Result<(String, CreatedConsumer), BrokerError> {
    let attempts = AtomicUsize::new(0);
    let subject = connection.consumer_api("CREATE", stream, unique);
    let made = api::hedged(&subject, connection.request_timeout(), |attempt| {
        attempts.store(attempt + 1, Ordering::Relaxed);
        let name = attempt_name(unique, attempt);
        async move {
            let subject = connection.consumer_api("CREATE", stream, &name);
            let request = serde_json::json!({ "stream_name": stream, "config": usual(&name, options, after) });
            Ok((name, api::call::<CreatedConsumer>(connection, &subject, &request).await?))
        }
    });
    let (name, created) = made.await?;
    let stragglers: Vec<String> = (0..attempts.into_inner())
        .map(|attempt| attempt_name(unique, attempt))
        .filter(|other| *other != name)
        .collect();
    if !stragglers.is_empty() {
        tokio::spawn(forget_later(connection.clone(), stream.to_owned(), stragglers));
    }
    match created {
        Ok(created) => Ok((name, created)),
        Err(error) => Err(missing(connection, stream, error, &subject).await),
    }
}

fn attempt_name(unique: &str, attempt: usize) -> String {
    if attempt == 0 { unique.to_owned() } else { format!("{unique}-{attempt}") }
}

/// Deletes consumers that may still be made although nobody waits for them any more.
async fn forget_later(connection: Connection, stream: String, consumers: Vec<String>) {
    tokio::time::sleep(STRAGGLES).await;
    for consumer in consumers {
        let nobody = connection.client().new_inbox();
        let subject = connection.consumer_api("DELETE", &stream, &consumer);
        let _ = connection.client().publish_with_reply(subject, nobody, "".into()).await;
    }
}

/// Makes the durable consumer where it is not there yet, and sets it back or forward to what follows `after`.
async fn set_back(
    connection: &Connection,
    stream: &str,
    after: Position,
    name: &str,
    options: &SourceOptions,
) -> Result<CreatedConsumer, BrokerError> {
    let request = serde_json::json!({ "stream_name": stream, "config": durable(name, options) });
    let subject = connection.consumer_api("CREATE", stream, name);
    if let Err(error) = api::ask::<CreatedConsumer>(connection, &subject, &request).await? {
        return Err(missing(connection, stream, error, &subject).await);
    }
    // Asked once: a second one that comes late would begin the deliveries anew.
    let subject = connection.consumer_api("RESET", stream, name);
    match api::call(connection, &subject, &serde_json::json!({ "seq": after.0 + 1 })).await? {
        Ok(created) => Ok(created),
        Err(error) => Err(missing(connection, stream, error, &subject).await),
    }
}

/// Without a number of copies it has one, or, on a stream with interest retention, as many as that: it takes no other.
fn usual(consumer: &str, options: &SourceOptions, after: Position) -> serde_json::Value {
    let mut config = serde_json::json!({
        "name": consumer,
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": after.0 + 1,
        "ack_policy": "none",
        "replay_policy": "instant",
        "mem_storage": true,
        "inactive_threshold": nanos(INACTIVE),
        "headers_only": options.headers_only,
    });
    if let (Some(filter), Some(config)) = (&options.filter, config.as_object_mut()) {
        config.insert("filter_subject".to_owned(), filter.as_str().into());
    }
    config
}

fn durable(consumer: &str, options: &SourceOptions) -> serde_json::Value {
    serde_json::json!({
        "name": consumer,
        "durable_name": consumer,
        "deliver_policy": "all",
        "ack_policy": "all",
        "ack_wait": nanos(ACK_WAIT),
        "max_ack_pending": -1,
        "replay_policy": "instant",
        "headers_only": options.headers_only,
    })
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn closed(error: impl std::fmt::Display) -> BrokerError {
    BrokerError::Transient(format!("the connection is closed: {error}"))
}
