//! When a batch of the lane ends: at once while there is little to send, after a short silence while there is much.
//!
//! Only the end of a batch confirms its tail, and no batch begins before the one before it is confirmed. So with little
//! to do each burst ends with its last message, and with much to do the end would cost every burst a wait for the server.
//! Nothing is decided here that a reader of the lane could see: a message is stored before its batch ends.

use super::lane::{LaneWriter, Then};
use crate::core::output::Output;
use crate::ports::stream::BrokerError;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// Silence that ends a batch which was left open: a few slices' time at full speed.
const SILENCE: Duration = Duration::from_millis(10);
/// No confirmation for so long, and a batch ends with what is at hand: below some 25,000 messages a second the server's
/// acks inside a batch come too seldom to wait for them.
const UNTOLD: Duration = Duration::from_millis(20);

/// Sends what a queue brings, in batches that suit the load.
#[derive(Debug)]
pub struct Bursts {
    writer: LaneWriter,
    /// Whether the batch at hand had to wait for the one before it.
    busy: bool,
    /// What was confirmed when last looked at, and since when.
    confirmed: (u64, Instant),
}

impl Bursts {
    /// Over a lane that nothing was sent to.
    pub fn new(writer: LaneWriter) -> Bursts {
        let confirmed = (writer.confirmed_to().0, Instant::now());
        Bursts { writer, busy: false, confirmed }
    }

    /// The writer, for questions.
    pub fn writer(&self) -> &LaneWriter {
        &self.writer
    }

    /// The next of the queue, `None` when it is closed. Ends the batch that was left open when none comes for a while.
    pub async fn next<T>(&mut self, queue: &mut mpsc::Receiver<T>) -> Result<Option<T>, BrokerError> {
        if self.writer.is_open() {
            match timeout(SILENCE, queue.recv()).await {
                Ok(next) => return Ok(next),
                Err(_) => self.writer.settle().await?,
            }
        }
        Ok(queue.recv().await)
    }

    /// Sends outputs behind those before; `more` are at hand already, or not.
    pub async fn send(&mut self, outputs: &[Output], more: bool) -> Result<(), BrokerError> {
        let confirmed = self.writer.confirmed_to().0;
        if !self.writer.is_open() {
            self.busy = confirmed < self.writer.sent().0;
            self.confirmed = (confirmed, Instant::now());
        } else if confirmed > self.confirmed.0 {
            self.confirmed = (confirmed, Instant::now());
        }
        let told = self.confirmed.1.elapsed() < UNTOLD;
        let then = if more || (self.busy && told) { Then::More } else { Then::Settle };
        self.writer.send(outputs, then).await
    }

    /// Ends the lane, as `LaneWriter::close` does.
    pub async fn close(self) -> Result<(), BrokerError> {
        self.writer.close().await.map(|_| ())
    }
}
