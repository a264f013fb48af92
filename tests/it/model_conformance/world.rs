//! A server as the conformance suite sees it: the real one and the model answer the same calls.
//!
//! It shows everything that the product can see of a server, and no more.

use super::model::{Delivery, Gone, Reply, Settings};
use bytes::Bytes;
use sidestream::ports::stream::{StoredMessage, StreamState};
use std::time::Duration;

/// Headers as they stand on the wire.
pub type Sent = Vec<(String, String)>;

/// One message on its way to a stream.
pub struct Outgoing {
    pub subject: String,
    /// The end of the reply subject, behind an inbox of the world's; empty: no reply subject at all.
    pub tail: String,
    pub headers: Sent,
    pub payload: Bytes,
}

pub trait World {
    fn create(&mut self, name: &str, settings: &Settings);

    fn delete(&mut self, name: &str);

    fn state(&mut self, name: &str) -> Option<StreamState>;

    fn message(&mut self, name: &str, sequence: u64) -> Option<StoredMessage>;

    fn publish(&mut self, subject: &str, headers: Sent, payload: Bytes) -> Result<u64, (u64, String)>;

    /// Sends messages to one subject in one go, and collects all that is answered: the subjects are tails again.
    fn fast(&mut self, messages: Vec<Outgoing>) -> Vec<Reply>;

    fn delete_message(&mut self, name: &str, sequence: u64) -> bool;

    /// Below a sequence, or all.
    fn purge(&mut self, name: &str, before: Option<u64>);

    /// Gives how much the consumer has to deliver; `None`: no such stream.
    fn create_consumer(&mut self, stream: &str, consumer: &str, after: u64) -> Option<u64>;

    fn deliver(&mut self, consumer: &str) -> Result<Option<Delivery>, Gone>;

    /// Kill -9, and a new start.
    fn kill(&mut self);

    /// Lets time pass, and gives what the server sends meanwhile.
    fn wait(&mut self, time: Duration) -> Vec<Reply>;
}
