//! A dead letter: the original bytes, and headers that say what is wrong and where it came from.
//!
//! Always fits: what is too long is cut, and says so, rather than becoming a second failure.

use super::encode::{copied_headers, headers_size, line, subject_of, waited};
use super::event::{Event, StoredForm};
use super::output::{DeadLetter, ELEMENT, ERROR, KEY, KIND, LENGTH, Output, REASON, STORED, SUBJECT};
use super::percent;
use super::plan::compiled::Plan;
use super::rejection::Rejection;
use bytes::Bytes;
use std::sync::Arc;

/// The longest encoded subject, kind or key, in bytes.
const ENCODED_MAX: usize = 1_024;

/// The dead letter of an event under a plan.
pub fn encode(plan: &Plan, event: &Event, rejection: &Rejection) -> Output {
    let message = &event.with_stored_headers();
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
    if plan.split.is_some() {
        headers.extend(event.element_number().map(|number| (ELEMENT, number.to_owned())));
    }
    headers.extend(waited(plan, event));
    if plan.spec.envelope {
        headers.push((STORED, message.stored_at.to_string()));
    }
    let own: usize = headers.iter().map(|(name, value)| line(name, value.len())).sum();
    let max = usize::try_from(plan.spec.max_bytes).unwrap_or(usize::MAX);
    let mut copied = copied_headers(message);
    let mut around = own + headers_size(plan, event, copied.as_deref());
    let (mut payload, mut length) = body(plan, event);
    let mark = |length: usize| line(LENGTH, length.to_string().len());
    if around + payload.len() + length.map_or(0, mark) > max {
        let whole = length.unwrap_or(payload.len());
        if around + mark(whole) > max {
            copied = None;
            around = own + headers_size(plan, event, None);
        }
        // Without the event's headers even the smallest limit that the configuration allows leaves room.
        payload.truncate(max.saturating_sub(around + mark(whole)));
        length = Some(whole);
    }
    headers.extend(length.map(|length| (LENGTH, length.to_string())));
    let (position, stored_at) = event.cause();
    Output {
        position,
        n: 0,
        stored_at,
        event_time: None,
        subject: Arc::from(subject_of(plan, &plan.spec.dead_subject, event, Some(rejection.reason))),
        copied,
        followed: false,
        envelope: None,
        dead: Some(Box::new(DeadLetter { reason: rejection.reason, headers })),
        payload,
    }
}

/// The bytes that a dead letter shows, and the length of what the input stored where they are not all of that: what a plan
/// removes or masks leaves with no dead letter either, and who drives it again takes it from the input.
fn body(plan: &Plan, event: &Event) -> (Bytes, Option<usize>) {
    match &event.stored {
        StoredForm::AsItIs => (event.message.payload.clone(), None),
        StoredForm::Before(original) if !plan.hides => (original.payload.clone(), None),
        StoredForm::Before(original) => (event.message.payload.clone(), Some(original.length)),
        StoredForm::NotToBeShown(length) => (Bytes::new(), Some(*length)),
    }
}

fn percent_encoded(text: &str) -> String {
    percent::encoded_within(text, ENCODED_MAX, percent::printable)
}
