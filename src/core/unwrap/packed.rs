//! Base64 and gzip, up to a bound.

use crate::core::rejection::{Reason, Rejection};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;
use std::io::{ErrorKind, Read};

/// With padding or without it: both are written, and neither means anything else.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the base64 of a text holds.
pub fn base64(text: &[u8]) -> Result<Vec<u8>, Rejection> {
    BASE64.decode(text).map_err(|_| Rejection::new(Reason::Unwrap, "what `unwrap` takes the event from is no base64"))
}

/// What gzip data holds, where that is no more than so many bytes. No more than that is ever unpacked.
pub fn gzip(data: &[u8], max_bytes: u64) -> Result<Vec<u8>, Rejection> {
    let mut unpacked = Vec::new();
    let mut reader = MultiGzDecoder::new(data).take(max_bytes.saturating_add(1));
    if let Err(error) = reader.read_to_end(&mut unpacked) {
        let sentence = match error.kind() {
            ErrorKind::UnexpectedEof => "the gzip data that `unwrap` takes the event from is cut short",
            _ => "what `unwrap` takes the event from is no gzip data, or damaged",
        };
        return Err(Rejection::new(Reason::Unwrap, sentence));
    }
    if unpacked.len() as u64 > max_bytes {
        let sentence = format!("the event unpacks to more than the {max_bytes} bytes of `unwrap.max_bytes`");
        return Err(Rejection::new(Reason::Unwrap, sentence));
    }
    Ok(unpacked)
}
