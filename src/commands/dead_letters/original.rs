//! What a dead letter's event was: from the dead letter itself, and from the input where it keeps too little.
//!
//! Of an event that came in a list, that event alone; how the list is found is the plan's to say. Never guesses: what neither of them has any more is named, and its redrive is refused.

use super::reading::FoundLetter;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::streams;
use crate::core::decode::Decoder;
use crate::core::event::{Event, StoredMessage};
use crate::core::output::Headers;
use crate::core::plan::compiled::Plan;
use crate::ports::stream::BrokerError;
use crate::protocol::redrive::letter::of_a_system;
use bytes::Bytes;

/// An event as it can be published once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalEvent {
    /// Its subject.
    pub subject: String,
    /// Its own headers, without those of the server and ours.
    pub headers: Headers,
    /// Which event of its message's list it was.
    pub element: Option<u16>,
    /// Its body, or the one that a person made of it.
    pub body: Bytes,
    /// Whether the body is not the event's own.
    pub edited: bool,
}

/// The event in the input, if it still stands there.
pub async fn in_the_input(connection: &Connection, found: &FoundLetter) -> Result<Option<StoredMessage>, BrokerError> {
    let id = &found.letter.id;
    let event = streams::message_at(connection, &id.input, found.letter.event().0).await?;
    Ok(event.filter(|event| found.letter.is_of(event)))
}

/// What can be published of a dead letter's event; the inner error says why nothing can.
pub async fn original(
    connection: &Connection,
    plan: &Plan,
    found: &FoundLetter,
    edited: Option<Bytes>,
) -> Result<Result<OriginalEvent, String>, BrokerError> {
    let Some(found) = found.load(connection).await? else {
        return Ok(Err(format!("the dead letter is gone from stream {}", found.stream)));
    };
    let letter = &found.letter;
    let whole = if letter.needs_original(edited.is_some()) {
        let Some(event) = in_the_input(connection, &found).await? else {
            let (bytes, from) = (letter.bytes, letter.cut_from.unwrap_or(letter.bytes));
            return Ok(Err(format!(
                "the dead letter is cut ({bytes} of {from} bytes), and the event is gone from stream {}",
                letter.id.input
            )));
        };
        let body = match letter.element {
            None => event.payload.clone(),
            Some(number) => match of_the_list(plan, &event, number) {
                Some(body) => body,
                None => return Ok(Err(format!("its message holds no event {number} as the configuration reads it"))),
            },
        };
        let headers = event.headers.as_deref().into_iter().flatten();
        OriginalEvent {
            subject: event.subject.to_string(),
            headers: headers.filter(|(name, _)| !of_a_system(name)).cloned().collect(),
            element: letter.element,
            body,
            edited: false,
        }
    } else {
        OriginalEvent {
            subject: letter.subject.text.clone(),
            headers: letter.headers.clone(),
            element: letter.element,
            body: letter.body.clone(),
            edited: false,
        }
    };
    Ok(Ok(match edited {
        Some(body) => OriginalEvent { edited: body != whole.body, body, ..whole },
        None => whole,
    }))
}

/// The text of one event of a message's list.
fn of_the_list(plan: &Plan, message: &StoredMessage, number: u16) -> Option<Bytes> {
    let mut event = Event::begun(plan, message.clone(), message.stored_at);
    let texts = Decoder::default().texts(plan, plan.split.as_ref()?, &mut event).ok()??;
    texts.get(usize::from(number)).cloned()
}
