//! What the engine sees of a stream: messages, the stream's own account of itself, and failures.
//!
//! Nothing here names a client library; the NATS adapter fills these types and the memory of tests may too.

use crate::core::ids::Nanos;
use crate::protocol::evidence::Leader;

pub use crate::core::event::StoredMessage;
pub use crate::protocol::lane::LaneEvent;

/// What a stream says of itself, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// When the stream was created: its identity, beside its name.
    pub created: Nanos,
    /// The first sequence still there; `last + 1` when it is empty.
    pub first: u64,
    /// The last sequence ever stored; survives expiry, purge and restart.
    pub last: u64,
    /// How many messages are there.
    pub messages: u64,
    /// Whether its last message is so old that the stream's own age limit takes it.
    pub aged_out: bool,
    /// The server's clock when it answered.
    pub server_time: Nanos,
    /// Who led the stream when it answered.
    pub leader: Leader,
}

impl StreamState {
    /// What was asked of a stream between two of its accounts was answered by its leader, if one gave both.
    pub fn same_leader(&self, later: &StreamState, stream: &str) -> Result<(), BrokerError> {
        if self.leader == later.leader {
            return Ok(());
        }
        Err(BrokerError::Transient(format!("another server took over stream {stream} while it was asked")))
    }
}

/// Who can tell what streams say of themselves.
pub trait Streams: Sync {
    /// The stream's account of this moment, by its leader and no other; a missing stream is a permanent error.
    fn state(&self, stream: &str) -> impl Future<Output = Result<StreamState, BrokerError>> + Send;

    /// The message at a sequence; `None` when it was never there, or is there no more.
    fn message_at(
        &self,
        stream: &str,
        sequence: u64,
    ) -> impl Future<Output = Result<Option<StoredMessage>, BrokerError>> + Send;

    /// The first message at a sequence or behind it; `None` when there is none.
    fn message_from(
        &self,
        stream: &str,
        sequence: u64,
    ) -> impl Future<Output = Result<Option<StoredMessage>, BrokerError>> + Send;
}

/// A failure of the broker or the way to it.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// It may work later: connection, time-out, leader election, full stream.
    #[error("{0}")]
    Transient(String),
    /// The server does not let us in, or refuses a permission: who runs it may grant that at any time.
    #[error("{what}")]
    Denied {
        /// What is denied.
        by: Denial,
        /// What the server said.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// It will not work by waiting: missing stream, wrong settings.
    #[error("{what}")]
    Permanent {
        /// What is wrong.
        what: String,
        /// What to do about it.
        hint: String,
    },
}

/// What a server denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The connection itself: login, certificate, or a file of ours that belongs to them.
    Login,
    /// A subject.
    Permission,
}

impl BrokerError {
    /// Whether trying again later can help.
    pub fn is_transient(&self) -> bool {
        matches!(self, BrokerError::Transient(_))
    }
}
