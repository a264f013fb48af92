//! The types of values.

use std::fmt;

/// What kind of value something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExprType {
    /// True or false.
    Bool,
    /// An exact decimal number.
    Number,
    /// A text.
    Text,
    /// A moment.
    Time,
    /// A length of time.
    Duration,
    /// A list.
    List,
    /// A JSON object.
    Object,
    /// JSON's null.
    Null,
    /// Any of these: only the event tells.
    #[default]
    Dyn,
}

impl ExprType {
    /// Whether values of this type can be of that one.
    pub fn may_be(self, other: ExprType) -> bool {
        self == other || self == ExprType::Dyn || other == ExprType::Dyn
    }

    /// Whether of two values of this type one is the smaller one.
    pub fn has_order(self) -> bool {
        !matches!(self, ExprType::List | ExprType::Object | ExprType::Null)
    }
}

impl fmt::Display for ExprType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExprType::Bool => "a bool",
            ExprType::Number => "a number",
            ExprType::Text => "a text",
            ExprType::Time => "a time",
            ExprType::Duration => "a length of time",
            ExprType::List => "a list",
            ExprType::Object => "an object",
            ExprType::Null => "null",
            ExprType::Dyn => "any value",
        })
    }
}
