//! One life of a pull consumer: making it, asking it for messages, letting it go.
//!
//! It does not look at what is delivered; `source` does. Two kinds exist. The usual one needs no acks, lives in
//! memory and is forgotten when nobody pulls. A durable one is for streams with interest retention, which keep a
//! message only until every consumer has acknowledged it: it acknowledges all up to a delivery at once, is never
//! deleted, and is set back at every start (a reset, server 2.14 or later) so that its deliveries count from 1
//! again and begin right after a position. Setting it forward acknowledges what it skips.

use super::api;
use super::connect::Connection;
use super::delivery::{ack_prefix, given_up};
use super::streams::missing;
use crate::core::ids::Position;
use crate::ports::stream::BrokerError;
use async_nats::{Message, StatusCode, Subscriber};
use std::time::Duration;

/// How often the server says that it still knows an idle pull.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long one pull waits for messages.
const EXPIRES: Duration = Duration::from_secs(60);
/// The server's answer to the creation of a consumer that is there, otherwise configured.
const CONSUMER_EXISTS: u64 = 10148;
/// How long the server keeps the usual consumer when nobody pulls, so that a killed engine leaves nothing.
pub(super) const INACTIVE: Duration = Duration::from_secs(90);
/// How long a durable consumer waits for an ack before it delivers again; a checkpoint never takes so long.
const ACK_WAIT: Duration = Duration::from_secs(3_600);

/// Bytes of one pull at most, so that large messages do not fill memory; more than the largest message (64 MiB),
/// which a server would otherwise never deliver.
const BYTES: usize = 96 << 20;

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
    /// Why this consumer is of no more use.
    pub(super) broken: Option<String>,
}

#[derive(serde::Deserialize)]
struct Created {
    #[serde(default)]
    num_pending: u64,
}

impl Pull {
    /// A consumer that delivers what follows `after`, and how much that is.
    pub(super) async fn create(
        connection: &Connection,
        stream: &str,
        after: Position,
        options: &SourceOptions,
    ) -> Result<(Pull, u64), BrokerError> {
        let inbox = connection.client().new_inbox();
        // The inbox's last token is unique; it names the usual consumer too, so that late answers meet nobody.
        let unique = format!("sidestream-{}", inbox.rsplit('.').next().unwrap_or_default());
        let consumer = options.durable.clone().unwrap_or(unique);
        let messages = connection.client().subscribe(inbox.clone()).await.map_err(closed)?;
        let config = match options.durable {
            Some(_) => durable(&consumer, options),
            None => usual(&consumer, options, after),
        };
        let request = serde_json::json!({ "stream_name": stream, "config": config });
        let subject = connection.consumer_api("CREATE", stream, &consumer);
        let mut created: Created =
            api::call(connection, &subject, &request).await?.map_err(|error| missing(stream, error, &subject))?;
        if options.durable.is_some() {
            let subject = connection.consumer_api("RESET", stream, &consumer);
            created = api::call(connection, &subject, &serde_json::json!({ "seq": after.0 + 1 }))
                .await?
                .map_err(|error| missing(stream, error, &subject))?;
        }
        let durable = options.durable.is_some();
        let pull = Pull { consumer, durable, inbox, acks: None, messages, delivered: 0, outstanding: 0, broken: None };
        Ok((pull, created.num_pending))
    }

    /// Asks for another batch when half of one or less is on its way, so that the server never waits for us.
    pub(super) async fn ask(&mut self, connection: &Connection, stream: &str, batch: u64) -> Result<(), BrokerError> {
        if self.outstanding > batch / 2 {
            return Ok(());
        }
        let (expires, heartbeat) = (nanos(EXPIRES), nanos(HEARTBEAT));
        let request =
            format!("{{\"batch\":{batch},\"max_bytes\":{BYTES},\"expires\":{expires},\"idle_heartbeat\":{heartbeat}}}");
        let subject = connection.consumer_api("MSG.NEXT", stream, &self.consumer);
        let sent = connection.client().publish_with_reply(subject, self.inbox.clone(), request.into()).await;
        sent.map_err(closed)?;
        self.outstanding += batch;
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
        // A pull ended by its time or its size: what it leaves is asked for again.
        let left = given_up(message.headers.as_ref()).unwrap_or(self.outstanding);
        self.outstanding = self.outstanding.saturating_sub(left);
    }

    /// Learns from a delivery's reply subject where acks go: across domains and accounts only the server knows.
    pub(super) fn learn_acks(&mut self, reply: &str) {
        if self.durable && self.acks.is_none() {
            self.acks = ack_prefix(reply).map(str::to_owned);
        }
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
    match api::call::<Created>(connection, &subject, &request).await? {
        Err(error) if error.err_code != CONSUMER_EXISTS => Err(missing(stream, error, &subject)),
        _ => Ok(()),
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
