//! CloudEvents 1.0: from the structured mode, one JSON object with everything in it, to the binary one, where attributes are
//! headers `ce-NAME` and the body is the data.
//!
//! An event in binary mode is left as it is. So both modes have one place for each attribute, `$header.ce-type` and the like,
//! and what leaves is a CloudEvent in binary mode. Header values are written as the HTTP binding writes them (section 3.1.3.2).

use super::packed::base64;
use crate::core::output::Headers;
use crate::core::percent;
use crate::core::rejection::{Reason, Rejection};
use crate::json::cursor::{Cursor, Defect, Scratch};
use crate::json::text::{Scalar, unescape};
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// What the names of attributes begin with among the headers.
const PREFIX: &str = "ce-";
/// The header that has the data's type in binary mode.
const CONTENT_TYPE: &str = "content-type";
/// The most attributes that one event may have: the specification has eight of its own.
const MOST: usize = 64;

/// Whether a message is in binary mode.
pub fn is_binary(headers: Option<&Headers>) -> bool {
    headers.is_some_and(|headers| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("ce-specversion")))
}

/// What a structured event is in binary mode.
pub struct Binary {
    /// All headers of the message.
    pub headers: Arc<Headers>,
    /// The data.
    pub data: Bytes,
}

/// Turns a structured event into binary mode. The text is one JSON object, as a scan found.
pub fn to_binary(headers: Option<&Headers>, text: &Bytes, scratch: &mut Scratch) -> Result<Binary, Rejection> {
    let mut event = Structured::default();
    if event.read(text, scratch).is_err() {
        return Err(bad("the event is no JSON object"));
    }
    if let Some(fault) = event.fault {
        return Err(fault);
    }
    if !event.attributes.iter().any(|(name, _)| name == "ce-specversion") {
        return Err(bad(
            "the event is no CloudEvent: it has neither a header `ce-specversion` nor a member `specversion`",
        ));
    }
    let data = match (event.data, event.data_base64) {
        (Some(_), Some(_)) => return Err(bad("the CloudEvent has both `data` and `data_base64`")),
        (Some(data), None) => text.slice(data),
        (None, Some(packed)) => match Scalar::read(text.get(packed).unwrap_or_default()) {
            Scalar::Text(packed) => base64(packed.as_bytes())?.into(),
            _ => return Err(bad("`data_base64` of the CloudEvent is no text")),
        },
        (None, None) => Bytes::new(),
    };
    let own = |name: &str| name.eq_ignore_ascii_case(CONTENT_TYPE) || has_prefix(name);
    let kept = headers.into_iter().flatten().filter(|(name, _)| !own(name)).cloned();
    Ok(Binary { headers: Arc::new(kept.chain(event.attributes).collect()), data })
}

fn has_prefix(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(PREFIX))
}

fn bad(sentence: &'static str) -> Rejection {
    Rejection::new(Reason::Unwrap, sentence)
}

/// What stands in a structured event.
#[derive(Default)]
struct Structured {
    attributes: Headers,
    data: Option<Range<usize>>,
    data_base64: Option<Range<usize>>,
    fault: Option<Rejection>,
}

impl Structured {
    fn read(&mut self, text: &[u8], scratch: &mut Scratch) -> Result<(), Defect> {
        let mut cursor = Cursor::new(text, 0, scratch);
        cursor.space();
        let mut more = cursor.open(b'}', 0);
        while more && self.fault.is_none() {
            let (name, escaped) = cursor.name()?;
            let start = cursor.at();
            cursor.skip(1)?;
            self.fault = self.member(name, escaped, start..cursor.at(), text).err();
            more = cursor.more(b'}')?;
        }
        Ok(())
    }

    fn member(&mut self, name: &[u8], escaped: bool, value: Range<usize>, text: &[u8]) -> Result<(), Rejection> {
        let twice = || Rejection::new(Reason::DuplicateKey, "an attribute of the CloudEvent occurs twice");
        let name = std::str::from_utf8(name).unwrap_or_default();
        let name = if escaped { unescape(name).unwrap_or_default() } else { name.to_owned() };
        let raw = text.get(value.clone()).unwrap_or_default();
        match name.as_str() {
            "data" if raw == b"null" => return Ok(()),
            "data" => return self.data.replace(value).map_or(Ok(()), |_| Err(twice())),
            "data_base64" => return self.data_base64.replace(value).map_or(Ok(()), |_| Err(twice())),
            _ => {}
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(bad(
                "the name of an attribute of the CloudEvent is none: it has lower-case letters and digits alone",
            ));
        }
        let value = match Scalar::read(raw) {
            Scalar::Null => return Ok(()),
            Scalar::Text(text) => encoded(&text),
            Scalar::Integer(digits) => digits.to_owned(),
            Scalar::Bool(flag) => flag.to_string(),
            Scalar::Other => {
                return Err(bad("an attribute of the CloudEvent is no text, no whole number and no boolean"));
            }
        };
        let header = if name == "datacontenttype" { CONTENT_TYPE.to_owned() } else { format!("{PREFIX}{name}") };
        if self.attributes.iter().any(|(known, _)| *known == header) {
            return Err(twice());
        }
        if self.attributes.len() == MOST {
            return Err(bad("the CloudEvent has more than 64 attributes"));
        }
        self.attributes.push((header, value));
        Ok(())
    }
}

/// A value of an attribute as a header has it: blanks, double quotes, `%` and all that is not printable ASCII as `%XX`.
fn encoded(text: &str) -> String {
    percent::encoded(text, |byte| percent::printable(byte) && byte != b'"')
}
