//! What a run on a cluster counts: faults by kind, what the oracle found, rebuilds, refusals, and pauses.

use super::fault::Fault;
use std::collections::BTreeMap;

/// The pauses around one fault, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    pub fault: Fault,
    /// Longest time without a confirmed output.
    pub outputs: f64,
    /// Longest time without an acknowledged publish into the input.
    pub nats: f64,
}

/// What a round, or many, did.
#[derive(Clone, Debug, Default)]
pub struct Count {
    pub pauses: Vec<Pause>,
    pub events: u64,
    pub outputs: u64,
    pub engine_kills: u64,
    /// The oracle's counts by sort, such as `missing`.
    pub wrong: BTreeMap<String, u64>,
    /// Lines of engines' logs that tell of a rebuild or of a state directory set aside.
    pub rebuilds: Vec<String>,
    /// Ends of engines that nobody asked for: the exit code and the last words.
    pub refusals: Vec<String>,
    /// Rounds with a store that was rolled back: what was lost, and how the engine named it.
    pub rolled_back: Vec<String>,
    /// What the oracle said of an output stream that was spoiled on purpose.
    pub spoiled: Option<String>,
}

impl Count {
    /// Adds a round to many.
    pub fn add(&mut self, other: Count) {
        self.pauses.extend(other.pauses);
        self.events += other.events;
        self.outputs += other.outputs;
        self.engine_kills += other.engine_kills;
        for (sort, count) in other.wrong {
            *self.wrong.entry(sort).or_default() += count;
        }
        self.rebuilds.extend(other.rebuilds);
        self.refusals.extend(other.refusals);
        self.rolled_back.extend(other.rolled_back);
        self.spoiled = self.spoiled.take().or(other.spoiled);
    }

    /// Whether nothing happened that must not.
    pub fn is_clean(&self) -> bool {
        self.wrong.values().all(|count| *count == 0) && self.rebuilds.is_empty() && self.refusals.is_empty()
    }

    /// The pauses of one kind: outputs and NATS, each sorted.
    pub fn of(&self, fault: Fault) -> (Vec<f64>, Vec<f64>) {
        let of = |pick: fn(&Pause) -> f64| {
            let mut all: Vec<f64> = self.pauses.iter().filter(|pause| pause.fault == fault).map(pick).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        (of(|pause| pause.outputs), of(|pause| pause.nats))
    }
}
