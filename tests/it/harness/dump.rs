//! A stream as the oracle reads it: one JSON object a line, headers in order, payload in base64.

use super::streams::{api, last};
use super::wire::{Message, Wire};
use serde_json::json;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Messages of one pull.
const BATCH: u64 = 5_000;

/// Writes the whole stream, which must have no gaps, to a file; returns how many messages it has.
pub fn dump(wire: &mut Wire, stream: &str, path: &Path) -> io::Result<u64> {
    dump_after(wire, stream, 0, path)
}

/// The same for what follows a sequence; returns the last one.
pub fn dump_after(wire: &mut Wire, stream: &str, after: u64, path: &Path) -> io::Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    let read = each_after(wire, stream, after, |seq, time_ns, message| {
        let (subject, headers) = (json!(message.subject), json!(message.headers));
        write!(out, r#"{{"seq":{seq},"subject":{subject},"time_ns":{time_ns},"headers":{headers},"payload_b64":""#)?;
        out.write_all(&base64(&message.payload))?;
        out.write_all(b"\"}\n")
    })?;
    out.flush()?;
    Ok(read)
}

/// Visits every message of a stream that must have no gaps, with its sequence and time; returns their number.
pub fn each(wire: &mut Wire, stream: &str, visit: impl FnMut(u64, u64, Message) -> io::Result<()>) -> io::Result<u64> {
    each_after(wire, stream, 0, visit)
}

/// The same for what follows a sequence, of which nothing may be missing; returns the last one.
pub fn each_after(
    wire: &mut Wire,
    stream: &str,
    after: u64,
    mut visit: impl FnMut(u64, u64, Message) -> io::Result<()>,
) -> io::Result<u64> {
    let consumer = format!("dump-{}", wire.unique());
    let config = json!({ "stream_name": stream, "action": "create", "config": {
        "name": consumer, "deliver_policy": "by_start_sequence", "opt_start_seq": after + 1, "ack_policy": "none", "mem_storage": true, "num_replicas": 1,
        "inactive_threshold": 30_000_000_000u64,
    }});
    let made = api(wire, &format!("CONSUMER.CREATE.{stream}.{consumer}"), &config)?;
    assert!(made.get("error").is_none(), "{made}");
    let end = last(wire, stream)?;
    let mut read = after;
    while read < end {
        let asked = end.min(read + BATCH);
        let ask = json!({ "batch": asked - read, "expires": 20_000_000_000u64 }).to_string();
        wire.ask(&format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"), ask.as_bytes())?;
        while read < asked {
            let message = wire.next()?;
            // `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>`
            let numbers: Vec<u64> = message.reply.split('.').skip(4).filter_map(|word| word.parse().ok()).collect();
            let [_, seq, consumed, time_ns, _] = numbers[..] else {
                return Err(io::Error::other(format!("{stream} ended at {read} of {end}: {message:?}")));
            };
            assert_eq!((seq, consumed), (read + 1, read + 1 - after), "{stream} has a gap");
            read = seq;
            visit(seq, time_ns, message)?;
        }
    }
    api(wire, &format!("CONSUMER.DELETE.{stream}.{consumer}"), &json!({}))?;
    Ok(end)
}

/// Base64 with padding. Our own, because the crate's is 50 times slower when it is built for debugging, and hundreds
/// of megabytes pass through here.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = vec![b'='; bytes.len().div_ceil(3) * 4];
    // Whole threes first, in a loop without calls: these builds inline nothing.
    let (mut from, mut to) = (0, 0);
    while from + 2 < bytes.len() {
        let bits = (bytes[from] as usize) << 16 | (bytes[from + 1] as usize) << 8 | bytes[from + 2] as usize;
        text[to] = DIGITS[bits >> 18];
        text[to + 1] = DIGITS[bits >> 12 & 63];
        text[to + 2] = DIGITS[bits >> 6 & 63];
        text[to + 3] = DIGITS[bits & 63];
        (from, to) = (from + 3, to + 4);
    }
    let rest = &bytes[from..];
    if !rest.is_empty() {
        let bits = (rest[0] as usize) << 16 | (rest.get(1).copied().unwrap_or(0) as usize) << 8;
        text[to] = DIGITS[bits >> 18];
        text[to + 1] = DIGITS[bits >> 12 & 63];
        if rest.len() == 2 {
            text[to + 2] = DIGITS[bits >> 6 & 63];
        }
    }
    text
}
