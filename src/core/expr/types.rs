//! The types of values.

use std::fmt;

/// What kind of value something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
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

impl Type {
    /// Whether values of this type can be of that one.
    pub fn may_be(self, other: Type) -> bool {
        self == other || self == Type::Dyn || other == Type::Dyn
    }

    /// Whether of two values of this type one is the smaller one.
    pub fn has_order(self) -> bool {
        !matches!(self, Type::List | Type::Object | Type::Null)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bool => "a bool",
            Type::Number => "a number",
            Type::Text => "a text",
            Type::Time => "a time",
            Type::Duration => "a length of time",
            Type::List => "a list",
            Type::Object => "an object",
            Type::Null => "null",
            Type::Dyn => "any value",
        })
    }
}
