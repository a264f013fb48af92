//! The closed set of functions.
//!
//! Names and numbers of arguments only: what they take is in `check`, what they do in `run` and `texts`.

use super::fault::ExprFault;
use crate::core::plan::check::hint::nearest;
use std::ops::{Range, RangeInclusive};

/// A function whose arguments are ordinary values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    StartsWith,
    EndsWith,
    Contains,
    Size,
    LowerAscii,
    UpperAscii,
    Trim,
    Split,
    Substring,
    Replace,
    Number,
    Text,
    Timestamp,
    Duration,
}

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A function of values.
    Function(Function),
    /// `matches`, whose pattern is compiled beforehand.
    Matches,
    /// `has` and `present`, which are told what nothing is.
    Has,
    Present,
    /// `exists` and `all`, which name their list's elements.
    Exists,
    All,
}

struct FunctionEntry {
    name: &'static str,
    /// Whether it is called on a value: `x.name()`.
    method: bool,
    /// How many arguments it takes between its brackets.
    arguments: RangeInclusive<usize>,
    callee: Callee,
    /// A right call.
    example: &'static str,
}

const fn method(
    name: &'static str,
    arguments: RangeInclusive<usize>,
    callee: Callee,
    example: &'static str,
) -> FunctionEntry {
    FunctionEntry { name, method: true, arguments, callee, example }
}

const fn global(name: &'static str, callee: Callee, example: &'static str) -> FunctionEntry {
    FunctionEntry { name, method: false, arguments: 1..=1, callee, example }
}

const ALL: [FunctionEntry; 19] = [
    method("startsWith", 1..=1, Callee::Function(Function::StartsWith), "event.a.startsWith(\"x\")"),
    method("endsWith", 1..=1, Callee::Function(Function::EndsWith), "event.a.endsWith(\"x\")"),
    method("contains", 1..=1, Callee::Function(Function::Contains), "event.a.contains(\"x\")"),
    method("matches", 1..=1, Callee::Matches, "event.a.matches(\"^[a-z]+$\")"),
    method("size", 0..=0, Callee::Function(Function::Size), "event.a.size()"),
    method("lowerAscii", 0..=0, Callee::Function(Function::LowerAscii), "event.a.lowerAscii()"),
    method("upperAscii", 0..=0, Callee::Function(Function::UpperAscii), "event.a.upperAscii()"),
    method("trim", 0..=0, Callee::Function(Function::Trim), "event.a.trim()"),
    method("split", 1..=1, Callee::Function(Function::Split), "event.a.split(\":\")[0]"),
    method("substring", 1..=2, Callee::Function(Function::Substring), "event.a.substring(0, 2)"),
    method("replace", 2..=2, Callee::Function(Function::Replace), "event.a.replace(\"x\", \"y\")"),
    method("exists", 2..=2, Callee::Exists, "event.list.exists(e, e > 1)"),
    method("all", 2..=2, Callee::All, "event.list.all(e, e > 1)"),
    global("has", Callee::Has, "has(event.a)"),
    global("present", Callee::Present, "present(event.a)"),
    global("number", Callee::Function(Function::Number), "number(event.a)"),
    global("text", Callee::Function(Function::Text), "text(event.a)"),
    global("timestamp", Callee::Function(Function::Timestamp), "timestamp(event.a)"),
    global("duration", Callee::Function(Function::Duration), "duration(\"1h\")"),
];

/// Names of other languages and of the rest of CEL, and what serves for them here.
const ELSEWHERE: [(&str, &str); 24] = [
    ("not", "write `!`"),
    ("now", "what an event becomes must not depend on the clock: use `meta.time`, or `meta.stream_time`"),
    ("map", "lists cannot be made from lists here: `exists` and `all` ask about them"),
    ("filter", "lists cannot be made from lists here: `exists` and `all` ask about them"),
    ("exists_one", "`exists` and `all` ask about lists"),
    ("int", "there is one type of numbers: `number(x)`"),
    ("uint", "there is one type of numbers: `number(x)`"),
    ("double", "there is one type of numbers: `number(x)`"),
    ("string", "write `text(x)`"),
    ("str", "write `text(x)`"),
    ("time", "write `timestamp(x)`"),
    ("date", "write `timestamp(x)`"),
    ("any", "write `list.exists(e, e > 1)`"),
    ("len", "write `x.size()`"),
    ("length", "write `x.size()`"),
    ("count", "write `x.size()`"),
    ("lower", "write `x.lowerAscii()`"),
    ("toLower", "write `x.lowerAscii()`"),
    ("upper", "write `x.upperAscii()`"),
    ("toUpper", "write `x.upperAscii()`"),
    ("exist", "write `has(event.a)`, or `list.exists(e, e > 1)`"),
    ("isnull", "write `x == null`, or `!present(x)`"),
    ("coalesce", "write `present(event.a) ? event.a : event.b`"),
    ("type", "types are not values here: `has` and `present` ask whether something is there"),
];

/// The function of this name that takes so many arguments, on a value or not; or what is wrong with the call.
pub fn find(name: &str, named: Range<usize>, method: bool, arguments: usize) -> Result<Callee, ExprFault> {
    let Some(entry) = ALL.iter().find(|entry| entry.name == name) else {
        let hint = match ELSEWHERE.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((_, hint)) => (*hint).to_owned(),
            None => match nearest(name, ALL.iter().map(|entry| entry.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the functions are {}", names().join(", ")),
            },
        };
        return Err(ExprFault::mistake(named, format!("there is no function `{name}`")).hint(hint));
    };
    let hint = format!("write it as in `{}`", entry.example);
    if entry.method != method {
        let what = if entry.method { "called on a value" } else { "called with its value in brackets" };
        return Err(ExprFault::mistake(named, format!("`{name}` is {what}")).hint(hint));
    }
    if !entry.arguments.contains(&arguments) {
        let (least, most) = (entry.arguments.start(), entry.arguments.end());
        let takes = match (*least, *most) {
            (0, 0) => "nothing between its brackets".to_owned(),
            (1, 1) => "one argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) => format!("{least} or {most} arguments"),
        };
        return Err(ExprFault::mistake(named, format!("`{name}` takes {takes}")).hint(hint));
    }
    Ok(entry.callee)
}

/// The names of all functions, in the order of the documents.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|entry| entry.name).collect()
}

impl Function {
    /// What it is called.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|entry| entry.callee == Callee::Function(self)).map_or("", |entry| entry.name)
    }
}
