//! The positions of a slice, and stream time at each: what a shard needs to release events that wait at the position that ends
//! their wait, which may be an event of another shard.
//!
//! Nothing here reads a clock: time is what the server recorded.

use super::ids::{Nanos, Position};
use std::sync::Arc;

/// A position of the input, and the time there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The position.
    pub position: Position,
    /// When its event was stored.
    pub stored_at: Nanos,
    /// The running maximum of stored-at times up to and including it.
    pub stream_time: Nanos,
}

/// The moments of a slice, in input order; empty under a plan in which nothing waits.
pub type Clock = Arc<[Moment]>;
