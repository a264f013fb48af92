//! How dead letters and their redrives look: as JSON for programs, as lines for people.
//!
//! What comes from an event is never printed raw for people: a terminal obeys control characters.

use crate::commands::dead_letters::reading::FoundLetter;
use crate::core::ids::Nanos;
use crate::protocol::redrive::record::{RedriveStep, StoredRecord};
use serde::Serialize;

/// One dead letter without its body.
#[derive(Clone, Debug, Serialize)]
pub struct LetterShape {
    letter: String,
    position: u64,
    n: u32,
    time: String,
    lane_sequence: u64,
    reason: String,
    error: String,
    subject: String,
    kind: Option<String>,
    key: Option<String>,
    plan: String,
    /// Which event of its message's list it is, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<u16>,
    bytes: u64,
    /// The length of the event's body, where this one is cut, masked or left out.
    cut_from: Option<u64>,
    redriven: Option<Redriven>,
}

/// One record of a redrive.
#[derive(Clone, Debug, Serialize)]
pub struct Redriven {
    state: &'static str,
    attempt: u32,
    at: String,
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl LetterShape {
    /// The shape of a dead letter and its newest record.
    pub fn of(found: &FoundLetter, redriven: Option<&StoredRecord>) -> LetterShape {
        let letter = &found.letter;
        LetterShape {
            letter: letter.id.to_string(),
            position: letter.id.position.0,
            n: letter.id.n,
            time: time(letter.id.time),
            lane_sequence: found.lane_sequence,
            reason: letter.reason.clone(),
            error: letter.sentence.clone(),
            subject: letter.subject.text.clone(),
            kind: letter.kind.as_ref().map(|kind| kind.text.clone()),
            key: letter.key.as_ref().map(|key| key.text.clone()),
            plan: letter.run.plan.clone(),
            element: letter.element,
            bytes: letter.bytes,
            cut_from: letter.cut_from,
            redriven: redriven.map(Redriven::of),
        }
    }

    /// The head of the table for people.
    pub fn head() -> String {
        row(["POSITION", "TIME", "REASON", "KIND", "KEY", "REDRIVEN", "SENTENCE"])
    }

    /// One line of it.
    pub fn line(&self) -> String {
        let known = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), plain);
        let redriven = self.redriven.as_ref().map_or("-".to_owned(), Redriven::word);
        let seconds = self.time.split('.').next().unwrap_or_default().to_owned() + "Z";
        let (position, sentence) = (self.position.to_string(), plain(&self.error));
        let (kind, key) = (known(&self.kind), known(&self.key));
        row([&position, &seconds, &self.reason, &kind, &key, &redriven, &sentence])
    }
}

impl Redriven {
    /// The shape of a record.
    pub fn of(written: &StoredRecord) -> Redriven {
        let plain = Redriven {
            state: "unfinished",
            attempt: written.record.attempt,
            at: time(written.at),
            position: None,
            edited: None,
            bytes: None,
            why: None,
        };
        match &written.record.step {
            RedriveStep::Intent { body, .. } => {
                Redriven { edited: Some(body.edited), bytes: Some(body.bytes), ..plain }
            }
            RedriveStep::Done { position, body } => Redriven {
                state: "done",
                position: Some(position.0),
                edited: body.as_ref().map(|body| body.edited),
                bytes: body.as_ref().map(|body| body.bytes),
                ..plain
            },
            RedriveStep::Refused { why } => Redriven { state: "refused", why: Some(why.clone()), ..plain },
        }
    }

    /// In a word: `as 812`, `unfinished`, `refused`.
    fn word(&self) -> String {
        self.position.map_or_else(|| self.state.to_owned(), |position| format!("as {position}"))
    }

    /// As a step of the history, whose intents are followed by a result.
    pub fn line(&self) -> String {
        let what = match (self.state, self.edited) {
            ("unfinished", _) => "intent",
            (state, _) => state,
        };
        let mut line = format!("{}  attempt {}  {what}", self.at, self.attempt);
        if let Some(position) = self.position {
            line.push_str(&format!(" as position {position}"));
        }
        if let Some(bytes) = self.bytes {
            line.push_str(&format!(", {bytes} bytes"));
        }
        if self.edited == Some(true) {
            line.push_str(", edited");
        }
        if let Some(why) = &self.why {
            line.push_str(&format!(": {}", plain(why)));
        }
        line
    }
}

/// A moment in RFC 3339, to the nanosecond.
pub fn time(time: Nanos) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(time.0)) {
        Ok(time) => format!("{time:.9}"),
        Err(_) => time.to_string(),
    }
}

/// A text of an event as it may be shown: control characters become escapes.
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Columns of fixed width, so that lines can be printed as they come; what is longer is cut, but the last.
fn row(cells: [&str; 7]) -> String {
    const WIDTHS: [usize; 6] = [9, 20, 13, 14, 24, 10];
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(WIDTHS) {
        let length = cell.chars().count();
        if length > width {
            line.extend(cell.chars().take(width - 1));
            line.push('\u{2026}');
        } else {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - length));
        }
        line.push_str("  ");
    }
    line.push_str(cells.last().copied().unwrap_or_default());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_columns_and_obey_nobody() {
        let line = row(["1", "t", "not_json", "k", &"u".repeat(30), "-", "why"]);
        assert_eq!(line.chars().count(), 9 + 20 + 13 + 14 + 24 + 10 + 6 * 2 + 3);
        assert!(line.contains(&format!("{}\u{2026}  -", "u".repeat(23))), "{line}");
        assert_eq!(plain("a\u{1b}[2J\r\n\u{e9}"), "a\\u{1b}[2J\\r\\n\u{e9}");
    }

    #[test]
    fn times_have_nine_digits() {
        assert_eq!(time(Nanos(1_500_000_000)), "1970-01-01T00:00:01.500000000Z");
    }
}
