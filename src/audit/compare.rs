//! What a lane message should be against what it is.
//!
//! Looks at nothing but the two; which message stands for which output is the judge's business.

use crate::core::event::StoredMessage;
use crate::core::output::{ERROR, Output, POSITION, REWINDS, RUN, TIME};
use serde::Serialize;
use std::collections::BTreeMap;

/// The header that the lane's writer adds for the server; the server may keep it.
const EXPECTED_SEQUENCE: &str = "Nats-Expected-Last-Sequence";
/// How much of a long text a difference shows, in bytes.
const EXCERPT: usize = 60;

/// What stands for a header that is not there.
const ABSENT: &str = "(absent)";

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What: `subject`, `payload` or `header NAME`.
    pub field: String,
    /// What recomputation gives; of a long text the part around the first difference.
    pub expected: String,
    /// What the lane holds.
    pub found: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: expected {}, found {}", self.field, self.expected, self.found)
    }
}

/// What of a lane message is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// All but the body, which depends on state that is not known.
    AllButBody,
}

/// The differences between an output and the lane message that stands for it, body first.
pub fn differences(expected: &Output, input_stream: &str, found: &StoredMessage, extent: Extent) -> Vec<Difference> {
    let mut differences = Vec::new();
    if extent == Extent::Whole && expected.payload != found.payload {
        let (expected, found) = excerpts(&expected.payload, &found.payload);
        differences.push(Difference { field: "payload".into(), expected, found });
    }
    if expected.subject != found.subject {
        let (expected, found) = excerpts(expected.subject.as_bytes(), found.subject.as_bytes());
        differences.push(Difference { field: "subject".into(), expected, found });
    }
    let position = expected.position_header(input_stream);
    let time = expected.stored_at.to_string();
    let mut wanted: Vec<(&str, &str)> = vec![(POSITION, &position), (TIME, &time), (RUN, "")];
    wanted.extend(expected.copied.iter().flat_map(|list| list.iter()).map(|(name, value)| (&**name, &**value)));
    wanted.extend(expected.own_headers());
    let mut there: Vec<(&str, &str)> = carried(found).collect();
    // A stable sort by name keeps the order of a name's values, which is all that order means in headers.
    wanted.sort_by_key(|(name, _)| *name);
    there.sort_by_key(|(name, _)| *name);
    if wanted != there {
        header_differences(&wanted, &there, &mut differences);
    }
    differences
}

/// Whether nothing differs but the sentence that says why an event is a dead letter. It is for people, and a later build may
/// word it better; the reason is the word that stays.
pub fn only_worded_otherwise(differences: &[Difference]) -> bool {
    let [one] = differences else { return false };
    one.field == header(ERROR) && one.found != ABSENT && one.expected != ABSENT
}

/// The difference in `Sidestream-Time` alone: what can be compared of an output of which nothing else is known.
pub fn time_difference(expected: &str, found: &StoredMessage) -> Option<Difference> {
    let there = carried(found).find(|(name, _)| *name == TIME).map_or("", |(_, value)| value);
    (there != expected).then(|| Difference { field: header(TIME), expected: expected.into(), found: there.into() })
}

/// The headers that count, the run's value aside: that it parses was seen when the message was read.
fn carried(message: &StoredMessage) -> impl Iterator<Item = (&str, &str)> {
    let list = message.headers.iter().flat_map(|list| list.iter());
    let list = list.map(|(name, value)| (name.as_str(), value.as_str()));
    // What rewinds it names was held against its place in the lane when it was read.
    list.filter(|(name, _)| ![EXPECTED_SEQUENCE, REWINDS].contains(name))
        .map(|(name, value)| if name == RUN { (name, "") } else { (name, value) })
}

fn header_differences(wanted: &[(&str, &str)], there: &[(&str, &str)], differences: &mut Vec<Difference>) {
    let mut names: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    for (name, value) in wanted {
        let [expected, _] = names.entry(name).or_default();
        expected.push(value);
    }
    for (name, value) in there {
        let [_, found] = names.entry(name).or_default();
        found.push(value);
    }
    for (name, [expected, found]) in names {
        if expected != found {
            let (expected, found) = excerpts(shown(&expected).as_bytes(), shown(&found).as_bytes());
            differences.push(Difference { field: header(name), expected, found });
        }
    }
}

fn header(name: &str) -> String {
    format!("header {name}")
}

fn shown(values: &[&str]) -> String {
    if values.is_empty() { ABSENT.into() } else { values.join(", ") }
}

/// Both texts as printable ASCII, from a little before the first difference.
fn excerpts(a: &[u8], b: &[u8]) -> (String, String) {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let from = if a.len().max(b.len()) <= EXCERPT { 0 } else { same.saturating_sub(EXCERPT / 3) };
    let part = |text: &[u8]| {
        let rest = text.get(from..).unwrap_or_default();
        let shown = rest.get(..EXCERPT).unwrap_or(rest);
        let before = if from > 0 { format!("(from byte {from}) ...") } else { String::new() };
        let after = if shown.len() < rest.len() { "..." } else { "" };
        format!("{before}{}{after}", shown.escape_ascii())
    };
    (part(a), part(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_show_where_texts_part() {
        let (a, b) = (format!("{}x{}", "a".repeat(100), "c".repeat(100)), "a".repeat(100));
        let (a, b) = excerpts(a.as_bytes(), b.as_bytes());
        assert_eq!(a, format!("(from byte 80) ...{}x{}...", "a".repeat(20), "c".repeat(39)));
        assert_eq!(b, format!("(from byte 80) ...{}", "a".repeat(20)));
        assert_eq!(excerpts(b"\"x", b""), ("\\\"x".into(), String::new()));
    }
}
