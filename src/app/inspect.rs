//! Looking at an engine from outside: the state of a key or a row, and whether it lives.
//!
//! A running engine is asked over HTTP, because the directory belongs to it; else the directory is opened. Only the
//! engine of this machine is ever asked.

use super::disk::named;
use super::disk_read::look;
use super::exit::{Exit, UNAVAILABLE, USAGE};
use crate::config::Config;
use crate::core::percent;
use crate::core::state::row::StoredRow;
use crate::core::state::view::{self, StateQuery};
use crate::engine::restore::{stored_global_row, stored_rows};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// The longest question, percent-encoded, that a running engine is asked: its server takes 128 KiB with all headers.
const QUERY_MAX: usize = 64 * 1024;

/// How long a running engine may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Asks the engine that listens there: `None` when none does, `Some(None)` when it keeps nothing of that.
pub fn ask_running(listen: SocketAddr, ask: &StateQuery) -> Result<Option<Option<Value>>, Exit> {
    let encoded = |text: &str| percent::encoded(text, percent::unreserved);
    let query = match ask {
        StateQuery::Key(key) => format!("key={}", encoded(key)),
        StateQuery::Row { table, row: None } => format!("table={}", encoded(table)),
        StateQuery::Row { table, row: Some(row) } => format!("table={}&row={}", encoded(table), encoded(row)),
    };
    if query.len() > QUERY_MAX {
        if get(listen, "/healthz")?.is_none() {
            return Ok(None);
        }
        let (of, length) = match ask {
            StateQuery::Key(key) => ("key", key.len()),
            StateQuery::Row { row, .. } => ("row", row.as_ref().map_or(0, String::len)),
        };
        let what = format!("a {of} of {length} bytes is too long to be asked of the running engine");
        return Err(Exit::new(USAGE, what, "stop the engine for a moment: the state directory is read then"));
    }
    let Some((status, body)) = get(listen, &format!("/state?{query}"))? else { return Ok(None) };
    match status.as_str() {
        "200" => match serde_json::from_str(&body) {
            Ok(value) => Ok(Some(Some(value))),
            Err(_) => Err(Exit::new(
                UNAVAILABLE,
                format!("what listens on {listen} is no Sidestream engine"),
                "change http.listen",
            )),
        },
        "404" => Ok(Some(None)),
        _ => Err(Exit::new(UNAVAILABLE, format!("the engine at {listen} is not ready: {}", body.trim()), "try again")),
    }
}

/// Asks the engine that listens there for `/healthz` or `/readyz`: whether it says yes, and its words.
pub fn ask_health(listen: SocketAddr, page: &str) -> Result<(bool, String), Exit> {
    let gone = || Exit::new(UNAVAILABLE, format!("no engine listens on {listen}"), "start it, or correct http.listen");
    let (status, body) = get(listen, page)?.ok_or_else(gone)?;
    Ok((status == "200", body.trim().to_owned()))
}

/// One page of the engine that listens there: status and body; `None` when nobody listens.
fn get(listen: SocketAddr, page: &str) -> Result<Option<(String, String)>, Exit> {
    let reachable = reachable(listen);
    let Ok(mut stream) = TcpStream::connect_timeout(&reachable, Duration::from_secs(1)) else { return Ok(None) };
    let failed =
        |error: std::io::Error| Exit::new(UNAVAILABLE, format!("the engine at {listen} does not answer: {error}"), "");
    stream.set_read_timeout(Some(ANSWER_WITHIN)).map_err(failed)?;
    let request = format!("GET {page} HTTP/1.1\r\nHost: {reachable}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok(Some((status, body.to_owned())))
}

/// Where to ask an engine that listens on every address of its machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Looks that up in the state directory, which stays as it is.
pub fn read_directory(config: &Config, ask: &StateQuery) -> Result<Option<Value>, Exit> {
    if !config.state.path.exists() {
        let what = format!(
            "no engine answers on {} and there is no state directory {}",
            config.http.listen,
            config.state.path.display()
        );
        return Err(Exit::new(UNAVAILABLE, what, "start the engine, or correct state.path or http.listen"));
    }
    let look = look(&config.state)?;
    let Some(checkpoint) = &look.opened.disk.checkpoint else { return Ok(None) };
    let (position, layout) = (checkpoint.position, &checkpoint.layout);
    let store = look.opened.store.as_ref();
    let failed = |error| named(error, &config.state.path);
    match ask {
        StateQuery::Key(key) => {
            let rows = stored_rows(store, key).map_err(failed)?;
            Ok(view::of_key(key, position, layout, rows.iter().map(StoredRow::row)))
        }
        StateQuery::Row { table, row } => {
            let Some((table, row)) = view::number(layout, table, row.as_deref()) else { return Ok(None) };
            let rows = stored_global_row(store, table, row).map_err(failed)?;
            Ok(rows.first().map(|row| view::of_row(position, layout, row.row())))
        }
    }
}
