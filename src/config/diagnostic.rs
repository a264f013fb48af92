//! What is wrong with a configuration, printed the way compilers do: place, line, caret, hint.
//!
//! No severity and no code: errors travel in a `ConfigError`, warnings beside a `Config`, and the reader is
//! a person. `cli` prints both.

use std::fmt;

/// One remark about one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name, or the override such as `--set nats.url`.
    pub source: String,
    /// The line, from 1; 0 where there is no line to point at.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters are meant, at least 1.
    pub length: usize,
    /// The line's text.
    pub text: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it, where the message does not say so itself.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.source, self.message)?;
        } else {
            write!(f, "{}:{}:{}: {}", self.source, self.line, self.column, self.message)?;
        }
        let margin = " ".repeat(if self.line == 0 { 2 } else { self.line.to_string().len() });
        if self.line > 0 {
            // Tabs stay tabs, so that the caret stands under its text whatever the terminal makes of them.
            let lead = self.text.chars().chain(std::iter::repeat(' ')).take(self.column.saturating_sub(1));
            let lead: String = lead.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n{margin} |\n{} | {}\n{margin} | {lead}{}", self.line, self.text, "^".repeat(self.length))?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n{margin} = hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// The configuration cannot be used: every reason, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", join(.diagnostics))]
pub struct ConfigError {
    /// At least one.
    pub diagnostics: Vec<Diagnostic>,
}

fn join(diagnostics: &[Diagnostic]) -> String {
    let printed: Vec<String> = diagnostics.iter().map(Diagnostic::to_string).collect();
    printed.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_their_text() {
        let mut diagnostic = Diagnostic {
            source: "config.toml".into(),
            line: 41,
            column: 2,
            length: 6,
            text: "\tcolums = 1".into(),
            message: "unknown key `colums` in [tables.user]".into(),
            hint: Some("did you mean `columns`?".into()),
        };
        let printed = "config.toml:41:2: unknown key `colums` in [tables.user]\n   |\n41 | \tcolums = 1\n   | \t^^^^^^\n   = hint: did you mean `columns`?";
        assert_eq!(diagnostic.to_string(), printed);
        (diagnostic.line, diagnostic.hint) = (0, None);
        assert_eq!(diagnostic.to_string(), "config.toml: unknown key `colums` in [tables.user]");
    }
}
