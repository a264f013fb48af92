//! A request as it came, the events in it, and what becomes of one.
//!
//! Header names are in lower case, as the HTTP library gives them; values with bytes that are no text hold U+FFFD there.

use super::problem::RequestFault;
use crate::core::output::Headers;
use bytes::Bytes;

/// A request to publish events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishRequest {
    /// The kind in the path, where there is one.
    pub kind: Option<String>,
    /// The headers, in the order in which they came.
    pub headers: Headers,
    /// The body, unpacked.
    pub body: Bytes,
}

impl PublishRequest {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One event of a request, before the plan is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Its kind, where the request says it; else the plan finds it.
    pub kind: Option<String>,
    /// The headers that are stored with it.
    pub headers: Headers,
    /// Its body, as it is stored.
    pub body: Bytes,
    /// What the sender says that it is known by.
    pub given: Option<GivenIdentity>,
    /// Its id as the sender wrote it, for the receipt.
    pub id: Option<String>,
}

/// What a sender says that an event is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenIdentity {
    /// `Idempotency-Key`; the events of a batch are told apart by their places.
    Key(String),
    /// `source` and `id` of a CloudEvent.
    CloudEvent {
        /// Its source.
        source: String,
        /// Its id.
        id: String,
    },
}

/// A message that may be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Its subject.
    pub subject: String,
    /// Its headers, `Nats-Msg-Id` among them, sorted by name.
    pub headers: Headers,
    /// Its body.
    pub body: Bytes,
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventVerdict {
    /// The stream has confirmed it.
    Stored {
        /// Its position.
        position: u64,
        /// Whether it stands there since an earlier request.
        duplicate: bool,
    },
    /// It is not known to be stored.
    Failed(RequestFault),
}

/// One event of a request in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredEvent {
    /// Its id, where the sender gave one.
    pub id: Option<String>,
    /// What became of it.
    pub verdict: EventVerdict,
}
