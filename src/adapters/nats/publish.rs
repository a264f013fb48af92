//! Publishing into a stream the usual way: every message is acknowledged, a bounded number at a time.
//!
//! For the generator and tests; the lane has a writer of its own.

use super::connect::Connection;
use crate::ports::stream::BrokerError;
use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::{self, Context};
use std::collections::VecDeque;
use std::str::FromStr;

/// Acknowledgements that may be outstanding.
const OUTSTANDING: usize = 1_000;

/// Publishes and counts acknowledgements.
pub struct Publisher {
    context: Context,
    stream: String,
    outstanding: VecDeque<PublishAckFuture>,
}

impl Publisher {
    /// A publisher into one stream; a message that would land in another one is refused by the server.
    pub async fn open(connection: &Connection, stream: &str) -> Result<Publisher, BrokerError> {
        super::streams::state(connection, stream).await?;
        let context = jetstream::new(connection.client().clone());
        Ok(Publisher { context, stream: stream.to_owned(), outstanding: VecDeque::new() })
    }

    /// Publishes one message, waiting for the oldest acknowledgement when too many are outstanding.
    pub async fn publish(
        &mut self,
        subject: &str,
        headers: &[(String, String)],
        payload: Vec<u8>,
    ) -> Result<(), BrokerError> {
        let mut map = HeaderMap::new();
        map.insert("Nats-Expected-Stream", self.stream.as_str());
        for (name, value) in headers {
            let value = async_nats::HeaderValue::from_str(value);
            let value = value.map_err(|error| BrokerError::Transient(format!("a header cannot be sent: {error}")))?;
            map.append(name.as_str(), value);
        }
        let future = self.context.publish_with_headers(subject.to_owned(), map, payload.into()).await;
        self.outstanding.push_back(future.map_err(|error| failed(&error))?);
        if self.outstanding.len() >= OUTSTANDING {
            self.settle_one().await?;
        }
        Ok(())
    }

    /// Waits for every acknowledgement.
    pub async fn finish(&mut self) -> Result<(), BrokerError> {
        while !self.outstanding.is_empty() {
            self.settle_one().await?;
        }
        Ok(())
    }

    async fn settle_one(&mut self) -> Result<(), BrokerError> {
        if let Some(oldest) = self.outstanding.pop_front() {
            oldest.await.map_err(|error| failed(&error))?;
        }
        Ok(())
    }
}

fn failed(error: &dyn std::fmt::Display) -> BrokerError {
    BrokerError::Transient(format!("publishing failed: {error}"))
}
