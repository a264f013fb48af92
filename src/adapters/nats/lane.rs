//! The lane's only writer: fast-ingest batches (ADR-50) with an expected sequence on every message.
//!
//! What nats-server 2.15.1 does, tried out one by one:
//! * The reply subject is the protocol: `<inbox>.<flow>.fail.<batch sequence>.<operation>.$FI`. The server answers
//!   the start with `ack` 0 and then every `flow` messages; the flow is fixed by the first message.
//! * A ping is answered with the *last flow boundary*, not with what is stored: it keeps a batch alive and
//!   confirms nothing. Only the end of a batch confirms its tail: operation 2 stores its message and ends the batch
//!   (`{"seq":…,"count":…}`), operation 3 ends it without storing anything. When a batch here ends, `burst` says.
//!   The end is answered even where an ack inside the batch has confirmed its last message already.
//! * The first refusal (10071 for a wrong sequence, 10077 for a full stream) ends the batch and nothing after it
//!   is stored; what follows is answered 10208, as after 10 s of silence and after a restart of the server. A
//!   deleted stream answers 503. A skipped batch sequence answers `gap`. An idle death is not announced.
//!
//! A batch never starts before the end of the one before it is answered: a stranger's messages could otherwise take the
//! place of refused ones and let later ones in. Nothing is sent twice here, and nothing is decided.

use super::batch::{Answered, Book, Place};
use super::connect::{Connection, Trouble};
use super::lane_reply::Reply;
use super::subjects::Subjects;
use crate::core::ids::LaneSequence;
use crate::core::output::{self, Output};
use crate::ports::stream::{BrokerError, LaneEvent};
use async_nats::header::{HeaderName, HeaderValue, NATS_EXPECTED_LAST_SEQUENCE};
use async_nats::{Client, HeaderMap, PublishErrorKind, StatusCode, Subject, Subscriber};
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StringDeserializer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Messages between two acks inside a batch; the server allows 500 for a single batch on a stream.
const FLOW: u64 = 500;
/// Unconfirmed messages at most. The server's queue for one stream holds 100,000 messages or 128 MiB.
const WINDOW: u64 = 8_000;
/// Two of these without progress while something is unconfirmed, and the lane is called lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be done after the last message of a `send`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// More is at hand: leave the batch open. It dies after 10 s of silence.
    More,
    /// Nothing is at hand: end the batch, so that all of it is confirmed at once.
    Settle,
}

/// Where a lane is written to, and what its headers say of the writer.
#[derive(Clone, Debug)]
pub struct LaneTarget {
    /// The input stream's name, as in `Sidestream-Position`.
    pub input_stream: String,
    /// The value of `Sidestream-Run`.
    pub run: String,
    /// The lane's last sequence: the first message sent becomes the next.
    pub after: LaneSequence,
}

/// What both halves know.
#[derive(Debug)]
struct Shared {
    /// The lane sequence before the open batch's first message; changes only between batches.
    base: AtomicU64,
    /// The lane sequence of the last message sent.
    sent: AtomicU64,
    /// Batches that were ended.
    ended: AtomicU64,
}

/// What the acks tell the writer.
#[derive(Clone, Copy, Debug)]
struct Progress {
    answered: Answered,
    over: bool,
}

/// The sending half.
#[derive(Debug)]
pub struct LaneWriter {
    client: Client,
    target: LaneTarget,
    shared: Arc<Shared>,
    progress: watch::Receiver<Progress>,
    /// The reply subject up to the batch sequence.
    reply: String,
    /// Which message has which place.
    book: Book,
    /// What was answered when last asked.
    known: Answered,
    subject: Option<Subject>,
    subjects: Subjects<Subject>,
}

/// The receiving half. It must be read while the other sends: a full window waits for it.
#[derive(Debug)]
pub struct LaneAcks {
    replies: Subscriber,
    shared: Arc<Shared>,
    progress: watch::Sender<Progress>,
    trouble: watch::Receiver<Option<Trouble>>,
}

/// Opens a lane for writing. Nothing is sent yet; the first refusal comes with the first message.
pub async fn open(connection: &Connection, target: LaneTarget) -> Result<(LaneWriter, LaneAcks), BrokerError> {
    let client = connection.client().clone();
    // The server takes the inbox's two tokens for its own prefix and the batch's name. Batches that follow each
    // other share the name: the one before is confirmed, and forgotten, by then.
    let inbox = client.new_inbox();
    let replies = client
        .subscribe(format!("{inbox}.>"))
        .await
        .map_err(|error| BrokerError::Transient(format!("the connection is closed: {error}")))?;
    let mut trouble = connection.trouble();
    trouble.mark_unchanged();
    let (sent, target_after) = (target.after.0, target.after);
    let shared = Arc::new(Shared { base: AtomicU64::new(sent), sent: AtomicU64::new(sent), ended: AtomicU64::new(0) });
    let known = Answered { confirmed: sent, ended: 0 };
    let (report, progress) = watch::channel(Progress { answered: known, over: false });
    let writer = LaneWriter {
        client,
        target,
        shared: shared.clone(),
        progress,
        reply: format!("{inbox}.{FLOW}.fail."),
        book: Book::new(target_after),
        known,
        subject: None,
        subjects: Subjects::new(),
    };
    Ok((writer, LaneAcks { replies, shared, progress: report, trouble }))
}

impl LaneWriter {
    /// Sends outputs, numbered on from the last one. Waits while the window is full and, before a new batch, for
    /// the confirmation of the one before. An error means that the lane is over; `LaneAcks` says why.
    pub async fn send(&mut self, outputs: &[Output], then: Then) -> Result<(), BrokerError> {
        let Some(last) = outputs.len().checked_sub(1) else {
            return if then == Then::Settle { self.settle().await } else { Ok(()) };
        };
        if self.progress.borrow().over {
            return Err(over());
        }
        for (index, output) in outputs.iter().enumerate() {
            let settle = then == Then::Settle && index == last;
            self.room().await?;
            let place = self.book.place(settle);
            let subject = self.subjects.get(&output.subject, |text| Subject::from(&**text));
            let headers = headers(output, &self.target, place.expected)?;
            // Counted before it leaves: an answer must never find a message that was not sent.
            self.shared.base.store(place.base, Ordering::Release);
            self.shared.sent.store(place.sequence, Ordering::Release);
            self.shared.ended.store(self.book.ended(), Ordering::Release);
            self.publish(subject.clone(), place, Some(headers), output.payload.clone()).await?;
            self.subject = Some(subject);
        }
        Ok(())
    }

    /// Ends the open batch, so that everything sent is confirmed at once; does nothing when none is open.
    pub async fn settle(&mut self) -> Result<(), BrokerError> {
        let (Some(place), Some(subject)) = (self.book.settle(), self.subject.clone()) else { return Ok(()) };
        self.shared.ended.store(self.book.ended(), Ordering::Release);
        self.publish(subject, place, None, "".into()).await
    }

    /// Ends the lane: waits until everything sent is confirmed, or the lane is over without that.
    pub async fn close(mut self) -> Result<LaneSequence, BrokerError> {
        self.settle().await?;
        let sent = self.book.sent();
        self.until(|_, answered| answered.confirmed >= sent.0).await.map(|()| sent)
    }

    /// The lane sequence of the last message sent.
    pub fn sent(&self) -> LaneSequence {
        self.book.sent()
    }

    /// Whether a batch is open.
    pub fn is_open(&self) -> bool {
        self.book.is_open()
    }

    /// Whether the open batch had better stay open behind so many more outputs; see `Book::stays_open`.
    pub fn stays_open(&self, more: usize) -> bool {
        self.book.stays_open(more, FLOW, self.progress.borrow().answered)
    }

    /// Waits for room; see `Book::has_room`.
    async fn room(&mut self) -> Result<(), BrokerError> {
        if self.book.has_room(WINDOW, self.known) {
            return Ok(());
        }
        self.until(|book, answered| book.has_room(WINDOW, answered)).await
    }

    /// Waits until the server has answered enough.
    async fn until(&mut self, enough: impl Fn(&Book, Answered) -> bool) -> Result<(), BrokerError> {
        let LaneWriter { book, progress, known, .. } = self;
        match progress.wait_for(|progress| progress.over || enough(book, progress.answered)).await {
            Ok(progress) if !progress.over => {
                *known = progress.answered;
                Ok(())
            }
            _ => Err(over()),
        }
    }

    async fn publish(
        &self,
        subject: Subject,
        Place { batch_sequence, operation, .. }: Place,
        headers: Option<HeaderMap>,
        payload: bytes::Bytes,
    ) -> Result<(), BrokerError> {
        let mut reply = String::with_capacity(self.reply.len() + 26);
        let mut number = itoa::Buffer::new();
        for part in [&self.reply, number.format(batch_sequence), "."] {
            reply.push_str(part);
        }
        for part in [number.format(operation), ".$FI"] {
            reply.push_str(part);
        }
        let published = match headers {
            Some(headers) => {
                self.client.publish_with_reply_and_headers(subject, Subject::from(reply), headers, payload).await
            }
            None => self.client.publish_with_reply(subject, Subject::from(reply), payload).await,
        };
        published.map_err(|error| match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => BrokerError::Permanent {
                what: format!("an output exceeds the server's max_payload: {error}"),
                hint: "lower output.max_bytes below the server's max_payload".to_owned(),
            },
            _ => BrokerError::Transient(format!("publishing to the lane: {error}")),
        })
    }
}

fn over() -> BrokerError {
    BrokerError::Transient("the lane is over".to_owned())
}

impl LaneAcks {
    /// The next news of the lane. After `Refused` and `Lost` there is none: the lane is over.
    pub async fn next(&mut self) -> LaneEvent {
        let mut stalled_at = None;
        loop {
            let known = *self.progress.borrow();
            if known.over {
                return LaneEvent::Lost("the lane is over".to_owned());
            }
            let event = tokio::select! {
                biased;
                reply = self.replies.next() => match reply {
                    Some(reply) if reply.status == Some(StatusCode::NO_RESPONDERS) => self.hear(Reply::Nobody),
                    Some(reply) => self.hear(Reply::parse(&reply.subject, &reply.payload)),
                    None => Some(LaneEvent::Lost("the connection is closed".to_owned())),
                },
                // A change without a value means that the connection's own task has ended.
                changed = self.trouble.changed() => match (changed, self.trouble.borrow_and_update().clone()) {
                    (Ok(()), None | Some(Trouble::LameDuck)) => None,
                    (_, trouble) => Some(LaneEvent::Lost(
                        trouble.map_or_else(|| "the connection is closed".to_owned(), |trouble| trouble.to_string()),
                    )),
                },
                () = tokio::time::sleep(PATIENCE) => {
                    let (sent, ended) = (&self.shared.sent, &self.shared.ended);
                    let (sent, ended) = (sent.load(Ordering::Acquire), ended.load(Ordering::Acquire));
                    let owed = Book::is_owed(sent, ended, known.answered);
                    let stalled = owed && stalled_at == Some(known.answered);
                    stalled_at = owed.then_some(known.answered);
                    stalled.then(|| LaneEvent::Lost("no confirmation for longer than 5 s".to_owned()))
                }
            };
            match event {
                Some(confirmed @ LaneEvent::Confirmed(_)) => return confirmed,
                Some(end) => {
                    self.progress.send_modify(|progress| progress.over = true);
                    return end;
                }
                None => {}
            }
        }
    }

    /// What a reply means, `None` when it is no news; the writer hears of it, too.
    fn hear(&self, reply: Reply) -> Option<LaneEvent> {
        let (base, sent) = (self.shared.base.load(Ordering::Acquire), self.shared.sent.load(Ordering::Acquire));
        let mut event = None;
        self.progress.send_modify(|progress| event = progress.answered.hear(reply, base, sent));
        event
    }
}

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
fn headers(output: &Output, target: &LaneTarget, expected: Option<u64>) -> Result<HeaderMap, BrokerError> {
    let mut block = String::with_capacity(256);
    let mut number = itoa::Buffer::new();
    block.push_str(&target.input_stream);
    for part in [output.position.0, output.n.into()] {
        block.push(':');
        block.push_str(number.format(part));
    }
    line(&mut block, output::TIME, number.format(output.stored_at.0));
    line(&mut block, output::RUN, &target.run);
    let dead = output.dead.iter().flat_map(|dead| dead.headers.iter().map(|(name, value)| (*name, value)));
    let copied = output.copied.iter().flat_map(|copied| copied.iter().map(|(name, value)| (name.as_str(), value)));
    for (name, value) in dead.chain(copied) {
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
