//! Why a value is unknown, and what a condition answers.

/// Why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Something that it needs is not there.
    Absent,
    /// Something is there but cannot be used so: a text in a sum, a quotient by zero. Where both are so, this is told.
    Broken,
}

/// Both values, or why one of them is unknown.
pub fn both<T, U>(a: Result<T, Why>, b: Result<U, Why>) -> Result<(T, U), Why> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(a), Err(b)) => Err(a.max(b)),
        (Err(why), _) | (_, Err(why)) => Err(why),
    }
}

/// What a condition answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionAnswer {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It cannot be told, so it does not hold either.
    Unknown(Why),
}

impl ConditionAnswer {
    /// Whether it holds.
    pub fn is_true(self) -> bool {
        self == ConditionAnswer::True
    }
}

impl From<Result<bool, Why>> for ConditionAnswer {
    fn from(result: Result<bool, Why>) -> ConditionAnswer {
        match result {
            Ok(true) => ConditionAnswer::True,
            Ok(false) => ConditionAnswer::False,
            Err(why) => ConditionAnswer::Unknown(why),
        }
    }
}
