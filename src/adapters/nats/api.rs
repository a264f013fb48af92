//! Requests to the JetStream API: JSON there and back, and what an error of it means.
//!
//! Raw requests instead of the client's own calls, because these leave out the server's clock and retry on
//! their own account. What only reads is asked again each second: a request that no leader got is never answered. No
//! stream or consumer is known here.

use super::connect::Connection;
use crate::ports::stream::BrokerError;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::Instant;

/// No such stream.
pub(super) const STREAM_NOT_FOUND: u64 = 10059;
/// No such message.
pub(super) const MESSAGE_NOT_FOUND: u64 = 10037;

/// The stream or the account has as many consumers as it may have. After a kill, one of them is our own, which the server
/// forgets by itself: waiting helps.
const TOO_MANY_CONSUMERS: u64 = 10026;
/// Not as many servers for the copies of a stream as it is to have.
const NO_SUITABLE_PEERS: u64 = 10005;
/// What the server adds to that where other servers may come, or the leader has not heard of them yet, as in a young cluster.
const PEERS_MAY_COME: [&str; 2] = ["", "peer offline"];
/// Between two askings while servers elect a leader, which takes seconds and may end at any moment.
pub(super) const SOON: Duration = Duration::from_millis(250);
/// Between two askings of what may be asked twice.
const AGAIN: Duration = Duration::from_secs(1);

/// What the API says when it says no.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct ApiError {
    /// An HTTP-like status.
    pub code: u64,
    /// The stable number of the error.
    #[serde(default)]
    pub err_code: u64,
    /// The server's words.
    #[serde(default)]
    pub description: String,
}

impl ApiError {
    /// Whether nobody leads what was asked for at this moment.
    fn is_leaderless(&self) -> bool {
        self.code == 503 && !matches!(self.err_code, 10039 | 10076)
    }

    /// Whether the servers for a stream's copies are missing for now only: no reason that lies in the stream's placement.
    fn waits_for_peers(&self) -> bool {
        let reasons = self.description.split_once("placement").map_or("", |(_, reasons)| reasons);
        let mut reasons = reasons.split(',').map(str::trim);
        self.err_code == NO_SUITABLE_PEERS && reasons.all(|reason| PEERS_MAY_COME.contains(&reason))
    }

    /// The error for the caller: what fails on a busy or starting server may work later, the rest will not.
    pub(super) fn broker(self, subject: &str) -> BrokerError {
        let what = format!("{subject}: {} ({})", self.description, self.err_code);
        // 503: no leader yet, or JetStream is starting. 500 and 429 pass with the load or the disk.
        let passes =
            matches!(self.code, 429 | 500 | 503) || self.err_code == TOO_MANY_CONSUMERS || self.waits_for_peers();
        if passes && self.err_code != 10039 {
            return BrokerError::Transient(what);
        }
        let hint = match self.err_code {
            STREAM_NOT_FOUND => "create it with `sidestream provision`, or correct the stream's name",
            10039 | 10076 => "enable JetStream in the server and for this account",
            NO_SUITABLE_PEERS => {
                "ask for servers that the cluster has: see placement_cluster, placement_tags and replicas"
            }
            _ => "`sidestream check --connect` tells more",
        };
        BrokerError::Permanent { what, hint: hint.to_owned() }
    }
}

/// One API call. The outer error is the way to the server, the inner one the server's answer.
pub(super) async fn call<T: DeserializeOwned>(
    connection: &Connection,
    subject: &str,
    request: &impl Serialize,
) -> Result<Result<T, ApiError>, BrokerError> {
    let body = serde_json::to_vec(request).map_err(|error| BrokerError::Transient(format!("{subject}: {error}")))?;
    let reply = connection.request(subject, body.into()).await?;
    parse(&reply.payload).map_err(|error| BrokerError::Transient(format!("{subject}: unreadable answer: {error}")))
}

/// A call that changes nothing, or nothing more when it is made twice: the first answer counts.
pub(super) async fn ask<T: DeserializeOwned>(
    connection: &Connection,
    subject: &str,
    request: &impl Serialize,
) -> Result<Result<T, ApiError>, BrokerError> {
    let began = Instant::now();
    loop {
        let answer = hedged(subject, connection.request_timeout(), |_| call(connection, subject, request)).await?;
        match answer {
            Err(error) if error.is_leaderless() && began.elapsed() < connection.request_timeout() => {
                tokio::time::sleep(SOON).await;
            }
            answer => return Ok(answer),
        }
    }
}

/// The first answer to a request that is sent again each second, within `nats.request_timeout_ms`; it is told how often
/// it was sent before.
pub(super) async fn hedged<T, F: Future<Output = Result<T, BrokerError>>>(
    subject: &str,
    within: Duration,
    send: impl Fn(usize) -> F,
) -> Result<T, BrokerError> {
    let began = Instant::now();
    let mut sent = 1;
    let mut under_way = FuturesUnordered::from_iter([send(0)]);
    loop {
        let silent = AGAIN * sent as u32;
        tokio::select! {
            // An error is an answer, too; whoever was not answered is not heard of before all of this is over.
            Some(answer) = under_way.next() => return answer,
            () = tokio::time::sleep_until(began + silent.min(within)) => {
                if silent >= within {
                    let within = within.as_millis();
                    return Err(BrokerError::Transient(format!("no answer to {subject} within {within} ms")));
                }
                under_way.push(send(sent));
                sent += 1;
            }
        }
    }
}

/// An answer of the API: an `error` member, or the thing itself.
pub(super) fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<Result<T, ApiError>, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Failed {
        error: Option<ApiError>,
    }
    if let Some(error) = serde_json::from_slice::<Failed>(payload)?.error {
        return Ok(Err(error));
    }
    serde_json::from_slice(payload).map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_may_come_are_waited_for_and_a_placement_that_no_server_has_is_not() {
        for (reasons, waits) in [
            ("", true),
            (", peer offline", true),
            (", tags not matched ['ssd']", false),
            (", peer offline, insufficient storage", false),
        ] {
            let description = format!("no suitable peers for placement{reasons}");
            let error = ApiError { code: 400, err_code: NO_SUITABLE_PEERS, description };
            assert_eq!(error.broker("$JS.API.STREAM.CREATE.X").is_transient(), waits, "{reasons}");
        }
    }
}
