//! The types that functions and the signs of arithmetic take and give.
//!
//! The rules of `check` about them; what they do is in `texts` and `run`.

use super::check::Checker;
use super::fault::ExprFault;
use super::functions::Function;
use super::node::{ExprNode, Operation, What};
use super::types::ExprType;

/// The type that a call gives; faults of its arguments are noted.
pub fn check(checker: &mut Checker<'_>, function: Function, arguments: &[ExprNode]) -> ExprType {
    for (place, argument) in arguments.iter().enumerate() {
        let found = checker.node(argument);
        let taken = takes(function, place);
        if found != ExprType::Dyn && !taken.contains(&found) {
            let taken = match taken {
                [one] => plural(*one).to_owned(),
                [first @ .., last] => {
                    let first: Vec<&str> = first.iter().map(|taken| plural(*taken)).collect();
                    format!("{} and {}", first.join(", "), plural(*last))
                }
                [] => "nothing".to_owned(),
            };
            let name = function.name();
            checker.unfit(argument, found, format!("`{name}` takes {taken} here, and this is {found}"));
        }
    }
    match function {
        Function::StartsWith | Function::EndsWith | Function::Contains => ExprType::Bool,
        Function::Size | Function::Number => ExprType::Number,
        Function::Split => ExprType::List,
        Function::Timestamp => ExprType::Time,
        Function::Duration => ExprType::Duration,
        Function::LowerAscii
        | Function::UpperAscii
        | Function::Trim
        | Function::Substring
        | Function::Replace
        | Function::Text => ExprType::Text,
    }
}

/// What a function takes at a place; what it is called on is the first.
fn takes(function: Function, place: usize) -> &'static [ExprType] {
    match (function, place) {
        (Function::Size, _) => &[ExprType::Text, ExprType::List],
        (Function::Substring, 1..) => &[ExprType::Number],
        (Function::Number, _) => &[ExprType::Number, ExprType::Text, ExprType::Time, ExprType::Duration],
        (Function::Text, _) => &[ExprType::Text, ExprType::Number, ExprType::Bool, ExprType::Time, ExprType::Duration],
        (Function::Timestamp, _) => &[ExprType::Text, ExprType::Number, ExprType::Time],
        (Function::Duration, _) => &[ExprType::Text, ExprType::Duration],
        _ => &[ExprType::Text],
    }
}

fn plural(of: ExprType) -> &'static str {
    match of {
        ExprType::Bool => "bools",
        ExprType::Number => "numbers",
        ExprType::Text => "texts",
        ExprType::Time => "times",
        ExprType::Duration => "lengths of time",
        ExprType::List => "lists",
        ExprType::Object => "objects",
        ExprType::Null => "null",
        ExprType::Dyn => "anything",
    }
}

/// The type that an operation gives; `None` when it does not take the two.
pub fn result(operation: Operation, a: ExprType, b: ExprType) -> Option<ExprType> {
    use ExprType::{Duration, Dyn, Number, Text, Time};
    match (operation, a, b) {
        (Operation::Multiply | Operation::Divide | Operation::Remainder, Number | Dyn, Number | Dyn) => Some(Number),
        (Operation::Add | Operation::Subtract, Dyn, Dyn) => Some(Dyn),
        (Operation::Add | Operation::Subtract, Number | Dyn, Number | Dyn) => Some(Number),
        (Operation::Add, Text | Dyn, Text | Dyn) => Some(Text),
        (Operation::Add, Time, Duration | Dyn) | (Operation::Add, Duration | Dyn, Time) => Some(Time),
        (Operation::Subtract, Time | Dyn, Time) => Some(Duration),
        (Operation::Subtract, Time, Duration) => Some(Time),
        (Operation::Subtract, Time, Dyn) => Some(Dyn),
        (Operation::Add | Operation::Subtract, Duration, Duration) => Some(Duration),
        (Operation::Add | Operation::Subtract, Duration | Dyn, Duration | Dyn) => Some(Dyn),
        _ => None,
    }
}

/// What to say of a part that is the same for all events and cannot be worked out.
pub fn uncomputable(node: &ExprNode) -> ExprFault {
    let fault = |what: &str| ExprFault::mistake(node.at.clone(), what);
    match &node.what {
        What::Call(Function::Timestamp, _) => {
            fault("this is no time").hint("such as `timestamp(\"2022-02-14T14:40:00Z\")`, with an offset or a `Z`")
        }
        What::Call(Function::Duration, _) => fault("this is no length of time").hint("such as `duration(\"1h30m\")`"),
        What::Call(Function::Number, _) => fault("this is no number").hint("such as `number(\"12.50\")`"),
        What::Calculate(..) => fault("the result has more than 38 digits"),
        _ => fault("this can never be worked out"),
    }
}
