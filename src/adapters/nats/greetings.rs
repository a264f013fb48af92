//! Which version every server of the cluster runs, as far as a client can know.
//!
//! Any of them may come to lead a stream. A client is told the version of the server that it is connected to, and
//! with a stream's settings that of its leader; of the others only the system account knows. But every server greets
//! whoever connects with an `INFO` line before any login, and that line names the server's version and the addresses
//! of the others (<https://docs.nats.io/reference/reference-protocols/nats-protocol#info>).

use super::address;
use super::connect::Connection;
use super::finding::StreamFinding;
use super::suitable::new_enough;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// No greeting is longer, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What a greeting says of its server.
#[derive(Deserialize)]
struct Greeting {
    version: String,
}

/// The versions of all servers that the configuration or the connected server names.
pub(super) async fn findings(connection: &Connection) -> Vec<StreamFinding> {
    let settings = connection.settings();
    if settings.tls.as_ref().is_some_and(|tls| tls.first) {
        // Nothing is said before the handshake.
        return Vec::new();
    }
    let mut asked = JoinSet::new();
    for at in named(connection) {
        let within = settings.connect_timeout;
        asked.spawn(async move {
            let version = version(&at, within).await;
            (at, version)
        });
    }
    let mut answers = asked.join_all().await;
    answers.sort();
    judged(&answers)
}

/// The servers that are too old. The engine waits while one of them leads a stream.
pub async fn too_old(connection: &Connection) -> Vec<StreamFinding> {
    findings(connection).await.into_iter().filter(|finding| !finding.ok).collect()
}

/// `HOST:PORT` of every server that is known, each once.
fn named(connection: &Connection) -> BTreeSet<String> {
    let configured = address::addresses(&connection.settings().url).unwrap_or_default();
    let configured = configured.iter().map(|address| match (address.server.host(), address.server.port()) {
        (host, port) if host.contains(':') => format!("[{host}]:{port}"),
        (host, port) => format!("{host}:{port}"),
    });
    connection.client().server_info().connect_urls.into_iter().chain(configured).collect()
}

/// What the server there says first, or nothing where it does not say it in time.
async fn version(at: &str, within: Duration) -> Option<String> {
    let greeting = async {
        let mut line = String::new();
        let stream = TcpStream::connect(at).await.ok()?;
        BufReader::new(stream.take(LONGEST)).read_line(&mut line).await.ok()?;
        Some(line)
    };
    let line = tokio::time::timeout(within, greeting).await.ok()??;
    let greeting: Greeting = serde_json::from_str(line.strip_prefix("INFO ")?).ok()?;
    Some(greeting.version)
}

fn judged(answers: &[(String, Option<String>)]) -> Vec<StreamFinding> {
    let old = answers.iter().filter_map(|(at, version)| {
        let version = version.as_ref().filter(|version| !new_enough(version))?;
        Some(StreamFinding::bad(
            format!("the server at {at} is nats-server {version}"),
            "use nats-server 2.14 or later on every server of the cluster: each of them may come to lead a stream, \
             and the engine waits while it does",
        ))
    });
    let good =
        answers.iter().filter(|(_, version)| version.as_ref().is_some_and(|version| new_enough(version))).count();
    let good = (good > 1).then(|| StreamFinding::good(format!("{good} servers greet as nats-server 2.14 or later")));
    let silent = answers.iter().filter(|(_, version)| version.is_none()).map(|(at, _)| {
        StreamFinding::note(
            format!("the server at {at} does not greet: its version is not known"),
            "it may be down, or at an address that only other servers reach",
        )
    });
    good.into_iter().chain(old).chain(silent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_does_not_suit_and_a_silent_one_is_only_named() {
        let answer = |at: &str, version: Option<&str>| (at.to_owned(), version.map(str::to_owned));
        let found = judged(&[
            answer("a:4222", Some("2.15.1")),
            answer("a:4223", Some("2.14.0")),
            answer("b:4222", Some("2.12.8")),
            answer("c:4222", None),
        ]);
        let said: Vec<_> = found.iter().map(|finding| (finding.ok, &*finding.what)).collect();
        assert_eq!(
            said,
            [
                (true, "2 servers greet as nats-server 2.14 or later"),
                (false, "the server at b:4222 is nats-server 2.12.8"),
                (true, "the server at c:4222 does not greet: its version is not known"),
            ]
        );
    }
}
