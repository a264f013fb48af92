//! Scalars of a valid JSON text as Rust values, and Rust text as a JSON string.
//!
//! No number is converted: an integer is its digits as written. Used on the few values that the plan compares.

use std::borrow::Cow;

/// A value, as far as kinds, ids, keys and delete rules tell values apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// `null`.
    Null,
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// A number without fraction and exponent, as written (`-0` stays `-0`).
    Integer(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// Any other number, an array, an object, or a string that holds a lone surrogate.
    Other,
}

impl<'a> Scalar<'a> {
    /// Reads the raw bytes of one value, as a scan found them; allocates only for strings with escapes.
    pub fn read(raw: &'a [u8]) -> Scalar<'a> {
        let Ok(raw) = std::str::from_utf8(raw) else { return Scalar::Other };
        match raw.as_bytes() {
            b"null" => Scalar::Null,
            b"true" => Scalar::Bool(true),
            b"false" => Scalar::Bool(false),
            [b'"', ..] => raw.get(1..raw.len() - 1).map_or(Scalar::Other, Scalar::string),
            [b'-' | b'0'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => Scalar::Integer(raw),
            _ => Scalar::Other,
        }
    }

    fn string(raw: &'a str) -> Scalar<'a> {
        if !raw.as_bytes().contains(&b'\\') {
            return Scalar::Text(Cow::Borrowed(raw));
        }
        unescape(raw).map_or(Scalar::Other, |text| Scalar::Text(Cow::Owned(text)))
    }
}

/// The text that the characters between a JSON string's quotes stand for; `None` for a lone surrogate, which
/// is no Unicode text (RFC 8259, section 8.2).
pub fn unescape(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let (character, after) = escaped(escape)?;
        text.push(character);
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// The character of one escape, its backslash already taken off, and what follows it.
fn escaped(escape: &str) -> Option<(char, &str)> {
    let mut rest = escape.chars();
    let character = match rest.next()? {
        same @ ('"' | '\\' | '/') => same,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return code_point(rest.as_str()),
        _ => return None,
    };
    Some((character, rest.as_str()))
}

/// One UTF-16 unit, or two that are a surrogate pair.
fn code_point(digits: &str) -> Option<(char, &str)> {
    let (first, after) = unit(digits)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, after));
    }
    let (second, after) = unit(after.strip_prefix("\\u")?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, after))
}

fn unit(text: &str) -> Option<(u16, &str)> {
    let (digits, after) = text.split_at_checked(4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u16::from_str_radix(digits, 16).ok()?, after))
}

/// Appends a text as a JSON string, quotes included, in the bytes that serde_json writes: short escapes where
/// JSON has them, `\u00xx` for the other control characters, everything else as it is.
pub fn escape_into(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |four_bits: u8| HEX.get(usize::from(four_bits)).copied().unwrap_or(b'0');
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(plain) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        let (before, special) = rest.split_at(plain);
        out.extend_from_slice(before);
        let Some((&byte, after)) = special.split_first() else { break };
        rest = after;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0xf)]),
        }
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Scalar<'_> {
        Scalar::Text(Cow::Borrowed(text))
    }

    #[test]
    fn scalars_are_told_apart() {
        for (raw, expected) in [
            ("null", Scalar::Null),
            ("true", Scalar::Bool(true)),
            ("false", Scalar::Bool(false)),
            ("0", Scalar::Integer("0")),
            ("-0", Scalar::Integer("-0")),
            ("9007199254740993", Scalar::Integer("9007199254740993")),
            ("1.0", Scalar::Other),
            ("1e3", Scalar::Other),
            ("1E3", Scalar::Other),
            ("[]", Scalar::Other),
            ("{}", Scalar::Other),
            (r#""""#, text("")),
            (r#""pt-BR""#, text("pt-BR")),
            (r#""ü""#, text("ü")),
            (r#""\"\\\/\b\f\n\r\t""#, text("\"\\/\u{8}\u{c}\n\r\t")),
            (r#""a\u00e9\u00E9z""#, text("aééz")),
            (r#""\u0000""#, text("\0")),
            (r#""\ud83d\ude00!""#, text("😀!")),
            (r#""\ud83d""#, Scalar::Other),
            (r#""\ud83dx""#, Scalar::Other),
            (r#""\ud83d\n""#, Scalar::Other),
            (r#""\ud83d\u0041""#, Scalar::Other),
            (r#""\ude00\ud83d""#, Scalar::Other),
            // No scan hands these over; they must not panic.
            ("", Scalar::Other),
            ("\"", Scalar::Other),
            (r#""\u12""#, Scalar::Other),
            (r#""\u+123""#, Scalar::Other),
            (r#""\uüüü""#, Scalar::Other),
        ] {
            assert_eq!(Scalar::read(raw.as_bytes()), expected, "{raw}");
        }
        assert_eq!(Scalar::read(b"\"\xff\""), Scalar::Other);
    }

    #[test]
    fn strings_are_written_as_serde_json_writes_them() {
        let every: String = (0..0x300).filter_map(char::from_u32).chain("😀\u{2028}\u{feff}".chars()).collect();
        for text in ["", "plain", "\"", "a\\b", "\u{7f}", every.as_str()] {
            let mut out = b"x".to_vec();
            escape_into(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), format!("x{}", serde_json::to_string(text).unwrap()));
        }
    }
}
