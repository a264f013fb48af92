//! What a stream says of itself, and single messages by sequence.
//!
//! A stream's account of itself counts only where it proves that the stream's leader gave it, because any member
//! answers while there is no leader, and a leader that was deposed answers for seconds. A message is looked up by whoever
//! believes to lead; what a decision rests on stands between two accounts by one leader (`Bracket`). A direct get may be
//! stale on a replica and is never used.

use super::api::{self, MESSAGE_NOT_FOUND};
use super::connect::Connection;
use crate::core::ids::Nanos;
use crate::core::output::Headers;
use crate::core::protocol::evidence::{self, Cluster, Follower};
use crate::core::subject::covers;
use crate::ports::stream::{BrokerError, StoredMessage, StreamState, Streams};
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer};
use std::sync::Arc;
use std::time::Duration;

/// A stream's account of itself.
#[derive(Clone, Debug)]
pub struct StreamInfo {
    /// Its sequences and times.
    pub state: StreamState,
    /// How many consumers it has.
    pub(super) consumers: u64,
    /// Its configuration, for this folder only.
    pub(super) config: Config,
}

impl StreamInfo {
    /// Whether a message goes once every consumer has acknowledged it, so that the source must be durable.
    pub fn is_interest(&self) -> bool {
        self.config.retention == RetentionPolicy::Interest
    }

    /// How long the stream remembers message ids.
    pub fn remembers_ids(&self) -> Duration {
        self.config.duplicate_window
    }

    /// Whether the stream listens on a subject.
    pub fn listens_on(&self, subject: &str) -> bool {
        self.config.subjects.iter().any(|pattern| covers(pattern, subject))
    }

    /// The largest message that the stream takes, headers included, where it has a limit of its own.
    pub fn largest_message(&self) -> Option<usize> {
        usize::try_from(self.config.max_message_size).ok().filter(|limit| *limit > 0)
    }

    /// How many copies of it a cluster keeps.
    pub fn replicas(&self) -> usize {
        self.config.num_replicas
    }
}

#[derive(Deserialize)]
struct InfoReply {
    config: Config,
    #[serde(deserialize_with = "time")]
    created: Nanos,
    #[serde(deserialize_with = "time")]
    ts: Nanos,
    state: InfoState,
    #[serde(default)]
    cluster: Option<InfoCluster>,
}

impl InfoReply {
    /// The account, where a majority of the stream's servers proves that its leader gave it.
    fn info(self, stream: &str) -> Result<StreamInfo, BrokerError> {
        let cluster = self.cluster.map(InfoCluster::cluster);
        let leader = evidence::leader(cluster.as_ref()).ok_or_else(|| no_leader(stream))?;
        let InfoState { messages, first_seq, last_seq, consumer_count } = self.state;
        // An empty stream reports either 0 or last + 1 as its first sequence, depending on its past.
        let first = if messages == 0 { last_seq + 1 } else { first_seq };
        let state =
            StreamState { created: self.created, first, last: last_seq, messages, server_time: self.ts, leader };
        Ok(StreamInfo { state, consumers: consumer_count, config: self.config })
    }
}

#[derive(Deserialize)]
struct InfoCluster {
    leader: Option<String>,
    #[serde(default, deserialize_with = "some_time")]
    leader_since: Nanos,
    #[serde(default)]
    replicas: Vec<InfoReplica>,
}

#[derive(Deserialize)]
struct InfoReplica {
    #[serde(default)]
    current: bool,
    #[serde(default)]
    offline: bool,
    /// In nanoseconds.
    #[serde(default)]
    active: i64,
}

impl InfoCluster {
    fn cluster(self) -> Cluster {
        let follower = |replica: InfoReplica| {
            let InfoReplica { current, offline, active } = replica;
            Follower { active: Nanos(active), current, offline }
        };
        let followers = self.replicas.into_iter().map(follower).collect();
        Cluster { leader: self.leader, since: self.leader_since, followers }
    }
}

#[derive(Deserialize)]
struct InfoState {
    messages: u64,
    first_seq: u64,
    last_seq: u64,
    #[serde(default)]
    consumer_count: u64,
}

/// The stream's state and configuration now; a missing stream is a permanent error.
pub async fn info(connection: &Connection, stream: &str) -> Result<StreamInfo, BrokerError> {
    find(connection, stream).await?.ok_or_else(|| absent(stream))
}

/// The same, with `None` for a stream that does not exist.
pub async fn find(connection: &Connection, stream: &str) -> Result<Option<StreamInfo>, BrokerError> {
    let subject = connection.api("STREAM.INFO", stream);
    match api::call::<InfoReply>(connection, &subject, &serde_json::json!({})).await? {
        Ok(reply) => reply.info(stream).map(Some),
        Err(error) if error.err_code == api::STREAM_NOT_FOUND => Ok(None),
        Err(error) => Err(error.broker(&subject)),
    }
}

/// Only the state.
pub async fn state(connection: &Connection, stream: &str) -> Result<StreamState, BrokerError> {
    Ok(info(connection, stream).await?.state)
}

/// The message at a sequence; `None` when it was never there, or is there no more.
pub async fn message_at(
    connection: &Connection,
    stream: &str,
    sequence: u64,
) -> Result<Option<StoredMessage>, BrokerError> {
    get(connection, stream, &serde_json::json!({ "seq": sequence })).await
}

impl Streams for Connection {
    async fn state(&self, stream: &str) -> Result<StreamState, BrokerError> {
        state(self, stream).await
    }

    async fn message_at(&self, stream: &str, sequence: u64) -> Result<Option<StoredMessage>, BrokerError> {
        message_at(self, stream, sequence).await
    }
}

/// The first message at a sequence or after it whose subject a wildcard covers.
pub async fn message_from(
    connection: &Connection,
    stream: &str,
    sequence: u64,
    wildcard: &str,
) -> Result<Option<StoredMessage>, BrokerError> {
    get(connection, stream, &serde_json::json!({ "seq": sequence, "next_by_subj": wildcard })).await
}

/// The newest message of a subject.
pub(super) async fn last_of(
    connection: &Connection,
    stream: &str,
    subject: &str,
) -> Result<Option<StoredMessage>, BrokerError> {
    get(connection, stream, &serde_json::json!({ "last_by_subj": subject })).await
}

/// The newest message that is still there, which need not be at the stream's last sequence.
pub async fn newest(connection: &Connection, stream: &str) -> Result<Option<StoredMessage>, BrokerError> {
    let StreamInfo { state, config, .. } = info(connection, stream).await?;
    if state.messages == 0 {
        return Ok(None);
    }
    if let Some(message) = message_at(connection, stream, state.last).await? {
        return Ok(Some(message));
    }
    // The last one was deleted. The server answers `>` with the last sequence only, but looks up other wildcards.
    let mut newest: Option<StoredMessage> = None;
    for subject in config.subjects.iter().flat_map(|subject| match subject.as_str() {
        ">" => vec!["*", "*.>"],
        subject => vec![subject],
    }) {
        let found = get(connection, stream, &serde_json::json!({ "last_by_subj": subject })).await?;
        newest = newest.into_iter().chain(found).max_by_key(|message| message.sequence);
    }
    Ok(newest)
}

async fn get(
    connection: &Connection,
    stream: &str,
    request: &serde_json::Value,
) -> Result<Option<StoredMessage>, BrokerError> {
    let subject = connection.api("STREAM.MSG.GET", stream);
    match api::call::<GetReply>(connection, &subject, request).await? {
        Ok(reply) => Ok(Some(reply.message.stored())),
        Err(error) if error.err_code == MESSAGE_NOT_FOUND => Ok(None),
        Err(error) => Err(missing(stream, error, &subject)),
    }
}

/// The error of a call on a stream; one that does not exist is named plainly.
pub(super) fn missing(stream: &str, error: api::ApiError, subject: &str) -> BrokerError {
    match error.err_code {
        api::STREAM_NOT_FOUND => absent(stream),
        _ => error.broker(subject),
    }
}

fn no_leader(stream: &str) -> BrokerError {
    BrokerError::Transient(format!("no leader with a quorum answered for stream {stream}"))
}

fn absent(stream: &str) -> BrokerError {
    BrokerError::Permanent {
        what: format!("stream {stream} does not exist"),
        hint: "create it with `sidestream provision`, or correct its name".to_owned(),
    }
}

#[derive(Deserialize)]
struct GetReply {
    message: RawMessage,
}

#[derive(Deserialize)]
struct RawMessage {
    subject: String,
    seq: u64,
    #[serde(default, deserialize_with = "base64_bytes")]
    hdrs: Vec<u8>,
    #[serde(default, deserialize_with = "base64_bytes")]
    data: Vec<u8>,
    #[serde(deserialize_with = "time")]
    time: Nanos,
}

impl RawMessage {
    fn stored(self) -> StoredMessage {
        StoredMessage {
            sequence: self.seq,
            stored_at: self.time,
            subject: Arc::from(self.subject),
            headers: header_block(&self.hdrs).map(Arc::new),
            payload: self.data.into(),
        }
    }
}

/// The headers of a wire block, sorted by name as the source sorts them. Bytes that are no text are replaced, and
/// names that no client can read are left out, so that they do not travel on into the lane.
fn header_block(block: &[u8]) -> Option<Headers> {
    let text = String::from_utf8_lossy(block);
    let mut headers: Headers = text
        .split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    Some(headers).filter(|headers| !headers.is_empty())
}

fn base64_bytes<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<u8>, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(value)?;
    BASE64_STANDARD.decode(text.as_bytes()).map_err(serde::de::Error::custom)
}

/// An RFC 3339 time to the nanosecond.
fn time<'de, D: Deserializer<'de>>(value: D) -> Result<Nanos, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(value)?;
    let moment: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
    i64::try_from(moment.as_nanosecond()).map(Nanos).map_err(serde::de::Error::custom)
}

/// The same, or zero for one that is not known.
fn some_time<'de, D: Deserializer<'de>>(value: D) -> Result<Nanos, D::Error> {
    let text = Option::<std::borrow::Cow<str>>::deserialize(value)?;
    let moment = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    Ok(Nanos(moment.and_then(|moment| i64::try_from(moment.as_nanosecond()).ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_nanosecond() {
        for (text, nanos) in [
            ("\"1970-01-01T00:00:00.000000001Z\"", 1),
            ("\"2026-11-21T12:00:00.123456789Z\"", 1_795_262_400_123_456_789),
            ("\"2026-11-21T13:00:00.5+01:00\"", 1_795_262_400_500_000_000),
        ] {
            assert_eq!(time(&mut serde_json::Deserializer::from_str(text)).unwrap(), Nanos(nanos), "{text}");
        }
    }

    #[test]
    fn header_blocks_are_read_and_sorted() {
        let block = b"NATS/1.0\r\nno name: x\r\nB: 2\r\nA:1:x\r\nB: 3\r\n\r\n";
        let pairs = [("A", "1:x"), ("B", "2"), ("B", "3")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(header_block(block), Some(pairs.to_vec()));
        assert_eq!(header_block(b""), None);
    }
}
