//! How a connection proves who we are: options of the client, and the files behind them.
//!
//! Every file is read anew for every connection, so that what was renewed is used. A file that cannot be used is named
//! before the client hides why; it may be mended while the engine waits, so the error is a denial and not permanent.

use super::address::{ServerAddress, UrlLogin};
use super::settings::{NatsSettings, TlsSettings};
use crate::ports::stream::{BrokerError, Denial};
use async_nats::ConnectOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Two unanswered pings end a connection: a silent peer is noticed within three of these.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Messages that may wait in one subscription. The client drops what does not fit, without an error, so this is
/// more than four times the largest pull.
const SUBSCRIPTION_CAPACITY: usize = 65_536;
/// Commands between a task and the connection's own task; a full channel makes the publisher wait.
const CLIENT_CAPACITY: usize = 4_096;
/// The characters of an nkey seed.
const SEED_LENGTH: usize = 58;

/// Everything that the client must know to connect to one server.
pub(super) fn options(settings: &NatsSettings, address: &ServerAddress) -> Result<ConnectOptions, BrokerError> {
    let mut options = ConnectOptions::new()
        .connection_timeout(settings.connect_timeout)
        .request_timeout(Some(settings.request_timeout))
        .custom_inbox_prefix(&settings.inbox_prefix)
        .ping_interval(PING_INTERVAL)
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .client_capacity(CLIENT_CAPACITY)
        // Subjects are made safe when their template is filled; looking again costs time for every message.
        .skip_subject_validation(true);
    if !settings.discover_servers {
        options = options.ignore_discovered_servers();
    }
    if let Some(settings) = &settings.tls {
        options = tls(options, settings)?;
    }
    identity(options, settings, address)
}

fn tls(options: ConnectOptions, settings: &TlsSettings) -> Result<ConnectOptions, BrokerError> {
    let mut options = options.require_tls(true);
    if let Some(file) = &settings.ca_file {
        options = options.add_root_certificates(pem(file, "CERTIFICATE-----", "certificate")?);
    }
    match (&settings.cert_file, &settings.key_file) {
        (Some(cert), Some(key)) => {
            let cert = pem(cert, "CERTIFICATE-----", "certificate")?;
            options = options.add_client_certificate(cert, pem(key, "PRIVATE KEY-----", "private key")?);
        }
        (None, None) => {}
        _ => {
            return Err(BrokerError::Permanent {
                what: "nats.tls has a certificate without its key, or a key without its certificate".to_owned(),
                hint: "set both cert_file and key_file, or neither".to_owned(),
            });
        }
    }
    Ok(if settings.first { options.tls_first() } else { options })
}

fn identity(
    options: ConnectOptions,
    settings: &NatsSettings,
    address: &ServerAddress,
) -> Result<ConnectOptions, BrokerError> {
    if let Some(file) = &settings.credentials_file {
        // The client looks for the end of the last line, which a file may lack.
        let text = text(file)? + "\n";
        return options.credentials(&text).map_err(|_| unusable(file, "holds no JWT with its seed"));
    }
    if let Some(file) = &settings.nkey_file {
        let seed = text(file)?;
        let letters = seed.bytes().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte));
        if !letters || seed.len() != SEED_LENGTH || !seed.starts_with('S') {
            return Err(unusable(
                file,
                "holds no nkey seed, which is one word of 58 letters and digits that begins with SU",
            ));
        }
        return Ok(options.nkey(seed));
    }
    if let Some(user) = &settings.user {
        let password = settings.password_file.as_deref().map(text).transpose()?.unwrap_or_default();
        return Ok(options.user_and_password(user.clone(), password));
    }
    if let Some(file) = &settings.token_file {
        let token = text(file)?;
        return if token.is_empty() { Err(unusable(file, "is empty")) } else { Ok(options.token(token)) };
    }
    Ok(match &address.login {
        Some(UrlLogin::User(user, password)) => options.user_and_password(user.clone(), password.clone()),
        Some(UrlLogin::Token(token)) => options.token(token.clone()),
        None => options,
    })
}

/// A file's text without the white space around it.
fn text(file: &Path) -> Result<String, BrokerError> {
    std::fs::read_to_string(file).map(|text| text.trim().to_owned()).map_err(|error| unusable(file, error))
}

/// Refuses a file without the block that it is named for.
fn pem(file: &Path, block: &str, named: &str) -> Result<PathBuf, BrokerError> {
    let holds = text(file)?.lines().any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(block));
    if holds { Ok(file.to_owned()) } else { Err(unusable(file, format!("holds no {named} in PEM form"))) }
}

fn unusable(file: &Path, why: impl std::fmt::Display) -> BrokerError {
    BrokerError::Denied {
        by: Denial::Login,
        what: format!("{}: {why}", file.display()),
        hint: "check the path, its permissions and what is in the file".to_owned(),
    }
}
