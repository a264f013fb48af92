//! A failure in words: what was expected, what was, carets under what differs, and the names of it.
//!
//! The words are those of `replay --diff`: expected and was, fields that differ.

use super::body::BodyDifference;
use super::judge::{CaseFailure, Differs};
use super::output::GAP;
use crate::core::outcome::Silence;
use std::ops::Range;

/// So much of what does not differ is shown between two members that do, and behind the last one; in bytes.
const NEAR: usize = 40;
/// The longest excerpt around a difference that no member explains, in characters on each side.
const AROUND: usize = 40;

/// The lines of a failure, the first one without indent.
pub(super) fn lines(failure: &CaseFailure) -> Vec<String> {
    match failure {
        CaseFailure::Differs(differs) => differing(differs),
        CaseFailure::Missing { expected } => {
            vec![
                "one fewer than expected, this output did not come:".to_owned(),
                format!("  expected {}", expected.text),
            ]
        }
        CaseFailure::Extra { at, was } => {
            vec![
                format!("one more than expected, output {at} is not in the case:"),
                format!("  was      {}", was.line()),
            ]
        }
        CaseFailure::Silent { why, named, lines } => vec![silent(*why, *named, lines)],
        CaseFailure::State { of, expected, was } => {
            vec![of.clone(), format!("  expected {expected}"), format!("  was      {was}")]
        }
    }
}

fn silent(why: Silence, named: u64, lines: &[u64]) -> String {
    let (key, what) = match why {
        Silence::Dropped => ("dropped", "its kind is unknown, and such are dropped"),
        Silence::Filtered(_) => ("dropped", "a rule drops it"),
        Silence::Duplicate => ("duplicates", "it is a duplicate"),
        Silence::Waits => ("waiting", "it still waits for a row"),
        Silence::Tick => ("ticks", "it only moves time on"),
        Silence::Outside | Silence::Held => ("-", "it stands outside what the plan lets out"),
    };
    let numbers: Vec<String> = lines.iter().map(u64::to_string).collect();
    let of = match numbers.as_slice() {
        [] => return format!("`{key} = {named}`, but every event has an output"),
        [one] => format!("input line {one} has no output: {what}"),
        _ => format!("input lines {} have no output: of each, {what}", numbers.join(", ")),
    };
    let count = numbers.len();
    if named == 0 {
        format!("{of}; `{key} = {count}` would name it")
    } else {
        format!("{of}; the case has `{key} = {named}`")
    }
}

fn differing(differs: &Differs) -> Vec<String> {
    let Differs { at, of, expected, was, parts, members, fields } = differs;
    let mut lines = vec![format!("output {at} of {of}, of input line {}, subject {}", was.number, was.subject)];
    let has = |field: &str| fields.iter().any(|known| known == field);
    if let Some(number) = expected.number.filter(|_| has("input line")) {
        lines.push(format!("  expected an output of input line {number}"));
        lines.push(format!("  was      one of input line {}", was.number));
    }
    if has("subject") {
        lines.push(format!("  expected subject {}", expected.subject));
        lines.push(format!("  was      subject {}", was.subject));
    }
    if has("headers") {
        let text =
            |headers: &str| if headers.is_empty() { "(no headers)".to_owned() } else { headers.trim().to_owned() };
        lines.push(format!("  expected {}", text(&parts.headers)));
        lines.push(format!("  was      {}", text(&was.headers)));
    }
    if has("bytes") {
        lines.extend(at_byte(&parts.body, &was.body));
    } else if !members.is_empty() {
        let side = |of: fn(&BodyDifference) -> Option<Range<usize>>| members.iter().filter_map(of).collect::<Vec<_>>();
        let (shown, _) = excerpt(&parts.body, &side(|member| member.expected.clone()));
        lines.push(format!("  expected {shown}"));
        // What is only expected has no place in what came: it is marked where it stands.
        let missing: Vec<Range<usize>> =
            members.iter().filter(|m| m.was.is_none()).filter_map(|m| m.expected.clone()).collect();
        let (_, carets) = excerpt_of(&parts.body, &side(|member| member.expected.clone()), &missing);
        lines.extend((!carets.trim().is_empty()).then(|| format!("           {carets}")));
        let (shown, carets) = excerpt(&was.body, &side(|member| member.was.clone()));
        lines.push(format!("  was      {shown}"));
        lines.extend((!carets.trim().is_empty()).then(|| format!("           {carets}")));
    }
    if has("reason") {
        let text = |note: &Option<String>| note.as_ref().map_or("(no reason)".to_owned(), |note| format!("# {note}"));
        lines.push(format!("  expected {}", text(&parts.note)));
        lines.push(format!("  was      {}", text(&was.note)));
    }
    let verb = if fields.len() == 1 { "1 field differs".to_owned() } else { format!("{} fields differ", fields.len()) };
    lines.push(format!("  {verb}: {}", fields.join(", ")));
    lines
}

/// What of a text is shown so that these parts of it are seen, and a line of carets under them.
fn excerpt(text: &str, parts: &[Range<usize>]) -> (String, String) {
    excerpt_of(text, parts, parts)
}

/// The same with carets under some of the parts only.
fn excerpt_of(text: &str, parts: &[Range<usize>], marked: &[Range<usize>]) -> (String, String) {
    let mut parts: Vec<Range<usize>> = parts.to_vec();
    parts.sort_by_key(|part| part.start);
    if parts.is_empty() {
        parts.push(text.len()..text.len());
    }
    let (mut shown, mut carets, mut at) = (String::new(), String::new(), 0);
    let mut push = |piece: &str, mark: bool| {
        shown.push_str(piece);
        carets.extend(piece.chars().map(|_| if mark { '^' } else { ' ' }));
    };
    for part in &parts {
        let member = member_start(text, part.start, at);
        if member - at > NEAR {
            // What is left out ends with a comma where it ends with a member.
            push(if at == 0 { "…" } else { ",…" }, false);
            push(if text.get(..member).is_some_and(|before| before.ends_with(',')) { "," } else { "" }, false);
            at = member;
        }
        push(text.get(at..part.start.max(at)).unwrap_or_default(), false);
        push(text.get(part.start.max(at)..part.end.max(at)).unwrap_or_default(), marked.contains(part));
        at = part.end.max(at);
    }
    let rest = text.get(at..).unwrap_or_default();
    push(if rest.len() > NEAR { ",…" } else { rest }, false);
    (shown, carets.trim_end().to_owned())
}

/// Where the member begins that has its value at an offset: behind the comma or bracket before its name.
fn member_start(text: &str, value: usize, from: usize) -> usize {
    let before = text.get(from..value).unwrap_or_default();
    if !before.trim_end().ends_with(':') {
        return value;
    }
    let name_end = before.rfind('"').unwrap_or_default();
    let name = before.get(..name_end).and_then(|inner| inner.rfind('"')).unwrap_or_default();
    from + name
}

/// Two texts from a little before the first character in which they differ.
fn at_byte(expected: &str, was: &str) -> Vec<String> {
    let same =
        expected.chars().zip(was.chars()).take_while(|(left, right)| left == right && !GAP.contains(*left)).count();
    let from = same.saturating_sub(AROUND);
    let cut = |text: &str| {
        let inner: String = text.chars().skip(from).take(2 * AROUND).collect();
        let head = if from > 0 { GAP } else { "" };
        let tail = if text.chars().count() > from + 2 * AROUND { GAP } else { "" };
        format!("{head}{inner}{tail}")
    };
    let lead = same - from + usize::from(from > 0);
    vec![
        format!("  expected {}", cut(expected)),
        format!("  was      {}", cut(was)),
        format!("           {}^", " ".repeat(lead)),
    ]
}
