//! What the functions of the closed set do with values.
//!
//! Characters are Unicode's code points; upper and lower case and blanks are those of ASCII alone, so that no table of Unicode
//! decides an outcome.

use super::datum::{Datum, List};
use super::decimal::Decimal;
use super::functions::Function;
use super::inside::EvaluationBudget;
use super::lengths;
use super::times;
use super::why::Why;
use super::written::is_number;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::Range;

/// How long a text may become, in bytes.
const LONGEST: usize = 1 << 20;
/// How many parts a text may be split into.
const PARTS: usize = 1 << 16;

/// A function's arguments; what it is called on comes first. All are settled.
pub type Arguments<'a> = SmallVec<[Datum<'a>; 3]>;

/// Calls a function.
pub fn call<'a>(function: Function, arguments: Arguments<'a>, work: &EvaluationBudget) -> Result<Datum<'a>, Why> {
    let mut arguments = arguments.into_iter();
    let first = arguments.next().ok_or(Why::Broken)?;
    let mut next = || arguments.next();
    let mut text = || next().ok_or(Why::Broken)?.text();
    Ok(match function {
        Function::StartsWith => Datum::Bool(first.text()?.starts_with(&*text()?)),
        Function::EndsWith => Datum::Bool(first.text()?.ends_with(&*text()?)),
        Function::Contains => Datum::Bool(first.text()?.contains(&*text()?)),
        Function::Size => size(&first, work)?,
        Function::LowerAscii => Datum::Text(cased(first.text()?, u8::is_ascii_uppercase, str::make_ascii_lowercase)),
        Function::UpperAscii => Datum::Text(cased(first.text()?, u8::is_ascii_lowercase, str::make_ascii_uppercase)),
        Function::Trim => Datum::Text(trimmed(first.text()?)?),
        Function::Split => Datum::List(split(first.text()?, &text()?)?),
        Function::Replace => Datum::Text(replaced(first.text()?, &text()?, &text()?)?),
        Function::Substring => {
            let start = next().ok_or(Why::Broken)?.number()?;
            let end = next().map(|end| end.number()).transpose()?;
            Datum::Text(substring(first.text()?, start, end)?)
        }
        Function::Number => number(first)?,
        Function::Text => Datum::Text(written(first)?),
        Function::Timestamp => Datum::Time(timestamp(first)?),
        Function::Duration => Datum::Duration(duration(first)?),
    })
}

/// Two texts as one.
pub fn joined<'a>(a: Cow<'a, str>, b: &str) -> Result<Cow<'a, str>, Why> {
    if a.len() + b.len() > LONGEST {
        return Err(Why::Broken);
    }
    Ok(Cow::Owned(a.into_owned() + b))
}

/// One of the parts that `split` makes, from 0, without the others.
pub fn part<'a>(text: Cow<'a, str>, separator: &str, place: usize) -> Result<Cow<'a, str>, Why> {
    let part = ranges(&text, separator).take(PARTS).nth(place).ok_or(Why::Absent)?;
    cut(text, part)
}

/// The places of the parts of a text; of its characters when nothing stands between the parts.
fn ranges<'t>(text: &'t str, separator: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let start = from?;
        let rest = text.get(start..)?;
        let length = if separator.is_empty() {
            from = Some(start + rest.chars().next()?.len_utf8());
            from? - start
        } else {
            let length = rest.find(separator);
            from = length.map(|length| start + length + separator.len());
            length.unwrap_or(rest.len())
        };
        Some(start..start + length)
    })
}

fn split<'a>(text: Cow<'a, str>, separator: &str) -> Result<List<'a>, Why> {
    let parts = ranges(&text, separator).take(PARTS + 1);
    let parts: Vec<_> = parts.map(|range| cut(text.clone(), range).map(Datum::Text)).collect();
    if parts.len() > PARTS { Err(Why::Broken) } else { Ok(List::Made(parts)) }
}

/// A part of a text, borrowed where the text is.
fn cut<'a>(text: Cow<'a, str>, range: Range<usize>) -> Result<Cow<'a, str>, Why> {
    let part = match text {
        Cow::Borrowed(text) => text.get(range).map(Cow::Borrowed),
        Cow::Owned(text) => text.get(range).map(|part| Cow::Owned(part.to_owned())),
    };
    part.ok_or(Why::Broken)
}

fn trimmed(text: Cow<'_, str>) -> Result<Cow<'_, str>, Why> {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
    let start = text.len() - text.trim_start_matches(blank).len();
    let end = start + text.trim_matches(blank).len();
    cut(text, start..end)
}

fn cased<'a>(text: Cow<'a, str>, other: fn(&u8) -> bool, change: fn(&mut str)) -> Cow<'a, str> {
    if !text.as_bytes().iter().any(other) {
        return text;
    }
    let mut text = text.into_owned();
    change(&mut text);
    Cow::Owned(text)
}

fn replaced<'a>(text: Cow<'a, str>, from: &str, to: &str) -> Result<Cow<'a, str>, Why> {
    let found = text.matches(from).count();
    let length = to.len().checked_mul(found).and_then(|added| added.checked_add(text.len()));
    match length {
        _ if found == 0 => Ok(text),
        Some(length) if length <= LONGEST => Ok(Cow::Owned(text.replace(from, to))),
        _ => Err(Why::Broken),
    }
}

/// The characters from one place up to another, from 0.
fn substring<'a>(text: Cow<'a, str>, start: Decimal, end: Option<Decimal>) -> Result<Cow<'a, str>, Why> {
    let offset = |place: Decimal| {
        let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        places.nth(place.place()?)
    };
    let start = offset(start).ok_or(Why::Broken)?;
    let end = end.map_or(Some(text.len()), offset).ok_or(Why::Broken)?;
    cut(text, start..end)
}

fn size<'a>(of: &Datum<'_>, work: &EvaluationBudget) -> Result<Datum<'a>, Why> {
    let size = match of {
        Datum::Text(text) => text.chars().count(),
        Datum::List(list) => list.count(work)?,
        _ => return Err(Why::Broken),
    };
    i64::try_from(size).map(|size| Datum::Number(Decimal::whole(size))).map_err(|_| Why::Broken)
}

fn number(of: Datum<'_>) -> Result<Datum<'_>, Why> {
    let seconds = match of {
        Datum::Digits(_) | Datum::Number(_) => return Ok(of),
        Datum::Text(text) if is_number(text.as_bytes()) => {
            return match text {
                Cow::Borrowed(text) => Ok(Datum::Digits(text.as_bytes())),
                Cow::Owned(text) => Decimal::read(text.as_bytes()).map(Datum::Number).ok_or(Why::Broken),
            };
        }
        Datum::Time(time) => lengths::seconds(time),
        Datum::Duration(length) => lengths::seconds(length),
        _ => None,
    };
    seconds.map(Datum::Number).ok_or(Why::Broken)
}

fn written(of: Datum<'_>) -> Result<Cow<'_, str>, Why> {
    let mut out = Vec::new();
    match of {
        Datum::Text(text) => return Ok(text),
        Datum::Digits(raw) => return std::str::from_utf8(raw).map(Cow::Borrowed).map_err(|_| Why::Broken),
        Datum::Bool(value) => return Ok(Cow::Borrowed(if value { "true" } else { "false" })),
        Datum::Number(number) => number.write(&mut out),
        Datum::Time(time) => {
            times::write(time, &mut out);
            // What is between the quotes.
            out.retain(|byte| *byte != b'"');
        }
        Datum::Duration(length) => lengths::write(length, &mut out),
        _ => return Err(Why::Broken),
    }
    String::from_utf8(out).map(Cow::Owned).map_err(|_| Why::Broken)
}

fn timestamp(of: Datum<'_>) -> Result<i128, Why> {
    let time = match of {
        Datum::Time(time) => Some(time),
        Datum::Text(text) => times::from_text(&text),
        Datum::Digits(raw) => times::from_digits(raw),
        Datum::Number(number) => times::from_number(number),
        _ => None,
    };
    time.ok_or(Why::Broken)
}

fn duration(of: Datum<'_>) -> Result<i128, Why> {
    let length = match of {
        Datum::Duration(length) => Some(length),
        Datum::Text(text) => lengths::read(&text),
        _ => None,
    };
    length.ok_or(Why::Broken)
}
