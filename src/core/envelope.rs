//! The envelope of an output: headers that say of which kind and key its event is, and when it was stored.
//!
//! Who reads outputs need not read their bodies for that. Only plans with `output.envelope` have it; see `output` for the
//! headers' names.

use super::event::Event;
use super::output::{KEY, KIND, OwnHeaders, STORED};
use std::fmt::Write;

/// The headers of an event's output. They are whole: what is cut could be taken for another key.
pub fn envelope(event: &Event) -> OwnHeaders {
    let mut headers = OwnHeaders::with_capacity(3);
    let payload = &event.message.payload;
    if let Some(kind) = &event.kind_text {
        headers.push((KIND, percent_encoded(kind.get(payload), usize::MAX)));
    }
    if let Ok(reading) = &event.reading
        && let Some(key) = &reading.key
    {
        headers.push((KEY, percent_encoded(key.text.get(payload), usize::MAX)));
    }
    headers.push((STORED, event.message.stored_at.to_string()));
    headers
}

/// Printable ASCII without `%` stays; every other byte becomes `%XX`. Cut after the last whole character that
/// fits `longest`, in bytes.
pub fn percent_encoded(text: &str, longest: usize) -> String {
    let mut encoded = String::with_capacity(text.len().min(longest));
    let mut utf8 = [0; 4];
    for character in text.chars() {
        let before = encoded.len();
        for byte in character.encode_utf8(&mut utf8).bytes() {
            if (0x21..0x7f).contains(&byte) && byte != b'%' {
                encoded.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        if encoded.len() > longest {
            encoded.truncate(before);
            break;
        }
    }
    encoded
}

/// The text that was percent-encoded; `None` for what is not written so.
pub fn percent_decoded(encoded: &str) -> Option<String> {
    if !encoded.contains('%') {
        return Some(encoded.to_owned());
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after.get(2..)?;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percent_encoding_keeps_whole_characters() {
        assert_eq!(percent_encoded("a b%ü\0*>", 1_024), "a%20b%25%C3%BC%00*>");
        let long = percent_encoded(&"ü".repeat(1_000), 1_024);
        assert_eq!(long.len(), 1_020);
        assert_eq!(percent_encoded(&"x".repeat(2_000), 1_024).len(), 1_024);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in any::<String>()) {
            let encoded = percent_encoded(&text, usize::MAX);
            prop_assert!(encoded.bytes().all(|byte| (0x21..0x7f).contains(&byte)));
            prop_assert_eq!(percent_decoded(&encoded), Some(text));
        }
    }

    #[test]
    fn what_is_not_written_so_is_nothing() {
        for text in ["%", "%2", "%zz", "%FF"] {
            assert_eq!(percent_decoded(text), None, "{text}");
        }
    }
}
