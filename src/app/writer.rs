//! The lane's writer: outputs of the sequencer go out, what the server says comes back, and a batch that was lost is
//! made good in place where the lane allows it.
//!
//! Numbers nothing: the sequencer says what goes where, and `protocol::reopen` whether the lane is gone on with.

use super::reopen::look;
use crate::adapters::nats::burst::Bursts;
use crate::adapters::nats::connect::Connection;
use crate::adapters::nats::lane::{self, LaneAcks, LaneTarget, LaneWriter};
use crate::core::ids::LaneSequence;
use crate::engine::ending::End;
use crate::engine::host::Address;
use crate::engine::messages::{Publish, Tell};
use crate::engine::sequencer::SequencerHands;
use crate::ports::stream::{BrokerError, LaneEvent};
use crate::protocol::machines::sequencer::ToSequencer;
use crate::protocol::reopen::{LeaderAccount, Own, Reopen, UnconfirmedOutputs, reopen};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long the leader of a lane is waited for before the start ends: an election takes up to 9 s.
const ELECTION: Duration = Duration::from_secs(15);
/// Between two questions to a stream without a leader.
const AGAIN: Duration = Duration::from_millis(100);
/// Times that a lane is opened again without a confirmation in between.
const VAIN: u32 = 5;

/// One start's way to the lane.
pub struct Writing {
    /// The lane's connection.
    pub connection: Connection,
    /// The output stream.
    pub stream: String,
    /// What the first batch begins behind, and what all headers say.
    pub target: LaneTarget,
    /// Who writes.
    pub own: Own,
}

/// What goes out.
struct SendQueue {
    publishes: mpsc::Receiver<Publish>,
    kept: UnconfirmedOutputs,
    /// The last sequence that may be in the lane through us.
    handed: Arc<AtomicU64>,
}

/// Publishes for the sequencer until it is gone or the lane cannot be gone on with. `handed` is the last sequence that may be in
/// the lane through us.
pub async fn write(
    (mut writing, (mut writer, mut acks)): (Writing, (LaneWriter, LaneAcks)),
    publishes: mpsc::Receiver<Publish>,
    handed: Arc<AtomicU64>,
    sequencer: Address<SequencerHands>,
) -> Option<End> {
    let mut queue = SendQueue { publishes, kept: UnconfirmedOutputs::new(writing.target.after), handed };
    let (mut vain, mut before) = (0, writing.target.after);
    loop {
        let (event, back) = match burst(writer, acks, queue, &sequencer).await {
            Ok(lost) => lost,
            Err(end) => return Some(end),
        };
        queue = back.queue;
        vain = if back.confirmed > before { 0 } else { vain + 1 };
        before = back.confirmed;
        let lost = matches!(event, LaneEvent::Lost(_)) && vain < VAIN;
        let behind = if lost { writing.behind(back.confirmed, &queue.kept).await } else { None };
        let Some((last, opened)) = behind else { return tell(&sequencer, event).await };
        tracing::info!(?event, last = last.0, sent = queue.kept.last().0, "the lane is opened again");
        if last > back.confirmed
            && let Some(end) = tell(&sequencer, LaneEvent::Confirmed(last)).await
        {
            return Some(end);
        }
        (writer, acks) = opened;
    }
}

impl Writing {
    /// Opens the lane for its first batch.
    pub async fn open(self) -> Result<(Writing, (LaneWriter, LaneAcks)), BrokerError> {
        let opened = lane::open(&self.connection, self.target.clone()).await?;
        Ok((self, opened))
    }

    /// Opens the lane again behind what is stored of this start; `None`: the start rules must look at it.
    async fn behind(
        &mut self,
        confirmed: LaneSequence,
        kept: &UnconfirmedOutputs,
    ) -> Option<(LaneSequence, (LaneWriter, LaneAcks))> {
        let seen = timeout(ELECTION, self.seen()).await.ok()??;
        match reopen(&self.own, confirmed, kept, &seen) {
            Reopen::Behind(last) => {
                self.target.after = last;
                let opened = lane::open(&self.connection, self.target.clone()).await.ok()?;
                Some((last, opened))
            }
            Reopen::Anew(why) => {
                tracing::info!(why, "the lane is not opened again");
                None
            }
        }
    }

    /// What the stream's leader says, as soon as there is one.
    async fn seen(&self) -> Option<LeaderAccount> {
        loop {
            match look(&self.connection, &self.stream).await {
                Ok(seen) => return Some(seen),
                Err(BrokerError::Transient(why)) => tracing::debug!(why, "asking the lane's leader"),
                Err(BrokerError::Permanent { .. } | BrokerError::Denied { .. }) => return None,
            }
            sleep(AGAIN).await;
        }
    }
}

async fn tell(sequencer: &Address<SequencerHands>, event: LaneEvent) -> Option<End> {
    let told = sequencer.send(Tell(ToSequencer::Lane(event))).await;
    told.is_err().then(|| End::Broken("the sequencer died".to_owned()))
}

/// A lane that is over.
struct Back {
    queue: SendQueue,
    /// Everything up to here is confirmed.
    confirmed: LaneSequence,
}

/// Publishes and listens until the lane is over.
async fn burst(
    writer: LaneWriter,
    mut acks: LaneAcks,
    queue: SendQueue,
    sequencer: &Address<SequencerHands>,
) -> Result<(LaneEvent, Back), End> {
    // A task of its own, so that sending and listening run side by side; it ends with this function at the latest.
    let mut sending = JoinSet::new();
    sending.spawn(send(Bursts::new(writer), queue));
    let mut sent = None;
    let event = {
        let listening = listen(&mut acks, sequencer);
        tokio::pin!(listening);
        loop {
            tokio::select! {
                event = &mut listening => break event?,
                Some(result) = sending.join_next(), if sent.is_none() => sent = Some(back(result)?),
            }
        }
    };
    let confirmed = acks.confirmed();
    // The sender finds the lane over at its next step.
    let queue = match sent {
        Some(queue) => queue,
        None => back(sending.join_next().await.unwrap_or_else(|| Ok(Err(None))))?,
    };
    Ok((event, Back { queue, confirmed }))
}

type SendResult = Result<SendQueue, Option<End>>;

fn back(result: Result<SendResult, tokio::task::JoinError>) -> Result<SendQueue, End> {
    match result {
        Ok(Ok(queue)) => Ok(queue),
        Ok(Err(Some(end))) => Err(end),
        Ok(Err(None)) => Err(End::Broken("the lane's writer lost its outputs".to_owned())),
        Err(error) => Err(End::Broken(format!("the lane's writer died: {error}"))),
    }
}

/// Sends what is kept behind the lane's end, and then what comes, until the lane is over or the sequencer is gone.
async fn send(mut bursts: Bursts, mut queue: SendQueue) -> SendResult {
    let behind = bursts.sent();
    let mut again = queue.kept.behind(behind).peekable();
    while let Some((_, outputs)) = again.next() {
        let more = again.peek().is_some() || !queue.publishes.is_empty();
        if let Err(error) = bursts.send(outputs, more).await {
            drop(again);
            return failed(error, queue);
        }
    }
    drop(again);
    loop {
        queue.kept.confirmed(bursts.confirmed());
        let next = match bursts.next(&mut queue.publishes).await {
            Ok(next) => next,
            Err(error) => return failed(error, queue),
        };
        let Some(Publish { first, outputs }) = next else { return Ok(queue) };
        let sent = bursts.sent().0;
        if sent + 1 != first.0 {
            return Err(Some(End::Broken(format!("the lane's writer is not at sequence {first}"))));
        }
        // Before it is sent: nothing of ours may ever be taken for a stranger's.
        queue.handed.store(sent + outputs.len() as u64, Ordering::Release);
        let more = !queue.publishes.is_empty();
        if let Err(error) = bursts.send(queue.kept.keep(outputs), more).await {
            return failed(error, queue);
        }
    }
}

/// A lane that is over says so to the listener, who hears why, which decides more than the failed send.
fn failed(error: BrokerError, queue: SendQueue) -> SendResult {
    if error.is_transient() { Ok(queue) } else { Err(Some(End::Broker(error))) }
}

/// Passes the server's news on until the lane is over: the news of its end.
async fn listen(acks: &mut LaneAcks, sequencer: &Address<SequencerHands>) -> Result<LaneEvent, End> {
    loop {
        let event = acks.next().await;
        if !matches!(event, LaneEvent::Confirmed(_)) {
            return Ok(event);
        }
        if sequencer.send(Tell(ToSequencer::Lane(event))).await.is_err() {
            return Err(End::Broken("the sequencer died".to_owned()));
        }
    }
}
