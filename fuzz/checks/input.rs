//! How the targets read an input: a plan, and one or several stored messages.
//!
//! ```text
//! plan digit, then for each event: subject|Name=value|...|@stored at, ns  newline  payload
//! ```
//!
//! Events are parted by the byte 1E, which no JSON text holds. Any bytes are an input; what is left out has a default.

use super::plans::{self, Known};
use bytes::Bytes;
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::Nanos;
use std::sync::Arc;

/// 2026-11-21, and far enough from a whole second to show all nine digits.
const FIRST_STORED_AT: i64 = 1_795_261_500_123_456_789;

/// Where the first event stands in its stream.
const FIRST: u64 = 998;

/// The plan that the first byte picks, and the rest.
pub fn plan(data: &[u8]) -> Option<(&'static Known, &[u8])> {
    let (digit, rest) = data.split_first()?;
    let all = plans::all();
    Some((&all[usize::from(digit.wrapping_sub(b'0')) % all.len()], rest))
}

/// The event that is the `n`-th of an input.
pub fn event(n: usize, bytes: &[u8]) -> StoredMessage {
    let (head, payload) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (&b""[..], bytes),
    };
    let head = String::from_utf8_lossy(head);
    let mut pieces = head.split('|');
    let subject = pieces.next().unwrap_or_default().into();
    let mut stored_at = FIRST_STORED_AT + n as i64 * 400_000_000;
    let mut headers = Vec::new();
    for piece in pieces {
        match piece.strip_prefix('@').map(str::parse) {
            Some(Ok(time)) => stored_at = time,
            _ => {
                let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    StoredMessage {
        sequence: FIRST + n as u64,
        stored_at: Nanos(stored_at),
        subject,
        headers: Some(headers).filter(|headers| !headers.is_empty()).map(Arc::new),
        payload: Bytes::copy_from_slice(payload),
    }
}

/// The events of an input, up to eight.
pub fn events(bytes: &[u8]) -> Vec<StoredMessage> {
    bytes.split(|byte| *byte == 0x1e).take(8).enumerate().map(|(n, bytes)| event(n, bytes)).collect()
}
