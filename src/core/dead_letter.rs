//! A dead letter: the original bytes, and headers that say what is wrong and where it came from.
//!
//! Always fits: what is too long is cut, and says so, rather than becoming a second failure.

use super::encode::{copied_headers, headers_size, line, subject_of};
use super::event::Event;
use super::output::{DeadLetter, ERROR, KEY, KIND, LENGTH, Output, REASON, SUBJECT};
use super::plan::compiled::Plan;
use super::rejection::Rejection;
use std::fmt::Write;
use std::sync::Arc;

/// The longest encoded subject, kind or key, in bytes.
const ENCODED_MAX: usize = 1_024;

/// The dead letter of an event under a plan.
pub fn encode(plan: &Plan, event: &Event, rejection: &Rejection) -> Output {
    let message = &event.message;
    let mut headers = vec![
        (REASON, rejection.reason.code().to_owned()),
        (ERROR, rejection.sentence.to_string()),
        (SUBJECT, percent_encoded(&message.subject)),
    ];
    if let Some(kind) = &event.kind_text {
        headers.push((KIND, percent_encoded(kind.get(&message.payload))));
    }
    if let Ok(reading) = &event.reading
        && let Some(key) = &reading.key
    {
        headers.push((KEY, percent_encoded(key.text.get(&message.payload))));
    }
    let own: usize = headers.iter().map(|(name, value)| line(name, value.len())).sum();
    let max = usize::try_from(plan.spec.max_bytes).unwrap_or(usize::MAX);
    let mut copied = copied_headers(message);
    let mut around = own + headers_size(plan, message, copied.as_deref());
    let mut payload = message.payload.clone();
    if around + payload.len() > max {
        let length = payload.len().to_string();
        let mark = line(LENGTH, length.len());
        if around + mark > max {
            copied = None;
            around = own + headers_size(plan, message, None);
        }
        // Without the event's headers even the smallest limit that the configuration allows leaves room.
        payload.truncate(max.saturating_sub(around + mark));
        headers.push((LENGTH, length));
    }
    Output {
        position: event.position(),
        n: 0,
        stored_at: message.stored_at,
        event_time: None,
        subject: Arc::from(subject_of(plan, &plan.spec.dead_subject, event, Some(rejection.reason))),
        copied,
        dead: Some(Box::new(DeadLetter { reason: rejection.reason, headers })),
        payload,
    }
}

/// Printable ASCII without `%` stays; every other byte becomes `%XX`. Cut after the last whole character that
/// fits `ENCODED_MAX`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len().min(ENCODED_MAX));
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
        if encoded.len() > ENCODED_MAX {
            encoded.truncate(before);
            break;
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_keeps_whole_characters() {
        assert_eq!(percent_encoded("a b%ü\0*>"), "a%20b%25%C3%BC%00*>");
        let long = percent_encoded(&"ü".repeat(1_000));
        assert_eq!(long.len(), 1_020);
        assert_eq!(percent_encoded(&"x".repeat(2_000)).len(), 1_024);
    }
}
