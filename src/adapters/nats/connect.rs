//! One TCP connection to the server, and the news of what went wrong with it.
//!
//! A connection is never healed behind its owner's back: whatever happens to it is reported once and stays
//! reported, because an engine starts again after every reconnect. The source and the lane have one each.

use super::prefix::Prefixes;
use crate::ports::stream::BrokerError;
use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, HeaderMap, Message, Request, RequestErrorKind, ServerAddr,
};
use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a request may take before it is called unanswered.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Two unanswered pings end a connection: a silent peer is noticed within three of these.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Attempts to reach a server again after a loss, the wait doubling from a millisecond.
const RECONNECTS: usize = 8;
/// Messages that may wait in one subscription. The client drops what does not fit, without an error, so this is
/// more than four times the largest pull.
const SUBSCRIPTION_CAPACITY: usize = 65_536;
/// Commands between a task and the connection's own task; a full channel makes the publisher wait.
const CLIENT_CAPACITY: usize = 4_096;

/// Where the server is and how to prove who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NatsSettings {
    /// One server, or several separated by commas.
    pub url: String,
    /// A `.creds` file with a JWT and its seed.
    pub credentials_file: Option<PathBuf>,
    /// A file with an nkey seed.
    pub nkey_file: Option<PathBuf>,
    /// A user name; its password stands in `password_file`.
    pub user: Option<String>,
    /// A file with the user's password; white space around it is not part of it.
    pub password_file: Option<PathBuf>,
    /// TLS, where the defaults do not suit.
    pub tls: Option<TlsSettings>,
    /// Where the JetStream API of each stream answers.
    pub api: Prefixes,
}

/// What TLS needs beyond the system's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Our certificate.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// Shake hands before the server's first line (`handshake_first` in the server).
    pub first: bool,
}

/// What went wrong with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The TCP connection ended. What was in flight is lost, in both directions.
    Lost,
    /// The server is about to shut down.
    LameDuck,
    /// A subscription overflowed and messages were dropped.
    SlowConsumer,
    /// The server refused something: its words. A permission violation is only ever seen here.
    Refused(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Lost => f.write_str("the connection to the server was lost"),
            Trouble::LameDuck => f.write_str("the server is shutting down (lame duck mode)"),
            Trouble::SlowConsumer => f.write_str("a subscription overflowed and messages were dropped"),
            Trouble::Refused(words) => write!(f, "the server refused: {words}"),
        }
    }
}

/// One connection. Clones share it; it closes when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Connection {
    client: Client,
    api: Arc<Prefixes>,
    trouble: watch::Receiver<Option<Trouble>>,
}

impl Connection {
    /// Connects once, without trying again; `purpose` makes the connection's name in the server's lists.
    ///
    /// Wrong files, names and passwords are permanent; everything else may work later.
    pub async fn open(settings: &NatsSettings, purpose: &str) -> Result<Connection, BrokerError> {
        let servers = servers(&settings.url)?;
        let (report, trouble) = watch::channel(None);
        let options = identity(options(settings)?, settings)
            .await?
            .name(format!("sidestream-{purpose}"))
            // About a quarter of a second for each server; then every subscription ends instead of waiting for ever,
            // and nothing that was meant for an earlier life is sent after a long break.
            .max_reconnects(RECONNECTS * servers.len())
            .event_callback(move |event| {
                note(&report, event);
                async {}
            });
        let client = options.connect(servers).await.map_err(|error| refusal(&settings.url, &error))?;
        Ok(Connection { client, api: Arc::new(settings.api.clone()), trouble })
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
        let refused = async {
            while trouble.changed().await.is_ok() {
                match &*trouble.borrow_and_update() {
                    Some(Trouble::Lost) => return BrokerError::Transient(Trouble::Lost.to_string()),
                    // Without its inbox a request is never answered either.
                    Some(Trouble::Refused(words)) if words.contains(subject) || words.contains("_INBOX.") => {
                        return forbidden(words);
                    }
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
                RequestErrorKind::TimedOut => BrokerError::Transient(format!("no answer to {subject} within 5 s")),
                RequestErrorKind::NoResponders => BrokerError::Transient(format!(
                    "nobody answers {subject}: JetStream is off for this account, or still starting"
                )),
                _ => BrokerError::Transient(format!("{subject}: {error}")),
            }),
            error = refused => Err(error),
        }
    }
}

/// What a permission violation means for the caller.
pub(super) fn forbidden(words: &str) -> BrokerError {
    BrokerError::Permanent {
        what: format!("the server refused: {words}"),
        hint: "give the user this permission; `sidestream check --connect` lists all that are needed".to_owned(),
    }
}

/// Keeps the worst news: a loss stays, anything else gives way to what is newer.
fn note(report: &watch::Sender<Option<Trouble>>, event: Event) {
    let trouble = match event {
        Event::Disconnected | Event::Closed => Trouble::Lost,
        Event::LameDuckMode => Trouble::LameDuck,
        Event::SlowConsumer(_) => Trouble::SlowConsumer,
        Event::ServerError(error) => Trouble::Refused(error.to_string()),
        Event::Connected | Event::Draining | Event::ClientError(_) => return,
    };
    report.send_if_modified(|known| {
        // A second loss is news again: whoever waits for the next one must wake up.
        let keep = *known == Some(Trouble::Lost) && trouble != Trouble::Lost;
        if !keep {
            *known = Some(trouble);
        }
        !keep
    });
}

fn servers(url: &str) -> Result<Vec<ServerAddr>, BrokerError> {
    url.split(',')
        .map(|one| {
            one.trim().parse().map_err(|error| BrokerError::Permanent {
                what: format!("{}: {error}", without_secret(one)),
                hint: "nats.url is nats://HOST:PORT or tls://HOST:PORT, several separated by commas".to_owned(),
            })
        })
        .collect()
}

/// The URL as it may be logged: what stands before `@` is a secret.
fn without_secret(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit('@').next().unwrap_or(rest)),
        None => url.rsplit('@').next().unwrap_or(url).to_owned(),
    }
}

fn options(settings: &NatsSettings) -> Result<ConnectOptions, BrokerError> {
    let mut options = ConnectOptions::new()
        .request_timeout(Some(REQUEST_TIMEOUT))
        .ping_interval(PING_INTERVAL)
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .client_capacity(CLIENT_CAPACITY)
        // Subjects are made safe when their template is filled; looking again costs time for every message.
        .skip_subject_validation(true)
        .ignore_discovered_servers();
    if let Some(tls) = &settings.tls {
        options = options.require_tls(true);
        if let Some(file) = &tls.ca_file {
            options = options.add_root_certificates(readable(file)?);
        }
        match (&tls.cert_file, &tls.key_file) {
            (Some(cert), Some(key)) => options = options.add_client_certificate(readable(cert)?, readable(key)?),
            (None, None) => {}
            _ => {
                return Err(BrokerError::Permanent {
                    what: "nats.tls has a certificate without its key, or a key without its certificate".to_owned(),
                    hint: "set both cert_file and key_file, or neither".to_owned(),
                });
            }
        }
        if tls.first {
            options = options.tls_first();
        }
    }
    Ok(options)
}

async fn identity(options: ConnectOptions, settings: &NatsSettings) -> Result<ConnectOptions, BrokerError> {
    let mut options = options;
    if let Some(file) = &settings.credentials_file {
        options = options.credentials_file(file).await.map_err(|error| unreadable(file, &error))?;
    }
    if let Some(file) = &settings.nkey_file {
        options = options.nkey(secret(file)?);
    }
    if let Some(user) = &settings.user {
        let password = settings.password_file.as_deref().map(secret).transpose()?.unwrap_or_default();
        options = options.user_and_password(user.clone(), password);
    }
    Ok(options)
}

/// A file's text without the white space around it.
fn secret(file: &Path) -> Result<String, BrokerError> {
    std::fs::read_to_string(file).map(|text| text.trim().to_owned()).map_err(|error| unreadable(file, &error))
}

/// Refuses a file that cannot be opened before the client hides why.
fn readable(file: &Path) -> Result<PathBuf, BrokerError> {
    std::fs::File::open(file).map(|_| file.to_owned()).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> BrokerError {
    BrokerError::Permanent {
        what: format!("{}: {error}", file.display()),
        hint: "check the path and its permissions".to_owned(),
    }
}

fn refusal(url: &str, error: &async_nats::ConnectError) -> BrokerError {
    let shown: Vec<String> = url.split(',').map(|one| without_secret(one.trim())).collect();
    let shown = shown.join(",");
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => BrokerError::Permanent {
            what: format!("{shown} refused the login"),
            hint: "check credentials_file, nkey_file, or user and password_file in [nats]".to_owned(),
        },
        ConnectErrorKind::ServerParse | ConnectErrorKind::Tls => BrokerError::Permanent {
            what: format!("{shown}: {error}"),
            hint: "check nats.url and the files in [nats.tls]".to_owned(),
        },
        _ => BrokerError::Transient(format!("{shown}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_urls_are_not_shown() {
        for (url, shown) in [
            ("nats://u:p@host:4222", "nats://host:4222"),
            ("nats://host:4222", "nats://host:4222"),
            ("u:p@host", "host"),
        ] {
            assert_eq!(without_secret(url), shown);
        }
    }

    #[test]
    fn a_loss_is_not_replaced_by_lesser_news() {
        let (report, trouble) = watch::channel(None);
        note(&report, Event::LameDuckMode);
        note(&report, Event::Disconnected);
        note(&report, Event::SlowConsumer(1));
        assert_eq!(*trouble.borrow(), Some(Trouble::Lost));
    }
}
