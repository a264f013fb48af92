//! Notices between programs: short texts on a subject that no stream need hold.
//!
//! Lost notices are nobody's loss; whoever uses them must be right without them.

use super::connect::Connection;
use crate::ports::stream::BrokerError;
use async_nats::{Client, Subscriber};
use futures_util::StreamExt;

/// A subject on which notices are heard and sent.
#[derive(Debug)]
pub struct Notices {
    client: Client,
    subject: String,
    heard: Subscriber,
}

impl Notices {
    /// Listens on a subject.
    pub async fn open(connection: &Connection, subject: &str) -> Result<Notices, BrokerError> {
        let client = connection.client().clone();
        let closed = |error| BrokerError::Transient(format!("the connection is closed: {error}"));
        let heard = client.subscribe(subject.to_owned()).await.map_err(closed)?;
        Ok(Notices { client, subject: subject.to_owned(), heard })
    }

    /// Sends a notice to everybody who listens, ourselves included.
    pub async fn send(&self, text: String) -> Result<(), BrokerError> {
        let sent = self.client.publish(self.subject.clone(), text.into()).await;
        sent.map_err(|error| BrokerError::Transient(format!("the connection is closed: {error}")))
    }

    /// The next notice; `None` when the connection is closed.
    pub async fn next(&mut self) -> Option<String> {
        let message = self.heard.next().await?;
        Some(String::from_utf8_lossy(&message.payload).into_owned())
    }
}
