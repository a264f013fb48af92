//! A world's faults, what they did, and what the start rules may refuse because of it.

use super::agenda::{MILLIS, SECONDS, Time};
use super::oracle::Twins;
use sidestream::generate::Random;
use sidestream::protocol::refusal::Refusal;
use std::collections::{BTreeMap, BTreeSet};

/// Faults that the engine must live through.
const COMMON: &[&str] = &[
    "engine killed",
    "engine killed",
    "engine killed",
    "engine killed",
    "engine drained",
    "engine paused",
    "engine paused long",
    "server killed",
    "server killed",
    "power cut",
    "lane cut",
    "lane cut",
    "source cut",
    "half open",
    "leader of the lane gone",
    "leader of the lane gone",
    "leader gone behind the end of a batch",
    "leader gone behind the end of a batch",
    "slow",
    "acks lost",
    "acks lost",
    "deliveries lost",
    "disk refuses",
    "sync fails",
    "engine killed with its machine",
    "engine killed with its machine",
    "state deleted",
    "state unreadable",
    "older state",
    "second engine",
    "second engine",
    "plan changed",
    "rolled back",
    "head of the lane trimmed",
    "clock stepped",
    "engine killed behind silence",
    "engine killed behind silence",
    "clock stepped",
];
/// Faults after which the engine may have to refuse.
const HARD: &[&str] = &[
    "newest output deleted",
    "input recreated",
    "output recreated",
    "foreign message",
    "input overtaken",
    "plan of another state",
    "state lost and head trimmed",
    "lane purged and state deleted",
    "input lost its tail",
];

/// What a world's faults are, and what they did.
pub struct Facts {
    pub times: Vec<Time>,
    pub heal: Time,
    /// Between two publications, on average.
    pub pace_ms: u64,
    /// How many faults struck.
    pub faults: u64,
    /// The input is another one than what was processed: to go on would be wrong.
    pub must_refuse: bool,
    /// Whether this world rebuilds the state under another plan.
    pub rebuilds: bool,
    /// The plan that this world begins with.
    pub first: char,
    /// Whether this world is about an input that loses its tail.
    pub rewinds: bool,
    pub kinds: Vec<&'static str>,
    pub next: usize,
    /// What happened that the start rules may have to refuse for.
    pub grounds: BTreeSet<&'static str>,
    /// The generation of each process that announced itself last.
    pub announced: BTreeMap<usize, u64>,
    /// The process and its generation that was asked to drain last.
    pub drained: (usize, u64),
}

impl Facts {
    /// Plans a world's faults: three at least.
    pub fn plan(random: &mut Random) -> Facts {
        let count = 3 + random.index(6);
        let mut times: Vec<Time> = (0..count).map(|_| 300 * MILLIS + random.below(14_000) as Time * MILLIS).collect();
        times.sort_unstable();
        let mut kinds: Vec<&'static str> = times.iter().map(|_| COMMON[random.index(COMMON.len())]).collect();
        if random.per_mille(250) {
            let at = kinds.len() - 1;
            kinds[at] = HARD[random.index(HARD.len())];
        }
        let heal = times.last().copied().unwrap_or_default() + (1 + random.below(9) as Time) * SECONDS;
        let pace_ms = 60 + random.below(120);
        let rebuilds = random.per_mille(100);
        // In a quarter of the worlds that rebuild, the plan before makes several messages of an event.
        let first = if rebuilds && (heal / MILLIS) % 4 != 0 { 'D' } else { 'A' };
        Facts {
            first,
            times,
            heal,
            pace_ms,
            faults: 0,
            must_refuse: false,
            rebuilds,
            rewinds: false,
            kinds,
            next: 0,
            grounds: BTreeSet::new(),
            announced: BTreeMap::new(),
            drained: (0, 0),
        }
    }

    /// The last fault takes the input's tail, and nothing before keeps a person from knowing how much.
    pub fn end_with_a_rewind(&mut self) {
        self.rewinds = true;
        for kind in &mut self.kinds {
            if ["clock stepped", "second engine", "older state", "rolled back"].contains(kind) {
                *kind = "engine killed";
            }
        }
        if let Some(last) = self.kinds.last_mut() {
            *last = "input lost its tail";
        }
    }

    /// This plan is in force to the end.
    pub fn keep(&mut self, letter: char) {
        (self.first, self.rebuilds) = (letter, false);
        for kind in &mut self.kinds {
            if ["plan changed", "plan of another state", "input lost its tail"].contains(kind) {
                *kind = "engine killed";
            }
        }
    }

    /// Which events have a twin: none where a state is built anew behind a plan without maps.
    pub fn twins(&self) -> Twins {
        match (self.rebuilds, self.first) {
            (false, _) => Twins::Drawn,
            (true, 'D') => Twins::None,
            (true, _) => Twins::Counted,
        }
    }

    /// Whether a refusal is what the start rules prescribe after what happened.
    pub fn allow(&self, refusal: &Refusal) -> Result<(), &'static str> {
        let any = |all: &[&'static str]| all.iter().any(|what| self.grounds.contains(what));
        let lost = ["state deleted", "state unreadable", "older state", "second engine", "disk refused", "rebuilt"];
        let allowed = match refusal {
            Refusal::InputRecreated => any(&["input recreated"]),
            Refusal::InputLostTail { .. } | Refusal::InputDiffers { .. } => {
                any(&["input tail lost", "input recreated"])
            }
            Refusal::OutputRecreated => any(&["output recreated"]),
            Refusal::NewestGone { .. } => any(&["newest output deleted", "lane purged"]),
            Refusal::NoOrigin { .. } => {
                any(&["newest output deleted", "lane purged"]) || any(&["head trimmed"]) && any(&["lane tail lost"])
            }
            // The texts of plans live in the directory alone.
            Refusal::NoPlanText { .. } => any(&["plan changed", "plan of another state"]) && any(&lost),
            Refusal::Uncounted { .. } => any(&["head trimmed", "rebuilt", "lane tail lost", "rewound"]),
            Refusal::Unfinished { .. } => self.rebuilds && any(&["rebuilt"]),
            Refusal::InputGone { .. } => any(&["input head trimmed"]),
            Refusal::StateChanges { .. } => any(&["plan of another state"]),
            Refusal::OtherPlan { .. } => any(&["plan changed", "rebuilt"]) && any(&lost),
            Refusal::ForeignMessage { .. } => any(&["foreign message"]),
            Refusal::NewerRun { .. } | Refusal::OutputDiffers { .. } | Refusal::OtherInput { .. } => false,
        };
        if allowed { Ok(()) } else { Err("nothing that happened asks for it") }
    }
}

/// A refusal's kind.
pub fn name(refusal: &Refusal) -> String {
    let text = format!("{refusal:?}");
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}
