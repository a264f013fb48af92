//! What hides a value: `mask = { card = "last4", email = "hash", token = "hide" }`.
//!
//! A mask never lets a value through: what it cannot work with becomes `"***"`. Writing its own result again changes nothing
//! for `last4` and `hide`. A `hash` is hashed again: sixteen digits may be anybody's secret, and a mask cannot tell.

use super::operator::name;
use super::salt::Salt;
use crate::core::read::Value;
use crate::json::text::escape_into;
use serde::{Deserialize, Serialize};

/// A way to hide a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mask {
    /// `"************1234"`: the last four characters of a text or whole number with at least twice as many. The stars are
    /// always twelve and do not tell its length.
    Last4,
    /// Sixteen hexadecimal digits, the beginning of HMAC-SHA-256 of the text or whole number under the salt: the same value
    /// has the same digits.
    Hash,
    /// `"***"`.
    Hide,
}

/// What stands for a value that is hidden altogether.
const HIDDEN: &[u8] = br#""***""#;
/// Fewer characters are hidden altogether: the last four would be most of them.
const SHORTEST: usize = 8;
/// Bytes of the digest that are written, in two digits each.
const HASHED: usize = 8;

impl Mask {
    /// Appends what stands in the value's place, one JSON value. Null stays null, since it hides nothing; nobody asks for a
    /// value that is absent, which would be null, too. The salt is for `hash`, and is a secret: without it, the values that
    /// a digest may be of can be tried one after the other.
    pub fn write(self, value: &Value<'_>, salt: Option<&Salt>, out: &mut Vec<u8>) {
        if matches!(value, Value::Absent | Value::Json { raw: b"null", .. }) {
            return out.extend_from_slice(b"null");
        }
        match (self, name(value)) {
            (Mask::Last4, Ok(text)) => last4(&text, out),
            (Mask::Hash, Ok(text)) => hash(&text, salt, out),
            (Mask::Hide, _) | (_, Err(_)) => out.extend_from_slice(HIDDEN),
        }
    }
}

fn last4(text: &str, out: &mut Vec<u8>) {
    if text.chars().count() < SHORTEST {
        return out.extend_from_slice(HIDDEN);
    }
    let from = text.char_indices().rev().nth(3).map_or(text.len(), |(at, _)| at);
    let masked = ["************", text.get(from..).unwrap_or_default()].concat();
    escape_into(out, &masked);
}

fn hash(text: &str, salt: Option<&Salt>, out: &mut Vec<u8>) {
    let Some(digest) = salt.and_then(|salt| salt.hmac(text.as_bytes())) else {
        // Without the secret nothing may be seen of the value.
        return out.extend_from_slice(HIDDEN);
    };
    out.push(b'"');
    for byte in digest.iter().take(HASHED) {
        out.extend(
            [byte >> 4, byte & 0xf].map(|four| b"0123456789abcdef".get(usize::from(four)).copied().unwrap_or(b'0')),
        );
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::tests::fixture::value;
    use super::*;
    use proptest::prelude::*;

    fn masked(mask: Mask, raw: &str) -> String {
        let mut out = Vec::new();
        mask.write(&value(raw), Some(&Salt::new(b"pepper")), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn masks_hide_what_they_should() {
        for (mask, raw, expected) in [
            (Mask::Last4, r#""4111111111111234""#, r#""************1234""#),
            (Mask::Last4, "4111111111111234", r#""************1234""#),
            (Mask::Last4, r#""************1234""#, r#""************1234""#),
            (Mask::Last4, r#""12345678""#, r#""************5678""#),
            (Mask::Last4, r#""1234567""#, r#""***""#),
            (Mask::Last4, r#""abcdé\"\n\\""#, r#""************é\"\n\\""#),
            (Mask::Last4, r#""""#, r#""***""#),
            (Mask::Last4, "41111111.1111234", r#""***""#),
            // Python: hmac.new(b"pepper", b"a@b.example", "sha256").hexdigest()[:16].
            (Mask::Hash, r#""a@b.example""#, "\"05d11f830922a3f2\""),
            (Mask::Hash, r#""\u0061@b.example""#, "\"05d11f830922a3f2\""),
            (Mask::Hash, "7", "\"86693d50efdc246c\""),
            (Mask::Hash, r#""7""#, "\"86693d50efdc246c\""),
            (Mask::Hash, "7.0", r#""***""#),
            (Mask::Hide, r#""secret""#, r#""***""#),
            (Mask::Hide, "17", r#""***""#),
        ] {
            assert_eq!(masked(mask, raw), expected, "{mask:?} of {raw}");
        }
        for mask in [Mask::Last4, Mask::Hash, Mask::Hide] {
            for raw in [
                "true",
                "1.5e300",
                r#"{"card":"4111111111111234"}"#,
                r#"["4111111111111234"]"#,
                r#""\ud8004111111111""#,
            ] {
                assert_eq!(masked(mask, raw), r#""***""#, "{mask:?} of {raw}");
            }
            assert_eq!((masked(mask, "null"), masked(mask, "")), ("null".to_owned(), "null".to_owned()), "{mask:?}");
        }
    }

    #[test]
    fn another_salt_is_another_hash() {
        let mut out = Vec::new();
        Mask::Hash.write(&value("7"), Some(&Salt::new(b"salt")), &mut out);
        assert_ne!(String::from_utf8(out).unwrap(), masked(Mask::Hash, "7"));
        let unknown = Salt::from(String::from(Salt::new(b"pepper")));
        for salt in [None, Some(&unknown)] {
            let mut out = Vec::new();
            Mask::Hash.write(&value("7"), salt, &mut out);
            assert_eq!(out, HIDDEN, "{salt:?}");
        }
    }

    proptest! {
        #[test]
        fn no_more_than_four_characters_get_through(text in r#"[a-zA-Z0-9é"\\]{5,20}"#) {
            for mask in [Mask::Last4, Mask::Hash, Mask::Hide] {
                let written = masked(mask, &serde_json::to_string(&text).unwrap());
                let shown: String = serde_json::from_str(&written).unwrap();
                let tails = text.char_indices().map(|(at, _)| &text[at..]).filter(|tail| tail.chars().count() > 4);
                prop_assert!(tails.into_iter().all(|tail| !shown.ends_with(tail)), "{:?}: {}", mask, shown);
                if mask != Mask::Hash {
                    prop_assert_eq!(masked(mask, &written), written, "a second pass");
                }
            }
        }
    }
}
