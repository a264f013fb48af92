//! One thing that was looked at, as a sentence for the operator.

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFinding {
    /// Whether it suits.
    pub ok: bool,
    /// What was seen.
    pub what: String,
    /// What to do about it; empty when it suits and nothing need be said.
    pub hint: String,
}

impl StreamFinding {
    pub(super) fn good(what: impl Into<String>) -> StreamFinding {
        StreamFinding { ok: true, what: what.into(), hint: String::new() }
    }

    pub(super) fn bad(what: impl Into<String>, hint: impl Into<String>) -> StreamFinding {
        StreamFinding { ok: false, what: what.into(), hint: hint.into() }
    }

    /// Nothing refuses it, but it may not be meant.
    pub(super) fn note(what: impl Into<String>, hint: impl Into<String>) -> StreamFinding {
        StreamFinding { ok: true, what: what.into(), hint: hint.into() }
    }

    /// Good or bad by a condition; the hint is for the bad case.
    pub(super) fn of(ok: bool, what: impl Into<String>, hint: &str) -> StreamFinding {
        if ok { StreamFinding::good(what) } else { StreamFinding::bad(what, hint) }
    }

    /// The same where the two cases need words of their own.
    pub(super) fn either(ok: bool, good: impl Into<String>, bad: impl Into<String>, hint: &str) -> StreamFinding {
        if ok { StreamFinding::good(good) } else { StreamFinding::bad(bad, hint) }
    }

    /// Somebody else wrote to the lane.
    pub(super) fn foreign(stream: &str, sequence: u64) -> StreamFinding {
        StreamFinding::bad(
            format!("stream {stream}: message {sequence} was not written by Sidestream"),
            "give the output a stream of its own, with subjects that nobody else publishes to",
        )
    }

    /// Whether it suits but something is to be said.
    pub fn is_note(&self) -> bool {
        self.ok && !self.hint.is_empty()
    }
}
