//! Where the server is and how to prove who we are, as the adapter takes it.
//!
//! Files are named here and read by `login`, anew for every connection.

use super::prefix::Prefixes;
use std::path::PathBuf;
use std::time::Duration;

/// Where the server is and how to prove who we are.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsSettings {
    /// One server, or several separated by commas; each may have a user and password, or a token, before `@`.
    pub url: String,
    /// A `.creds` file with a JWT and its seed.
    pub credentials_file: Option<PathBuf>,
    /// A file with an nkey seed.
    pub nkey_file: Option<PathBuf>,
    /// A user name; its password stands in `password_file`.
    pub user: Option<String>,
    /// A file with the user's password; white space around it is not part of it.
    pub password_file: Option<PathBuf>,
    /// A file with a token; white space around it is not part of it.
    pub token_file: Option<PathBuf>,
    /// TLS, where the defaults do not suit.
    pub tls: Option<TlsSettings>,
    /// Where the JetStream API of each stream answers.
    pub api: Prefixes,
    /// What the subjects of answers begin with.
    pub inbox_prefix: String,
    /// How long one server may take to let us in.
    pub connect_timeout: Duration,
    /// How long a request may take before it is called unanswered.
    pub request_timeout: Duration,
    /// Whether servers that a server names may be used, too.
    pub discover_servers: bool,
}

impl Default for NatsSettings {
    fn default() -> NatsSettings {
        NatsSettings {
            url: String::new(),
            credentials_file: None,
            nkey_file: None,
            user: None,
            password_file: None,
            token_file: None,
            tls: None,
            api: Prefixes::default(),
            inbox_prefix: "_INBOX".to_owned(),
            connect_timeout: Duration::from_secs(1),
            request_timeout: Duration::from_secs(5),
            discover_servers: false,
        }
    }
}

/// What TLS needs beyond the system's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Our certificate.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// Shake hands before the server's first line (`handshake_first` in the server).
    pub first: bool,
}
