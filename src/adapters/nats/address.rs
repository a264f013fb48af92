//! Server addresses as operators write them: `nats://USER:PASSWORD@HOST:PORT`, `nats://TOKEN@HOST:PORT`.
//!
//! What stands before `@` is percent-encoded and a secret: it never leaves this file but as a login.

use crate::core::percent::{self, PercentFault};
use crate::ports::stream::BrokerError;
use async_nats::ServerAddr;

/// One server of `nats.url`.
#[derive(Clone)]
pub(super) struct ServerAddress {
    /// The server, without a login.
    pub(super) server: ServerAddr,
    /// The address as it may be shown.
    pub(super) shown: String,
    /// The login that stood before `@`.
    pub(super) login: Option<UrlLogin>,
}

/// A login in a URL.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum UrlLogin {
    /// A user and a password, which may be empty.
    User(String, String),
    /// A lone token.
    Token(String),
}

/// The servers of a list with commas, in its order.
pub(super) fn addresses(url: &str) -> Result<Vec<ServerAddress>, BrokerError> {
    url.split(',').map(|one| address(one.trim())).collect()
}

fn address(text: &str) -> Result<ServerAddress, BrokerError> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("nats", text));
    let (before, host) = match rest.rsplit_once('@') {
        Some((before, host)) => (Some(before), host),
        None => (None, rest),
    };
    let shown = format!("{scheme}://{host}");
    let wrong = |what: String| BrokerError::Permanent {
        what: format!("{shown}: {what}"),
        hint: "nats.url is nats://HOST:PORT or tls://HOST:PORT, several separated by commas; before HOST may stand \
               USER:PASSWORD@ or TOKEN@, percent-encoded"
            .to_owned(),
    };
    let login = before.map(login).transpose().map_err(|what| wrong(what.to_owned()))?;
    let server = shown.parse().map_err(|error: std::io::Error| wrong(error.to_string()))?;
    Ok(ServerAddress { server, shown, login })
}

fn login(text: &str) -> Result<UrlLogin, &'static str> {
    Ok(match text.split_once(':') {
        Some((user, password)) => UrlLogin::User(decoded(user)?, decoded(password)?),
        None => UrlLogin::Token(decoded(text)?),
    })
}

/// The text behind percent signs. The error never repeats the text.
fn decoded(text: &str) -> Result<String, &'static str> {
    percent::decoded(text).map_err(|fault| match fault {
        PercentFault::Digits => {
            "a percent sign before `@` is not followed by two hexadecimal digits (write %25 for it)"
        }
        PercentFault::NotUtf8 => "what is percent-encoded before `@` is not UTF-8",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_taken_out_of_addresses_and_not_shown() {
        let user = |user: &str, password: &str| Some(UrlLogin::User(user.into(), password.into()));
        for (url, shown, expected) in [
            ("nats://host:4222", "nats://host:4222", None),
            ("nats://u:p@host:4222", "nats://host:4222", user("u", "p")),
            ("tls://u%40x:p%25%3A%c3%A9@host", "tls://host", user("u@x", "p%:é")),
            ("nats://u:p@x@host", "nats://host", user("u", "p@x")),
            ("nats://u:@host", "nats://host", user("u", "")),
            ("nats://to%2Cken@[::1]:4222", "nats://[::1]:4222", Some(UrlLogin::Token("to,ken".into()))),
            ("u:p@host", "nats://host", user("u", "p")),
        ] {
            let address = address(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(address.shown, shown, "{url}");
            assert!(address.login == expected, "{url}");
        }
        for broken in
            ["nats://u:secret%4@host", "nats://secret%zz@host", "nats://secret%ff@host", "nats://secret%é@host"]
        {
            let Err(error) = addresses(broken) else { panic!("{broken} is taken") };
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
