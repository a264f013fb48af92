//! Percent-encoding (RFC 3986, section 2.1), for headers, addresses and the names of folders: each says which bytes stay.

use std::fmt::Write;

/// Why a text is not percent-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PercentFault {
    /// A percent sign without two hexadecimal digits behind it.
    Digits,
    /// What is encoded is not UTF-8.
    NotUtf8,
}

/// The bytes that no address needs to encode: letters, digits and `-._~`.
pub fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Printable ASCII without `%`: what stays in a header.
pub fn printable(byte: u8) -> bool {
    (0x21..0x7f).contains(&byte) && byte != b'%'
}

/// The text with every byte that is not `plain` as `%XX`.
pub fn encoded(text: &str, plain: impl Fn(u8) -> bool) -> String {
    encoded_within(text, usize::MAX, plain)
}

/// The same, cut after the last whole character that fits `longest`, in bytes.
pub fn encoded_within(text: &str, longest: usize, plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len().min(longest));
    let mut utf8 = [0; 4];
    for character in text.chars() {
        let before = encoded.len();
        for byte in character.encode_utf8(&mut utf8).bytes() {
            if plain(byte) {
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

/// The text that was encoded.
pub fn decoded(encoded: &str) -> Result<String, PercentFault> {
    let mut pieces = encoded.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).ok_or(PercentFault::Digits)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(PercentFault::Digits);
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| PercentFault::Digits)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| PercentFault::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_cut_ends_with_a_whole_character() {
        let within = |text: &str| encoded_within(text, 1_024, printable);
        assert_eq!(within("a b%ü\0*>"), "a%20b%25%C3%BC%00*>");
        assert_eq!(within(&"ü".repeat(1_000)).len(), 1_020);
        assert_eq!(within(&"x".repeat(2_000)).len(), 1_024);
    }

    #[test]
    fn what_is_not_written_so_is_a_fault() {
        for text in ["%", "%2", "%zz", "%+1", "a%ü"] {
            assert_eq!(decoded(text), Err(PercentFault::Digits), "{text}");
        }
        assert_eq!(decoded("%FF"), Err(PercentFault::NotUtf8));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in any::<String>()) {
            let all = encoded(&text, printable);
            prop_assert!(all.bytes().all(|byte| (0x21..0x7f).contains(&byte)));
            prop_assert_eq!(decoded(&all), Ok(text.clone()));
            prop_assert_eq!(decoded(&encoded(&text, unreserved)), Ok(text));
        }
    }
}
