//! The lane's receiving half: replies, silence and the connection's troubles become news of the lane.
//!
//! What a reply means stands in `batch`, how long none may come in `patience`. Nothing is stored or numbered here.

use super::batch::{Answered, Book};
use super::connect::Trouble;
use super::lane::{AckProgress, LaneShared};
use super::lane_reply::{About, Reply, reply_prefix};
use super::patience::{AnswerPatience, Tick};
use crate::core::ids::LaneSequence;
use crate::ports::stream::LaneEvent;
use crate::protocol::window::FLOW;
use async_nats::{Client, StatusCode, Subject, Subscriber};
use futures_util::StreamExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;
use tokio::time::Interval;

/// The receiving half. It must be read while the other sends: a full window waits for it.
#[derive(Debug)]
pub struct LaneAcks {
    pub(super) replies: Subscriber,
    pub(super) shared: Arc<LaneShared>,
    pub(super) progress: watch::Sender<AckProgress>,
    pub(super) client: Client,
    pub(super) inbox: String,
    pub(super) ticks: Interval,
    pub(super) patience: AnswerPatience,
    pub(super) trouble: watch::Receiver<Option<Trouble>>,
}

impl LaneAcks {
    /// Everything up to here is confirmed.
    pub fn confirmed(&self) -> LaneSequence {
        LaneSequence(self.progress.borrow().answered.confirmed)
    }

    /// The next news of the lane. After `Refused` and `Lost` there is none: the lane is over.
    pub async fn next(&mut self) -> LaneEvent {
        loop {
            let known = *self.progress.borrow();
            if known.over {
                return LaneEvent::Lost("the lane is over".to_owned());
            }
            let event = tokio::select! {
                biased;
                reply = self.replies.next() => match reply {
                    Some(reply) => {
                        self.patience.heard();
                        let about = About::parse(&reply.subject);
                        match reply.status {
                            Some(StatusCode::NO_RESPONDERS) => self.hear(about, Reply::Nobody),
                            _ => self.hear(about, Reply::parse(&reply.subject, &reply.payload)),
                        }
                    }
                    None => Some(LaneEvent::Lost("the connection is closed".to_owned())),
                },
                // A change without a value means that the connection's own task has ended.
                changed = self.trouble.changed() => match (changed, self.trouble.borrow_and_update().clone()) {
                    (Ok(()), None | Some(Trouble::LameDuck)) => None,
                    (_, trouble) => Some(LaneEvent::Lost(
                        trouble.map_or_else(|| "the connection is closed".to_owned(), |trouble| trouble.to_string()),
                    )),
                },
                _ = self.ticks.tick() => {
                    let (sent, ended) = (&self.shared.sent, &self.shared.ended);
                    let (sent, ended) = (sent.load(Ordering::Acquire), ended.load(Ordering::Acquire));
                    match self.patience.tick(Book::is_owed(sent, ended, known.answered), known.answered) {
                        Tick::Wait => None,
                        Tick::Ping => self.ping(known.answered).await,
                        Tick::GiveUp(why) => Some(LaneEvent::Lost(why.to_owned())),
                    }
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
    fn hear(&self, about: About, reply: Reply) -> Option<LaneEvent> {
        let (base, sent) = (self.shared.base.load(Ordering::Acquire), self.shared.sent.load(Ordering::Acquire));
        let mut event = None;
        self.progress.send_modify(|progress| event = progress.answered.hear(about, reply, base, sent));
        event
    }

    /// Asks the server what it knows of the batch at hand, behind what the client has of it.
    async fn ping(&self, answered: Answered) -> Option<LaneEvent> {
        let (sent, ended) = &self.shared.with_client;
        let batch = answered.ended + 1;
        // In this order: behind an end nothing of its batch follows, and a batch begins with its base.
        let behind_end = ended.load(Ordering::Acquire) >= batch;
        let sent = sent.load(Ordering::Acquire);
        let sent = sent.checked_sub(self.shared.base.load(Ordering::Acquire)).filter(|sent| *sent > 0)?;
        let subject = self.shared.subject.get()?.clone();
        let reply = format!("{}{sent}.4.$FI", reply_prefix(&self.inbox, batch, FLOW, behind_end));
        let sending = self.client.publish_with_reply(subject, Subject::from(reply), "".into());
        // A client that takes nothing is at odds with its server: its own pings find that out.
        match tokio::time::timeout(AnswerPatience::TICK, sending).await {
            Ok(Err(error)) => Some(LaneEvent::Lost(format!("pinging the lane: {error}"))),
            Ok(Ok(())) | Err(_) => None,
        }
    }
}
