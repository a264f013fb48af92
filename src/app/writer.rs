//! The lane's writer as two tasks: commands of the sequencer go out, what the server says comes back.
//!
//! Numbers nothing and decides nothing: the sequencer says what goes where.

use crate::adapters::nats::lane::{LaneAcks, LaneWriter};
use crate::engine::ending::End;
use crate::engine::messages::{LaneCommand, LaneNews};
use crate::engine::sequencer::Sequencer;
use crate::ports::stream::{BrokerError, LaneEvent};
use actix::Addr;
use tokio::sync::mpsc;

/// Publishes until the sequencer is gone.
pub async fn write(mut writer: LaneWriter, mut commands: mpsc::Receiver<LaneCommand>) -> Option<End> {
    while let Some(command) = commands.recv().await {
        let result = match command {
            LaneCommand::Publish(first, outputs) => {
                if writer.next_sequence() != first {
                    return Some(End::Broken(format!("the lane's writer is not at sequence {first}")));
                }
                writer.send(&outputs).await
            }
            LaneCommand::Ping => writer.ping().await,
        };
        if let Err(error) = result {
            return Some(End::Broker(error));
        }
    }
    // Tells the server that the batch is over; if it does not hear, the batch dies by itself.
    let _: Result<(), BrokerError> = writer.close().await;
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
