//! The two streams: made by the server's own API, looked at by it, and never through the engine's adapter.

use super::wire::Wire;
use serde_json::{Value, json};
use std::io;

/// The input stream of the shipped configuration.
pub const INPUT: &str = "EVENTS";
/// The output stream.
pub const OUTPUT: &str = "ENRICHED";

/// Makes both streams as `provision` would.
pub fn create(wire: &mut Wire) {
    make(wire, input());
    create_output(wire);
}

/// Makes the output stream.
pub fn create_output(wire: &mut Wire) {
    make(wire, output());
}

/// The input's configuration.
pub fn input() -> Value {
    json!({ "name": INPUT, "subjects": ["events.>"], "storage": "file" })
}

/// The output's configuration.
pub fn output() -> Value {
    json!({
        "name": OUTPUT, "subjects": ["enriched.>", "dead.>"], "storage": "file",
        "allow_direct": true, "allow_batched": true,
    })
}

/// Deletes the output stream, and makes it again.
pub fn recreate_output(wire: &mut Wire) {
    let reply = api(wire, &format!("STREAM.DELETE.{OUTPUT}"), &json!({})).unwrap();
    assert!(reply.get("error").is_none(), "{reply}");
    create_output(wire);
}

fn make(wire: &mut Wire, config: Value) {
    let name = config["name"].as_str().unwrap();
    let reply = api(wire, &format!("STREAM.CREATE.{name}"), &config).unwrap();
    assert!(reply.get("error").is_none(), "{reply}");
}

/// One call of the JetStream API.
pub fn api(wire: &mut Wire, call: &str, body: &Value) -> io::Result<Value> {
    let reply = wire.request(&format!("$JS.API.{call}"), body.to_string().as_bytes())?;
    serde_json::from_slice(&reply.payload)
        .map_err(|_| io::Error::other(format!("{call}: no answer ({})", reply.status)))
}

/// The last sequence of a stream.
pub fn last(wire: &mut Wire, stream: &str) -> io::Result<u64> {
    let info = api(wire, &format!("STREAM.INFO.{stream}"), &json!({}))?;
    info["state"]["last_seq"].as_u64().ok_or_else(|| io::Error::other(info.to_string()))
}

/// The position that the lane's newest message names as its cause; 0 while the lane is empty.
pub fn cause(wire: &mut Wire) -> io::Result<u64> {
    let subject = format!("$JS.API.DIRECT.GET.{OUTPUT}");
    let reply = wire.request(&subject, json!({ "last_by_subj": ">" }).to_string().as_bytes())?;
    if reply.status == 404 {
        return Ok(0);
    }
    let position = reply.headers.iter().find(|(name, _)| name == "Sidestream-Position");
    let cause = position.and_then(|(_, text)| text.rsplit(':').nth(1)?.parse().ok());
    cause.ok_or_else(|| io::Error::other(format!("the newest output names no position: {reply:?}")))
}
