//! `[nats]`, `[engine]`, `[state]` and `[http]`: the process and its surroundings.
//!
//! Nothing here opens a file or a socket: what the names lead to is found out at start.

use super::super::given::Given;
use super::super::place::At;
use super::super::section::Section;
use super::super::settings::{EngineSection, HttpSection, NatsSection, StateSection, TlsSection};
use crate::core::ids::KEY_GROUPS;
use crate::core::plan::spec::UnknownKinds;
use crate::core::record::Engine;
use std::net::SocketAddr;
use std::path::PathBuf;

pub(super) fn nats(mut section: Section<'_, '_>) -> Option<NatsSection> {
    let url = section.parsed("url", servers);
    let credentials_file = section.text("credentials_file");
    let nkey_file = section.text("nkey_file");
    let user = section.text("user");
    let password_file = section.text("password_file");
    pair(&mut section, "user", "password_file");
    let ways = ["credentials_file", "nkey_file", "user"].into_iter();
    let mut ways: Vec<&str> = ways.filter(|name| section.has(name)).collect();
    ways.sort_by_key(|name| section.key_place(name));
    if let [first, second, ..] = ways.as_slice() {
        let place = section.key_place(second);
        let message = format!("`{second}` cannot stand beside `{first}`: there is one way to log in");
        section.report.error_with(place, message, "keep one of `credentials_file`, `nkey_file` and `user`");
    }
    let tls_given = section.has("tls");
    let tls = section.optional("tls").and_then(tls);
    section.finish();
    Some(NatsSection {
        url: url.or("nats://127.0.0.1:4222".to_owned())?,
        credentials_file: credentials_file.value().map(PathBuf::from),
        nkey_file: nkey_file.value().map(PathBuf::from),
        user: user.value(),
        password_file: password_file.value().map(PathBuf::from),
        tls: tls.filter(|_| tls_given),
    })
}

fn tls(mut section: Section<'_, '_>) -> Option<TlsSection> {
    let mut file = |name| section.text(name).value().map(PathBuf::from);
    let tls = TlsSection { ca_file: file("ca_file"), cert_file: file("cert_file"), key_file: file("key_file") };
    pair(&mut section, "cert_file", "key_file");
    section.finish();
    Some(tls)
}

/// Reports one of two keys that only make sense together.
fn pair(section: &mut Section<'_, '_>, left: &'static str, right: &'static str) {
    let (there, missing) = match (section.has(left), section.has(right)) {
        (true, false) => (left, right),
        (false, true) => (right, left),
        _ => return,
    };
    let place = section.key_place(there);
    section.report.error(place, format!("`{there}` needs `{missing}` beside it"));
}

pub(super) fn engine(mut section: Section<'_, '_>) -> (Option<EngineSection>, Option<UnknownKinds>) {
    let most = u64::from(KEY_GROUPS);
    let why = "0 stands for one per core; a shard without a key group of its own would idle";
    let shards = section.integer("shards", 0..=most, why).or(0);
    let why = "below 10 ms the disk does nothing else, beyond an hour a restart repeats too much";
    let interval = section.integer("checkpoint_interval_ms", 10..=3_600_000, why).or(1000);
    let why = "more slices hide the server's latency, at the price of memory";
    let slices = section.integer("max_in_flight_slices", 1..=1024, why).or(16);
    let words =
        [("forward", UnknownKinds::Forward), ("dead_letter", UnknownKinds::DeadLetter), ("drop", UnknownKinds::Drop)];
    let unknown_kinds = section.choice("unknown_kinds", &words).or(UnknownKinds::default());
    section.finish();
    let engine = || {
        let shards = usize::try_from(shards?).ok()?;
        let max_in_flight_slices = usize::try_from(slices?).ok()?;
        Some(EngineSection { shards, checkpoint_interval_ms: interval?, max_in_flight_slices })
    };
    (engine(), unknown_kinds)
}

pub(super) fn state(mut section: Section<'_, '_>) -> Option<StateSection> {
    let path = section.text("path").or("state".to_owned());
    let engine = section.choice("engine", &Engine::NAMED).or(Engine::default());
    let why = "all shards share this number of rows in memory";
    let rows = section.integer("cache_rows", 1..=1_000_000_000, why).or(1_000_000);
    section.finish();
    Some(StateSection { path: PathBuf::from(path?), engine: engine?, cache_rows: usize::try_from(rows?).ok()? })
}

pub(super) fn http(mut section: Section<'_, '_>) -> Option<HttpSection> {
    let listen: Given<SocketAddr> = section.parsed("listen", |text| {
        text.parse().map_err(|_| {
            format!("`{text}` is no socket address: write an IP address and a port, such as `127.0.0.1:8080`")
        })
    });
    let state = section.choice("state", &[("local", false), ("open", true)]);
    if let (Some(listen), Some(At { value: true, place })) = (listen.valid(), state.valid())
        && !listen.value.ip().is_loopback()
    {
        let message = format!("`/state` shows the rows of every key to whoever reaches {}", listen.value);
        section.report.warn(*place, message, "leave `state` at \"local\": then only this machine may ask");
    }
    section.finish();
    let listen = listen.or(SocketAddr::from(([127, 0, 0, 1], 8080)))?;
    Some(HttpSection { listen, state_open: state.or(false)? })
}

/// Checks the form of every address; the text itself is kept.
fn servers(text: &str) -> Result<String, String> {
    for server in text.split(',').map(str::trim) {
        let host = server.strip_prefix("nats://").or_else(|| server.strip_prefix("tls://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control())) {
            return Err(format!(
                "`{server}` is no server address: write `nats://host:port` or `tls://host:port`, several with commas"
            ));
        }
    }
    Ok(text.to_owned())
}
