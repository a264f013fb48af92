//! The catalogue of what a gateway says no with: each problem has a name, a status, and a page that tells what to do.
//!
//! Names are stable; a dead letter's reason is the problem of the same name with `-`. Details never repeat an event's own text.

use crate::core::rejection::{Reason, Rejection};

/// A kind of problem (RFC 9457).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its name, the last part of its type's address.
    pub slug: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A sentence without the case's own facts.
    pub title: &'static str,
    /// What its page says: why, and what to do.
    pub page: &'static str,
}

macro_rules! problems {
    ($($id:ident = $slug:literal, $status:literal, $title:literal, $page:literal;)*) => {
        $(
            #[doc = $title]
            pub const $id: &Problem = &Problem { slug: $slug, status: $status, title: $title, page: $page };
        )*

        /// Every problem, in the order of the list of pages.
        pub const ALL: &[&Problem] = &[$($id),*];
    };
}

problems! {
    UNAUTHORIZED = "unauthorized", 401, "No known token came with the request.",
        "Send `Authorization: Bearer TOKEN` with a token whose SHA-256 stands in the gateway's tokens_file.";
    FORBIDDEN = "forbidden", 403, "The token may not send this.",
        "The token's scopes do not cover the kind of the event: it needs `ingest`, or `ingest:KIND`.";
    FOREIGN_PAGE = "foreign-page", 403, "A gateway without tokens takes nothing from web pages.",
        "The request has an Origin header. Configure gateway.tokens_file, and send a token.";
    NOT_FOUND = "not-found", 404, "There is no such page.",
        "Events are sent with POST to /v1/events or /v1/events/KIND.";
    METHOD = "method-not-allowed", 405, "This page is not asked for so.",
        "Events are sent with POST; pages are read with GET.";
    TIMEOUT = "request-timeout", 408, "The request did not come in time.",
        "Nothing was stored. The whole body has to be there within gateway.request_timeout_ms.";
    LENGTH = "length-required", 411, "The request does not say where its body ends.",
        "Send Content-Length, or Transfer-Encoding: chunked.";
    TOO_LARGE = "too-large", 413, "The body or the event is too large.",
        "Nothing of it was stored. A body is bounded by gateway.max_body_bytes, after it is unpacked, too; an event and its headers by output.max_bytes, by the server and by the stream.";
    BATCH_TOO_LARGE = "batch-too-large", 413, "The batch has too many events.",
        "Nothing was stored. Send it in parts of at most gateway.max_batch events.";
    MEDIA_TYPE = "unsupported-media-type", 415, "The body is of no type that is taken.",
        "Send application/json, application/x-ndjson, application/cloudevents+json, application/cloudevents-batch+json, or any type with the headers of a CloudEvent in binary mode. A body may be packed with gzip, and with nothing else.";
    WRONG_HOST = "wrong-host", 421, "The request is for another host.",
        "A gateway without tokens answers to IP addresses and localhost alone: a name may have been led here by a stranger's page.";
    BAD_GZIP = "bad-gzip", 400, "The body is no gzip data, or damaged.", "Nothing was stored. Pack the body again.";
    BAD_HEADER = "bad-header", 400, "A header cannot be stored.",
        "Headers that are stored have printable ASCII alone; the binding of CloudEvents writes everything else as %XX. Idempotency-Key and Correlation-Id have 1 to 255 characters.";
    BAD_BATCH = "bad-batch", 400, "The body is no batch.",
        "A batch of CloudEvents is a JSON array of objects with at least one member; NDJSON has an object in each line.";
    BAD_CLOUD_EVENT = "bad-cloudevent", 400, "The event is no CloudEvent.",
        "`specversion` is 1.0; `id`, `source` and `type` are there and not empty; names of attributes have lower-case letters and digits alone.";
    NO_KIND = "no-kind", 400, "Nobody says of which kind the event is.",
        "Send it to /v1/events/KIND, or as a CloudEvent, or with the kind where event.kind of the configuration looks for it.";
    REUSED = "idempotency-key-reused", 422, "Another event was stored under the same identity.",
        "This one was not stored. An identity (Idempotency-Key, source and id of a CloudEvent, or the event's own id) stands for one content: give a new event a new one.";
    RATE = "rate-limited", 429, "The sender sends too fast.",
        "Nothing was stored. Send it again after Retry-After seconds; gateway.rate_per_s and gateway.burst are the bounds.";
    BUSY = "busy", 503, "The gateway has too much in its hands.",
        "Nothing was stored. Send it again after Retry-After seconds; gateway.max_in_flight_bytes is the bound.";
    NOT_STORED = "not-stored", 503, "The stream did not take the event.",
        "It is not stored: the server is away, or the stream is full, missing, or refuses it. Send it again after Retry-After seconds.";
    UNCONFIRMED = "unconfirmed", 503, "It is not known whether the event is stored.",
        "The server's confirmation did not come. Send the very same again: under the same identity it is stored once. An event without an identity of its own gets one in `idempotency_key`: send it as Idempotency-Key.";
    INCOMPLETE = "batch-incomplete", 400, "Not every event of the batch is stored.",
        "`items` has the status of each, in the batch's order. Sending the whole batch again is safe for events with an identity; what was refused has to be mended first.";
    UNWRAP = "unwrap", 400, "What the configuration takes off is not there, or is damaged.", "See event.unwrap.";
    NOT_JSON = "not-json", 400, "The event is no valid JSON.", "An event is one JSON text in UTF-8 (RFC 8259).";
    NOT_OBJECT = "not-object", 400, "The event is JSON and no object.", "An event is a JSON object.";
    TOO_DEEP = "too-deep", 400, "The event nests too deep.", "Arrays and objects nest 128 deep at most.";
    DUPLICATE_KEY = "duplicate-key", 400, "A name occurs twice in its object.",
        "Names that the configuration reads or adds must not occur twice.";
    NO_KEY = "no-key", 400, "The event has no key, or a row has no selector.", "`errors` says which member is absent or null.";
    BAD_KEY = "bad-key", 400, "The event's key, or a row's selector, is none.",
        "A key is a text that is not empty, or a whole number. `errors` says which member is not.";
    BAD_INTO = "bad-into", 400, "The object that fields are added to is not there.", "See `into` in the configuration's [[enrich]].";
    UNKNOWN_KIND = "unknown-kind", 400, "The event's kind is not known.",
        "No section of the configuration matches it, and engine.unknown_kinds is dead_letter.";
    DERIVE = "derive", 400, "A field cannot be worked out.", "See the configuration's [[derive]] with on_error = dead_letter.";
    VERSION = "version", 400, "The event's version is none, or not known.", "See the kind's `version` in the configuration.";
    QUALITY = "quality", 400, "The event breaks a rule of its quality.", "See the configuration's [[quality]] with on_violation = dead_letter.";
    INTERNAL = "internal", 500, "The gateway failed on this event.", "Nothing was stored. Please report it, with the event.";
}

/// The problem of a name.
pub fn find(slug: &str) -> Option<&'static Problem> {
    ALL.iter().copied().find(|problem| problem.slug == slug)
}

/// The problem that an event has at the door and that would make it a dead letter behind it.
pub fn of(reason: Reason) -> &'static Problem {
    match reason {
        Reason::Unwrap => UNWRAP,
        Reason::NotJson => NOT_JSON,
        Reason::NotObject => NOT_OBJECT,
        Reason::TooDeep => TOO_DEEP,
        Reason::DuplicateKey => DUPLICATE_KEY,
        Reason::NoKey => NO_KEY,
        Reason::BadKey => BAD_KEY,
        Reason::BadInto => BAD_INTO,
        Reason::TooLarge => TOO_LARGE,
        Reason::UnknownKind => UNKNOWN_KIND,
        Reason::Derive => DERIVE,
        Reason::Version => VERSION,
        Reason::Quality => QUALITY,
        // Whether a row is there, and who waits for one, is never asked at the door.
        Reason::Miss | Reason::WaitFull | Reason::Internal => INTERNAL,
    }
}

/// What is wrong in one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFault {
    /// The kind of problem.
    pub problem: &'static Problem,
    /// What is wrong here, without the event's own text.
    pub detail: String,
    /// The members or headers that are wrong.
    pub at: Vec<RequestPart>,
    /// After so many seconds it may be sent again.
    pub retry_after_s: Option<u64>,
    /// The `Idempotency-Key` under which an event without an identity of its own is sent again.
    pub again_as: Option<String>,
}

/// Something in a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestPart {
    /// A member of the event, as a JSON Pointer (RFC 6901).
    Member(String),
    /// A header.
    Header(String),
}

impl RequestFault {
    /// A fault with its sentence.
    pub fn new(problem: &'static Problem, detail: impl Into<String>) -> RequestFault {
        RequestFault { problem, detail: detail.into(), at: Vec::new(), retry_after_s: None, again_as: None }
    }

    /// The same, to be tried again later.
    pub fn later(problem: &'static Problem, detail: impl Into<String>, seconds: u64) -> RequestFault {
        RequestFault { retry_after_s: Some(seconds), ..RequestFault::new(problem, detail) }
    }

    /// The same at some place.
    pub fn at(self, at: RequestPart) -> RequestFault {
        RequestFault { at: vec![at], ..self }
    }
}

impl From<Rejection> for RequestFault {
    fn from(rejection: Rejection) -> RequestFault {
        RequestFault::new(of(rejection.reason), rejection.sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_problem_has_a_name_of_its_own_and_every_reason_is_one() {
        let slugs: BTreeSet<&str> = ALL.iter().map(|problem| problem.slug).collect();
        assert_eq!(slugs.len(), ALL.len());
        for problem in ALL {
            assert!(
                problem.status >= 400 && problem.title.ends_with('.') && problem.page.ends_with('.'),
                "{problem:?}"
            );
            assert_eq!(find(problem.slug), Some(*problem));
        }
        for reason in Reason::ALL.into_iter().filter(|reason| ![Reason::Miss, Reason::WaitFull].contains(reason)) {
            assert_eq!(of(reason).slug, reason.code().replace('_', "-"));
        }
    }
}
