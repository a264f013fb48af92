//! Whether a delivery is the next one, one that is known, or the sign that others were lost on the way.
//!
//! Pure: `source` asks it of every delivery, and so does a simulator.

use crate::core::ids::Position;
use crate::core::mutants::{Mutant, planted};

/// What a delivery is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Took {
    /// A message beyond the last one taken.
    New,
    /// One that was taken before.
    Known,
    /// Deliveries before it are missing: the consumer is to be made again after the last position taken.
    Broken(String),
}

/// Judges a delivery after `delivered` deliveries of this consumer, `last` being the last position taken.
pub fn judge(consumer_sequence: u64, position: u64, delivered: u64, last: Position) -> Took {
    if consumer_sequence != delivered + 1 && !planted(Mutant::DeliveryGapIgnored) {
        return Took::Broken(format!("delivery {consumer_sequence} came after delivery {delivered}"));
    }
    if position <= last.0 { Took::Known } else { Took::New }
}
