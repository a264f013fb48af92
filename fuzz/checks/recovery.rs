//! Target `recovery`: what a start and a lane read back from the server, as any texts.
//!
//! Headers are strict: what parses prints to the same text, so that nobody else's message is taken for ours. Replies of
//! the batch and reply subjects of deliveries are read as serde_json and a plain split read them.

use super::feed::Feed;
use serde_json::Value;
use sidestream::adapters::nats::delivery::{Delivery, pending_messages};
use sidestream::adapters::nats::lane_reply::Reply;
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::{LaneSequence, Nanos, Position};
use sidestream::core::output::{MORE, POSITION, REWINDS, RUN, TIME};
use sidestream::protocol::epoch;
use sidestream::protocol::facts::Rewind;
use sidestream::protocol::header::{LaneMessage, RUN_ID_LENGTH, RunHeader, RunId};
use std::sync::Arc;

/// Checks one input. The first byte picks a check.
pub fn check(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else { return };
    match mode.wrapping_sub(b'0') % 5 {
        0 => headers(rest),
        1 => ours(&mut Feed(rest)),
        2 => reply(rest),
        3 => delivery(rest),
        _ => status(rest),
    }
}

/// Three lines: position, time, run; further lines are `name=value` headers before them.
fn headers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.split('\n').collect();
    for line in &lines {
        if let Some(run) = RunId::parse(line) {
            assert_eq!(run.to_string(), *line);
            assert_eq!(line.len(), RUN_ID_LENGTH);
        }
        if let Some(run) = RunHeader::parse(line) {
            assert_eq!(run.to_string(), *line);
        }
    }
    let own = [POSITION, TIME, RUN].iter().zip(&lines).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let more = lines.iter().skip(3).filter_map(|line| line.split_once('='));
    let list: Vec<(String, String)> =
        more.map(|(name, value)| (name.to_owned(), value.to_owned())).chain(own).collect();
    let message = message(list);
    let Some(found) = LaneMessage::read(&message) else { return };
    let get = |wanted: &str| {
        let list = message.headers.iter().flat_map(|list| list.iter());
        list.clone().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    };
    assert_eq!(Some(format!("{}:{}:{}", found.input_stream, found.cause, found.n)), get(POSITION));
    assert_eq!(Some(found.time.to_string()), get(TIME));
    assert_eq!(Some(found.run.to_string()), get(RUN));
    assert_eq!(found.sequence, LaneSequence(7));
}

fn message(headers: Vec<(String, String)>) -> StoredMessage {
    StoredMessage {
        sequence: 7,
        stored_at: Nanos(1),
        subject: "o.u".into(),
        headers: Some(Arc::new(headers)),
        payload: bytes::Bytes::new(),
    }
}

/// What the engine writes is read back, whatever the numbers and the stream's name.
fn ours(feed: &mut Feed<'_>) {
    let run = RunHeader {
        run: RunId::new(Nanos(feed.long() as i64), feed.long() as u32),
        start: feed.long(),
        plan: format!("{:016x}", feed.long()),
        origin: Position(feed.long()),
        since: Position(feed.long()),
    };
    assert_eq!(RunHeader::parse(&run.to_string()).as_ref(), Some(&run));
    let (cause, n, time) = (Position(feed.long()), feed.long() as u32, Nanos(feed.long() as i64));
    // A stream's name has no slash.
    let input_stream = feed.text().replace('/', "-");
    let count = u32::from(feed.byte() % 3);
    let mut rewind = |number| Rewind { number, floor: Position(feed.long()), lane: LaneSequence(u64::from(number)) };
    let rewinds: Vec<Rewind> = (1..=count).map(&mut rewind).collect();
    let mut headers = vec![
        (POSITION.to_owned(), format!("{}:{cause}:{n}", epoch::stream(&input_stream, &rewinds))),
        (TIME.to_owned(), time.to_string()),
        (RUN.to_owned(), run.to_string()),
    ];
    if count > 0 {
        headers.push((REWINDS.to_owned(), epoch::list(&rewinds)));
    }
    let followed = !feed.byte().is_multiple_of(2);
    if followed {
        headers.push((MORE.to_owned(), "1".to_owned()));
    }
    let wanted = LaneMessage { sequence: LaneSequence(7), input_stream, cause, n, followed, time, run, rewinds };
    let found = LaneMessage::read(&message(headers));
    assert_eq!(found, Some(wanted).filter(|wanted| !wanted.input_stream.is_empty()));
}

/// A line with the subject, then the body.
fn reply(bytes: &[u8]) {
    let mut halves = bytes.splitn(2, |byte| *byte == b'\n');
    let subject = String::from_utf8_lossy(halves.next().unwrap_or_default()).into_owned();
    let body = halves.next().unwrap_or_default();
    let found = Reply::parse(&subject, body);
    let read: Option<Value> = serde_json::from_slice(body).ok();
    let number = |name: &str| read.as_ref().and_then(|value| value.get(name)?.as_u64());
    let word = |name: &str| read.as_ref().and_then(|value| value.get(name)?.as_str());
    let error = read.as_ref().and_then(|value| value.get("error")).filter(|error| !error.is_null());
    // Two bodies that no server sends: a derived reader takes lists for sections, and it steps over members that it
    // does not know, even those that no `Value` can hold.
    let foreign = |value: Option<&Value>| value.is_some_and(Value::is_array);
    let unjudged = read.is_none() || foreign(read.as_ref()) || foreign(error);
    match found {
        Reply::Unreadable(text) => assert_eq!(text, String::from_utf8_lossy(body)),
        _ if unjudged => {}
        Reply::Stored(sequence) => {
            assert_eq!((word("type"), sequence), (Some("ack"), number("seq").unwrap_or(0)));
        }
        Reply::Gap => assert_eq!(word("type"), Some("gap")),
        Reply::Refused(sequence, refusal) => {
            let error = error.expect("a refusal says why");
            assert_eq!(error.get("code").and_then(Value::as_u64), Some(refusal.code));
            assert_eq!(error.get("err_code").map_or(Some(0), Value::as_u64), Some(refusal.err_code));
            let said = error.get("description").map_or(Some(""), Value::as_str);
            assert_eq!(said, Some(refusal.description.as_str()));
            let tokens: Vec<&str> = subject.split('.').collect();
            let in_subject = tokens.len().checked_sub(3).and_then(|at| tokens[at].parse().ok()).unwrap_or(0);
            let wanted = if word("type") == Some("err") { number("seq").unwrap_or(0) } else { in_subject };
            assert_eq!(sequence, wanted);
        }
        Reply::Over { last, count } => {
            assert!(word("type").is_none() && error.is_none());
            assert_eq!((Some(last), Some(count)), (number("seq").or(Some(0)), number("count")));
        }
        Reply::Nobody => panic!("no body says that"),
    }
}

/// A reply subject.
fn delivery(bytes: &[u8]) {
    let subject = String::from_utf8_lossy(bytes);
    let tokens: Vec<&str> = subject.split('.').collect();
    let first = match (tokens.as_slice(), tokens.len()) {
        (["$JS", "ACK", ..], 9) => 5,
        (["$JS", "ACK", ..], 11..) => 7,
        _ => {
            assert_eq!(Delivery::parse(&subject), None);
            return;
        }
    };
    let number = |n: usize| tokens[first + n].parse::<u64>().ok();
    let wanted = || {
        Some(Delivery {
            stream_sequence: number(0)?,
            consumer_sequence: number(1)?,
            stored_at: Nanos(i64::try_from(number(2)?).ok()?),
            pending: number(3)?,
        })
    };
    assert_eq!(Delivery::parse(&subject), wanted());
}

/// The header of a status message that ends a pull.
fn status(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(number) = pending_messages(&text) {
        let digits = text.strip_prefix('+').unwrap_or(&text).trim_start_matches('0');
        assert_eq!(number.to_string(), if digits.is_empty() { "0" } else { digits });
    }
}
