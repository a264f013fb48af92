//! Where a value is found in an event: a dotted path, or a place outside the JSON.
//!
//! Reading a value lives elsewhere; this file only parses and prints the notation. A name with a dot in it stands in double
//! quotes, `properties."user.id"`, and what lies in an array has its number, `items[0].id`, from 0.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A place in an event, as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Selector {
    /// A dotted path of member names, never empty.
    Path(Vec<String>),
    /// `$subject.N`: the N-th token of the event's subject, from 1.
    Subject(usize),
    /// `$header.Name`: the first value of a header.
    Header(String),
    /// `$time`: when the input stream stored the event.
    Time,
}

impl Selector {
    /// The names of a place in the event's JSON.
    pub fn path(&self) -> Option<&[String]> {
        match self {
            Selector::Path(names) => Some(names),
            _ => None,
        }
    }

    /// Parses the notation; the error is a sentence that names what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Selector, String> {
        if let Some(place) = text.strip_prefix('$') {
            if place == "time" {
                return Ok(Selector::Time);
            }
            if let Some(n) = place.strip_prefix("subject.") {
                return match n.parse::<usize>() {
                    Ok(n) if n > 0 => Ok(Selector::Subject(n)),
                    _ => Err(format!("`{text}`: subject tokens count from 1, such as `$subject.2`")),
                };
            }
            if let Some(name) = place.strip_prefix("header.") {
                if name.is_empty() || !name.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b':') {
                    return Err(format!(
                        "`{text}`: a header name is printable ASCII without `:`, such as `$header.Event-Kind`"
                    ));
                }
                return Ok(Selector::Header(name.to_owned()));
            }
            return Err(format!("`{text}` is no known place: use `$subject.N`, `$header.Name` or `$time`"));
        }
        let names = names(text)
            .ok_or_else(|| format!("`{text}` is no dotted path: every part needs a name, such as `properties.uuid`"))?;
        if names.iter().filter_map(|name| index(name)).any(|at| at > ITEMS) {
            return Err(format!("`{text}`: the first {} members of an array can be named", ITEMS + 1));
        }
        Ok(Selector::Path(names))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Path(names) => f.write_str(&dotted(names)),
            Selector::Subject(n) => write!(f, "$subject.{n}"),
            Selector::Header(name) => write!(f, "$header.{name}"),
            Selector::Time => f.write_str("$time"),
        }
    }
}

/// The largest number of a member of an array that can be named.
const ITEMS: usize = 65_535;

/// The names of a notation; `None` where one is empty.
fn names(text: &str) -> Option<Vec<String>> {
    let (mut names, mut rest) = (Vec::new(), text);
    loop {
        let (name, after) = match rest.strip_prefix('"').and_then(quoted) {
            // Brackets in quotes would be a name, and names in brackets are numbers.
            Some((name, _)) if index(&name).is_some() => return None,
            Some((name, after)) => (name, after),
            None => {
                let bare = rest.split_at(rest.find('.').unwrap_or(rest.len())).0;
                let bare = bare.split_at(before_numbers(bare)).0;
                (bare.to_owned(), rest.get(bare.len()..)?)
            }
        };
        (!name.is_empty()).then(|| names.push(name))?;
        rest = after;
        while let Some(end) = rest.find(']').filter(|_| rest.starts_with('[')) {
            let (number, after) = rest.split_at(end + 1);
            names.push(index(number).map(|_| number.to_owned())?);
            rest = after;
        }
        if rest.is_empty() {
            return Some(names);
        }
        rest = rest.strip_prefix('.')?;
    }
}

/// How much of a name comes before the numbers at its end.
fn before_numbers(name: &str) -> usize {
    let mut rest = name;
    while let Some(at) = rest.rfind('[').filter(|at| rest.get(*at..).and_then(index).is_some()) {
        rest = rest.get(..at).unwrap_or_default();
    }
    rest.len()
}

/// A name in double quotes, its beginning taken off, and what follows it. A backslash stands before `"` and `\\`.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((name, text.get(at + 1..)?)),
            '\\' => name.push(letters.next()?.1),
            letter => name.push(letter),
        }
    }
    None
}

/// The number of a member of an array, of a name that stands for one: `[0]`.
pub fn index(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('[')?.strip_suffix(']')?;
    let plain = digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if plain { digits.parse().ok() } else { None }
}

/// Names in the notation that they are read from.
pub fn dotted(names: &[String]) -> String {
    let mut text = String::new();
    for name in names {
        if index(name).is_none() && !text.is_empty() {
            text.push('.');
        }
        if name.contains('.') || (name.starts_with('"') && name.len() > 1) {
            text.push('"');
            text.push_str(&name.replace('\\', "\\\\").replace('"', "\\\""));
            text.push('"');
        } else {
            text.push_str(name);
        }
    }
    text
}

impl TryFrom<String> for Selector {
    type Error = String;

    fn try_from(text: String) -> Result<Selector, String> {
        Selector::parse(&text)
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> String {
        selector.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_dots_and_numbers_are_parts() {
        let names = |text: &str| Selector::parse(text).unwrap().path().unwrap().to_vec();
        for (text, expected) in [
            ("items[0].id", vec!["items", "[0]", "id"]),
            ("a[1][2]", vec!["a", "[1]", "[2]"]),
            ("a.\"x.y\".z", vec!["a", "x.y", "z"]),
            ("\"x.y\"[7]", vec!["x.y", "[7]"]),
            ("a[x].b", vec!["a[x]", "b"]),
            ("\"plain\"", vec!["plain"]),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
    }

    #[test]
    fn the_notation_survives_a_round_trip() {
        for text in [
            "title",
            "properties.uuid",
            "$subject.2",
            "$header.X-Kind",
            "$time",
            "items[0].id",
            "a[1][22]",
            "a.\"x.y\".z",
            "\"x.y\"[0]",
            "\"a\\\"b.c\\\\\"",
            "a[",
            "a]",
            "a[x]",
            "a[01]",
            "a[0]b",
            "say\"so",
        ] {
            assert_eq!(Selector::parse(text).map(|s| s.to_string()).as_deref(), Ok(text));
        }
        for text in [
            "",
            "a..b",
            ".a",
            "a.",
            "[0]",
            "a.[0]",
            "\"\".a",
            "a.\"[0]\"",
            "\"x.y\"z",
            "a[65536]",
            "$subject.0",
            "$subject.x",
            "$header.",
            "$header.a b",
            "$now",
        ] {
            assert!(Selector::parse(text).is_err(), "{text}");
        }
    }
}
