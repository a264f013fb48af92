//! Single messages of a stream by request, and whether the client library could have read them as deliveries.
//!
//! Their headers come as bytes and are read here: a stored message may have some that no client can read.

use super::api::{self, MESSAGE_NOT_FOUND};
use super::connect::Connection;
use super::streams::{missing, time};
use crate::core::ids::Nanos;
use crate::core::output::Headers;
use crate::ports::stream::{BrokerError, StoredMessage};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer};
use std::sync::Arc;

/// A message, and whether the client library could have read it as a delivery.
#[derive(Debug)]
pub(super) struct Single {
    pub(super) message: StoredMessage,
    pub(super) readable: bool,
}

/// The message at a sequence; `None` when it was never there, or is there no more.
pub async fn message_at(
    connection: &Connection,
    stream: &str,
    sequence: u64,
) -> Result<Option<StoredMessage>, BrokerError> {
    get(connection, stream, &serde_json::json!({ "seq": sequence })).await
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

/// The message at a sequence, and whether it is readable.
pub(super) async fn single_at(
    connection: &Connection,
    stream: &str,
    sequence: u64,
) -> Result<Option<Single>, BrokerError> {
    get_single(connection, stream, &serde_json::json!({ "seq": sequence })).await
}

/// The first message at a sequence or after it that a wildcard covers, and whether it is readable.
pub(super) async fn single_from(
    connection: &Connection,
    stream: &str,
    sequence: u64,
    wildcard: &str,
) -> Result<Option<Single>, BrokerError> {
    get_single(connection, stream, &serde_json::json!({ "seq": sequence, "next_by_subj": wildcard })).await
}

async fn get(
    connection: &Connection,
    stream: &str,
    request: &serde_json::Value,
) -> Result<Option<StoredMessage>, BrokerError> {
    Ok(get_single(connection, stream, request).await?.map(|single| single.message))
}

async fn get_single(
    connection: &Connection,
    stream: &str,
    request: &serde_json::Value,
) -> Result<Option<Single>, BrokerError> {
    let subject = connection.api("STREAM.MSG.GET", stream);
    match api::ask::<GetReply>(connection, &subject, request).await? {
        Ok(reply) => Ok(Some(reply.message.single())),
        Err(error) if error.err_code == MESSAGE_NOT_FOUND => Ok(None),
        Err(error) => Err(missing(connection, stream, error, &subject).await),
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
    fn single(self) -> Single {
        let readable = is_readable(&self.hdrs) && !self.subject.contains(char::REPLACEMENT_CHARACTER);
        Single { readable, message: self.stored() }
    }

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

/// Whether the client library reads a wire block: text without a status, names of printable characters. Of what it takes
/// beyond that nothing is said here; a message is then asked for by itself without need.
fn is_readable(block: &[u8]) -> bool {
    if block.is_empty() {
        return true;
    }
    let Ok(text) = std::str::from_utf8(block) else { return false };
    let mut lines = text.split("\r\n");
    let version = lines.next().is_some_and(|line| line.trim_end() == "NATS/1.0");
    version
        && lines.filter(|line| !line.is_empty()).all(|line| {
            let Some((name, value)) = line.split_once(':') else { return false };
            let graphic = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
            graphic && !value.contains(['\r', '\n'])
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_blocks_are_read_and_sorted() {
        let block = b"NATS/1.0\r\nno name: x\r\nB: 2\r\nA:1:x\r\nB: 3\r\n\r\n";
        let pairs = [("A", "1:x"), ("B", "2"), ("B", "3")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(header_block(block), Some(pairs.to_vec()));
        assert_eq!(header_block(b""), None);
    }

    #[test]
    fn a_block_is_readable_if_the_client_takes_it() {
        for good in
            [&b""[..], b"NATS/1.0\r\n\r\n", b"NATS/1.0\r\nA: 1\r\nB:\r\n\r\n", "NATS/1.0\r\nA: ö\r\n\r\n".as_bytes()]
        {
            assert!(is_readable(good), "{}", String::from_utf8_lossy(good));
        }
        let name = b"NATS/1.0\r\nX Name: 1\r\n\r\n";
        for bad in [
            &b"NATS/1.0\r\nX-Name: Zo\xeb\r\n\r\n"[..],
            name,
            b"NATS/1.0 100\r\n\r\n",
            b"HTTP\r\n\r\n",
            b"NATS/1.0\r\nA\r\n\r\n",
        ] {
            assert!(!is_readable(bad), "{}", String::from_utf8_lossy(bad));
        }
    }
}
