//! What every operator of a derived field can do, and how it fails.

use crate::core::plan::selector::Selector;
use crate::core::read::Value;
use crate::json::text::Scalar;
use std::borrow::Cow;

/// Why a field cannot be derived. `on_error` of its section decides what then becomes of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeriveFault {
    /// What it is made of is not there: absent, null, or an empty part.
    Missing,
    /// What it is made of is there, and is not what the operator can work with.
    Broken,
}

impl DeriveFault {
    /// Why, for a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            DeriveFault::Missing => "what it is worked out from is absent or null",
            DeriveFault::Broken => "what it is worked out from has another form",
        }
    }
}

/// One way to make a field: its words in the configuration, and its work.
pub trait Operator {
    /// The places that it reads, in the order in which `write` wants their values.
    fn places(&self) -> Vec<&Selector>;

    /// Whether its words go together; else a sentence that says what is wrong and what to do.
    fn check(&self) -> Result<(), String>;

    /// Appends one JSON value, made of the values at the places. Nothing is appended on a fault.
    fn write(&self, values: &[Value<'_>], out: &mut Vec<u8>) -> Result<(), DeriveFault>;
}

/// The value of an operator with one place.
pub(super) fn one<'a, 'v>(values: &'a [Value<'v>]) -> &'a Value<'v> {
    values.first().expect("one value for each place")
}

/// A text or a whole number, by its text: 7 and "7" are the same, as for keys.
pub(super) fn name<'a>(value: &'a Value<'_>) -> Result<Cow<'a, str>, DeriveFault> {
    match value.scalar() {
        Scalar::Null => Err(DeriveFault::Missing),
        Scalar::Text(text) => Ok(text),
        Scalar::Integer(digits) => Ok(Cow::Borrowed(digits)),
        Scalar::Bool(_) | Scalar::Other => Err(DeriveFault::Broken),
    }
}

/// Whether a word of the configuration has its default, and is left out of a plan's text.
pub(super) fn is_default<T: Default + PartialEq>(word: &T) -> bool {
    *word == T::default()
}
