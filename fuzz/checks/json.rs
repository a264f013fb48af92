//! JSON as serde_json reads it: the other opinion that the product's own reader is held against.
//!
//! Uses nothing of the product. Grammar by `IgnoredAny` (which judges neither depth, number ranges nor lone
//! surrogates), names and raw values by `RawValue`, places by where those slices lie in the text.

use super::plans::Names;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// One member of an object.
pub struct Member<'a> {
    /// Its name, unescaped; `None` where it holds a lone surrogate and is no text.
    pub name: Option<String>,
    /// Where the opening quote of its name stands in the text.
    pub name_at: usize,
    /// Its value as it is written.
    pub raw: &'a str,
    /// Where the value begins.
    pub at: usize,
    /// Its members, where it is an object with names that somebody asked for.
    pub inside: Option<Object<'a>>,
}

/// An object of an event.
pub struct Object<'a> {
    /// The event's text.
    pub text: &'a str,
    /// The object, with white space around it where it is the whole event.
    pub raw: &'a str,
    /// Where that begins.
    pub at: usize,
    /// Its members in order, repeated ones too.
    pub members: Vec<Member<'a>>,
}

impl Member<'_> {
    /// One beyond the value's last byte.
    pub fn end(&self) -> usize {
        self.at + self.raw.len()
    }
}

/// Whether a text is one JSON value, as RFC 8259 has it.
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// How deep arrays and objects nest in a text that is JSON.
pub fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open -= 1,
            b'"' => {
                while let Some(inside) = bytes.next().filter(|byte| *byte != b'"') {
                    if inside == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// The first character of a text's value.
pub fn begins(text: &str) -> Option<char> {
    text.trim_start_matches([' ', '\t', '\n', '\r']).chars().next()
}

/// The object that is the slice `raw` of `text`, read as deep as the names go; `None` where it is no object.
pub fn object<'a>(text: &'a str, raw: &'a str, names: &Names) -> Option<Object<'a>> {
    let place = |slice: &str| slice.as_ptr() as usize - text.as_ptr() as usize;
    let Pairs(pairs) = serde_json::from_str(raw).ok().filter(|_| begins(raw) == Some('{'))?;
    let member = |(name, value): (&'a RawValue, &'a RawValue)| {
        let unescaped: Option<String> = serde_json::from_str(name.get()).ok();
        let known = unescaped.as_ref().and_then(|name| names.0.get(name)).filter(|names| !names.0.is_empty());
        Member {
            inside: known.and_then(|names| object(text, value.get(), names)),
            name: unescaped,
            name_at: place(name.get()),
            raw: value.get(),
            at: place(value.get()),
        }
    };
    Some(Object { text, raw, at: place(raw), members: pairs.into_iter().map(member).collect() })
}

impl<'a> Object<'a> {
    /// The first member of a name.
    pub fn member(&self, name: &str) -> Option<&Member<'a>> {
        self.members.iter().find(|member| member.name.as_deref() == Some(name))
    }

    /// The member at a path.
    pub fn field(&self, path: &[String]) -> Option<&Member<'a>> {
        let (last, objects) = path.split_last()?;
        self.inside(objects)?.member(last)
    }

    /// The object at a path.
    pub fn inside(&self, path: &[String]) -> Option<&Object<'a>> {
        path.iter().try_fold(self, |object, name| object.member(name)?.inside.as_ref())
    }
}

/// Names and values of an object, in order, repeated ones too.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
