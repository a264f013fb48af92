//! The lane's writer as two tasks: outputs of the sequencer go out, what the server says comes back.
//!
//! Numbers nothing and decides nothing: the sequencer says what goes where.

use crate::adapters::nats::lane::{LaneAcks, LaneWriter, Then};
use crate::engine::ending::End;
use crate::engine::messages::{LaneNews, Publish};
use crate::engine::sequencer::Sequencer;
use crate::ports::stream::{BrokerError, LaneEvent};
use actix::Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Publishes until the sequencer is gone. `handed` is the last sequence that may be in the lane through us.
pub async fn write(
    mut writer: LaneWriter,
    mut publishes: mpsc::Receiver<Publish>,
    handed: Arc<AtomicU64>,
) -> Option<End> {
    while let Some(Publish { first, outputs }) = publishes.recv().await {
        if writer.sent().0 + 1 != first.0 {
            return Some(End::Broken(format!("the lane's writer is not at sequence {first}")));
        }
        // Before it is sent: nothing of ours may ever be taken for a stranger's.
        handed.store(writer.sent().0 + outputs.len() as u64, Ordering::Release);
        // The end of a batch confirms all of it at once; while there is more at hand the server's flow acks do.
        let then = if publishes.is_empty() { Then::Settle } else { Then::More };
        match writer.send(&outputs, then).await {
            Ok(()) => {}
            // The lane is over; the listener hears why, which decides more than the failed send.
            Err(BrokerError::Transient(_)) => return None,
            Err(permanent) => return Some(End::Broker(permanent)),
        }
    }
    None
}

/// Passes the server's news on until the batch is over.
pub async fn listen(mut acks: LaneAcks, sequencer: Addr<Sequencer>) -> Option<End> {
    loop {
        let event = acks.next().await;
        let over = !matches!(event, LaneEvent::Confirmed(_));
        if sequencer.send(LaneNews(event)).await.is_err() {
            return Some(End::Broken("the sequencer died".to_owned()));
        }
        if over {
            return None;
        }
    }
}
