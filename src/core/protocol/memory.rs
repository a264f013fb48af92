//! What a process remembers from start to start; all else is read again.

use super::facts::Broker;
use super::header::RunId;
use super::refusal::Refusal;
use crate::core::ids::{Nanos, Position};

/// What a process remembers.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Its run id, fixed by the first start that reaches the broker.
    pub run: Option<RunId>,
    /// A position of the input that a start needed and did not find.
    pub hole: Option<Position>,
}

impl Memory {
    /// The process's run id; the first call fixes it.
    pub fn run(&mut self, server_time: Nanos, random: u32) -> RunId {
        self.run.get_or_insert_with(|| RunId::new(server_time, random)).clone()
    }

    /// What a start is to know of the broker: its account of this moment, and what is remembered.
    pub fn complete(&mut self, broker: Broker) -> Broker {
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
