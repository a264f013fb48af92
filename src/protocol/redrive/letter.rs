//! A dead letter as it is read back from a stream: its name, what is wrong with it, and what it kept of the event.
//!
//! The counterpart of `core::dead_letter`. A message that is no dead letter of ours gives `None`, never a guess.

use crate::core::event::StoredMessage;
use crate::core::ids::{Nanos, Position};
use crate::core::output::{ELEMENT, ERROR, EVENT, Headers, KEY, KIND, LENGTH, REASON, SUBJECT};
use crate::core::percent;
use crate::protocol::epoch::MARKER;
use crate::protocol::header::{LaneMessage, RunHeader};
use bytes::Bytes;
use std::fmt;

/// The header of a redriven event that names its dead letter: `<input stream>:<position>:<n>`.
///
/// Like every `Sidestream-*` header of an event it is not copied to the event's output: what leaves is what the
/// event would have been without its accident.
pub const REDRIVE: &str = "Sidestream-Redrive";

/// A subject, kind or key whose encoded text is longer than this may have been cut: the writer stops at 1,024 bytes
/// before a character that does not fit, and one character takes 12 at most.
const SURELY_WHOLE: usize = 1_024 - 12;

/// What tells one dead letter from every other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterId {
    /// The event's position.
    pub position: Position,
    /// Which of the position's outcomes it is, from 0.
    pub n: u32,
    /// When the event was stored: a stream that was created again counts its positions anew.
    pub time: Nanos,
    /// The input stream.
    pub input: String,
}

impl LetterId {
    /// The subject under which its redrives are written down; one record follows another under it.
    pub fn subject(&self, output: &str) -> String {
        format!("sidestream.redrive.{output}.{}.{}.{}", self.position, self.n, self.time)
    }

    /// The id of the message that an attempt publishes: whoever finishes the attempt uses the same.
    pub fn message_id(&self, attempt: u32) -> String {
        format!("sidestream-redrive:{self}:{}:{attempt}", self.time)
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.input, self.position, self.n)
    }
}

/// What a person calls a dead letter by: the position of its cause, and its number where there are several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterName {
    /// The position.
    pub position: Position,
    /// Which of the position's outcomes it is, from 0; all of its dead letters without it.
    pub n: Option<u32>,
}

impl std::str::FromStr for LetterName {
    type Err = String;

    fn from_str(text: &str) -> Result<LetterName, String> {
        let (position, n) = text.split_once(':').map_or((text, None), |(position, n)| (position, Some(n)));
        let position = position.parse().map(Position);
        match (position, n.map(str::parse).transpose()) {
            (Ok(position), Ok(n)) => Ok(LetterName { position, n }),
            _ => Err("a position such as 4711, or 4711:2 where it has several dead letters".to_owned()),
        }
    }
}

impl fmt::Display for LetterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.n {
            None => self.position.fmt(f),
            Some(n) => write!(f, "{}:{n}", self.position),
        }
    }
}

/// A text that stood percent-encoded in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text.
    pub text: String,
    /// Whether it is surely all of the text.
    pub whole: bool,
}

/// One dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its name.
    pub id: LetterId,
    /// The position of its event, where that waited: the name has the position that released it.
    pub waited: Option<Position>,
    /// The reason code, as it was written: another version may have others.
    pub reason: String,
    /// The sentence.
    pub sentence: String,
    /// The event's subject.
    pub subject: Decoded,
    /// The event's kind, where it was known.
    pub kind: Option<Decoded>,
    /// The event's key, where it was known.
    pub key: Option<Decoded>,
    /// Who wrote it, and under which plan.
    pub run: RunHeader,
    /// The length of the event's body in bytes, where the dead letter's is cut, masked or left out.
    pub cut_from: Option<u64>,
    /// The length of the dead letter's body in bytes.
    pub bytes: u64,
    /// Which event of its message its event was, from 0, where the message held a list of them.
    pub element: Option<u16>,
    /// The event's headers that it carries.
    pub headers: Headers,
    /// Its body; empty when it was read without.
    pub body: Bytes,
}

impl Letter {
    /// Reads a message of the output stream, or of a stream that sources it.
    pub fn read(message: &StoredMessage) -> Option<Letter> {
        let lane = LaneMessage::read(message)?;
        let all = message.headers.as_deref()?;
        let header = |wanted: &str| all.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let lane_marks = lane.marks().is_some();
        let id = LetterId { position: lane.cause, n: lane.n, time: lane.time, input: lane.input_stream };
        // A reading without bodies says in a header how long they are.
        // The marker of a rewind is no event's, and has no event's subject.
        let subject = header(SUBJECT).or(lane_marks.then_some(""))?;
        let bytes = header("Nats-Msg-Size").and_then(|size| size.parse().ok()).unwrap_or(message.payload.len() as u64);
        let waited = header(EVENT).and_then(|event| Some(Position(event.rsplit_once(':')?.1.parse().ok()?)));
        Some(Letter {
            id,
            waited,
            reason: header(REASON)?.to_owned(),
            sentence: header(ERROR).unwrap_or_default().to_owned(),
            subject: decoded(subject),
            kind: header(KIND).map(decoded),
            key: header(KEY).map(decoded),
            run: lane.run,
            cut_from: header(LENGTH).and_then(|length| length.parse().ok()),
            bytes,
            element: header(ELEMENT).and_then(|number| number.parse().ok()),
            headers: all.iter().filter(|(name, _)| !of_a_system(name)).cloned().collect(),
            body: message.payload.clone(),
        })
    }

    /// Whether it is no dead letter but the marker of a rewind of the input.
    pub fn is_marker(&self) -> bool {
        self.id.n == MARKER
    }

    /// Whether a message of the input is the event that became this dead letter.
    pub fn is_of(&self, event: &StoredMessage) -> bool {
        match self.waited {
            None => event.sequence == self.id.position.0 && event.stored_at == self.id.time,
            // The time of the name is that of the release; the event was stored before.
            Some(position) => event.sequence == position.0 && event.stored_at <= self.id.time,
        }
    }

    /// Where its event stands in the input.
    pub fn event(&self) -> Position {
        self.waited.unwrap_or(self.id.position)
    }

    /// Whether the dead letter does not hold all that a redrive needs; `edited` stands for a body from elsewhere.
    pub fn needs_original(&self, edited: bool) -> bool {
        // Where not even an empty body fitted, the event's headers were left out as well.
        let headers_left_out = self.cut_from.is_some() && self.bytes == 0;
        (self.cut_from.is_some() && !edited) || headers_left_out || !self.subject.whole
    }
}

/// The stream and sequence that a sourced message had at home: `<stream> <sequence> …` in `Nats-Stream-Source`.
pub fn home(message: &StoredMessage) -> Option<(&str, u64)> {
    let (_, value) = message.headers.as_deref()?.iter().find(|(name, _)| name == "Nats-Stream-Source")?;
    let mut words = value.split(' ');
    Some((words.next()?, words.next()?.parse().ok()?))
}

/// Whether a header is the server's or ours, and so none of the event's own.
pub fn of_a_system(name: &str) -> bool {
    ["Nats-", "Sidestream-"]
        .iter()
        .any(|prefix| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)))
}

/// Undoes percent-encoding; what is no encoding stays as it is.
fn decoded(text: &str) -> Decoded {
    let plain = percent::decoded(text).unwrap_or_else(|_| text.to_owned());
    Decoded { text: plain, whole: text.len() <= SURELY_WHOLE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// A dead letter of position 5 with more headers; a header that is given replaces the usual one.
    fn message(more: &[(&str, &str)], payload: &'static str) -> StoredMessage {
        let usual = [
            ("Sidestream-Position", "EVENTS:5:0"),
            ("Sidestream-Time", "17"),
            ("Sidestream-Run", "000000000000000100000007.1:00ff:1:1"),
            ("Sidestream-Subject", "events.a%20b"),
            ("Sidestream-Reason", "no_key"),
        ];
        let usual = usual.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let all = usual.chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        StoredMessage {
            sequence: 9,
            stored_at: Nanos(20),
            subject: "dead.no_key".into(),
            headers: Some(Arc::new(all.collect())),
            payload: Bytes::from_static(payload.as_bytes()),
        }
    }

    #[test]
    fn a_dead_letter_is_read_with_everything_that_it_kept() {
        let stored = message(
            &[
                ("Sidestream-Error", "why"),
                ("Sidestream-Kind", "%C3%BCser"),
                ("Trace", "x"),
                ("nats-odd", "y"),
                ("Nats-Stream-Source", "ENRICHED 7 dead.* > dead.no_key"),
            ],
            "body",
        );
        let letter = Letter::read(&stored).unwrap();
        assert_eq!(letter.id.to_string(), "EVENTS:5:0");
        assert_eq!(letter.id.subject("ENRICHED"), "sidestream.redrive.ENRICHED.5.0.17");
        assert_eq!(letter.id.message_id(2), "sidestream-redrive:EVENTS:5:0:17:2");
        assert_eq!((letter.reason.as_str(), letter.sentence.as_str()), ("no_key", "why"));
        assert_eq!(letter.subject, Decoded { text: "events.a b".into(), whole: true });
        assert_eq!(letter.kind.as_ref().map(|kind| kind.text.as_str()), Some("\u{fc}ser"));
        assert_eq!((letter.key.clone(), letter.cut_from, letter.bytes), (None, None, 4));
        assert_eq!(letter.run.plan, "00ff");
        assert_eq!(letter.headers, [("Trace".to_owned(), "x".to_owned())]);
        assert_eq!(home(&stored), Some(("ENRICHED", 7)));
        assert!(!letter.needs_original(false));
        let other = StoredMessage { sequence: 5, stored_at: Nanos(18), ..stored.clone() };
        assert!(!letter.is_of(&other) && letter.is_of(&StoredMessage { stored_at: Nanos(17), ..other }));
        // An output of ours is no dead letter, nor is a stranger's message.
        for broken in [("Sidestream-Run", "x"), ("Sidestream-Position", "x"), ("Sidestream-Time", "x")] {
            assert_eq!(Letter::read(&message(&[broken], "body")), None, "{broken:?}");
        }
        let kept = stored.headers.iter().flat_map(|list| list.iter()).filter(|(name, _)| name != REASON).cloned();
        assert_eq!(Letter::read(&StoredMessage { headers: Some(Arc::new(kept.collect())), ..stored.clone() }), None);
    }

    #[test]
    fn what_was_cut_needs_the_original() {
        let letter = |more: &[(&str, &str)], body: &'static str| Letter::read(&message(more, body)).unwrap();
        let cut = letter(&[("Sidestream-Length", "9")], "body");
        assert_eq!(cut.cut_from, Some(9));
        assert!(cut.needs_original(false) && !cut.needs_original(true));
        let empty = letter(&[("Sidestream-Length", "9")], "");
        assert!(empty.needs_original(true), "its headers may have been left out");
        let without_bodies = letter(&[("Sidestream-Length", "9"), ("Nats-Msg-Size", "4")], "");
        assert!(!without_bodies.needs_original(true), "it has a body, which was not read");
        let subject = |length: usize| letter(&[("Sidestream-Subject", &"x".repeat(length))], "body");
        assert!(subject(1_013).needs_original(true), "its subject may have been cut");
        assert!(!subject(1_012).needs_original(false));
    }

    #[test]
    fn percent_encoding_is_undone() {
        for (text, plain) in
            [("a%20b%25%C3%BC%00*>", "a b%\u{fc}\0*>"), ("", ""), ("%", "%"), ("%2", "%2"), ("%zz%41", "%zz%41")]
        {
            assert_eq!(decoded(text), Decoded { text: plain.to_owned(), whole: true }, "{text}");
        }
    }
}
