//! The plan: which fault strikes when, and how the engine is started afterwards, from a seed.
//!
//! Pure: no clock and nothing of the machine goes into it, so the same seed, faults and length give the same plan.
//! Cards are dealt from a shuffled deck that holds every fault; rounds are cut from what is dealt.

use super::fault::Fault;
use sidestream::generate::Random;
use std::fmt;

/// Steps of a round: the oracle's time grows with its length.
const STEPS: usize = 12;

/// How an engine is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    pub shards: u32,
    pub interval_ms: u32,
    pub slices: u32,
    pub cache_rows: u32,
    /// Not through the proxy.
    pub direct: bool,
}

/// One blow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub fault: Fault,
    /// How the engine is started after it, and beside it where there are two.
    pub starts: [Start; 2],
    /// How hard the blow is, in thousandths of what the fault allows.
    pub force: u64,
    /// Seeds whatever else the blow leaves to chance.
    pub seed: u64,
}

/// One round: new streams, then blows, then the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    pub number: u32,
    pub seed: u64,
    pub first: Start,
    pub steps: Vec<Step>,
}

/// Rounds without end, from a seed.
pub struct Plan {
    random: Random,
    faults: Vec<Fault>,
    /// Each fault once, in order, instead of the weights of the deck.
    once: bool,
    dealt: bool,
    hand: Vec<Step>,
    number: u32,
}

impl Plan {
    /// The plan of a seed over these faults; `once` deals every fault a single time.
    pub fn new(seed: u64, faults: &[Fault], once: bool) -> Plan {
        Plan { random: Random::new(seed), faults: faults.to_vec(), once, dealt: false, hand: Vec::new(), number: 0 }
    }

    fn deal(&mut self) {
        let mut deck: Vec<Fault> = Vec::new();
        for fault in &self.faults {
            let cards = if self.once { 1 } else { fault.cards() };
            deck.extend((0..cards).map(|_| *fault));
        }
        self.random.shuffle(&mut deck);
        for fault in deck {
            let starts = [self.start(), self.start()];
            let step = Step { fault, starts, force: self.random.below(1_000), seed: self.random.bits() };
            self.hand.push(step);
        }
        self.dealt = true;
    }

    fn start(&mut self) -> Start {
        let random = &mut self.random;
        Start {
            shards: 1 + random.below(8) as u32,
            interval_ms: random.pick(&[10, 50, 50, 200, 1_000]),
            slices: random.pick(&[1, 2, 4, 16]),
            cache_rows: random.pick(&[500, 1_000_000, 1_000_000]),
            direct: random.per_mille(300),
        }
    }
}

impl Iterator for Plan {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        let mut steps: Vec<Step> = Vec::new();
        while steps.len() < STEPS {
            if self.hand.is_empty() && !(self.once && self.dealt) {
                self.deal();
            }
            let Some(step) = self.hand.pop() else { break };
            // A round of its own: what was dealt before it is a round, shorter than others.
            if step.fault.is_alone() && !steps.is_empty() {
                self.hand.push(step);
                break;
            }
            let alone = step.fault.is_alone();
            steps.push(step);
            if alone {
                break;
            }
        }
        if steps.is_empty() {
            return None;
        }
        self.number += 1;
        let (seed, first) = (self.random.bits(), self.start());
        Some(Round { number: self.number, seed, first, steps })
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Start { shards, interval_ms, slices, cache_rows, direct } = self;
        let way = if *direct { "direct" } else { "proxied" };
        write!(f, "{shards} shards, {interval_ms} ms, {slices} slices, {cache_rows} rows, {way}")
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "round {} (seed {:#x}), first {}", self.number, self.seed, self.first)?;
        for (n, step) in self.steps.iter().enumerate() {
            let Step { fault, starts: [start, other], force, seed } = step;
            writeln!(f, "  {:>2} {}, force {force}, seed {seed:#x}; then {start}; or {other}", n + 1, fault.name())?;
        }
        Ok(())
    }
}
