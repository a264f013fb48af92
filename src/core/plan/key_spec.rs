//! What a kind, a key and an id are read from, where the configuration may name several places: as data and compiled.
//!
//! A key of several parts is one text: the compact JSON array of the parts' texts, so that `["a|b","c"]` is not `["a","b|c"]`
//! and whoever reads it sees its parts. Rules about the lists are those of `plan::check`.

use super::compiled::Place;
use super::selector::Selector;
use crate::core::event::{StoredMessage, Text};
use crate::core::read::{KeyFault, Value};
use crate::json::fields::Span;
use crate::json::text::escape_into;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// `event.kind`: a place, or several of which the first counts that has something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KindPlaces {
    /// One place.
    One(Selector),
    /// Several, in the order in which they are asked.
    First(Vec<Selector>),
}

impl KindPlaces {
    /// The places, in order.
    pub fn places(&self) -> &[Selector] {
        match self {
            KindPlaces::One(place) => std::slice::from_ref(place),
            KindPlaces::First(places) => places,
        }
    }

    /// Those that are members of the event's JSON.
    pub fn paths(&self) -> impl Iterator<Item = &[String]> {
        self.places().iter().filter_map(Selector::path)
    }
}

impl From<Selector> for KindPlaces {
    fn from(place: Selector) -> KindPlaces {
        KindPlaces::One(place)
    }
}

impl fmt::Display for KindPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.places(), ", ")
    }
}

/// `key` and `id`: one part, or several that count together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeySpec {
    /// One part: its text is the key.
    One(KeyPart),
    /// Several parts.
    All(Vec<KeyPart>),
}

/// A part of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyPart {
    /// The text at a place.
    At(Selector),
    /// `{ first = […] }`.
    First(FirstOf),
}

/// `{ first = […] }`: of several places the first that has something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstOf {
    /// The places, in the order in which they are asked.
    pub first: Vec<Selector>,
}

impl KeyPart {
    /// The places, in the order in which they are asked.
    pub fn places(&self) -> &[Selector] {
        match self {
            KeyPart::At(place) => std::slice::from_ref(place),
            KeyPart::First(of) => &of.first,
        }
    }
}

impl KeySpec {
    /// The parts, in order.
    pub fn parts(&self) -> &[KeyPart] {
        match self {
            KeySpec::One(part) => std::slice::from_ref(part),
            KeySpec::All(parts) => parts,
        }
    }

    /// Every place of every part.
    pub fn places(&self) -> impl Iterator<Item = &Selector> {
        self.parts().iter().flat_map(KeyPart::places)
    }

    /// What is read, ready to run; `place` resolves a selector.
    pub fn compile(&self, mut place: impl FnMut(&Selector) -> Place) -> KeyPlaces {
        match self {
            KeySpec::One(KeyPart::At(selector)) => KeyPlaces::One(place(selector)),
            KeySpec::One(KeyPart::First(of)) => KeyPlaces::First(of.first.iter().map(place).collect()),
            KeySpec::All(parts) => {
                KeyPlaces::All(parts.iter().map(|part| part.places().iter().map(&mut place).collect()).collect())
            }
        }
    }
}

impl From<Selector> for KeySpec {
    fn from(place: Selector) -> KeySpec {
        KeySpec::One(KeyPart::At(place))
    }
}

impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.parts(), " and ")
    }
}

impl fmt::Display for KeyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        list(f, self.places(), " or ")
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T], between: &str) -> fmt::Result {
    for (number, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if number == 0 { "" } else { between })?;
    }
    Ok(())
}

/// A key or an id whose places are resolved.
#[derive(Clone, Debug)]
pub enum KeyPlaces {
    /// One place.
    One(Place),
    /// The first of these that has something.
    First(Vec<Place>),
    /// The parts of a text, each the first of its places that has something.
    All(Vec<Vec<Place>>),
}

impl KeyPlaces {
    /// The text of a key.
    pub fn key(&self, message: &StoredMessage, spans: &[Span]) -> Result<Text, KeyFault> {
        match self {
            KeyPlaces::One(place) => Value::at(place, message, spans).key(),
            KeyPlaces::First(places) => first(places, message, spans).key(),
            KeyPlaces::All(parts) => {
                let whole = together(parts, message, spans)?;
                Ok(Text::Owned(String::from_utf8(whole).expect("an array of texts is a text").into()))
            }
        }
    }

    /// The bytes of an id; `None` where there is none.
    pub fn id<'a>(&self, message: &'a StoredMessage, spans: &[Span]) -> Option<Cow<'a, [u8]>> {
        match self {
            KeyPlaces::One(place) => Value::at(place, message, spans).id(),
            KeyPlaces::First(places) => first(places, message, spans).id(),
            KeyPlaces::All(parts) => together(parts, message, spans).ok().map(Cow::Owned),
        }
    }

    /// Whether it has several parts.
    pub fn is_made_of_parts(&self) -> bool {
        matches!(self, KeyPlaces::All(_))
    }
}

/// What the first place has that has something; else nothing.
pub fn first<'a>(places: &[Place], message: &'a StoredMessage, spans: &[Span]) -> Value<'a> {
    let values = places.iter().map(|place| Value::at(place, message, spans));
    values.into_iter().find(Value::is_present).unwrap_or(Value::Absent)
}

/// The parts as one compact JSON array of texts. A part is a key by itself: one that is none makes no array.
fn together(parts: &[Vec<Place>], message: &StoredMessage, spans: &[Span]) -> Result<Vec<u8>, KeyFault> {
    let mut array = Vec::with_capacity(64);
    for (number, places) in parts.iter().enumerate() {
        array.push(if number == 0 { b'[' } else { b',' });
        let value = match places.as_slice() {
            [place] => Value::at(place, message, spans),
            places => first(places, message, spans),
        };
        escape_into(&mut array, value.key()?.get(&message.payload));
    }
    array.push(b']');
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_plans_are_those_of_the_configuration() {
        let read = |text: &str| serde_json::from_str::<KeySpec>(text).unwrap();
        for (text, shown) in [
            (r#""properties.uuid""#, "properties.uuid"),
            (r#"["tenant","$header.Customer"]"#, "tenant and $header.Customer"),
            (r#"{"first":["after.id","before.id"]}"#, "after.id or before.id"),
            (r#"["tenant",{"first":["a","b"]}]"#, "tenant and a or b"),
        ] {
            assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
            assert_eq!(read(text).to_string(), shown);
        }
        assert!(serde_json::from_str::<KeySpec>(r#"{"first":["a"],"last":["b"]}"#).is_err());
        for text in [r#""title""#, r#"["title","event.type"]"#] {
            let places: KindPlaces = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&places).unwrap(), text);
        }
    }
}
