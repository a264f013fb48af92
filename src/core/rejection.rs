//! Why an event cannot be processed: the value that a dead letter carries.
//!
//! A rejection is never an error of the program or of the world; those have types of their own.

use std::borrow::Cow;

/// The stable code of a rejection: metric label, header value, subject token and anchor in the README.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// What `event.unwrap` takes off is not there, or is damaged.
    Unwrap,
    /// The payload is not one valid RFC 8259 text in UTF-8.
    NotJson,
    /// The payload is JSON, but no object.
    NotObject,
    /// Containers nest more than 128 deep.
    TooDeep,
    /// A name that the plan reads or adds occurs twice in its object.
    DuplicateKey,
    /// The key or row selector of its kind is absent or null.
    NoKey,
    /// The key or row selector is empty or neither text nor an integer.
    BadKey,
    /// The object named by `into` is missing or no object.
    BadInto,
    /// A join found no row and the enrichment says `on_miss = "dead_letter"`, or `then = "dead_letter"` after a wait.
    Miss,
    /// It has to keep the order of its key behind an event that waits, and no more of its key group may wait.
    WaitFull,
    /// The enriched event exceeds `output.max_bytes`.
    TooLarge,
    /// No section matches the event's kind and `engine.unknown_kinds` says `dead_letter`.
    UnknownKind,
    /// A derived field cannot be worked out and its section says `on_error = "dead_letter"`.
    Derive,
    /// The version that the event says is none, or none that its kind knows.
    Version,
    /// It breaks a rule of its quality and the section says `on_violation = "dead_letter"`.
    Quality,
    /// The engine failed while it applied this event; its rows are untouched.
    Internal,
}

impl Reason {
    /// Every reason, in the order of the README's table.
    pub const ALL: [Reason; 16] = [
        Reason::Unwrap,
        Reason::NotJson,
        Reason::NotObject,
        Reason::TooDeep,
        Reason::DuplicateKey,
        Reason::NoKey,
        Reason::BadKey,
        Reason::BadInto,
        Reason::Miss,
        Reason::WaitFull,
        Reason::TooLarge,
        Reason::UnknownKind,
        Reason::Derive,
        Reason::Version,
        Reason::Quality,
        Reason::Internal,
    ];

    /// The code as it stands in headers, subjects and labels.
    pub fn code(self) -> &'static str {
        match self {
            Reason::Unwrap => "unwrap",
            Reason::NotJson => "not_json",
            Reason::NotObject => "not_object",
            Reason::TooDeep => "too_deep",
            Reason::DuplicateKey => "duplicate_key",
            Reason::NoKey => "no_key",
            Reason::BadKey => "bad_key",
            Reason::BadInto => "bad_into",
            Reason::Miss => "miss",
            Reason::WaitFull => "wait_full",
            Reason::TooLarge => "too_large",
            Reason::UnknownKind => "unknown_kind",
            Reason::Derive => "derive",
            Reason::Version => "version",
            Reason::Quality => "quality",
            Reason::Internal => "internal",
        }
    }
}

/// One event's rejection: the code, and a sentence for the person who reads the dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The stable code.
    pub reason: Reason,
    /// What, where, what to do; printable ASCII, without any of the event's own text.
    pub sentence: Cow<'static, str>,
}

impl Rejection {
    /// A rejection with its sentence.
    pub fn new(reason: Reason, sentence: impl Into<Cow<'static, str>>) -> Rejection {
        Rejection { reason, sentence: sentence.into() }
    }
}
