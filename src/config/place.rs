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
    /// Byte offsets in the files' texts, one behind the other.
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
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// The files' names, as they are printed, and where the text of each begins.
    files: Vec<(String, usize)>,
    /// The files' texts, each on lines of its own.
    text: String,
    /// The names of the overrides, such as `--set nats.url`.
    pub(crate) overrides: Vec<String>,
}

impl Sources {
    /// Of one file.
    pub(crate) fn of(name: &str, text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.add(name, text);
        sources
    }

    /// Adds a file; the result is where its text begins.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> usize {
        if !self.files.is_empty() {
            self.text.push('\n');
        }
        let begin = self.text.len();
        self.files.push((name.to_owned(), begin));
        self.text.push_str(text);
        begin
    }

    /// The file of a place in the texts, and where its text begins.
    fn file(&self, offset: usize) -> (&str, usize) {
        let file = self.files.iter().rfind(|(_, begin)| *begin <= offset).or(self.files.first());
        file.map_or(("", 0), |(name, begin)| (name, *begin))
    }

    /// The file that comes first.
    fn name(&self) -> &str {
        self.files.first().map_or("", |(name, _)| name)
    }

    /// A short reference to a place, for use inside a sentence.
    pub(crate) fn reference(&self, place: TextPlace) -> String {
        match place {
            TextPlace::File => self.name().to_owned(),
            TextPlace::Text { start, .. } if self.files.len() > 1 => {
                format!("line {} of {}", self.line_of(start), self.file(start).0)
            }
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
        let mut diagnostic = Diagnostic {
            source: self.name().to_owned(),
            line: 0,
            column: 0,
            length: 0,
            text: String::new(),
            message,
            hint,
        };
        match place {
            TextPlace::File => {}
            TextPlace::Override(_) => diagnostic.source = self.reference(place),
            TextPlace::Text { start, end } => {
                let (name, first) = self.file(start);
                name.clone_into(&mut diagnostic.source);
                let before = self.text.get(first..start).unwrap_or(&self.text);
                let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
                let line = self.text.get(first + begin..).unwrap_or_default().lines().next().unwrap_or_default();
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
        let (_, first) = self.file(offset);
        let before = self.text.get(first..offset).unwrap_or_default();
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    }
}
