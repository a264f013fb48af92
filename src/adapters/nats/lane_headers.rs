//! The headers of an output on the wire, as one block that the client library does not take apart.
//!
//! What they say is `core::output`'s business; nothing is sent here.

use super::lane::LaneTarget;
use crate::core::output::{self, Output};
use crate::ports::stream::BrokerError;
use async_nats::HeaderMap;
use async_nats::header::{HeaderName, HeaderValue, NATS_EXPECTED_LAST_SEQUENCE};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StringDeserializer};

/// The first header's name; see `headers`.
const FIRST: HeaderName = HeaderName::from_static(output::POSITION);

/// Ends a header's line and begins another one.
fn line(block: &mut String, name: &str, value: &str) {
    for part in ["\r\n", name, ": ", value] {
        block.push_str(part);
    }
}

/// An output's headers, the last one being the expected sequence.
///
/// The client's map costs three allocations and a keyed hash for each header, and a random order on the wire. So
/// the whole block travels as the value of its first header, lines and all; the server sees ordinary headers. What
/// stands in it is ours or was itself one line of an input message; a line break within a value is left out.
pub(super) fn headers(output: &Output, target: &LaneTarget, expected: Option<u64>) -> Result<HeaderMap, BrokerError> {
    let mut block = String::with_capacity(256);
    let mut number = itoa::Buffer::new();
    block.push_str(&target.input_stream);
    for part in [output.position.0, output.n.into()] {
        block.push(':');
        block.push_str(number.format(part));
    }
    line(&mut block, output::TIME, number.format(output.stored_at.0));
    line(&mut block, output::RUN, &target.run);
    if let Some(rewinds) = &target.rewinds {
        line(&mut block, output::REWINDS, rewinds);
    }
    let copied =
        output.copied.iter().flat_map(|copied| copied.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    for (name, value) in output.own_headers().chain(copied) {
        if !name.is_empty() && !name.contains(['\r', '\n', ':']) {
            line(&mut block, name, "");
            block.extend(value.chars().filter(|c| !matches!(c, '\r' | '\n')));
        }
    }
    if let Some(expected) = expected {
        line(&mut block, NATS_EXPECTED_LAST_SEQUENCE.as_ref(), number.format(expected));
    }
    let text: StringDeserializer<ValueError> = block.into_deserializer();
    let value = HeaderValue::deserialize(text).map_err(|error| BrokerError::Permanent {
        what: format!("the client library refuses our header block: {error}"),
        hint: "this is a fault of the program; please report it".to_owned(),
    })?;
    let mut map = HeaderMap::new();
    map.insert(FIRST, value);
    Ok(map)
}
