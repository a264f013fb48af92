//! The short way of a scan, for events as most programs write them.
//!
//! No escapes, no white space but blanks, no deep nesting, no name twice. Anything else, and everything that is wrong, is
//! left to the thorough way, which alone knows faults: what this way takes, that one takes, too, with the same spans.

use super::fields::{Fields, PathNode, Span};
use super::quote_map::{QuoteMap, Quotes};

/// The deepest nesting that goes the short way; the top object counts as 1.
const DEPTH: usize = 16;

/// Fills the spans of all fields and objects, which are absent before; `None` leaves the event to the thorough way, and
/// the spans as they happen to be.
pub(super) fn quick(fields: &Fields, text: &[u8], quote_map: &mut QuoteMap, spans: &mut [Span]) -> Option<()> {
    if text.len() >= u32::MAX as usize {
        return None;
    }
    // Many programs end an event as a line.
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let text = text.get(..text.len() - text.iter().rev().take_while(blank).count())?;
    let quotes = quote_map.of(text)?;
    let mut walk = QuickWalk { text, at: 0, quotes, fields, spans };
    walk.blanks();
    if walk.peek() != b'{' {
        return None;
    }
    walk.value(fields.root(), 0)?;
    (walk.at == text.len()).then_some(())
}

/// The pass at work. Every quote of the text is the next one when the walk comes to it, or the text is no JSON. Blanks are
/// looked for only where something else was expected: most events have none.
struct QuickWalk<'a> {
    text: &'a [u8],
    at: usize,
    quotes: Quotes<'a>,
    fields: &'a Fields,
    spans: &'a mut [Span],
}

impl<'a> QuickWalk<'a> {
    /// The next byte; at the end a NUL, which nothing begins with.
    #[inline(always)]
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    #[cold]
    fn blanks(&mut self) {
        while self.peek() == b' ' {
            self.at += 1;
        }
    }

    /// A value, its node where the plan knows its path. Part of the loops over members and items, so that only containers
    /// cost a call.
    #[inline(always)]
    fn value(&mut self, node: Option<&'a PathNode>, depth: usize) -> Option<()> {
        if self.peek() == b' ' {
            self.blanks();
        }
        let start = self.at;
        match self.peek() {
            b'"' => {
                self.string()?;
            }
            b'{' => self.object(node, depth + 1)?,
            b'[' => self.array(node.filter(|node| node.has_items()), depth + 1)?,
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => return None,
        }
        if let Some(span) = node.and_then(|node| node.slot).and_then(|slot| self.spans.get_mut(slot.0 as usize)) {
            if !span.is_absent() {
                return None;
            }
            *span = span_of(start, self.at);
        }
        Some(())
    }

    #[inline(never)]
    fn object(&mut self, node: Option<&'a PathNode>, depth: usize) -> Option<()> {
        let open = self.at;
        let mut insert_at = open + 1;
        let mut more = self.open(b'}', depth)?;
        while more {
            let (start, end) = self.string()?;
            self.colon()?;
            let child = node.and_then(|node| self.fields.child_within(node, self.text, start, end));
            self.value(child, depth)?;
            insert_at = self.at;
            more = self.more(b'}')?;
        }
        let tail = node.and_then(|node| node.object).and_then(|slot| self.spans.get_mut(slot.0 as usize));
        if let Some(span) = tail {
            *span = span_of(open, insert_at);
        }
        Some(())
    }

    #[inline(never)]
    fn array(&mut self, node: Option<&'a PathNode>, depth: usize) -> Option<()> {
        let mut more = self.open(b']', depth)?;
        let mut number = 0;
        while more {
            self.value(node.and_then(|node| self.fields.item(node, number)), depth)?;
            number += 1;
            more = self.more(b']')?;
        }
        Some(())
    }

    /// Steps into a container up to its first item; false when it is empty and behind the walk.
    fn open(&mut self, close: u8, depth: usize) -> Option<bool> {
        if depth > DEPTH {
            return None;
        }
        self.at += 1;
        if self.peek() == b' ' {
            self.blanks();
        }
        let empty = self.peek() == close;
        self.at += usize::from(empty);
        Some(!empty)
    }

    /// Steps from behind an item over its comma; false when there is none and the container is behind the walk.
    #[inline(always)]
    fn more(&mut self, close: u8) -> Option<bool> {
        if self.peek() == b' ' {
            self.blanks();
        }
        let next = self.peek();
        self.at += 1;
        if next == b',' {
            return Some(true);
        }
        (next == close).then_some(false)
    }

    #[inline(always)]
    fn colon(&mut self) -> Option<()> {
        if self.peek() == b' ' {
            self.blanks();
        }
        let next = self.peek();
        self.at += 1;
        (next == b':').then_some(())
    }

    /// Steps over a string, behind blanks: where it begins and ends between its quotes.
    #[inline(always)]
    fn string(&mut self) -> Option<(usize, usize)> {
        let open = self.quotes.next()?;
        let close = self.quotes.next()?;
        if open != self.at {
            self.blanks();
            if open != self.at {
                return None;
            }
        }
        self.at = close + 1;
        Some((open + 1, close))
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then_some(())?;
        self.at += word.len();
        Some(())
    }

    /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?` (RFC 8259, section 6).
    fn number(&mut self) -> Option<()> {
        self.at += usize::from(self.peek() == b'-');
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            self.digits()?;
        }
        Some(())
    }

    #[inline(always)]
    fn digits(&mut self) -> Option<()> {
        let digits = self.text.get(self.at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        (digits > 0).then_some(())
    }
}

/// The casts keep the offsets whole: longer texts go the thorough way.
#[inline]
fn span_of(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}
