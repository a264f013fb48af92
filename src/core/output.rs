//! What an event becomes: the output or dead letter before it has a place in the lane.
//!
//! The headers that depend on the run (`Sidestream-Run`) and on the lane (`Nats-Expected-Last-Sequence`) are
//! added by the lane's writer; everything here is a pure function of the input and the plan.

use super::ids::{Nanos, Position};
use super::rejection::Reason;
use bytes::Bytes;
use std::sync::Arc;

/// Where an output comes from: `<input stream>:<cause>:<n>`.
pub const POSITION: &str = "Sidestream-Position";
/// When its cause was stored, in nanoseconds since 1970.
pub const TIME: &str = "Sidestream-Time";
/// Which start of which engine published it, under which plan and from which origin.
pub const RUN: &str = "Sidestream-Run";
/// The rewinds of the input that an output stands behind: `<floor>@<lane sequence of the marker>`, several with commas.
pub const REWINDS: &str = "Sidestream-Rewinds";
/// A dead letter's reason code.
pub const REASON: &str = "Sidestream-Reason";
/// A dead letter's sentence.
pub const ERROR: &str = "Sidestream-Error";
/// A dead letter's original subject, percent-encoded.
pub const SUBJECT: &str = "Sidestream-Subject";
/// The kind of a dead letter, and of an output with an envelope, where it is known, percent-encoded.
pub const KIND: &str = "Sidestream-Kind";
/// The key of a dead letter, and of an output with an envelope, where it is known, percent-encoded.
pub const KEY: &str = "Sidestream-Key";
/// `1` where another message of the same event follows; the last one of an event, and nearly every output, has no such header.
pub const MORE: &str = "Sidestream-More";
/// `1` on a duplicate that is kept aside.
pub const DUPLICATE: &str = "Sidestream-Duplicate";
/// When the event was stored, in nanoseconds since 1970; `Sidestream-Time` is that of the cause.
pub const STORED: &str = "Sidestream-Stored";
/// Of an output whose event waited, where that event is: `<input stream>:<position>`; `Sidestream-Position` is that of the cause.
pub const EVENT: &str = "Sidestream-Event";
/// `1` on a message of the input that only moves stream time on; with it an empty body, and the subject of `[clock]`.
pub const TICK: &str = "Sidestream-Tick";
/// Of a dead letter, which event of its message its event was, from 0, where the message held a list of them; on a message of the
/// input, that its body is one event of a list and no list.
pub const ELEMENT: &str = "Sidestream-Element";
/// The original length of a dead letter's truncated body, in bytes.
pub const LENGTH: &str = "Sidestream-Length";

/// The beginnings of the header names that no output takes over from its event: the server's and our own.
pub const RESERVED_PREFIXES: [&str; 2] = ["Nats-", "Sidestream-"];

/// Whether a header is one of those.
pub fn is_reserved(name: &str) -> bool {
    RESERVED_PREFIXES
        .iter()
        .any(|prefix| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)))
}

/// Header names and values that an event carried, in the order in which they came.
pub type Headers = Vec<(String, String)>;

/// Headers of our own, with values ready for the wire.
pub type OwnHeaders = Vec<(&'static str, String)>;

/// One message for the lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The cause's position.
    pub position: Position,
    /// Which of the cause's outputs this is, from 0.
    pub n: u32,
    /// Whether another message of the same event follows, so that who finds this one at the lane's end knows that the event is
    /// not all out.
    pub followed: bool,
    /// When the cause was stored.
    pub stored_at: Nanos,
    /// The event's own time, where it carries one that can be read; used for latency only.
    pub event_time: Option<Nanos>,
    /// The subject to publish to.
    pub subject: Arc<str>,
    /// The event's own headers, without `Nats-*` and `Sidestream-*`.
    pub copied: Option<Arc<Headers>>,
    /// `Sidestream-Event` where its event waited, `Sidestream-Duplicate` where it is one, and `Sidestream-Kind`, `Sidestream-Key` and `Sidestream-Stored`, where the plan
    /// wants them on outputs. A dead letter has them among its own headers.
    pub envelope: Option<Box<OwnHeaders>>,
    /// What makes it a dead letter.
    pub dead: Option<Box<DeadLetter>>,
    /// The body.
    pub payload: Bytes,
}

/// A dead letter's reason and its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The reason code.
    pub reason: Reason,
    /// `Sidestream-Reason` and what follows it, values ready for the wire.
    pub headers: OwnHeaders,
}

impl Output {
    /// The headers of our own that depend on its event alone.
    pub fn own_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let dead = self.dead.iter().flat_map(|dead| &dead.headers);
        let all = dead.chain(self.envelope.iter().flat_map(|envelope| envelope.iter()));
        let more = self.followed.then_some((MORE, "1"));
        more.into_iter().chain(all.map(|(name, value)| (*name, value.as_str())))
    }

    /// Whether it is a duplicate that is kept aside.
    pub fn is_duplicate(&self) -> bool {
        let first = self.envelope.as_deref().and_then(|headers| headers.first());
        first.is_some_and(|(name, _)| *name == DUPLICATE)
    }

    /// The value of the `Sidestream-Position` header for the input stream's name.
    pub fn position_header(&self, input_stream: &str) -> String {
        format!("{input_stream}:{}:{}", self.position, self.n)
    }
}
