//! CloudEvents 1.0 over HTTP: the modes of the binding, and what an event must have before it is one.
//!
//! Structured events are taken apart by the engine's own `unwrap`, so that one that is stored and one that is unwrapped are the
//! same. The stored shape is the binary mode: attributes as `ce-` headers, the body the data, to the byte.

use super::problem::{BAD_BATCH, BAD_CLOUD_EVENT, BAD_HEADER, RequestFault, RequestPart, of};
use super::request::{Candidate, GivenIdentity};
use crate::core::decode::rejection;
use crate::core::output::Headers;
use crate::core::percent;
use crate::core::rejection::Reason;
use crate::core::unwrap::cloud_events::to_binary;
use crate::json::cursor::{Cursor, Scratch};
use crate::json::fields::Fields;
use crate::json::scan::scan;
use bytes::Bytes;

/// What attributes begin with among the headers.
pub const PREFIX: &str = "ce-";
/// The header of the data's type.
pub const CONTENT_TYPE: &str = "content-type";
/// The attributes that no CloudEvent is without.
const REQUIRED: [&str; 3] = ["ce-id", "ce-source", "ce-type"];

/// An event in binary mode: the headers that are attributes, and the data's type.
pub fn binary(headers: &Headers, body: Bytes) -> Result<Candidate, RequestFault> {
    let mut attributes: Headers =
        headers.iter().filter(|(name, _)| name.starts_with(PREFIX) || name == CONTENT_TYPE).cloned().collect();
    attributes.sort();
    for pair in attributes.windows(2) {
        if let [(one, _), (other, _)] = pair
            && one == other
        {
            return Err(RequestFault::new(BAD_HEADER, "a header of the CloudEvent came twice")
                .at(RequestPart::Header(one.clone())));
        }
    }
    let good = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if let Some((name, _)) = attributes.iter().find(|(name, _)| name.strip_prefix(PREFIX).is_some_and(|n| !good(n))) {
        let detail = "the name of an attribute has lower-case letters and digits alone";
        return Err(RequestFault::new(BAD_CLOUD_EVENT, detail).at(RequestPart::Header(name.clone())));
    }
    candidate(attributes, body, |name| RequestPart::Header(name.to_owned()))
}

/// An event in structured mode.
pub fn structured(text: &Bytes, scratch: &mut Scratch) -> Result<Candidate, RequestFault> {
    scan(&Fields::default(), text, scratch, &mut []).map_err(|fault| RequestFault::from(rejection(fault)))?;
    let binary = to_binary(None, text, scratch).map_err(|found| match found.reason {
        Reason::Unwrap => RequestFault::new(BAD_CLOUD_EVENT, found.sentence),
        reason => RequestFault::new(of(reason), found.sentence),
    })?;
    let mut attributes = (*binary.headers).clone();
    attributes.sort();
    candidate(attributes, binary.data, |name| RequestPart::Member(format!("/{}", name.trim_start_matches(PREFIX))))
}

/// The events of a batch as they stand in it: an array with at least one member, and no more than `most` of them are taken.
pub fn batch(text: &Bytes, most: usize, scratch: &mut Scratch) -> Result<Vec<Bytes>, RequestFault> {
    let mut events = Vec::new();
    let mut cursor = Cursor::new(text, 0, scratch);
    let bad = |at: usize, what: &str| RequestFault::new(BAD_BATCH, format!("{what} at byte {at}"));
    cursor.space();
    if cursor.peek() != b'[' {
        return Err(bad(cursor.at(), "expected `[`"));
    }
    let mut more = cursor.open(b']', 0);
    while more {
        let start = cursor.at();
        if let Err(what) = cursor.skip(1) {
            return Err(bad(cursor.at(), what));
        }
        // One more than is taken is enough to know that it is too many.
        if events.len() <= most {
            events.push(text.slice(start..cursor.at()));
        }
        more = match cursor.more(b']') {
            Ok(more) => more,
            Err(what) => return Err(bad(cursor.at(), what)),
        };
    }
    cursor.space();
    if !cursor.at_end() {
        return Err(bad(cursor.at(), "expected the end"));
    }
    Ok(events)
}

fn candidate(attributes: Headers, body: Bytes, at: impl Fn(&str) -> RequestPart) -> Result<Candidate, RequestFault> {
    let value = |name: &str| attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    match value("ce-specversion") {
        Some("1.0") => {}
        _ => return Err(RequestFault::new(BAD_CLOUD_EVENT, "`specversion` is not 1.0").at(at("ce-specversion"))),
    }
    let missing: Vec<RequestPart> =
        REQUIRED.into_iter().filter(|name| value(name).is_none_or(str::is_empty)).map(&at).collect();
    if !missing.is_empty() {
        let detail = "a required attribute is absent or empty";
        return Err(RequestFault { at: missing, ..RequestFault::new(BAD_CLOUD_EVENT, detail) });
    }
    let text = |name: &str| {
        let encoded = value(name).unwrap_or_default();
        // A percent sign that encodes nothing is one.
        percent::decoded(encoded).unwrap_or_else(|_| encoded.to_owned())
    };
    let (kind, source, id) = (text("ce-type"), text("ce-source"), text("ce-id"));
    let shown = Some(id.clone());
    Ok(Candidate {
        kind: Some(kind),
        given: Some(GivenIdentity::CloudEvent { source, id }),
        id: shown,
        headers: attributes,
        body,
    })
}
