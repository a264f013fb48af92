//! What the server sends back, and the JSON in it.
//!
//! Field names, their presence and the numbers are the real server's; it holds no rule about when what is sent.

use bytes::Bytes;
use serde_json::{Value, json};

/// A first message of a batch, or none, where another was due.
pub(super) const BATCH_PATTERN: (u64, &str) = (10206, "batch publish pattern is invalid");
/// No batch of this name is open.
pub(super) const BATCH_UNKNOWN: (u64, &str) = (10208, "batch publish ID unknown");
/// The stream takes no batches.
pub(super) const BATCH_DISABLED: (u64, &str) = (10205, "batch publish is disabled");
/// The expected sequence is not the stream's last.
pub(super) const WRONG_SEQUENCE: u64 = 10071;
/// The stream is full and keeps what it has.
pub(super) const FULL: u64 = 10077;
/// What stands in for an error code where nobody takes a message: the status of the server's answer.
pub(super) const NO_RESPONDERS: u64 = 503;

/// One message of the server to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The reply subject of the message that it answers.
    pub subject: String,
    /// 0, or 503 when no stream takes the message's subject; the payload is empty then.
    pub status: u16,
    /// JSON.
    pub payload: Bytes,
}

impl Reply {
    fn json(subject: &str, value: &Value) -> Reply {
        Reply { subject: subject.to_owned(), status: 0, payload: value.to_string().into() }
    }

    pub(super) fn nobody(subject: &str) -> Reply {
        Reply { subject: subject.to_owned(), status: NO_RESPONDERS as u16, payload: Bytes::new() }
    }

    /// An ordinary message is stored.
    pub(super) fn stored(subject: &str, stream: &str, sequence: u64) -> Reply {
        Reply::json(subject, &json!({ "stream": stream, "seq": sequence }))
    }

    /// A batch is over: the stream sequence of its last message, and how many it had.
    pub(super) fn over(subject: &str, stream: &str, batch: &str, sequence: u64, count: u64) -> Reply {
        Reply::json(subject, &json!({ "stream": stream, "seq": sequence, "batch": batch, "count": count }))
    }

    /// A message is refused, outside of a batch that goes on or ends with an account.
    pub(super) fn refused(subject: &str, stream: &str, error: &(u64, String)) -> Reply {
        Reply::json(subject, &json!({ "error": detail(error), "stream": stream, "seq": 0 }))
    }

    /// Everything up to a flow boundary is stored; so many messages to the next one.
    pub(super) fn ack(subject: &str, sequence: u64, flow: u64) -> Reply {
        Reply::json(subject, &json!({ "type": "ack", "seq": sequence, "msgs": flow }))
    }

    /// Another batch sequence came than the one due.
    pub(super) fn gap(subject: &str, due: u64, came: u64) -> Reply {
        Reply::json(subject, &json!({ "type": "gap", "last_seq": due, "seq": came }))
    }

    /// A message inside a batch is refused.
    pub(super) fn error(subject: &str, sequence: u64, error: &(u64, String)) -> Reply {
        Reply::json(subject, &json!({ "type": "err", "seq": sequence, "error": detail(error) }))
    }
}

fn detail((err_code, description): &(u64, String)) -> Value {
    let code = if *err_code == FULL { 503 } else { 400 };
    json!({ "code": code, "err_code": err_code, "description": description })
}
