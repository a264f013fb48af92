//! A walk through one event: every value down to a depth, with its place.
//!
//! The event was scanned before, so its text is an object without a fault.

use super::path::{DEPTH, WalkPath};
use super::paths::Paths;
use super::tally::{JsonType, SeenValue};
use crate::json::cursor::{Cursor, Defect, Scratch};
use crate::json::text::{escape_into, unescape};
use std::borrow::Cow;

/// The most characters of an example.
const EXAMPLE_MAX: usize = 80;

/// What walks need beside the event; kept from one to the next.
#[derive(Debug, Default)]
pub(super) struct Walker {
    /// Whether values are kept as examples.
    pub examples: bool,
    path: WalkPath,
    scratch: Scratch,
    /// Objects and arrays so far; each number stands for one of them.
    pub holders: u64,
}

impl Walker {
    /// Accounts for all values of an event that is a valid JSON object.
    pub(super) fn walk(&mut self, text: &[u8], position: u64, paths: &mut Paths) {
        let Walker { examples, path, scratch, holders } = self;
        let mut cursor = Cursor::new(text, 0, scratch);
        cursor.space();
        TreeWalk { text, position, examples: *examples, cursor, path, holders, paths }
            .object()
            .expect("the scan found an object without a fault");
    }
}

struct TreeWalk<'a> {
    text: &'a [u8],
    position: u64,
    examples: bool,
    cursor: Cursor<'a>,
    path: &'a mut WalkPath,
    holders: &'a mut u64,
    paths: &'a mut Paths,
}

impl TreeWalk<'_> {
    fn object(&mut self) -> Result<(), Defect> {
        let holder = self.holder();
        let mut more = self.cursor.open(b'}', self.path.depth());
        while more {
            let (name, _) = self.cursor.name()?;
            let id = self.path.enter(text(name));
            self.value(holder)?;
            self.path.leave(id);
            more = self.cursor.more(b'}')?;
        }
        Ok(())
    }

    fn array(&mut self) -> Result<(), Defect> {
        let holder = self.holder();
        let mut more = self.cursor.open(b']', self.path.depth());
        while more {
            self.path.enter_array();
            self.value(holder)?;
            self.path.leave(false);
            more = self.cursor.more(b']')?;
        }
        Ok(())
    }

    /// The value that comes next, and all that is in it.
    fn value(&mut self, holder: u64) -> Result<(), Defect> {
        let first = self.cursor.peek();
        let container = matches!(first, b'{' | b'[');
        let deep = self.path.depth() == DEPTH;
        let mut seen =
            SeenValue { kind: kind(first, b""), length: None, position: self.position, holder, example: None };
        if container && !deep {
            self.paths.add(self.path, &seen);
            return if first == b'{' { self.object() } else { self.array() };
        }
        let from = self.cursor.at();
        self.cursor.skip(self.path.depth())?;
        let raw = self.text.get(from..self.cursor.at()).expect("the cursor only goes on");
        seen.kind = kind(first, raw);
        if container {
            let inside = raw.get(1..raw.len() - 1).unwrap_or_default();
            self.paths.deeper += u64::from(!inside.trim_ascii().is_empty());
        } else if let Some(inside) = raw.strip_prefix(b"\"").and_then(|raw| raw.strip_suffix(b"\"")) {
            let characters = characters(text(inside));
            seen.length = Some(length(&characters, text(inside)));
            seen.example = characters.filter(|_| self.examples).map(|characters| quoted(&characters));
        } else if self.examples && raw.len() <= EXAMPLE_MAX {
            seen.example = Some(text(raw).into());
        }
        self.paths.add(self.path, &seen);
        Ok(())
    }

    fn holder(&mut self) -> u64 {
        *self.holders += 1;
        *self.holders
    }
}

/// What a value is, by its first byte and, of a number, its text.
fn kind(first: u8, raw: &[u8]) -> JsonType {
    match first {
        b'n' => JsonType::Null,
        b't' | b'f' => JsonType::Bool,
        b'"' => JsonType::Text,
        b'[' => JsonType::Array,
        b'{' => JsonType::Object,
        _ if raw.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => JsonType::Number,
        _ => JsonType::Integer,
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the scan checked the whole event for UTF-8")
}

/// The text that stands between quotes; `None` where half a character of UTF-16 is in it, which is no text.
fn characters(raw: &str) -> Option<Cow<'_, str>> {
    if raw.contains('\\') { unescape(raw).map(Cow::Owned) } else { Some(Cow::Borrowed(raw)) }
}

/// How many characters a text has. Where it is none, each escape counts as one.
fn length(characters: &Option<Cow<'_, str>>, raw: &str) -> u64 {
    if let Some(characters) = characters {
        return characters.chars().count() as u64;
    }
    let mut pieces = raw.split('\\');
    let before = pieces.next().unwrap_or_default().chars().count();
    // A piece begins behind a backslash; an empty one is the first of two, and the next piece is then no escape.
    let (mut count, mut escaped) = (before as u64, false);
    for piece in pieces {
        let characters = piece.chars().count() as u64;
        count += match (escaped, piece.as_bytes().first()) {
            (true, _) => characters,
            (false, None) => 1,
            (false, Some(b'u')) => characters.saturating_sub(4),
            (false, Some(_)) => characters,
        };
        escaped = !escaped && piece.is_empty();
    }
    count
}

/// A text as JSON, without what is too long.
fn quoted(characters: &str) -> Box<str> {
    let mut json = Vec::new();
    match characters.char_indices().nth(EXAMPLE_MAX) {
        None => escape_into(&mut json, characters),
        Some((at, _)) => escape_into(&mut json, &format!("{}…", characters.get(..at).unwrap_or_default())),
    }
    text(&json).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_characters_have_a_length_too() {
        for (raw, expected) in [
            ("", 0),
            ("äb", 2),
            (r"a\u00e9\n", 3),
            (r"\ud83d\ude00", 1),
            (r"\ud83d", 1),
            (r"x\ud83dy", 3),
            (r"\\\ud83d\\\\u", 5),
            (r#"\"\ud83d\\n"#, 4),
        ] {
            assert_eq!(length(&characters(raw), raw), expected, "{raw}");
        }
    }
}
