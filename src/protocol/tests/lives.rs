//! A property of the whole protocol: whatever is lost between two lives of an engine, every event that has an output
//! has it once, in order, and the state knows every event once.
//!
//! The engine is this file's few lines around the pure parts; a life ends at any step, and between two lives the state
//! directory may go, the lane may lose its tail or its head, and the configuration may change.

use crate::core::ids::{Nanos, Position};
use crate::protocol::facts::{Broker, Consent, Disk, GroupMark, Newest, StartRequest, StreamFacts};
use crate::protocol::header::{LaneMessage, RunHeader, RunId};
use crate::protocol::refusal::Refusal;
use crate::protocol::start::{Start, StartKind, decide};
use crate::protocol::tests::lives_engine::{Engine, Over, Steps, Turn, record};
use crate::protocol::tests::world::{spec, stored_at};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Key groups; an event's is its position modulo this.
pub const GROUPS: u64 = 3;
const EVENTS: u64 = 40;

/// What happens before a life, and how long it is.
#[derive(Clone, Debug)]
struct Life {
    /// Steps until the crash.
    steps: u32,
    /// How many events there are by then.
    events: u64,
    /// Of the outputs that are not confirmed at the crash, so many are stored.
    stored: usize,
    between: Between,
    plan: char,
    /// `--rebuild-state`.
    rebuild: bool,
}

#[derive(Clone, Copy, Debug)]
enum Between {
    Nothing,
    StateLost,
    TailLost(usize),
    HeadLost(usize),
}

fn life() -> impl Strategy<Value = Life> {
    let between = prop_oneof![
        6 => Just(Between::Nothing),
        1 => Just(Between::StateLost),
        1 => (1usize..12).prop_map(Between::TailLost),
        1 => (1usize..12).prop_map(Between::HeadLost),
    ];
    (0u32..60, 0u64..=EVENTS, 0usize..6, between, prop_oneof![4 => Just('A'), 1 => Just('B')], 0u8..4).prop_map(
        |(steps, events, stored, between, plan, flag)| Life {
            steps,
            events,
            stored,
            between,
            plan,
            rebuild: flag == 0,
        },
    )
}

/// Server and disk.
#[derive(Default)]
pub struct World {
    /// The lane's messages; sequence 1 first. `kept` is how many of the first are gone.
    pub lane: Vec<LaneMessage>,
    pub gone: usize,
    pub disk: Disk,
    /// The events that each key group has on disk, as of its own position.
    pub groups: BTreeMap<u64, (Position, BTreeSet<u64>)>,
    runs: u32,
}

/// Positions that lead to no output.
pub fn is_silent(position: u64) -> bool {
    position % 5 == 3
}

impl World {
    fn broker(&self) -> Broker {
        let newest = match self.lane.last() {
            None => Newest::Never,
            Some(_) if self.gone >= self.lane.len() => Newest::Gone,
            Some(message) => Newest::Ours(Box::new(message.clone())),
        };
        Broker {
            input: StreamFacts { created: Nanos(1), first: 1, last: EVENTS, aged_out: false },
            output: StreamFacts {
                created: Nanos(2),
                first: self.gone as u64 + 1,
                last: self.lane.len() as u64,
                aged_out: self.gone >= self.lane.len(),
            },
            newest,
            oldest: self.lane.get(self.gone).cloned(),
            stored_at: (1..=EVENTS).map(|p| (Position(p), stored_at(p))).collect(),
            hole: None,
            rewinds: Vec::new(),
            floor: None,
        }
    }

    fn happen(&mut self, between: Between) {
        match between {
            Between::Nothing => {}
            // A lane of several plans is refused without its record: the newest output names only the last of them.
            Between::StateLost if self.lane.last().is_some_and(|newest| newest.run.since.0 > 1) => {}
            Between::StateLost => {
                self.disk = Disk { plans: std::mem::take(&mut self.disk.plans), ..Disk::default() };
                self.groups.clear();
            }
            Between::TailLost(n) => {
                let left = self.lane.len().saturating_sub(n).max(self.gone + 1).min(self.lane.len());
                self.lane.truncate(left);
            }
            // The newest message stays: without it, nobody knows how far a lost state was.
            Between::HeadLost(n) => self.gone = (self.gone + n).min(self.lane.len().saturating_sub(1)),
        }
    }

    /// Lives until the steps are used up or everything is done; starts again where a plan ends. False when refused.
    fn live(&mut self, life: &Life) -> Result<bool, TestCaseError> {
        self.happen(life.between);
        self.runs += 1;
        let run = RunId::new(Nanos(i64::from(self.runs)), 0);
        // A plan that comes again under --rebuild-state cannot be told from its first time.
        let known = self.lane.iter().any(|message| message.run.plan == spec(life.plan).fingerprint());
        let asked = StartRequest {
            run,
            plan: spec(life.plan),
            consent: Consent { rebuild_state: life.rebuild && !known, ..Consent::default() },
        };
        let mut steps = Steps(life.steps);
        for number in 1..20 {
            let start = decide(&self.disk, &self.broker(), &asked);
            let start = match start {
                // The lane lost its tail after --rebuild-state and another change: a person has to decide.
                Err(Refusal::Uncounted { .. }) => return Ok(false),
                other => other.map_err(|refusal| TestCaseError::fail(refusal.to_string()))?,
            };
            match self.start(&start, &asked, number, life, &mut steps)? {
                Ok(true) => continue,
                Ok(false) | Err(Over) => return Ok(true),
            }
        }
        Err(TestCaseError::fail("starts again and again"))
    }

    /// One start: true when its plan ended.
    fn start(
        &mut self,
        start: &Start,
        asked: &StartRequest,
        number: u64,
        life: &Life,
        steps: &mut Steps,
    ) -> Result<Result<bool, Over>, TestCaseError> {
        if start.kind != StartKind::Resume {
            self.begin_anew(start);
        }
        // Before the first output under another plan.
        if let Some(record) = &mut self.disk.checkpoint {
            record.plans.clone_from(&start.plans);
        }
        let header = RunHeader {
            run: asked.run.clone(),
            start: number,
            plan: start.plan.plan.clone(),
            origin: start.origin,
            since: start.plan.since,
        };
        self.disk.plans.insert(asked.plan.fingerprint(), asked.plan.clone());
        let mut engine = Engine::new(start, header, self, life.events);
        loop {
            match engine.turn(self, steps)? {
                Ok(Turn::More) => {}
                Ok(Turn::Done) => return Ok(Ok(false)),
                Ok(Turn::PlanEnded) => return Ok(Ok(true)),
                Err(over) => {
                    engine.crash(self, life.stored);
                    return Ok(Err(over));
                }
            }
        }
    }

    fn begin_anew(&mut self, start: &Start) {
        let record = record(start);
        self.disk.marks.clear();
        self.groups.clear();
        self.disk.checkpoint = Some(record);
        self.disk.floor = Some(GroupMark { position: start.base, stored_at: Nanos(0), lane: start.base_lane });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn every_event_has_its_output_once_and_in_order(mut lives in prop::collection::vec(life(), 1..12)) {
        let mut world = World::default();
        // The last one has all the time it wants, and the plan of the one before.
        let last = Life { steps: 10_000, events: EVENTS, stored: 0, between: Between::Nothing, plan: 'A', rebuild: false };
        lives.push(Life { plan: lives.last().unwrap().plan, ..last });
        let mut refused = false;
        for life in &lives {
            refused |= !world.live(life)?;
        }
        let causes: Vec<u64> = world.lane.iter().map(|message| message.cause.0).collect();
        let mut expected: Vec<u64> = (1..=EVENTS).filter(|position| !is_silent(*position)).collect();
        if refused {
            expected.truncate(causes.len());
            prop_assert_eq!(causes, expected);
            return Ok(());
        }
        prop_assert_eq!(causes, expected);
        let mut known: Vec<u64> = world.groups.values().flat_map(|(_, events)| events.iter().copied()).collect();
        known.sort_unstable();
        prop_assert_eq!(known, (1..=EVENTS).collect::<Vec<_>>());
    }
}
