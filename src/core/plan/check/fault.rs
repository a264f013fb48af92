//! What a rule answers: a setting, what is wrong there, and what to do.
//!
//! A sentence keeps the settings that it speaks of apart from its words, so that each reader of it can name them in its own
//! way: `config` by their lines, all others by their key paths.

use super::key_path::KeyPath;
use std::fmt;
use std::ops::Range;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The plan cannot be used.
    Mistake,
    /// The plan works but is hardly meant.
    Warning,
}

/// One fault of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFault {
    /// How bad it is.
    pub severity: Severity,
    /// The setting to look at.
    pub at: KeyPath,
    /// The expression that the setting is, and which of its bytes to look at.
    pub within: Option<(String, Range<usize>)>,
    /// What is wrong: lower case, no full stop.
    pub what: Sentence,
    /// What to do about it, where that is not said already.
    pub hint: Option<Sentence>,
    /// The other settings that it follows from, none where one setting alone is wrong: while one of them is unknown, so is this
    /// fault.
    pub rests_on: Vec<KeyPath>,
}

impl PlanFault {
    pub(super) fn mistake(at: KeyPath, what: impl Into<Sentence>) -> PlanFault {
        PlanFault { severity: Severity::Mistake, at, within: None, what: what.into(), hint: None, rests_on: Vec::new() }
    }

    pub(super) fn warning(at: KeyPath, what: impl Into<Sentence>) -> PlanFault {
        PlanFault { severity: Severity::Warning, ..PlanFault::mistake(at, what) }
    }

    pub(super) fn within(self, text: &str, bytes: Range<usize>) -> PlanFault {
        PlanFault { within: Some((text.to_owned(), bytes)), ..self }
    }

    pub(super) fn hint(self, hint: impl Into<Sentence>) -> PlanFault {
        PlanFault { hint: Some(hint.into()), ..self }
    }

    pub(super) fn rests_on(self, settings: impl IntoIterator<Item = KeyPath>) -> PlanFault {
        PlanFault { rests_on: settings.into_iter().collect(), ..self }
    }

    /// All settings that it is about.
    pub fn settings(&self) -> impl Iterator<Item = &KeyPath> {
        std::iter::once(&self.at).chain(&self.rests_on)
    }
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Words, and settings named among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Setting(KeyPath),
}

impl Sentence {
    pub(super) fn words(mut self, words: impl Into<String>) -> Sentence {
        self.0.push(Piece::Words(words.into()));
        self
    }

    pub(super) fn setting(mut self, setting: &KeyPath) -> Sentence {
        self.0.push(Piece::Setting(setting.clone()));
        self
    }

    /// The whole sentence; `name` says what a setting is called in it.
    pub fn print(&self, name: &dyn Fn(&KeyPath) -> String) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Setting(setting) => name(setting),
        });
        pieces.collect()
    }
}

impl From<String> for Sentence {
    fn from(words: String) -> Sentence {
        Sentence::default().words(words)
    }
}

impl From<&str> for Sentence {
    fn from(words: &str) -> Sentence {
        Sentence::default().words(words)
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print(&KeyPath::to_string))
    }
}
