//! Messages into the input stream, in their order, each with the stream's own word on it.
//!
//! A duplicate is only one where the message that stands there says the same: it is read back and compared.

use super::link::Linked;
use crate::adapters::nats::confirm::{Confirmed, SentMessage};
use crate::adapters::nats::once::Once;
use crate::adapters::nats::streams;
use crate::protocol::gateway::identity::is_same;
use crate::protocol::gateway::problem::{NOT_STORED, REUSED, RequestFault, TOO_LARGE, UNCONFIRMED};
use crate::protocol::gateway::request::{Admitted, EventVerdict};
use futures_util::future::join_all;

/// After so many seconds a sender may try again.
const AGAIN_S: u64 = 1;

/// A message on its way, or why it is not.
enum OnItsWay {
    Sent(SentMessage, Admitted, Option<String>),
    Not(RequestFault),
}

/// Publishes the messages of a request in order and waits for every word. With each comes the key under which the sender says
/// the same again, where it has none of its own.
pub(super) async fn publish(
    linked: &Linked,
    stream: &str,
    messages: Vec<Result<(Admitted, Option<String>), RequestFault>>,
) -> Vec<EventVerdict> {
    let mut sent = Vec::with_capacity(messages.len());
    for message in messages {
        sent.push(match message {
            Ok((message, again_as)) => send(linked, stream, message, again_as).await,
            Err(fault) => OnItsWay::Not(fault),
        });
    }
    join_all(sent.into_iter().map(|sent| word(linked, stream, sent))).await
}

async fn send(linked: &Linked, stream: &str, message: Admitted, again_as: Option<String>) -> OnItsWay {
    let Admitted { subject, headers, body } = message.clone();
    let once = Once { stream: stream.to_owned(), subject, headers, body };
    if once.size() > linked.max_bytes {
        let detail = format!("the server or the stream takes {} bytes at most", linked.max_bytes);
        return OnItsWay::Not(RequestFault::new(TOO_LARGE, detail));
    }
    match linked.confirmer.send(&once).await {
        Ok(sent) => OnItsWay::Sent(sent, message, again_as),
        Err(why) => OnItsWay::Not(RequestFault::later(NOT_STORED, why, AGAIN_S)),
    }
}

async fn word(linked: &Linked, stream: &str, sent: OnItsWay) -> EventVerdict {
    let (sent, message, again_as) = match sent {
        OnItsWay::Sent(sent, message, again_as) => (sent, message, again_as),
        OnItsWay::Not(fault) => return EventVerdict::Failed(fault),
    };
    let unknown =
        |why: String| EventVerdict::Failed(RequestFault { again_as, ..RequestFault::later(UNCONFIRMED, why, AGAIN_S) });
    match sent.word().await {
        Confirmed::Stored { sequence, duplicate: false } => {
            EventVerdict::Stored { position: sequence, duplicate: false }
        }
        Confirmed::Stored { sequence, duplicate: true } => {
            let found = streams::message_at(&linked.connection, stream, sequence).await;
            match found {
                Ok(Some(before)) if !is_same(&message, &before) => {
                    let detail = format!("position {sequence} holds another event under this identity");
                    EventVerdict::Failed(RequestFault::new(REUSED, detail))
                }
                // One that is gone cannot be compared, and was confirmed to somebody.
                Ok(_) => EventVerdict::Stored { position: sequence, duplicate: true },
                Err(error) => unknown(format!("an event is stored under this identity, and was not read: {error}")),
            }
        }
        Confirmed::Not(why) => EventVerdict::Failed(RequestFault::later(NOT_STORED, why, AGAIN_S)),
        Confirmed::Unknown(why) => unknown(why),
    }
}
