//! What happened: blows that struck, with their proofs, and the time until the engine was well again.
//!
//! A blow without a proof is not written down: the round fails before that.

use crate::fault::Fault;
use crate::watch::Most;
use std::collections::BTreeMap;
use std::time::Duration;

/// A blow that struck.
#[derive(Clone, Debug)]
pub struct Struck {
    pub fault: Fault,
    /// How it is known that it struck.
    pub proof: String,
    /// From the end of the fault until the engine was ready and the lane grew.
    pub recovered: Duration,
}

/// What a round, or many, did.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub struck: Vec<Struck>,
    pub engine_kills: u64,
    pub server_kills: u64,
    pub engine_starts: u64,
    /// How often an engine ended by itself with this code.
    pub exits: BTreeMap<i32, u64>,
    pub events: u64,
    pub outputs: u64,
    /// Seconds that the oracle and the audit took.
    pub judged_s: u64,
    pub most: Most,
    /// What the oracle said of a lane that was spoiled on purpose.
    pub spoiled: Option<String>,
}

impl Record {
    /// Adds a round to many.
    pub fn add(&mut self, other: Record) {
        self.struck.extend(other.struck);
        self.engine_kills += other.engine_kills;
        self.server_kills += other.server_kills;
        self.engine_starts += other.engine_starts;
        for (code, count) in other.exits {
            *self.exits.entry(code).or_default() += count;
        }
        self.events += other.events;
        self.outputs += other.outputs;
        self.judged_s += other.judged_s;
        self.most = self.most.or(other.most);
        self.spoiled = self.spoiled.take().or(other.spoiled);
    }

    /// The blows of one fault: times until recovery, sorted, and the first proof.
    pub fn of(&self, fault: Fault) -> (Vec<Duration>, Option<&str>) {
        let blows = || self.struck.iter().filter(|struck| struck.fault == fault);
        let mut times: Vec<Duration> = blows().map(|struck| struck.recovered).collect();
        times.sort();
        (times, blows().next().map(|struck| &*struck.proof))
    }
}
