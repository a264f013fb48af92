//! Looking at a key's state from outside the engine.
//!
//! A running engine is asked over HTTP, because the directory belongs to it; else the directory is opened.

use super::disk;
use super::exit::{Exit, UNAVAILABLE};
use crate::config::Config;
use crate::core::state::view;
use crate::engine::restore::stored_rows;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a running engine may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Asks the engine that listens there: `None` when none does, `Some(None)` when it keeps nothing of the key.
pub fn ask_running(listen: SocketAddr, key: &str) -> Result<Option<Option<Value>>, Exit> {
    let Ok(mut stream) = TcpStream::connect_timeout(&listen, Duration::from_secs(1)) else { return Ok(None) };
    let failed =
        |error: std::io::Error| Exit::new(UNAVAILABLE, format!("the engine at {listen} does not answer: {error}"), "");
    stream.set_read_timeout(Some(ANSWER_WITHIN)).map_err(failed)?;
    let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let request = format!("GET /state?key={encoded} HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => match serde_json::from_str(body) {
            Ok(value) => Ok(Some(Some(value))),
            Err(_) => Err(Exit::new(
                UNAVAILABLE,
                format!("what listens on {listen} is no Sidestream engine"),
                "change http.listen",
            )),
        },
        Some("404") => Ok(Some(None)),
        _ => Err(Exit::new(UNAVAILABLE, format!("the engine at {listen} is not ready: {}", body.trim()), "try again")),
    }
}

/// Opens the state directory and looks the key up.
pub fn read_directory(config: &Config, key: &str) -> Result<Option<Value>, Exit> {
    if !config.state.path.exists() {
        let what = format!(
            "no engine answers on {} and there is no state directory {}",
            config.http.listen,
            config.state.path.display()
        );
        return Err(Exit::new(UNAVAILABLE, what, "start the engine, or correct state.path or http.listen"));
    }
    let opened = disk::open(&config.state.path)?;
    let Some(checkpoint) = &opened.disk.checkpoint else { return Ok(None) };
    let rows = stored_rows(opened.store.as_ref(), key)?;
    Ok(view::of_key(key, checkpoint.position, &checkpoint.layout, rows.iter()))
}
