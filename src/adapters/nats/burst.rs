//! When a batch of the lane ends: at once while there is little to send, after a short silence while there is much.
//!
//! Only the end of a batch confirms its tail, and no batch begins before the end of the one before is answered. So with
//! little to do each burst ends with its last message, and with much to do that would cost every burst a wait for the server.
//! Nothing is decided here that a reader of the lane could see: a message is stored before its batch ends.

use super::lane::{LaneWriter, Then};
use crate::core::ids::LaneSequence;
use crate::core::output::Output;
use crate::ports::stream::BrokerError;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Silence that ends a batch which was left open: a few slices' time at full speed.
const SILENCE: Duration = Duration::from_millis(10);

/// Sends what a queue brings, in batches that suit the load.
#[derive(Debug)]
pub struct Bursts {
    writer: LaneWriter,
}

impl Bursts {
    /// Over a lane that nothing was sent to.
    pub fn new(writer: LaneWriter) -> Bursts {
        Bursts { writer }
    }

    /// The lane sequence of the last message sent.
    pub fn sent(&self) -> LaneSequence {
        self.writer.sent()
    }

    /// Everything up to here is confirmed.
    pub fn confirmed(&self) -> LaneSequence {
        self.writer.confirmed()
    }

    /// The next of the queue, `None` when it is closed. Ends the batch that was left open when none comes for a while. Fails
    /// when the lane is over meanwhile.
    pub async fn next<T>(&mut self, queue: &mut mpsc::Receiver<T>) -> Result<Option<T>, BrokerError> {
        if let Ok(next) = queue.try_recv() {
            return Ok(Some(next));
        }
        if self.writer.is_open() {
            match timeout(SILENCE, queue.recv()).await {
                Ok(next) => return Ok(next),
                Err(_) => self.writer.settle().await?,
            }
        }
        tokio::select! {
            biased;
            next = queue.recv() => Ok(next),
            error = self.writer.over() => Err(error),
        }
    }

    /// Sends outputs behind those before; `more` are at hand already, or not.
    pub async fn send(&mut self, outputs: &[Output], more: bool) -> Result<(), BrokerError> {
        let then = if more || self.writer.stays_open(outputs.len()) { Then::More } else { Then::Settle };
        self.writer.send(outputs, then).await
    }

    /// Ends the lane, as `LaneWriter::close` does.
    pub async fn close(self) -> Result<(), BrokerError> {
        self.writer.close().await.map(|_| ())
    }
}
