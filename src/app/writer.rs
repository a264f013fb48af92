//! The lane's writer as two tasks: outputs of the sequencer go out, what the server says comes back.
//!
//! Numbers nothing and decides nothing: the sequencer says what goes where.

use crate::adapters::nats::burst::Bursts;
use crate::adapters::nats::lane::{LaneAcks, LaneWriter};
use crate::engine::ending::End;
use crate::engine::messages::{LaneNews, Publish};
use crate::engine::sequencer::Sequencer;
use crate::ports::stream::{BrokerError, LaneEvent};
use actix::Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Publishes until the sequencer is gone. `handed` is the last sequence that may be in the lane through us.
pub async fn write(writer: LaneWriter, mut publishes: mpsc::Receiver<Publish>, handed: Arc<AtomicU64>) -> Option<End> {
    let mut bursts = Bursts::new(writer);
    loop {
        let next = match bursts.next(&mut publishes).await {
            Ok(next) => next,
            Err(error) => return failed(error),
        };
        let Publish { first, outputs } = next?;
        let sent = bursts.sent().0;
        if sent + 1 != first.0 {
            return Some(End::Broken(format!("the lane's writer is not at sequence {first}")));
        }
        // Before it is sent: nothing of ours may ever be taken for a stranger's.
        handed.store(sent + outputs.len() as u64, Ordering::Release);
        if let Err(error) = bursts.send(&outputs, !publishes.is_empty()).await {
            return failed(error);
        }
    }
}

/// A lane that is over says so to the listener, who hears why, which decides more than the failed send.
fn failed(error: BrokerError) -> Option<End> {
    (!error.is_transient()).then_some(End::Broker(error))
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
