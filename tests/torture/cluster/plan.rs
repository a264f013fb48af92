//! Which fault strikes when on a cluster, from a seed. Pure, as the plan for one server is.

use super::fault::Fault;
use sidestream::generate::Random;
use std::fmt;
use std::time::Duration;

/// Faults of a round: the oracle's time grows with its length.
const STEPS: usize = 20;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub fault: Fault,
    /// How long the servers are away, where they are.
    pub lasts: Duration,
    /// The engine is killed while the fault is at work, and started again.
    pub with_engine_kill: bool,
}

/// One round: a new cluster, faults one after the other, then the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    pub number: u32,
    pub seed: u64,
    /// The server that stands first in the engine's list.
    pub first: usize,
    pub shards: u32,
    pub interval_ms: u32,
    pub steps: Vec<Step>,
}

/// The rounds of a seed over so many faults.
pub fn rounds(seed: u64, kinds: &[Fault], count: usize) -> Vec<Round> {
    let mut random = Random::new(seed);
    let mut hand: Vec<Fault> = Vec::new();
    let mut steps = Vec::new();
    while steps.len() < count {
        if hand.is_empty() {
            hand = kinds.iter().flat_map(|fault| (0..fault.cards().max(1)).map(|_| *fault)).collect();
            random.shuffle(&mut hand);
        }
        steps.extend(hand.pop().map(|fault| step(&mut random, fault)));
    }
    cut(steps, &mut random)
}

/// The short ring: each of its faults once, in the table's order, so that one run of the tests is like another.
pub fn ring(seed: u64) -> Vec<Round> {
    let mut random = Random::new(seed);
    let steps = super::fault::RING.iter().map(|fault| Step { lasts: ring_lasts(*fault), ..step(&mut random, *fault) });
    let steps = steps.map(|step| Step { with_engine_kill: false, ..step }).collect();
    cut(steps, &mut random)
}

/// Long enough to matter, short enough for every run of the tests.
fn ring_lasts(fault: Fault) -> Duration {
    let (least, most) = fault.lasts();
    Duration::from_millis(100 * most.min(50).max(least))
}

fn step(random: &mut Random, fault: Fault) -> Step {
    let (least, most) = fault.lasts();
    let lasts = Duration::from_millis(100 * (least + random.below(most - least + 1)));
    let with_engine_kill = fault != Fault::EngineKill && random.per_mille(300);
    Step { fault, lasts, with_engine_kill }
}

fn cut(steps: Vec<Step>, random: &mut Random) -> Vec<Round> {
    let mut rounds = Vec::new();
    for (n, steps) in steps.chunks(STEPS).enumerate() {
        rounds.push(Round {
            number: n as u32 + 1,
            seed: random.bits(),
            first: random.index(3),
            shards: 1 + random.below(4) as u32,
            interval_ms: random.pick(&[50, 200, 1_000]),
            steps: steps.to_vec(),
        });
    }
    rounds
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let and = if self.with_engine_kill { ", the engine killed meanwhile" } else { "" };
        write!(f, "{}, {:.1} s{and}", self.fault.name(), self.lasts.as_secs_f64())
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Round { number, seed, first, shards, interval_ms, steps } = self;
        writeln!(f, "round {number} (seed {seed:#x}), server {first} first, {shards} shards, {interval_ms} ms")?;
        for (n, step) in steps.iter().enumerate() {
            writeln!(f, "  {:>2} {step}", n + 1)?;
        }
        Ok(())
    }
}
