//! What a stream says of itself, and single messages by sequence.
//!
//! A stream's account of itself counts only where it proves that the stream's leader gave it, because any member
//! answers while there is no leader, and a leader that was deposed answers for seconds. A message is looked up by whoever
//! believes to lead; what a decision rests on stands between two accounts by one leader (`by_its_leader`). A direct get may be
//! stale on a replica and is never used.

use super::api;
use super::connect::Connection;
pub(super) use super::message::last_of;
pub use super::message::{message_at, message_from};
use super::suitable::old_leader;
use crate::core::ids::Nanos;
use crate::core::subject::covers;
use crate::ports::stream::{BrokerError, StoredMessage, StreamState, Streams};
use crate::protocol::evidence::{self, Cluster, Follower};
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use serde::{Deserialize, Deserializer};
use std::time::Duration;
use tokio::time::Instant;

/// How long two looks are apart before a stream counts as missing.
const APART: Duration = Duration::from_secs(2);

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
        let InfoState { messages, first_seq, last_seq, last_ts, consumer_count } = self.state;
        // An empty stream reports either 0 or last + 1 as its first sequence, depending on its past.
        let first = if messages == 0 { last_seq + 1 } else { first_seq };
        let state = StreamState {
            created: self.created,
            first,
            last: last_seq,
            messages,
            aged_out: is_aged_out(self.config.max_age, last_ts, self.ts),
            server_time: self.ts,
            leader,
        };
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
    /// Zero where the server does not know any more.
    #[serde(default, deserialize_with = "some_time")]
    last_ts: Nanos,
    #[serde(default)]
    consumer_count: u64,
}

/// The stream's state and configuration now; a missing stream is a permanent error.
pub async fn info(connection: &Connection, stream: &str) -> Result<StreamInfo, BrokerError> {
    find_surely(connection, stream).await?.ok_or_else(|| absent(stream))
}

/// The same, with `None` for a stream that does not exist, as two looks say: a cluster that is electing leaders, or
/// a member that just came back, does not know all streams.
pub async fn find_surely(connection: &Connection, stream: &str) -> Result<Option<StreamInfo>, BrokerError> {
    let found = find(connection, stream).await?;
    if found.is_some() {
        return Ok(found);
    }
    tokio::time::sleep(APART).await;
    find(connection, stream).await
}

/// The same at one look, for whoever does no harm by it.
pub async fn find(connection: &Connection, stream: &str) -> Result<Option<StreamInfo>, BrokerError> {
    let subject = connection.api("STREAM.INFO", stream);
    let began = Instant::now();
    loop {
        match api::ask::<InfoReply>(connection, &subject, &serde_json::json!({})).await? {
            Ok(reply) => match reply.info(stream) {
                Ok(info) => {
                    let old = old_leader(&connection.server_version(), &info.config);
                    return old.map_or(Ok(Some(info)), |what| Err(BrokerError::Transient(what)));
                }
                // An election is over at any moment; a pause between two starts may be much longer.
                Err(_) if began.elapsed() < connection.request_timeout() => tokio::time::sleep(api::SOON).await,
                Err(error) => return Err(error),
            },
            Err(error) if error.err_code == api::STREAM_NOT_FOUND => return Ok(None),
            Err(error) => return Err(error.broker(&subject)),
        }
    }
}

/// Only the state.
pub async fn state(connection: &Connection, stream: &str) -> Result<StreamState, BrokerError> {
    Ok(info(connection, stream).await?.state)
}

impl Streams for Connection {
    async fn state(&self, stream: &str) -> Result<StreamState, BrokerError> {
        state(self, stream).await
    }

    async fn message_at(&self, stream: &str, sequence: u64) -> Result<Option<StoredMessage>, BrokerError> {
        message_at(self, stream, sequence).await
    }

    async fn message_from(&self, stream: &str, sequence: u64) -> Result<Option<StoredMessage>, BrokerError> {
        message_from(self, stream, sequence, ">").await
    }
}

/// What is found between two accounts of the stream by one leader: nobody who lags or was deposed has answered.
pub async fn by_its_leader<T>(
    connection: &Connection,
    stream: &str,
    find: impl Future<Output = Result<T, BrokerError>>,
) -> Result<T, BrokerError> {
    let before = state(connection, stream).await?;
    let found = find.await?;
    before.same_leader(&state(connection, stream).await?, stream)?;
    Ok(found)
}

/// Whether a message follows `last` up to `until` whose subject the wildcard covers, as the stream's leader says. How
/// much a consumer has to deliver tells only what the server knows that keeps the consumer.
pub async fn follows(
    connection: &Connection,
    stream: &str,
    last: u64,
    until: u64,
    wildcard: &str,
) -> Result<bool, BrokerError> {
    if last >= until {
        return Ok(false);
    }
    let within = |next: Option<StoredMessage>| next.is_some_and(|next| next.sequence <= until);
    if within(message_from(connection, stream, last + 1, wildcard).await?) {
        return Ok(true);
    }
    let next = message_from(connection, stream, last + 1, wildcard);
    by_its_leader(connection, stream, next).await.map(within)
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
        let found = last_of(connection, stream, subject).await?;
        newest = newest.into_iter().chain(found).max_by_key(|message| message.sequence);
    }
    Ok(newest)
}

/// The error of a call on a stream; one that does not exist is named plainly, once that is sure.
pub(super) async fn missing(connection: &Connection, stream: &str, error: api::ApiError, subject: &str) -> BrokerError {
    if error.err_code != api::STREAM_NOT_FOUND {
        return error.broker(subject);
    }
    match Box::pin(find_surely(connection, stream)).await {
        Ok(None) => absent(stream),
        Ok(Some(_)) => BrokerError::Transient(format!("{subject}: {}", error.description)),
        Err(error) => error,
    }
}

/// Whether an age limit takes a message that was stored then. An empty stream does not tell otherwise whether it was its limit
/// or a person who emptied it (found on nats-server 2.15.1).
fn is_aged_out(limit: Duration, stored_at: Nanos, now: Nanos) -> bool {
    let limit = i64::try_from(limit.as_nanos()).unwrap_or(i64::MAX);
    limit > 0 && stored_at.0.saturating_add(limit) <= now.0
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

/// An RFC 3339 time to the nanosecond.
pub(super) fn time<'de, D: Deserializer<'de>>(value: D) -> Result<Nanos, D::Error> {
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

    fn account(cluster: &str) -> Result<StreamInfo, BrokerError> {
        let config = r#"{"name":"S","retention":"limits","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,
            "storage":"file","num_replicas":3,"discard":"old"}"#;
        let text = format!(
            r#"{{"config":{config},"created":"2026-11-29T12:00:00Z","ts":"2026-11-29T13:00:00Z",
            "state":{{"messages":2,"first_seq":1,"last_seq":2}}{cluster}}}"#
        );
        serde_json::from_str::<InfoReply>(&text).unwrap().info("S")
    }

    #[test]
    fn an_account_counts_with_a_leader_that_a_majority_was_just_heard_by() {
        let led = |active: u64| {
            account(&format!(
                r#","cluster":{{"name":"c","leader":"n1","leader_since":"2026-11-29T12:59:00Z","replicas":[
                {{"name":"n2","current":true,"active":{active}}},{{"name":"n3","current":true,"active":{active}}}]}}"#
            ))
        };
        assert_eq!(account("").unwrap().state.leader, account(r#","cluster":null"#).unwrap().state.leader);
        assert_ne!(led(400_000_000).unwrap().state.leader, account("").unwrap().state.leader);
        let cut_off = led(4_300_000_000).unwrap_err();
        assert!(cut_off.is_transient() && cut_off.to_string().contains("no leader with a quorum"), "{cut_off}");
        let follower = r#","cluster":{"name":"c","replicas":[{"name":"n1","current":false,"active":9000000000}]}"#;
        assert!(account(follower).unwrap_err().is_transient());
        assert!(account(r#","cluster":{"name":"c","leader":"n1"}"#).is_ok(), "one copy");
    }

    #[test]
    fn an_age_limit_takes_what_is_older_and_nothing_else_does() {
        let (hour, now) = (3_600_000_000_000, Nanos(9_000_000_000_000));
        let aged_out = |limit: u64, age: i64| is_aged_out(Duration::from_nanos(limit), Nanos(now.0 - age), now);
        assert!(aged_out(hour, hour as i64) && !aged_out(hour, hour as i64 - 1));
        assert!(!aged_out(0, now.0), "no limit");
        assert!(aged_out(hour, now.0), "the server forgot when it was");
        assert!(!aged_out(u64::MAX, 0));
        let state = account("").unwrap().state;
        assert!(!state.aged_out && state.messages == 2);
        let empty = r#"{"messages":0,"first_seq":3,"last_seq":2,"last_ts":"0001-01-01T00:00:00Z"}"#;
        let InfoState { last_ts, .. } = serde_json::from_str(empty).unwrap();
        assert_eq!(last_ts, Nanos(0));
    }

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
}
