//! What the server says on a fast-ingest batch's inbox (ADR-50, seen on nats-server 2.15.1).
//!
//! Pure reading of one reply; what it means for the lane is decided in `lane`. Public for the fuzz targets only.

use super::api::ApiError;
use serde::Deserialize;

/// The batch is unknown: ended, timed out after 10 s, or forgotten in a restart.
pub const BATCH_UNKNOWN: u64 = 10208;

/// What a reply is about: its subject is the one that the answered message was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A message of the batch with this number.
    Batch(u64),
    /// A ping of the batch with this number.
    Ping {
        /// The batch's number.
        batch: u64,
        /// How many messages of the batch were sent before it.
        sent: u64,
        /// Whether the end of the batch was sent before it.
        behind_end: bool,
    },
    /// None of ours.
    Unknown,
}

/// The reply subject up to the batch sequence, for a batch of the lane that listens on `<inbox>.>`:
/// `<inbox>.<number>.<id>.<flow>.fail.`. The server reads from the right and takes the id for the batch's name; the tokens
/// before it are ours. The id is the inbox's last token and stays the same: a batch that the server did not forget would else
/// share the flow with its successors. `behind_end` marks the pings that follow the batch's end.
pub fn reply_prefix(inbox: &str, number: u64, flow: u64, behind_end: bool) -> String {
    let id = inbox.rsplit('.').next().unwrap_or(inbox);
    let mark = if behind_end { "e" } else { "" };
    format!("{inbox}.{number}{mark}.{id}.{flow}.fail.")
}

impl About {
    /// Reads a reply's subject: `<inbox>.<number>.<id>.<flow>.<gap>.<sequence>.<operation>.$FI`.
    pub fn parse(subject: &str) -> About {
        let mut tokens = subject.rsplit('.').skip(1);
        let (operation, sent, number) = (tokens.next(), tokens.next(), tokens.nth(3));
        let Some(number) = number else { return About::Unknown };
        let (digits, behind_end) = number.strip_suffix('e').map_or((number, false), |digits| (digits, true));
        let sent = sent.and_then(|sent| sent.parse().ok());
        match (digits.parse(), operation, sent) {
            (Ok(batch), Some("4"), Some(sent)) => About::Ping { batch, sent, behind_end },
            (Ok(batch), Some(_), Some(_)) if !behind_end => About::Batch(batch),
            _ => About::Unknown,
        }
    }
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Everything of this batch up to this batch sequence is stored; 0 answers the batch's start.
    Stored(u64),
    /// The message at this batch sequence was refused; it ended the batch.
    Refused(u64, ApiError),
    /// Messages were lost on the way to the server; it ended the batch.
    Gap,
    /// The batch is over: the stream's sequence of its last message and how many it had.
    Over {
        /// The stream sequence.
        last: u64,
        /// Messages of the batch that were stored.
        count: u64,
    },
    /// Nobody took the message: the stream is gone, or does not cover the subject.
    Nobody,
    /// None of these.
    Unreadable(String),
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    seq: u64,
    count: Option<u64>,
    error: Option<ApiError>,
}

impl Reply {
    /// Reads a reply; its subject is the one that the message was sent with and holds its batch sequence.
    pub fn parse(subject: &str, payload: &[u8]) -> Reply {
        let wire: Wire = match serde_json::from_slice(payload) {
            Ok(wire) => wire,
            Err(_) => return Reply::Unreadable(String::from_utf8_lossy(payload).into_owned()),
        };
        match (wire.kind.as_deref(), wire.error, wire.count) {
            (Some("ack"), _, _) => Reply::Stored(wire.seq),
            (Some("gap"), _, _) => Reply::Gap,
            (Some("err"), Some(error), _) => Reply::Refused(wire.seq, error),
            // A first message's refusal has no type, and its sequence stands in the subject only.
            (None, Some(error), _) => Reply::Refused(batch_sequence(subject), error),
            (None, None, Some(count)) => Reply::Over { last: wire.seq, count },
            _ => Reply::Unreadable(String::from_utf8_lossy(payload).into_owned()),
        }
    }
}

/// The sequence in `<inbox>.<number>.<id>.<flow>.<gap>.<sequence>.<operation>.$FI`.
fn batch_sequence(subject: &str) -> u64 {
    subject.rsplit('.').nth(2).and_then(|token| token.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_tells_its_batch_by_the_subject() {
        let prefix = |number, end| reply_prefix("_INBOX.aB3", number, 500, end);
        assert_eq!(prefix(7, false), "_INBOX.aB3.7.aB3.500.fail.");
        assert_eq!(About::parse(&format!("{}41.1.$FI", prefix(7, false))), About::Batch(7));
        assert_eq!(About::parse(&format!("{}42.3.$FI", prefix(8, false))), About::Batch(8));
        let ping = |behind_end| About::Ping { batch: 8, sent: 41, behind_end };
        assert_eq!(About::parse(&format!("{}41.4.$FI", prefix(8, false))), ping(false));
        assert_eq!(About::parse(&format!("{}41.4.$FI", prefix(8, true))), ping(true));
        for other in ["", "a", "_INBOX.a.500.fail.41.1.$FI", "_INBOX.a.x.a.500.fail.41.1.$FI"] {
            assert_eq!(About::parse(other), About::Unknown, "{other}");
        }
    }

    #[test]
    fn replies_of_the_real_server_are_told_apart() {
        let wrong = ApiError { code: 400, err_code: 10071, description: "wrong last sequence: 43".to_owned() };
        let subject = "_INBOX.a.500.fail.41.1.$FI";
        for (payload, expected) in [
            (r#"{"type":"ack","seq":5,"msgs":500}"#, Reply::Stored(5)),
            (r#"{"type":"gap","last_seq":2,"seq":3}"#, Reply::Gap),
            (
                r#"{"type":"err","seq":40,"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 43"}}"#,
                Reply::Refused(40, wrong.clone()),
            ),
            (
                r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 43"},"stream":"OUT","seq":0}"#,
                Reply::Refused(41, wrong.clone()),
            ),
            (r#"{"stream":"OUT","seq":46,"batch":"a","count":3}"#, Reply::Over { last: 46, count: 3 }),
            ("x", Reply::Unreadable("x".to_owned())),
        ] {
            assert_eq!(Reply::parse(subject, payload.as_bytes()), expected, "{payload}");
        }
    }
}
