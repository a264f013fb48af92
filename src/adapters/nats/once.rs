//! One message into one stream, and the stream's own word on it.
//!
//! Never sends a second time: when no answer comes, the caller has to find out. For the few messages whose every
//! step is written down; events in bulk go through `publish`.

use super::api;
use super::connect::Connection;
use crate::core::output::Headers;
use crate::ports::stream::BrokerError;
use async_nats::HeaderMap;
use async_nats::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use std::str::FromStr;

/// The stream has another last sequence (of the subject) than the message expects.
pub const WRONG_SEQUENCE: [u64; 2] = [10071, 10164];

/// One message.
#[derive(Clone, Debug)]
pub struct Once {
    /// The stream that must take it.
    pub stream: String,
    /// Its subject.
    pub subject: String,
    /// Its headers, those for the server included.
    pub headers: Headers,
    /// Its body.
    pub body: Bytes,
}

/// What the stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishAnswer {
    /// A message stands there.
    Stored {
        /// Its sequence.
        sequence: u64,
        /// Whether it is an earlier one with the same id, and this one was dropped.
        duplicate: bool,
    },
    /// Nothing was stored.
    Refused {
        /// The server's code.
        code: u64,
        /// Its words.
        words: String,
    },
}

#[derive(serde::Deserialize)]
struct Ack {
    seq: u64,
    #[serde(default)]
    duplicate: bool,
}

impl Once {
    /// What the message counts for against the limits of server and stream, in bytes.
    pub fn size(&self) -> usize {
        let lines: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        // The first line and the empty one, and the header that `publish` adds.
        lines + 12 + "Nats-Expected-Stream".len() + self.stream.len() + 4 + self.body.len()
    }

    /// Publishes it. An error means that nobody knows whether it is stored.
    pub async fn publish(&self, connection: &Connection) -> Result<PublishAnswer, BrokerError> {
        let reply = connection.request_with(&self.subject, Some(self.map()?), self.body.clone()).await?;
        let answer = api::parse::<Ack>(&reply.payload);
        match answer.map_err(|error| BrokerError::Transient(format!("{}: unreadable answer: {error}", self.subject)))? {
            Ok(Ack { seq, duplicate }) => Ok(PublishAnswer::Stored { sequence: seq, duplicate }),
            Err(error) => Ok(PublishAnswer::Refused {
                code: error.err_code,
                words: format!("{} ({})", error.description, error.err_code),
            }),
        }
    }

    /// Its headers as the client sends them, and the one that names the stream.
    pub(super) fn map(&self) -> Result<HeaderMap, BrokerError> {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            map.append(header_name(name)?, header_value(value)?);
        }
        map.insert("Nats-Expected-Stream", header_value(&self.stream)?);
        Ok(map)
    }

    /// Why the client could not send the headers, if it could not.
    pub fn unsendable(&self) -> Option<String> {
        let fault = |(name, value): &(String, String)| header_name(name).err().or_else(|| header_value(value).err());
        self.headers.iter().find_map(fault).map(|error| error.to_string())
    }
}

fn header_name(name: &str) -> Result<HeaderName, BrokerError> {
    HeaderName::from_str(name).map_err(|error| unsendable(name, &error))
}

fn header_value(value: &str) -> Result<HeaderValue, BrokerError> {
    HeaderValue::from_str(value).map_err(|error| unsendable(value, &error))
}

fn unsendable(text: &str, error: &dyn std::fmt::Display) -> BrokerError {
    BrokerError::Permanent {
        what: format!("the header text {text:?} cannot be sent: {error}"),
        hint: "publish this event with a client of your own".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_header_can_carry_is_named_before_it_is_sent() {
        let once = |name: &str, value: &str| Once {
            stream: "S".into(),
            subject: "s".into(),
            headers: vec![(name.to_owned(), value.to_owned())],
            body: Bytes::new(),
        };
        assert_eq!(once("Trace", "x y: \u{fc}").unsendable(), None);
        for (name, value) in [("a b", "x"), ("a:b", "x"), ("a", "x\r\ny")] {
            assert!(once(name, value).unsendable().is_some(), "{name:?} {value:?}");
        }
        assert_eq!(once("AB", "xyz").size(), 2 + 3 + 4 + 12 + 20 + 1 + 4);
    }
}
