//! One pass over an event: it validates every byte and notes where the plan's fields are.
//!
//! Ordinary events go the short way in `quick`, all others the thorough one here, which decides what an event is.
//! Values outside the plan's names are stepped over without being looked at, and nothing is copied. Recursion
//! follows the plan's paths only, and at most [`MAX_DEPTH`] of them. The first thing that happens to an event.

use super::cursor::{Cursor, Defect, Scratch};
use super::fields::{Fields, PathNode, Span};
use super::quick::quick;
use super::text::unescape;
use std::fmt;

/// The deepest nesting of arrays and objects that an event may have; the top object counts as 1.
pub const MAX_DEPTH: usize = 128;

/// Why an event cannot be read. Of several faults the one that stands first here is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanFault {
    /// The bytes are not one JSON text.
    NotJson {
        /// The offset of the first byte that does not fit.
        at: usize,
        /// What was expected there, as a phrase without any of the event's own text.
        what: &'static str,
    },
    /// Arrays and objects nest deeper than [`MAX_DEPTH`].
    TooDeep,
    /// The top-level value is no object.
    NotObject,
    /// A name of the plan occurs twice in its object.
    DuplicateKey,
}

/// Reads an event: fills the spans of all fields and objects, absent ones included.
///
/// `spans` is as long as `fields`, and all of it absent. On a fault its content means nothing.
pub fn scan(fields: &Fields, text: &[u8], scratch: &mut Scratch, spans: &mut [Span]) -> Result<(), ScanFault> {
    debug_assert_eq!(spans.len(), fields.len(), "one span for each slot");
    debug_assert!(spans.iter().all(|span| span.is_absent()), "a span that is there would be taken for a name's first");
    if quick(fields, text, &mut scratch.quote_map, spans).is_some() {
        return Ok(());
    }
    spans.fill(Span::ABSENT);
    thorough(fields, text, scratch, spans)
}

/// The way that takes every JSON text and knows every fault; all spans are absent before.
pub(super) fn thorough(
    fields: &Fields,
    text: &[u8],
    scratch: &mut Scratch,
    spans: &mut [Span],
) -> Result<(), ScanFault> {
    readable(text)?;
    let mut walk = ScanWalk { cursor: Cursor::new(text, 0, scratch), fields, spans, duplicate: false };
    let object = match walk.top() {
        Ok(object) => object,
        Err(what) => return Err(ScanFault::NotJson { at: walk.cursor.at(), what }),
    };
    if walk.cursor.deepest() > MAX_DEPTH {
        return Err(ScanFault::TooDeep);
    }
    if !object {
        return Err(ScanFault::NotObject);
    }
    if walk.duplicate {
        return Err(ScanFault::DuplicateKey);
    }
    Ok(())
}

/// Whether bytes are a text that a JSON value may stand in, and offsets into it fit a span.
pub(super) fn readable(text: &[u8]) -> Result<(), ScanFault> {
    if simdutf8::basic::from_utf8(text).is_err() {
        // The fast check does not say where.
        let at = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), |_| 0);
        return Err(ScanFault::NotJson { at, what: "not UTF-8" });
    }
    if text.len() >= u32::MAX as usize {
        return Err(ScanFault::NotJson { at: u32::MAX as usize, what: "longer than 4 GiB" });
    }
    if text.starts_with("\u{feff}".as_bytes()) {
        return Err(ScanFault::NotJson { at: 0, what: "begins with a byte order mark" });
    }
    Ok(())
}

/// The pass at work.
struct ScanWalk<'a> {
    cursor: Cursor<'a>,
    fields: &'a Fields,
    spans: &'a mut [Span],
    duplicate: bool,
}

impl<'a> ScanWalk<'a> {
    /// The whole text; true when its value is an object.
    fn top(&mut self) -> Result<bool, Defect> {
        self.cursor.space();
        let object = self.cursor.peek() == b'{';
        match self.fields.root() {
            Some(root) => self.value(root, 0)?,
            None => self.cursor.skip(0)?,
        }
        self.cursor.space();
        if self.cursor.at_end() { Ok(object) } else { Err("something follows the value") }
    }

    /// A value whose path is in the plan.
    #[inline]
    fn value(&mut self, node: &'a PathNode, depth: usize) -> Result<(), Defect> {
        let start = self.cursor.at();
        // Beyond the limit the event is rejected anyway: the plan's own depth must not become recursion.
        if self.cursor.peek() == b'{' && node.looks_inside() && depth < MAX_DEPTH {
            self.object(node, depth)?;
        } else if self.cursor.peek() == b'[' && node.has_items() && depth < MAX_DEPTH {
            self.array(node, depth)?;
        } else {
            self.cursor.skip(depth)?;
        }
        if let Some(span) = node.slot.and_then(|slot| self.spans.get_mut(slot.0 as usize)) {
            // A path has one object instance, unless a name before it occurred twice: so one mark suffices.
            self.duplicate |= !span.is_absent();
            *span = span_of(start, self.cursor.at());
        }
        Ok(())
    }

    /// An object whose members the plan knows, or adds to.
    fn object(&mut self, node: &'a PathNode, depth: usize) -> Result<(), Defect> {
        let open = self.cursor.at();
        let mut insert_at = open + 1;
        let mut more = self.cursor.open(b'}', depth);
        while more {
            let (name, escaped) = self.cursor.name()?;
            match if escaped { self.escaped_child(node, name) } else { self.fields.child(node, name) } {
                Some(child) => self.value(child, depth + 1)?,
                None => self.cursor.skip(depth + 1)?,
            }
            insert_at = self.cursor.at();
            more = self.cursor.more(b'}')?;
        }
        if let Some(span) = node.object.and_then(|slot| self.spans.get_mut(slot.0 as usize)) {
            *span = span_of(open, insert_at);
        }
        Ok(())
    }

    /// An array of which the plan knows members.
    #[cold]
    fn array(&mut self, node: &'a PathNode, depth: usize) -> Result<(), Defect> {
        let mut more = self.cursor.open(b']', depth);
        let mut number = 0;
        while more {
            match self.fields.item(node, number) {
                Some(child) => self.value(child, depth + 1)?,
                None => self.cursor.skip(depth + 1)?,
            }
            number += 1;
            more = self.cursor.more(b']')?;
        }
        Ok(())
    }

    /// The child of a name with backslashes in it. A lone surrogate equals no name of the plan.
    #[cold]
    fn escaped_child(&self, node: &PathNode, name: &[u8]) -> Option<&'a PathNode> {
        let name = unescape(std::str::from_utf8(name).ok()?)?;
        self.fields.child(node, name.as_bytes())
    }
}

/// The casts keep the offsets whole: longer texts were refused.
#[inline]
pub(super) fn span_of(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}

/// The sentence that a dead letter carries: printable ASCII, none of the event's text.
impl fmt::Display for ScanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScanFault::NotJson { at, what } => write!(f, "the payload is not JSON: {what} (byte {at})"),
            ScanFault::TooDeep => write!(f, "arrays and objects nest deeper than {MAX_DEPTH}"),
            ScanFault::NotObject => f.write_str("the payload is JSON but no object"),
            ScanFault::DuplicateKey => f.write_str("a name that the plan reads or adds occurs twice in its object"),
        }
    }
}
