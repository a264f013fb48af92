//! The notation of an input line: `[@time or @+span] [subject] [Header=value …] body`.
//!
//! Pure text work: a line becomes a message of the input stream, or a mistake with its place within the line.

use crate::config::Config;
use crate::core::event::StoredMessage;
use crate::core::ids::Nanos;
use crate::core::output::Headers;
use crate::core::output::TICK;
use crate::core::plan::key_spec::KindPlaces;
use crate::core::plan::selector::Selector;
use crate::core::plan::template::token;
use crate::core::subject::covers;
use std::ops::Range;
use std::sync::Arc;

/// 2026-01-01T00:00:00Z: when the first event of a case is stored.
pub(super) const BEGINNING: Nanos = Nanos(1_767_225_600_000_000_000);
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A mistake in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineFault {
    /// Where in the line.
    pub(super) at: Range<usize>,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) hint: String,
}

impl LineFault {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> LineFault {
        LineFault { at, message: message.into(), hint: hint.into() }
    }
}

/// What the lines of a case are read by.
#[derive(Clone, Debug)]
pub(super) struct Notation {
    /// `input.subjects`.
    pub(super) subjects: Vec<String>,
    /// `event.kind`.
    pub(super) kind: KindPlaces,
    /// `clock.subject`.
    pub(super) tick: Option<String>,
}

/// The lines that stand for something: neither empty nor comments.
pub(super) fn is_line(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

/// A line's words from the left, with their places.
struct Words<'l> {
    line: &'l str,
    at: usize,
}

impl<'l> Words<'l> {
    /// The next word without taking it.
    fn next(&self) -> (Range<usize>, &'l str) {
        let rest = self.line.get(self.at..).unwrap_or_default();
        let start = self.at + (rest.len() - rest.trim_start().len());
        let rest = rest.trim_start();
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        (start..start + length, rest.get(..length).unwrap_or_default())
    }

    fn pass(&mut self, word: &Range<usize>) {
        self.at = word.end;
    }

    fn rest(&self) -> (usize, &'l str) {
        let rest = self.line.get(self.at..).unwrap_or_default();
        (self.at + (rest.len() - rest.trim_start().len()), rest.trim())
    }
}

impl Notation {
    /// Of a configuration.
    pub(super) fn of(config: &Config) -> Notation {
        Notation {
            subjects: config.input.subjects.clone(),
            kind: config.plan.event.kind.clone(),
            tick: config.plan.tick_subject.clone(),
        }
    }

    /// Reads a line; `before` is when the line before was stored.
    pub(super) fn read(&self, line: &str, sequence: u64, before: Option<Nanos>) -> Result<StoredMessage, LineFault> {
        let mut words = Words { line, at: 0 };
        let (at, word) = words.next();
        let stored_at = match word.strip_prefix('@') {
            Some(time) => {
                words.pass(&at);
                time_of(time, before).map_err(|(what, hint)| LineFault::new(at, what, hint))?
            }
            None => before.map_or(BEGINNING, |before| Nanos(before.0.saturating_add(SECOND))),
        };
        let (at, word) = words.next();
        if words.rest().1 == "tick" {
            return self.tick(at, sequence, stored_at);
        }
        // A filter such as `>` would take the beginning of a body or a header for a subject.
        let could_be = !word.starts_with(['{', '[', '"']) && !word.contains('=');
        let given = (could_be && self.subjects.iter().any(|filter| covers(filter, word))).then(|| {
            words.pass(&at);
            word.to_owned()
        });
        let headers = headers(&mut words)?;
        let (at, body) = words.rest();
        let subject = match given {
            Some(subject) => subject,
            None => {
                self.no_stranger(at, body)?;
                self.subject(&headers, body).map_err(|(what, hint)| LineFault::new(at..at + body.len(), what, hint))?
            }
        };
        Ok(StoredMessage {
            sequence,
            stored_at,
            subject: subject.into(),
            headers: (!headers.is_empty()).then(|| Arc::new(headers)),
            payload: body.to_owned().into(),
        })
    }

    /// The message that only moves time on.
    fn tick(&self, at: Range<usize>, sequence: u64, stored_at: Nanos) -> Result<StoredMessage, LineFault> {
        let Some(subject) = &self.tick else {
            let hint = "add [clock] with a `subject`, or give a later event its time, such as `@+31s`";
            let message = "`tick` moves time on where events wait, and the configuration has no [clock]";
            return Err(LineFault::new(at, message, hint));
        };
        let headers = Some(Arc::new(vec![(TICK.to_owned(), "1".to_owned())]));
        Ok(StoredMessage {
            sequence,
            stored_at,
            subject: subject.as_str().into(),
            headers,
            payload: Default::default(),
        })
    }

    /// A word before the JSON that is no subject of the input is a slip, not the beginning of a body.
    fn no_stranger(&self, at: usize, body: &str) -> Result<(), LineFault> {
        let Some((word, rest)) = body.split_once(char::is_whitespace) else { return Ok(()) };
        let plain = |c: char| c.is_alphanumeric() || "._-$@+:=/*>".contains(c);
        if !word.starts_with(|c: char| c.is_alphabetic() || c == '@')
            || !word.chars().all(plain)
            || !rest.trim_start().starts_with('{')
        {
            return Ok(());
        }
        let subjects: Vec<String> = self.subjects.iter().map(|subject| format!("`{subject}`")).collect();
        let message = format!("`{word}` is no subject of the input, which takes {}", subjects.join(", "));
        let hint = "correct it; or, if it belongs to a body that is no JSON, write the subject before it";
        Err(LineFault::new(at..at + word.len(), message, hint))
    }

    /// The subject of a line without one: the first of the input's, with the kind in place of each wildcard.
    fn subject(&self, headers: &Headers, body: &str) -> Result<String, (String, String)> {
        let first = self.subjects.first().map_or(">", String::as_str);
        let mut kind = None;
        for place in self.kind.places() {
            let found = match place {
                Selector::Path(names) => json_text(names, body),
                Selector::Header(name) => headers.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone()),
                Selector::Time => None,
                Selector::Subject(n) => match first.split('.').nth(n.saturating_sub(1)) {
                    Some(token) if token != "*" && token != ">" => None,
                    _ => {
                        let what = format!("this line needs a subject, since the kind of an event is its token {n}");
                        let hint = format!("write the subject before the JSON, one of those that `{first}` takes");
                        return Err((what, hint));
                    }
                },
            };
            kind = kind.or(found);
        }
        let kind = kind.map_or("unknown".to_owned(), |kind| token(&kind));
        let tokens: Vec<&str> =
            first.split('.').map(|t| if t == "*" || t == ">" { kind.as_str() } else { t }).collect();
        Ok(tokens.join("."))
    }
}

/// The text at a path of a body.
fn json_text(names: &[String], body: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(body).ok()?;
    let found = names.iter().try_fold(&value, |value, name| value.get(name))?;
    found.as_str().map(str::to_owned)
}

/// The words `Name=value`; a value with spaces stands in double quotes, as JSON writes a text.
fn headers(words: &mut Words<'_>) -> Result<Headers, LineFault> {
    let mut headers = Headers::new();
    loop {
        let (at, word) = words.next();
        let Some((name, value)) = word.split_once('=') else { return Ok(headers) };
        let token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(token) {
            return Ok(headers);
        }
        if !value.starts_with('"') {
            headers.push((name.to_owned(), value.to_owned()));
            words.pass(&at);
            continue;
        }
        let quoted = at.start + name.len() + 1;
        let rest = words.line.get(quoted..).unwrap_or_default();
        let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        match texts.next() {
            Some(Ok(value)) => {
                headers.push((name.to_owned(), value));
                words.at = quoted + texts.byte_offset();
            }
            _ => {
                let message = format!("the value of the header `{name}` has no end");
                return Err(LineFault::new(at, message, format!("write {name}=word or {name}=\"more than a word\"")));
            }
        }
    }
}

/// What stands behind the `@`.
fn time_of(text: &str, before: Option<Nanos>) -> Result<Nanos, (String, String)> {
    let hint =
        || "write `@+31s` (or ms, m, h) behind the line before, `@10:00:00`, or `@2026-01-01T10:00:00Z`".to_owned();
    let wrong = || (format!("`@{text}` is no time"), hint());
    let base = before.unwrap_or(BEGINNING);
    let nanos = |nanos: i128| i64::try_from(nanos).ok().filter(|nanos| *nanos > 0).map(Nanos);
    if let Some(span) = text.strip_prefix('+') {
        let span: jiff::SignedDuration = span.parse().map_err(|_| wrong())?;
        return nanos(i128::from(base.0) + span.as_nanos()).filter(|_| !span.is_negative()).ok_or_else(wrong);
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return nanos(time.as_nanosecond()).ok_or_else(wrong);
    }
    // A time of day alone; a date without its zone is none.
    let time: jiff::civil::Time = text.parse().ok().filter(|_| !text.contains('-')).ok_or_else(wrong)?;
    let seconds = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let of_day = seconds * SECOND + i64::from(time.subsec_nanosecond());
    nanos(i128::from(base.0 - base.0.rem_euclid(DAY) + of_day)).ok_or_else(wrong)
}
