//! Messages into one stream, in their order, and whether each is known to be stored: yes, no, or not known.
//!
//! Never sends a second time. Unlike `Once::publish` it tells a refusal from silence, since who asked for the message answers
//! somebody else with it; and sending is apart from waiting, so that many wait together.

use super::connect::{Connection, Trouble};
use super::once::Once;
use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, Context};
use std::error::Error;
use std::time::Duration;
use tokio::sync::watch;

/// What is known of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// It stands in the stream.
    Stored {
        /// Its sequence, or that of the message that was there before under its id.
        sequence: u64,
        /// Whether it was there before.
        duplicate: bool,
    },
    /// It is not stored, and why.
    Not(String),
    /// It may be stored, or be stored later; what happened.
    Unknown(String),
}

/// Sends messages over one connection.
#[derive(Clone)]
pub struct Confirmer {
    connection: Connection,
    context: Context,
}

/// The context holds the client, which has secrets.
impl std::fmt::Debug for Confirmer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Confirmer").finish_non_exhaustive()
    }
}

/// A message that is on its way.
pub struct SentMessage {
    subject: String,
    trouble: watch::Receiver<Option<Trouble>>,
    ack: PublishAckFuture,
}

impl Confirmer {
    /// Over a connection; a confirmation that does not come within this time is not waited for.
    pub fn new(connection: &Connection, within: Duration) -> Confirmer {
        let mut context = jetstream::new(connection.client().clone());
        context.set_timeout(within);
        Confirmer { connection: connection.clone(), context }
    }

    /// Sends a message; those of several calls, one after the other, arrive in their order. An error: it was not sent.
    pub async fn send(&self, once: &Once) -> Result<SentMessage, String> {
        let map = once.map().map_err(|error| error.to_string())?;
        let mut trouble = self.connection.trouble();
        if *trouble.borrow_and_update() == Some(Trouble::Lost) {
            // What is sent now would wait for another connection, and perhaps leave when nobody waits for it.
            return Err(Trouble::Lost.to_string());
        }
        let message = PublishMessage::build().headers(map).payload(once.body.clone());
        let ack = self.context.send_publish(once.subject.clone(), message).await.map_err(|error| error.to_string())?;
        Ok(SentMessage { subject: once.subject.clone(), trouble, ack })
    }
}

impl SentMessage {
    /// Waits for the stream's word.
    pub async fn word(self) -> Confirmed {
        let SentMessage { subject, mut trouble, ack } = self;
        let news = async {
            while trouble.changed().await.is_ok() {
                match &*trouble.borrow_and_update() {
                    Some(Trouble::Lost) => return Confirmed::Unknown(Trouble::Lost.to_string()),
                    Some(Trouble::Refused(words)) if words.contains(&subject) => {
                        return Confirmed::Not(format!("the server refused: {words}"));
                    }
                    _ => {}
                }
            }
            Confirmed::Unknown("the connection was closed".to_owned())
        };
        let word = tokio::select! {
            biased;
            word = ack.into_future() => word,
            told = news => return told,
        };
        match word {
            Ok(ack) => Confirmed::Stored { sequence: ack.sequence, duplicate: ack.duplicate },
            Err(error) => match error.kind() {
                PublishErrorKind::StreamNotFound => Confirmed::Not(format!("no stream listens on {subject}")),
                PublishErrorKind::TimedOut => Confirmed::Unknown("the stream has not confirmed in time".to_owned()),
                _ => match error.source().and_then(|source| source.downcast_ref::<jetstream::Error>()) {
                    Some(refusal) => Confirmed::Not(refusal.to_string()),
                    None => Confirmed::Unknown(error.to_string()),
                },
            },
        }
    }
}
