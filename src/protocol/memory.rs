//! What a process remembers from start to start; all else is read again.

use super::facts::Broker;
use super::header::RunId;
use super::looks::Suspected;
use super::refusal::Refusal;
use crate::core::ids::{Nanos, Position};
use crate::core::mutants::{Mutant, planted};

/// What a process remembers.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Its run id, fixed by the first start that reaches the broker.
    pub run: Option<RunId>,
    /// A position of the input that a start needed and did not find.
    pub hole: Option<Position>,
    /// A verdict on the streams that waits for a second look.
    pub suspected: Suspected,
    #[cfg(feature = "mutants")]
    known: Option<Broker>,
}

impl Memory {
    /// The process's run id; the first call fixes it, beyond the run of the lane's newest message: the server's clock
    /// may have stepped back, and yet this process is the later one.
    pub fn run(&mut self, broker: &Broker, server_time: Nanos, random: u32) -> RunId {
        let newest = broker.newest.ours().map_or(Nanos(0), |newest| newest.run.run.began());
        let time =
            if newest < server_time || planted(Mutant::RunIdByClock) { server_time } else { Nanos(newest.0 + 1) };
        self.run.get_or_insert_with(|| RunId::new(time, random)).clone()
    }

    /// What a start is to know of the broker: its account of this moment, and what is remembered.
    pub fn complete(&mut self, broker: Broker) -> Broker {
        #[cfg(feature = "mutants")]
        if planted(Mutant::NoLookAfterReconnect) {
            return self.known.get_or_insert(broker).clone();
        }
        Broker { hole: self.hole, ..broker }
    }

    /// Whether a start that ended with this refusal is worth another one that knows what is missing: only the start
    /// rules can go on without it.
    pub fn learn(&mut self, refusal: &Refusal, accept_gap: bool) -> bool {
        match refusal {
            Refusal::InputGone { from, .. } if accept_gap && self.hole != Some(*from) => {
                self.hole = Some(*from);
                true
            }
            _ => false,
        }
    }
}
