//! Where something stands: in the file, in a `--set`, or nowhere because it is missing.
//!
//! Places compare in reading order, which is the order of the printed diagnostics. Nothing here judges.

use super::diagnostic::Diagnostic;
use std::ops::Range;

/// A place in what the operator wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TextPlace {
    /// The file as a whole, for what is missing from it.
    File,
    /// Byte offsets in the file's text.
    Text {
        /// The first byte.
        start: usize,
        /// One after the last byte.
        end: usize,
    },
    /// The override of this index; its text has no lines worth pointing at.
    Override(usize),
}

impl TextPlace {
    /// The place of a span of the file.
    pub(crate) fn text(span: &Range<usize>) -> TextPlace {
        TextPlace::Text { start: span.start, end: span.end }
    }
}

/// A value with the place where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Placed<T> {
    /// The value.
    pub(crate) value: T,
    /// Its place.
    pub(crate) place: TextPlace,
}

/// The texts that places point into.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The file's name, as it is printed.
    pub(crate) name: String,
    /// The file's text.
    pub(crate) text: String,
    /// The names of the overrides, such as `--set nats.url`.
    pub(crate) overrides: Vec<String>,
}

impl Sources {
    /// A short reference to a place, for use inside a sentence.
    pub(crate) fn reference(&self, place: TextPlace) -> String {
        match place {
            TextPlace::File => self.name.clone(),
            TextPlace::Text { start, .. } => format!("line {}", self.line_of(start)),
            TextPlace::Override(index) => self.overrides.get(index).cloned().unwrap_or_default(),
        }
    }

    /// The place of some bytes of a text that stands at a place; the whole text's where it is not written as it is.
    pub(crate) fn within(&self, place: TextPlace, text: &str, bytes: &Range<usize>) -> TextPlace {
        let TextPlace::Text { start, end } = place else { return place };
        let written = self.text.get(start..end).unwrap_or_default();
        let literal = |quote: &str| written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) == Some(text);
        match ["'", "\""].into_iter().find(|quote| literal(quote)) {
            // What is missing at the text's end is pointed at by the quote that ends it.
            Some(_) => TextPlace::Text {
                start: start + 1 + bytes.start,
                end: (start + 1 + bytes.end).max(start + 2 + bytes.start),
            },
            None => place,
        }
    }

    /// The diagnostic for a place: columns and lengths count characters, and a span ends with its line.
    pub(crate) fn diagnostic(&self, place: TextPlace, message: String, hint: Option<String>) -> Diagnostic {
        let mut diagnostic =
            Diagnostic { source: self.name.clone(), line: 0, column: 0, length: 0, text: String::new(), message, hint };
        match place {
            TextPlace::File => {}
            TextPlace::Override(_) => diagnostic.source = self.reference(place),
            TextPlace::Text { start, end } => {
                let before = self.text.get(..start).unwrap_or(&self.text);
                let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
                let line = self.text.get(begin..).unwrap_or_default().lines().next().unwrap_or_default();
                let span = self.text.get(start..end).unwrap_or_default();
                diagnostic.line = self.line_of(start);
                diagnostic.column = before.get(begin..).unwrap_or_default().chars().count() + 1;
                diagnostic.length = span.lines().next().unwrap_or_default().chars().count().max(1);
                diagnostic.text = line.to_owned();
            }
        }
        diagnostic
    }

    /// The line of a place, from 1; 0 where it has none.
    pub(crate) fn line_at(&self, place: TextPlace) -> usize {
        match place {
            TextPlace::Text { start, .. } => self.line_of(start),
            TextPlace::File | TextPlace::Override(_) => 0,
        }
    }

    fn line_of(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }
}
