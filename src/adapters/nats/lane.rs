//! The lane's only writer: fast-ingest batches (ADR-50) with an expected sequence on every message.
//!
//! What nats-server 2.15.1 does, tried out one by one:
//! * The reply subject is the protocol (`lane_reply`). The server answers the start with `ack` 0 and then every `flow`
//!   messages; the flow is fixed by the first message.
//! * A ping is answered with the *last flow boundary*, not with what is stored: it keeps a batch alive and
//!   confirms nothing. Only the end of a batch confirms its tail: operation 2 stores its message and ends the batch
//!   (`{"seq":…,"count":…}`), operation 3 ends it without storing anything. When a batch here ends, `burst` says.
//!   The end is answered even where an ack inside the batch has confirmed its last message already.
//! * On three servers an open batch survives a change of leaders: the new one acks what it holds of it, and reports a gap
//!   at a message or ping beyond that. Operation 3 is not replicated: the new leader takes such a batch for open, for 10 s.
//! * The first refusal (10071 for a wrong sequence, 10077 for a full stream) ends the batch and nothing after it
//!   is stored; what follows is answered 10208, as after 10 s of silence and after a restart of the server. A
//!   deleted stream answers 503. A skipped batch sequence answers `gap`. An idle death is not announced.
//!
//! A batch never starts before the end of the one before it is answered: a stranger's messages could otherwise take the
//! place of refused ones and let later ones in. Nothing is sent twice here, and nothing is decided.

use super::batch::{Answered, BatchPlace, Book};
use super::connect::Connection;
use super::lane_headers::headers;
use super::lane_reply::reply_prefix;
use super::patience::AnswerPatience;
use super::subjects::SubjectCache;
use crate::core::ids::LaneSequence;
use crate::core::output::Output;
use crate::ports::stream::BrokerError;
use crate::protocol::window::{FLOW, WINDOW};
use async_nats::{Client, HeaderMap, PublishErrorKind, Subject};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

pub use super::lane_acks::LaneAcks;

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
    /// The input stream's name as in `Sidestream-Position`, with the number of rewinds.
    pub input_stream: String,
    /// The value of `Sidestream-Rewinds`, where the input was rewound.
    pub rewinds: Option<String>,
    /// The value of `Sidestream-Run`.
    pub run: String,
    /// The lane's last sequence: the first message sent becomes the next.
    pub after: LaneSequence,
}

/// What both halves know.
#[derive(Debug)]
pub(super) struct LaneShared {
    /// The lane sequence before the open batch's first message; changes only between batches.
    pub(super) base: AtomicU64,
    /// The lane sequence of the last message sent.
    pub(super) sent: AtomicU64,
    /// Batches that were ended.
    pub(super) ended: AtomicU64,
    /// The lane sequence of the last message that is with the client, and the batches whose end is: what a ping is behind.
    pub(super) with_client: (AtomicU64, AtomicU64),
    /// A subject of the lane, for pings.
    pub(super) subject: OnceLock<Subject>,
}

/// What the acks tell the writer.
#[derive(Clone, Copy, Debug)]
pub(super) struct AckProgress {
    pub(super) answered: Answered,
    pub(super) over: bool,
}

/// The sending half.
#[derive(Debug)]
pub struct LaneWriter {
    client: Client,
    target: LaneTarget,
    shared: Arc<LaneShared>,
    progress: watch::Receiver<AckProgress>,
    inbox: String,
    /// The reply subject of the batch with this number up to the batch sequence.
    reply: (u64, String),
    /// Which message has which place.
    book: Book,
    /// What was answered when last asked.
    known: Answered,
    subject: Option<Subject>,
    subjects: SubjectCache<Subject>,
}

/// Opens a lane for writing. Nothing is sent yet; the first refusal comes with the first message.
pub async fn open(connection: &Connection, target: LaneTarget) -> Result<(LaneWriter, LaneAcks), BrokerError> {
    let client = connection.client().clone();
    let inbox = client.new_inbox();
    let replies = client
        .subscribe(format!("{inbox}.>"))
        .await
        .map_err(|error| BrokerError::Transient(format!("the connection is closed: {error}")))?;
    let mut trouble = connection.trouble();
    trouble.mark_unchanged();
    let (sent, target_after) = (target.after.0, target.after);
    let shared = Arc::new(LaneShared {
        base: AtomicU64::new(sent),
        sent: AtomicU64::new(sent),
        ended: AtomicU64::new(0),
        with_client: (AtomicU64::new(sent), AtomicU64::new(0)),
        subject: OnceLock::new(),
    });
    let mut ticks = interval(AnswerPatience::TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let known = Answered { confirmed: sent, ended: 0 };
    let (report, progress) = watch::channel(AckProgress { answered: known, over: false });
    let acks = LaneAcks {
        replies,
        shared: shared.clone(),
        progress: report,
        client: client.clone(),
        inbox: inbox.clone(),
        ticks,
        patience: AnswerPatience::default(),
        trouble,
    };
    let writer = LaneWriter {
        client,
        target,
        shared,
        progress,
        inbox,
        reply: (0, String::new()),
        book: Book::new(target_after),
        known,
        subject: None,
        subjects: SubjectCache::new(),
    };
    Ok((writer, acks))
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
            self.with_client();
            self.subject = Some(subject);
        }
        Ok(())
    }

    /// Ends the open batch, so that everything sent is confirmed at once; does nothing when none is open.
    pub async fn settle(&mut self) -> Result<(), BrokerError> {
        let (Some(place), Some(subject)) = (self.book.settle(), self.subject.clone()) else { return Ok(()) };
        self.shared.ended.store(self.book.ended(), Ordering::Release);
        self.publish(subject, place, None, "".into()).await?;
        self.with_client();
        Ok(())
    }

    fn with_client(&self) {
        let (sent, ended) = &self.shared.with_client;
        sent.store(self.book.sent().0, Ordering::Release);
        ended.store(self.book.ended(), Ordering::Release);
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

    /// Everything up to here is confirmed.
    pub fn confirmed(&self) -> LaneSequence {
        LaneSequence(self.progress.borrow().answered.confirmed)
    }

    /// Waits until the lane is over, and fails then.
    pub async fn over(&mut self) -> BrokerError {
        // A listener that is gone tells no more than one that has heard of the end.
        let _ = self.progress.wait_for(|progress| progress.over).await;
        over()
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
        if self.book.has_room(WINDOW.outputs, self.known) {
            return Ok(());
        }
        self.until(|book, answered| book.has_room(WINDOW.outputs, answered)).await
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
        &mut self,
        subject: Subject,
        BatchPlace { batch, batch_sequence, operation, .. }: BatchPlace,
        headers: Option<HeaderMap>,
        payload: bytes::Bytes,
    ) -> Result<(), BrokerError> {
        if self.reply.0 != batch {
            self.reply = (batch, reply_prefix(&self.inbox, batch, FLOW, false));
            self.shared.subject.get_or_init(|| subject.clone());
        }
        let prefix = &self.reply.1;
        let mut reply = String::with_capacity(prefix.len() + 26);
        let mut number = itoa::Buffer::new();
        for part in [prefix, number.format(batch_sequence), "."] {
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
