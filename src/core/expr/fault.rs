//! What is wrong with an expression, and where in its text.
//!
//! Knows no setting and no line: who holds the text turns a place in it into a caret.

use crate::core::plan::check::Severity;
use std::ops::Range;

/// One fault of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprFault {
    /// How bad it is. With a mistake the expression cannot be used.
    pub severity: Severity,
    /// Which bytes of the text to look at; empty at the text's end where something is missing.
    pub at: Range<usize>,
    /// What is wrong: lower case, no full stop.
    pub what: String,
    /// What to do about it, where that is not said already.
    pub hint: Option<String>,
}

impl ExprFault {
    pub(super) fn mistake(at: Range<usize>, what: impl Into<String>) -> ExprFault {
        ExprFault { severity: Severity::Mistake, at, what: what.into(), hint: None }
    }

    pub(super) fn warning(at: Range<usize>, what: impl Into<String>) -> ExprFault {
        ExprFault { severity: Severity::Warning, ..ExprFault::mistake(at, what) }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> ExprFault {
        ExprFault { hint: Some(hint.into()), ..self }
    }
}
