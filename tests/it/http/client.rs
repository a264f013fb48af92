//! A server on a free port and the plainest possible client; no HTTP library, so that the bytes are seen.

use serde_json::json;
use sidestream::core::state::view::StateQuery;
use sidestream::http::server::{Deps, Server};
use sidestream::http::state::StateLookup;
use sidestream::telemetry::health::Health;
use sidestream::telemetry::metrics::Metrics;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// What came back.
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

/// One request over a connection of its own.
pub fn ask(address: SocketAddr, method: &str, path: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    // No `Connection: close` here: the server itself ends the connection after each answer.
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        content_type: content_type.to_owned(),
        body: body.to_owned(),
    }
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path)
}

/// Rows for `ada`, a row of the table `airline`, rows for a key with every kind of awkward character, and trouble for `stuck`.
pub fn lookup() -> StateLookup {
    Arc::new(|ask| {
        Box::pin(async move {
            let key = match ask {
                StateQuery::Key(key) => key,
                StateQuery::Row { table, row } if table == "airline" => return Ok(row.map(|row| json!({ "row": row }))),
                StateQuery::Row { .. } => return Ok(None),
            };
            match key.as_str() {
                "ada" | "a b+c&ü%/?" => Ok(Some(json!({ "key": key, "position": 7 }))),
                "stuck" => Err("shard 1 is behind".to_owned()),
                _ => Ok(None),
            }
        })
    })
}

/// A server on a free port, and what it shows.
pub fn served() -> (SocketAddr, Server, Metrics, Health) {
    let metrics = Metrics::new();
    let health = Health::new(metrics.clone());
    let deps = Deps { metrics: metrics.clone(), health: health.clone(), state: lookup(), state_open: false };
    let (address, server) = Server::start("127.0.0.1:0", deps).unwrap();
    (address, server, metrics, health)
}
