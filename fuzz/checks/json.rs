//! JSON as serde_json reads it: the other opinion that the product's own reader is held against.
//!
//! Uses nothing of the product. Grammar by `IgnoredAny` (which judges neither depth, number ranges nor lone
//! surrogates), names and raw values by `RawValue`, places by where those slices lie in the text.

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

/// The members of an object that is a slice of `text`; `None` where it is no object.
pub fn members<'a>(text: &'a str, object: &'a str) -> Option<Vec<Member<'a>>> {
    let place = |slice: &str| slice.as_ptr() as usize - text.as_ptr() as usize;
    let Pairs(pairs) = serde_json::from_str(object).ok().filter(|_| begins(object) == Some('{'))?;
    let member = |(name, value): (&'a RawValue, &'a RawValue)| Member {
        name: serde_json::from_str(name.get()).ok(),
        name_at: place(name.get()),
        raw: value.get(),
        at: place(value.get()),
    };
    Some(pairs.into_iter().map(member).collect())
}

/// The raw value at a path; `None` where it is absent.
pub fn field<'a>(text: &'a str, path: &[String]) -> Option<(usize, &'a str)> {
    let (mut at, mut raw) = (0, text);
    for name in path {
        let found = members(text, raw)?.into_iter().find(|member| member.name.as_ref() == Some(name))?;
        (at, raw) = (found.at, found.raw);
    }
    Some((at, raw))
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
