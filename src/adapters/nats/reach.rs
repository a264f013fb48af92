//! Finding a server that lets us in, among those of the configuration.
//!
//! The client gives up at the first server that refuses the login. So every server is tried by itself, in an order of
//! chance, each within its time-out. Only when every server that can be reached refuses us is that the answer.

use super::address::{self, ServerAddress};
use super::login;
use super::settings::NatsSettings;
use super::trouble::{Trouble, note};
use crate::ports::stream::{BrokerError, Denial};
use async_nats::{Client, ConnectError, ConnectErrorKind, ServerError};
use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// Attempts to reach a server again after a loss, the wait doubling from a millisecond.
const RECONNECTS: usize = 8;
/// Looking up a name may take so many time-outs of a connection, and no longer.
const LOOK_UP: u32 = 3;

/// Why one server did not let us in.
#[derive(Debug, PartialEq, Eq)]
enum ReachFailure {
    /// It refuses the login.
    Login,
    /// The handshake ends at a certificate, or the server speaks no TLS.
    Tls,
    /// It answers, and says something that passes.
    Busy,
    /// There is nobody, or somebody who does not answer.
    Away,
}

/// A client that is connected to one of the servers, and the news of it.
pub(super) struct Reached {
    /// The client.
    pub(super) client: Client,
    /// The newest trouble.
    pub(super) trouble: watch::Receiver<Option<Trouble>>,
    /// The server's words where it refused the inbox, which it says once and never again.
    pub(super) deaf: Arc<OnceLock<String>>,
}

/// Connects to any of the servers.
pub(super) async fn reach(settings: &NatsSettings, purpose: &str) -> Result<Reached, BrokerError> {
    let mut addresses = address::addresses(&settings.url)?;
    let chance = RandomState::new();
    addresses.sort_by_cached_key(|address| chance.hash_one(&address.shown));
    let mut failures = Vec::new();
    for address in &addresses {
        let (report, trouble) = watch::channel(None);
        let deaf = Arc::new(OnceLock::new());
        let (inbox, told) = (about_inbox(&settings.inbox_prefix), deaf.clone());
        let options = login::options(settings, address)?
            .name(format!("sidestream-{purpose}"))
            // About a quarter of a second for each server; then every subscription ends instead of waiting for ever,
            // and nothing that was meant for an earlier life is sent after a long break.
            .max_reconnects(RECONNECTS * addresses.len())
            .event_callback(move |event| {
                let words = note(&report, event);
                if let Some(words) = words.filter(|words| words.contains(&inbox)) {
                    let _ = told.set(words);
                }
                async {}
            });
        let attempt = options.connect(address.server.clone());
        match tokio::time::timeout(settings.connect_timeout * LOOK_UP, attempt).await {
            Ok(Ok(client)) => {
                pool(&client, &addresses, address).await?;
                return Ok(Reached { client, trouble, deaf });
            }
            Ok(Err(error)) => failures.push((address, judge(&error), words(&error, settings))),
            Err(_) => failures.push((address, ReachFailure::Away, "its name was not found in time".to_owned())),
        }
    }
    Err(verdict(&failures))
}

/// What the server says when it refuses an inbox.
fn about_inbox(prefix: &str) -> String {
    format!("Subscription to \"{prefix}.")
}

/// Lets the client go on at any server with the same login when it loses its own.
async fn pool(client: &Client, addresses: &[ServerAddress], own: &ServerAddress) -> Result<(), BrokerError> {
    let same: Vec<_> =
        addresses.iter().filter(|address| address.login == own.login).map(|address| address.server.clone()).collect();
    if same.len() < 2 {
        return Ok(());
    }
    let lost = |error| BrokerError::Transient(format!("{}: {error}", own.shown));
    client.set_server_pool(same.as_slice()).await.map_err(lost)
}

fn judge(error: &ConnectError) -> ReachFailure {
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => ReachFailure::Login,
        ConnectErrorKind::Tls => ReachFailure::Tls,
        _ if cause::<rustls::Error>(error).is_some_and(lasts) => ReachFailure::Tls,
        _ if cause::<ServerError>(error).is_some() => ReachFailure::Busy,
        _ => ReachFailure::Away,
    }
}

/// Whether a TLS fault stays until somebody mends a file or a server.
fn lasts(error: &rustls::Error) -> bool {
    use rustls::Error as Tls;
    matches!(
        error,
        Tls::InvalidCertificate(_)
            | Tls::NoCertificatesPresented
            | Tls::UnsupportedNameType
            | Tls::PeerIncompatible(_)
            | Tls::PeerMisbehaved(_)
            | Tls::InvalidMessage(_)
            | Tls::AlertReceived(_)
    )
}

/// The first cause of a type. An I/O error hides what it was made of from `source`.
fn cause<T: Error + 'static>(error: &ConnectError) -> Option<&T> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}

fn words(error: &ConnectError, settings: &NatsSettings) -> String {
    let within = settings.connect_timeout.as_millis();
    let first = settings.tls.as_ref().is_some_and(|tls| tls.first);
    match (judge(error), error.kind()) {
        (ReachFailure::Login, _) => "refused the login".to_owned(),
        (ReachFailure::Away, ConnectErrorKind::TimedOut) if first => format!("no TLS handshake within {within} ms"),
        (ReachFailure::Away, ConnectErrorKind::TimedOut) => {
            format!("no greeting within {within} ms; a server with handshake_first gives none (nats.tls.first)")
        }
        _ => error.to_string(),
    }
}

/// The answer of all servers together: refused only where every one that answers refuses.
fn verdict(failures: &[(&ServerAddress, ReachFailure, String)]) -> BrokerError {
    let what: Vec<String> = failures.iter().map(|(address, _, words)| format!("{} {words}", address.shown)).collect();
    let what = what.join("; ");
    let any = |wanted: ReachFailure| failures.iter().any(|(_, failure, _)| *failure == wanted);
    if any(ReachFailure::Busy) || !(any(ReachFailure::Login) || any(ReachFailure::Tls)) {
        return BrokerError::Transient(what);
    }
    let hint = if any(ReachFailure::Login) {
        "check credentials_file, nkey_file, user and password_file, or token_file in [nats], or what stands before @ in nats.url"
    } else {
        "check [nats.tls]: ca_file must hold who signed the server's certificate, cert_file and key_file are needed \
         where the server asks for a client's certificate, `first` where it shakes hands first, and the host in \
         nats.url must stand in the server's certificate"
    };
    BrokerError::Denied { by: Denial::Login, what, hint: hint.to_owned() }
}
