//! Where a value is found in an event: a dotted path, or a place outside the JSON.
//!
//! Reading a value lives elsewhere; this file only parses and prints the notation.

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
        let names: Vec<String> = text.split('.').map(str::to_owned).collect();
        if names.iter().any(String::is_empty) {
            return Err(format!("`{text}` is no dotted path: every part needs a name, such as `properties.uuid`"));
        }
        Ok(Selector::Path(names))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Path(names) => f.write_str(&names.join(".")),
            Selector::Subject(n) => write!(f, "$subject.{n}"),
            Selector::Header(name) => write!(f, "$header.{name}"),
            Selector::Time => f.write_str("$time"),
        }
    }
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
    fn the_notation_survives_a_round_trip() {
        for text in ["title", "properties.uuid", "$subject.2", "$header.X-Kind", "$time"] {
            assert_eq!(Selector::parse(text).map(|s| s.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "a..b", ".a", "$subject.0", "$subject.x", "$header.", "$header.a b", "$now"] {
            assert!(Selector::parse(text).is_err(), "{text}");
        }
    }
}
