//! `[nats]`: the way to the server, and how to log in.
//!
//! Nothing here opens a file or a socket. A URL may hold a login: no message repeats it, and no remark points into it.

use super::super::given::GivenSetting;
use super::super::place::TextPlace;
use super::super::section::SectionReader;
use super::super::settings::{Api, NatsSection, Secret, TlsSection};
use super::paths::path;
use crate::core::subject::filter_fault;
use std::path::PathBuf;
use std::time::Duration;

/// The ways to log in that are keys of their own.
const LOGINS: [&str; 4] = ["credentials_file", "nkey_file", "user", "token_file"];

pub(super) fn nats(mut section: SectionReader<'_, '_>) -> Option<NatsSection> {
    let url = url(&mut section);
    let credentials_file = path(&mut section, "credentials_file");
    let nkey_file = path(&mut section, "nkey_file");
    let user = section.text("user");
    let password_file = path(&mut section, "password_file");
    let token_file = path(&mut section, "token_file");
    pair(&mut section, "user", "password_file");
    one_login(&mut section, url.valid().is_some_and(|url| url.value.contains('@')));
    let why = "a server that is frozen costs this time, one that is far away needs it";
    let connect_timeout = section.integer("connect_timeout_ms", 50..=60_000, why).or(1_000);
    let why = "shorter, and a busy server looks like a dead one; longer, and a dead one is noticed late";
    let request_timeout = section.integer("request_timeout_ms", 100..=120_000, why).or(5_000);
    let why = "so long a login that was good before may be refused; a day at most";
    let auth_patience = section.integer("auth_patience_s", 0..=86_400, why).or(600);
    let discover_servers = section.flag("discover_servers").or(false);
    let inbox_prefix = section.parsed("inbox_prefix", plain_subject).or("_INBOX".to_owned());
    let api = api(&mut section, "jetstream_domain");
    let tls_given = section.has("tls");
    let tls = section.optional("tls").and_then(tls);
    section.finish();
    Some(NatsSection {
        url: Secret(url.or("nats://127.0.0.1:4222".to_owned())?),
        credentials_file: credentials_file.value(),
        nkey_file: nkey_file.value(),
        user: user.value(),
        password_file: password_file.value(),
        token_file: token_file.value(),
        tls: tls.filter(|_| tls_given),
        api: api.value(),
        inbox_prefix: inbox_prefix?,
        connect_timeout: Duration::from_millis(connect_timeout?),
        request_timeout: Duration::from_millis(request_timeout?),
        auth_patience: Duration::from_secs(auth_patience?),
        discover_servers: discover_servers?,
    })
}

fn tls(mut section: SectionReader<'_, '_>) -> Option<TlsSection> {
    let mut file = |name| path(&mut section, name).value();
    let (ca_file, cert_file, key_file): (Option<PathBuf>, _, _) =
        (file("ca_file"), file("cert_file"), file("key_file"));
    let first = section.flag("first").or(false);
    pair(&mut section, "cert_file", "key_file");
    section.finish();
    Some(TlsSection { ca_file, cert_file, key_file, first: first? })
}

/// Where an API answers: a domain under a key of its own name, or `api_prefix`, but not both.
pub(super) fn api(section: &mut SectionReader<'_, '_>, domain: &'static str) -> GivenSetting<Api> {
    let named = section.parsed(domain, |text| match plain_subject(text) {
        Ok(text) if !text.contains('.') => Ok(Api::Domain(text)),
        _ => Err(format!("`{text}` is no domain: a name without dots, spaces or wildcards, such as `hub`")),
    });
    let prefix = section.parsed("api_prefix", |text| plain_subject(text).map(Api::Prefix));
    if section.has(domain) && section.has("api_prefix") {
        let place = section.key_place("api_prefix");
        let message = format!("`api_prefix` cannot stand beside `{domain}`: the API answers in one place");
        section.report.error_with(place, message, "a domain D means `api_prefix = \"$JS.D.API\"`: keep one of both");
        return GivenSetting::Broken;
    }
    if named.is_absent() { prefix } else { named }
}

/// A subject without wildcards.
fn plain_subject(text: &str) -> Result<String, String> {
    match filter_fault(text) {
        Some(fault) => Err(format!("`{text}` is no subject: {fault}")),
        None if text.split('.').any(|token| matches!(token, "*" | ">")) => {
            Err(format!("`{text}` has a wildcard: one subject is needed here"))
        }
        None => Ok(text.to_owned()),
    }
}

/// Reports one of two keys that only make sense together.
fn pair(section: &mut SectionReader<'_, '_>, left: &'static str, right: &'static str) {
    let (there, missing) = match (section.has(left), section.has(right)) {
        (true, false) => (left, right),
        (false, true) => (right, left),
        _ => return,
    };
    let place = section.key_place(there);
    section.report.error(place, format!("`{there}` needs `{missing}` beside it"));
}

/// Reports the second of two ways to log in. Never points at the URL, whose line would be shown.
fn one_login(section: &mut SectionReader<'_, '_>, in_url: bool) {
    let mut ways: Vec<&str> = LOGINS.into_iter().filter(|name| section.has(name)).collect();
    ways.sort_by_key(|name| section.key_place(name));
    let (first, second) = match ways.as_slice() {
        [first, ..] if in_url => ("the login in `url`".to_owned(), *first),
        [first, second, ..] => (format!("`{first}`"), *second),
        _ => return,
    };
    let place = section.key_place(second);
    let message = format!("`{second}` cannot stand beside {first}: there is one way to log in");
    let hint = "keep one of `credentials_file`, `nkey_file`, `user`, `token_file`, and what stands before `@` in `url`";
    section.report.error_with(place, message, hint);
}

/// The servers as written, each of them looked at.
fn url(section: &mut SectionReader<'_, '_>) -> GivenSetting<String> {
    let given = section.text("url");
    let Some(at) = given.valid() else { return given };
    let Some(fault) = at.value.split(',').find_map(|server| fault(server.trim())) else { return given };
    // Where the value stands, unless its line holds a secret.
    let place = match at.place {
        TextPlace::Override(_) => at.place,
        _ if at.value.contains('@') => section.place,
        place => place,
    };
    section.report.error(place, fault);
    GivenSetting::Broken
}

fn fault(server: &str) -> Option<String> {
    let (before, host) = match server.rsplit_once('@') {
        Some((before, host)) => (Some(before), host),
        None => (None, server),
    };
    let scheme = |text: &str| text.strip_prefix("nats://").or_else(|| text.strip_prefix("tls://")).map(str::to_owned);
    let (login, host) = match before {
        Some(before) => (scheme(before), Some(host.to_owned())),
        None => (Some(String::new()), scheme(host)),
    };
    let good = |host: &str| !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control());
    match (login, host.filter(|host| good(host))) {
        (Some(login), Some(_)) => login_fault(&login),
        _ => {
            let shown = server.rsplit('@').next().unwrap_or_default();
            Some(format!(
                "`{shown}` is no server address: write `nats://host:port` or `tls://host:port`, several with commas"
            ))
        }
    }
}

fn login_fault(login: &str) -> Option<String> {
    let whole =
        |piece: &str| piece.get(..2).is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let broken = !login.split('%').skip(1).all(whole);
    broken.then(|| {
        "what stands before `@` in `url` has a percent sign without two hexadecimal digits after it: write %25 for a percent sign"
            .to_owned()
    })
}
