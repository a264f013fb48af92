//! A property of the protocol: whatever redrivers do at once, and wherever they end, one event is in the input.
//!
//! A redriver is this file's few lines around the decisions; any of them may end at any step, and a message that it
//! sent may arrive later or never. Messages fly for less than `FLIGHT_S`: a longer freeze is the limit that the
//! documentation names.

use super::decide::{
    PUBLISH_WITHIN, RedriveFacts, RedriveMove, SearchResult, Searched, Settle, Unfinished, known, next, settle,
};
use super::record::{Body, RedriveRecord, RedriveStep, StoredRecord};
use crate::core::ids::{Nanos, Position};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;
/// The longest time from sending to arriving.
const FLIGHT_S: i64 = 20;
/// Redrivers in one world.
const REDRIVERS: usize = 3;

/// Where a redriver stands.
#[derive(Clone, Debug, PartialEq)]
enum At {
    Look,
    Search {
        unfinished: Unfinished,
        looked_s: i64,
    },
    /// `theirs`: when the event of somebody else's attempt was looked for.
    Intent {
        behind: u64,
        attempt: u32,
        after: Position,
        theirs: Option<i64>,
    },
    Publish {
        intent: u64,
        attempt: u32,
        since_s: i64,
        theirs: Option<i64>,
    },
    Flying {
        intent: u64,
        attempt: u32,
        theirs: Option<i64>,
    },
    Settle {
        behind: u64,
        attempt: u32,
        position: Position,
    },
    Over,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Act {
    Step(usize),
    /// The redriver ends, and a new one begins in its place; what it sent may still arrive.
    Crash(usize),
    /// A message that nobody waits for arrives, or is lost.
    Land(bool),
    /// So many seconds pass.
    Time(i64),
    /// The input takes no more, or takes messages again.
    Full(bool),
}

struct World {
    now_s: i64,
    remembers_s: i64,
    full: bool,
    records: Vec<StoredRecord>,
    /// Attempt and time of every message.
    input: Vec<(u32, i64)>,
    /// Attempt and time of messages whose senders are gone.
    flying: Vec<(u32, i64)>,
    redrivers: Vec<At>,
    sent_s: Vec<i64>,
}

impl World {
    fn new(remembers_s: i64) -> World {
        let (redrivers, sent_s) = (vec![At::Look; REDRIVERS], vec![0; REDRIVERS]);
        World {
            now_s: 0,
            remembers_s,
            full: false,
            records: Vec::new(),
            input: Vec::new(),
            flying: Vec::new(),
            redrivers,
            sent_s,
        }
    }

    fn write(&mut self, behind: u64, attempt: u32, step: RedriveStep) -> Option<u64> {
        if self.records.last().map_or(0, |newest| newest.sequence) != behind {
            return None;
        }
        let sequence = behind + 1;
        let record = RedriveRecord { letter: "E:5:0".into(), attempt, step };
        self.records.push(StoredRecord { sequence, at: Nanos(self.now_s * SECOND), record });
        Some(sequence)
    }

    /// The stream's answer: a position, or no.
    fn arrive(&mut self, attempt: u32) -> Option<Position> {
        let known = self.input.iter().position(|(of, at)| *of == attempt && self.now_s - at < self.remembers_s);
        if let Some(index) = known {
            return Some(Position(index as u64 + 1));
        }
        if self.full {
            return None;
        }
        self.input.push((attempt, self.now_s));
        Some(Position(self.input.len() as u64))
    }

    fn search(&self, unfinished: &Unfinished) -> Searched {
        let behind = self.input.iter().enumerate().skip(unfinished.after.0 as usize);
        let mut found = behind.filter(|(_, (attempt, _))| *attempt == unfinished.attempt);
        Searched { found: found.next().map(|(index, _)| Position(index as u64 + 1)), holes: false }
    }

    fn step(&mut self, who: usize) {
        let newest = self.records.last().cloned();
        let facts = RedriveFacts {
            now: Nanos(self.now_s * SECOND),
            input_created: Nanos(1),
            remembers_ns: self.remembers_s * SECOND,
            again_after: None,
        };
        let at = self.redrivers[who].clone();
        self.redrivers[who] = match at {
            At::Look => match next(newest.as_ref(), &facts) {
                RedriveMove::Begin { behind, attempt } => {
                    At::Intent { behind, attempt, after: Position(self.input.len() as u64), theirs: None }
                }
                RedriveMove::Nothing { .. } => At::Over,
                RedriveMove::Search(unfinished) => At::Search { unfinished, looked_s: self.now_s },
                RedriveMove::Wait { .. } => At::Look,
            },
            At::Search { unfinished, looked_s } => match known(&unfinished, self.search(&unfinished)) {
                SearchResult::There(position) => {
                    At::Settle { behind: unfinished.behind, attempt: unfinished.attempt, position }
                }
                SearchResult::NotThere => {
                    let Unfinished { behind, attempt, after, .. } = unfinished;
                    At::Intent { behind, attempt, after, theirs: Some(looked_s) }
                }
                SearchResult::Unknowable => At::Over,
            },
            At::Intent { theirs: Some(looked_s), .. } if (self.now_s - looked_s) * SECOND > PUBLISH_WITHIN => At::Look,
            At::Intent { behind, attempt, after, theirs } => {
                let step = RedriveStep::Intent { input_created: Nanos(1), after, body: Body::of(b"", false) };
                match self.write(behind, attempt, step) {
                    Some(intent) => At::Publish { intent, attempt, since_s: self.now_s, theirs },
                    None => At::Look,
                }
            }
            At::Publish { since_s, .. } if (self.now_s - since_s) * SECOND > PUBLISH_WITHIN => At::Look,
            At::Publish { intent, attempt, theirs, .. } => {
                self.sent_s[who] = self.now_s;
                At::Flying { intent, attempt, theirs }
            }
            At::Flying { intent, attempt, theirs } => match self.arrive(attempt) {
                Some(position) => At::Settle { behind: intent, attempt, position },
                None => {
                    if theirs.is_none() {
                        self.write(intent, attempt, RedriveStep::Refused { why: String::new() });
                    }
                    At::Over
                }
            },
            At::Settle { behind, attempt, position } => {
                match self.write(behind, attempt, RedriveStep::Done { position, body: None }) {
                    Some(_) => At::Over,
                    None => match settle(newest.as_ref(), attempt, position) {
                        Settle::Behind(behind) => At::Settle { behind, attempt, position },
                        Settle::Written => At::Over,
                        Settle::Doubled(other) => panic!("doubled: {position} and {other}"),
                    },
                }
            }
            At::Over => At::Over,
        };
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Step(who) => self.step(who),
            Act::Crash(who) => {
                if let At::Flying { attempt, .. } = self.redrivers[who] {
                    self.flying.push((attempt, self.sent_s[who]));
                }
                self.redrivers[who] = At::Look;
            }
            Act::Land(arrives) => {
                if let Some((attempt, _)) = self.flying.pop()
                    && arrives
                {
                    self.arrive(attempt);
                }
            }
            Act::Time(seconds) => {
                let waiting = self.redrivers.iter().zip(&self.sent_s);
                let waiting = waiting.filter(|(at, _)| matches!(at, At::Flying { .. })).map(|(_, sent)| *sent);
                let oldest = self.flying.iter().map(|(_, sent)| *sent).chain(waiting).min();
                let latest = oldest.map_or(i64::MAX, |sent| sent + FLIGHT_S);
                self.now_s = (self.now_s + seconds).min(latest).max(self.now_s);
            }
            Act::Full(full) => self.full = full,
        }
    }

    /// Everything lands, time passes, and one more redriver works to its end.
    fn finish(&mut self) {
        self.full = false;
        for who in 0..REDRIVERS {
            self.act(Act::Crash(who));
        }
        while !self.flying.is_empty() {
            self.act(Act::Land(true));
        }
        self.act(Act::Time(300));
        for _ in 0..20 {
            self.step(0);
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        30 => (0..REDRIVERS).prop_map(Act::Step),
        3 => (0..REDRIVERS).prop_map(Act::Crash),
        2 => any::<bool>().prop_map(Act::Land),
        3 => (1i64..70).prop_map(Act::Time),
        1 => any::<bool>().prop_map(Act::Full),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn one_event_is_in_the_input_whatever_happens(
        acts in proptest::collection::vec(act(), 0..80),
        remembers_s in prop_oneof![Just(120i64), Just(60), Just(59), Just(1)],
    ) {
        let mut world = World::new(remembers_s);
        for act in acts {
            world.act(act);
            prop_assert!(world.input.len() <= 1, "{:?} {:?}", world.input, world.records);
        }
        world.finish();
        prop_assert_eq!(world.input.len(), 1);
        prop_assert_eq!(&world.redrivers[0], &At::Over);
        let last = world.records.last().map(|newest| newest.record.step.clone());
        prop_assert_eq!(last, Some(RedriveStep::Done { position: Position(1), body: None }));
    }
}
