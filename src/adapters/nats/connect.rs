//! One TCP connection to the server, and the requests over it.
//!
//! A connection is never healed behind its owner's back: whatever happens to it is reported once and stays
//! reported, because an engine starts again after every reconnect. The source and the lane have one each.

use super::prefix::Prefixes;
use super::reach::{Reached, reach};
pub use super::settings::{NatsSettings, TlsSettings};
pub use super::trouble::Trouble;
use crate::ports::stream::{BrokerError, Denial};
use async_nats::{Client, HeaderMap, Message, Request, RequestErrorKind};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;

/// One connection. Clones share it; it closes when the last clone is dropped.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    api: Arc<Prefixes>,
    /// The server's words where it refused the inbox.
    deaf: Arc<OnceLock<String>>,
    /// How it was made.
    settings: Arc<(NatsSettings, String)>,
    trouble: watch::Receiver<Option<Trouble>>,
}

/// The settings hold secrets, which belong in no log.
impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects once, to any of the servers, without trying again; `purpose` makes the connection's name in the
    /// server's lists. Files and passwords that do not suit are denials; an address that is none is permanent.
    pub async fn open(settings: &NatsSettings, purpose: &str) -> Result<Connection, BrokerError> {
        let Reached { client, trouble, deaf } = reach(settings, purpose).await?;
        Ok(Connection {
            client,
            api: Arc::new(settings.api.clone()),
            deaf,
            settings: Arc::new((settings.clone(), purpose.to_owned())),
            trouble,
        })
    }

    /// Another connection, made as this one was.
    pub async fn again(&self) -> Result<Connection, BrokerError> {
        let (settings, purpose) = &*self.settings;
        Connection::open(settings, purpose).await
    }

    /// Tells when something went wrong: `None` until then. A loss is never replaced by a lesser report.
    pub fn trouble(&self) -> watch::Receiver<Option<Trouble>> {
        self.trouble.clone()
    }

    /// The server's version as it greeted us, such as `2.15.1`.
    pub fn server_version(&self) -> String {
        self.client.server_info().version
    }

    /// The largest message that the server takes, headers included, in bytes.
    pub fn max_payload(&self) -> usize {
        self.client.max_payload()
    }

    /// Whether the server that greeted us runs JetStream itself.
    pub(super) fn has_jetstream(&self) -> bool {
        self.client.server_info().jetstream
    }

    /// The subject of an API call on a stream, such as `STREAM.INFO`.
    pub(super) fn api(&self, call: &str, stream: &str) -> String {
        self.api.subject(call, stream)
    }

    /// The subject of an API call on a consumer, such as `DELETE`.
    pub(super) fn consumer_api(&self, call: &str, stream: &str, consumer: &str) -> String {
        format!("{}.CONSUMER.{call}.{stream}.{consumer}", self.api.of(stream))
    }

    /// How it was made.
    pub(super) fn settings(&self) -> &NatsSettings {
        &self.settings.0
    }

    /// Where the API of each stream answers.
    pub(super) fn prefixes(&self) -> &Prefixes {
        &self.api
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// One request and its reply. A refusal that the server reports meanwhile ends it at once and by name,
    /// because otherwise it would look like a time-out.
    pub(super) async fn request(&self, subject: &str, payload: Bytes) -> Result<Message, BrokerError> {
        self.request_with(subject, None, payload).await
    }

    /// The same with headers.
    pub(super) async fn request_with(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<Message, BrokerError> {
        let mut trouble = self.trouble.clone();
        trouble.mark_unchanged();
        if let Some(words) = self.deaf.get() {
            return Err(self.hears_nothing(words));
        }
        let refused = async {
            while trouble.changed().await.is_ok() {
                if let Some(words) = self.deaf.get() {
                    return self.hears_nothing(words);
                }
                match &*trouble.borrow_and_update() {
                    Some(Trouble::Lost) => return BrokerError::Transient(Trouble::Lost.to_string()),
                    Some(Trouble::Refused(words)) if words.contains(subject) => return forbidden(words),
                    _ => {}
                }
            }
            BrokerError::Transient("the connection was closed".to_owned())
        };
        let mut request = Request::new().payload(payload);
        if let Some(headers) = headers {
            request = request.headers(headers);
        }
        tokio::select! {
            reply = self.client.send_request(subject.to_owned(), request) => reply.map_err(|error| match error.kind() {
                RequestErrorKind::TimedOut => BrokerError::Transient(format!(
                    "no answer to {subject} within {} ms",
                    self.request_timeout().as_millis()
                )),
                RequestErrorKind::NoResponders => BrokerError::Transient(format!(
                    "nobody answers {subject}: JetStream is off for this account, or still starting"
                )),
                _ => BrokerError::Transient(format!("{subject}: {error}")),
            }),
            error = refused => Err(error),
        }
    }

    /// How long a request may take.
    pub(super) fn request_timeout(&self) -> Duration {
        self.settings.0.request_timeout
    }

    /// The error of a connection that may not hear answers.
    fn hears_nothing(&self, words: &str) -> BrokerError {
        BrokerError::Denied {
            by: Denial::Permission,
            what: format!("the server refused: {words}"),
            hint: format!(
                "let this user subscribe to {}.>, or set nats.inbox_prefix to a prefix that it may subscribe to",
                self.settings.0.inbox_prefix
            ),
        }
    }
}

/// What a permission violation means for the caller.
pub(super) fn forbidden(words: &str) -> BrokerError {
    BrokerError::Denied {
        by: Denial::Permission,
        what: format!("the server refused: {words}"),
        hint: "give the user this permission; `sidestream check --connect` lists all that are needed".to_owned(),
    }
}
