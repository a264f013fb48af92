//! The envelope of an output: headers that say of which kind and key its event is, and when it was stored.
//!
//! Who reads outputs need not read their bodies for that. Only plans with `output.envelope` have it; see `output` for the
//! headers' names.

use super::event::Event;
use super::output::{KEY, KIND, OwnHeaders, STORED};
use super::percent::{encoded, printable};

/// The headers of an event's output. They are whole: what is cut could be taken for another key.
pub fn envelope(event: &Event) -> OwnHeaders {
    let mut headers = OwnHeaders::with_capacity(3);
    let payload = &event.message.payload;
    if let Some(kind) = &event.kind_text {
        headers.push((KIND, encoded(kind.get(payload), printable)));
    }
    if let Ok(reading) = &event.reading
        && let Some(key) = &reading.key
    {
        headers.push((KEY, encoded(key.text.get(payload), printable)));
    }
    headers.push((STORED, event.message.stored_at.to_string()));
    headers
}
