//! A property of the whole protocol: whatever is lost between two lives of an engine, every event that has an output
//! has it once, in order, and the state knows every event once.
//!
//! The engine is this file's few lines around the pure parts; a life ends at any step, and between two lives the state
//! directory may go, the lane may lose its tail or its head, and the configuration may change.

use super::checkpoint::Gather;
use super::facts::{Asked, Broker, Checkpoint, Consent, Disk, GroupMark, Newest, PlanSince, StreamFacts};
use super::header::{LaneMessage, RunHeader, RunId};
use super::intake::{Barrier, Intake};
use super::lane::{Lane, Send, compare};
use super::start::{Start, StartKind, Until, decide};
use super::start_world::{spec, stored_at};
use crate::core::event::StoredMessage;
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::output::Output;
use crate::core::plan::compiled::Plan;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const GROUPS: u64 = 3;
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
    (0u32..60, 0u64..=EVENTS, 0usize..6, between, prop_oneof![4 => Just('A'), 1 => Just('B')])
        .prop_map(|(steps, events, stored, between, plan)| Life { steps, events, stored, between, plan })
}

/// Server and disk.
#[derive(Default)]
struct World {
    /// The lane's messages; sequence 1 first. `kept` is how many of the first are gone.
    lane: Vec<LaneMessage>,
    gone: usize,
    disk: Disk,
    /// The events that each key group has on disk, as of its own position.
    groups: BTreeMap<u64, (Position, BTreeSet<u64>)>,
    runs: u32,
}

/// Positions that lead to no output.
fn is_silent(position: u64) -> bool {
    position % 5 == 3
}

fn output(position: u64) -> Output {
    Output {
        position: Position(position),
        n: 0,
        stored_at: stored_at(position),
        event_time: None,
        subject: "enriched.user".into(),
        copied: None,
        dead: None,
        payload: "{}".into(),
    }
}

/// A crash: the life is over.
struct Over;

struct Steps(u32);

impl Steps {
    fn step(&mut self) -> Result<(), Over> {
        self.0 = self.0.checked_sub(1).ok_or(Over)?;
        Ok(())
    }
}

impl World {
    fn broker(&self) -> Broker {
        let newest = match self.lane.last() {
            None => Newest::Never,
            Some(_) if self.gone >= self.lane.len() => Newest::Gone,
            Some(message) => Newest::Ours(Box::new(message.clone())),
        };
        Broker {
            input: StreamFacts { created: Nanos(1), first: 1, last: EVENTS },
            output: StreamFacts { created: Nanos(2), first: self.gone as u64 + 1, last: self.lane.len() as u64 },
            newest,
            oldest: self.lane.get(self.gone).cloned(),
            stored_at: (1..=EVENTS).map(|p| (Position(p), stored_at(p))).collect(),
            hole: None,
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

    /// Lives until the steps are used up or everything is done; starts again where a plan ends.
    fn live(&mut self, life: &Life) -> Result<(), TestCaseError> {
        self.happen(life.between);
        self.runs += 1;
        let run = RunId::new(Nanos(i64::from(self.runs)), 0);
        let asked = Asked { run, plan: spec(life.plan), consent: Consent::default() };
        let mut steps = Steps(life.steps);
        for number in 1..20 {
            let start = decide(&self.disk, &self.broker(), &asked);
            let start = start.map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
            match self.start(&start, &asked, number, life, &mut steps)? {
                Ok(true) => continue,
                Ok(false) | Err(Over) => return Ok(()),
            }
        }
        Err(TestCaseError::fail("starts again and again"))
    }

    /// One start: true when its plan ended.
    fn start(
        &mut self,
        start: &Start,
        asked: &Asked,
        number: u64,
        life: &Life,
        steps: &mut Steps,
    ) -> Result<Result<bool, Over>, TestCaseError> {
        if start.kind != StartKind::Resume {
            self.begin_anew(start);
        }
        let header = RunHeader {
            run: asked.run.clone(),
            start: number,
            plan: start.plan.plan.clone(),
            origin: start.origin,
            since: start.plan.since,
        };
        self.disk.plans.insert(asked.plan.fingerprint(), asked.plan.clone());
        let mut engine = Engine::new(start, header, self, life);
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
        let record = Checkpoint {
            position: start.after,
            lane: start.base_lane,
            stored_at: start.stored_at,
            stream_time: start.stream_time,
            input_created: Nanos(1),
            output_created: Nanos(2),
            origin: start.origin,
            plans: start.plans.clone(),
            layout: start.layout.clone(),
            gaps: start.gaps,
        };
        self.disk.marks.clear();
        self.groups.clear();
        self.disk.checkpoint = (start.base == start.after).then_some(record);
    }
}

enum Turn {
    More,
    Done,
    PlanEnded,
}

/// The engine of one start, event by event.
struct Engine {
    start: Start,
    header: RunHeader,
    intake: Intake,
    lane: Lane,
    gather: Gather,
    groups: BTreeMap<u64, (Position, BTreeSet<u64>)>,
    in_flight: Vec<LaneMessage>,
    events: u64,
    ending: bool,
}

impl Engine {
    fn new(start: &Start, header: RunHeader, world: &World, life: &Life) -> Engine {
        let spec = ['A', 'B'].map(spec).into_iter().find(|spec| spec.fingerprint() == header.plan).unwrap();
        let plan = Arc::new(Plan::compile(spec, &start.layout));
        let mut groups = world.groups.clone();
        for group in 0..GROUPS {
            let (position, _) = groups.entry(group).or_default();
            *position = (*position).max(start.after);
        }
        Engine {
            start: start.clone(),
            header,
            intake: Intake::new(plan, 1, start),
            lane: Lane::new(start),
            gather: Gather::new(1),
            groups,
            in_flight: Vec::new(),
            events: life.events,
            ending: false,
        }
    }

    /// Takes the next event, or ends; a checkpoint after every seventh and at the end.
    fn turn(&mut self, world: &mut World, steps: &mut Steps) -> Result<Result<Turn, Over>, TestCaseError> {
        let next = self.intake.position().0 + 1;
        let own = matches!(self.start.until, Some(Until::OwnOutput(_))) && self.lane.is_ours();
        if next > self.events || self.intake.is_done() || own {
            let ends = self.start.until.is_some() && (self.intake.is_done() || own);
            self.ending = ends;
            let barrier = self.intake.barrier_alone().and_then(|slice| slice.barrier);
            if let Err(over) = self.checkpoint(world, steps, barrier) {
                return Ok(Err(over));
            }
            return Ok(Ok(if ends { Turn::PlanEnded } else { Turn::Done }));
        }
        let message = StoredMessage {
            sequence: next,
            stored_at: stored_at(next),
            subject: "events.user".into(),
            headers: None,
            payload: "{}".into(),
        };
        let slice = self.intake.take(vec![message], next.is_multiple_of(7)).expect("an event beyond the last");
        self.lane.passed(slice.through);
        let (position, events) = self.groups.get_mut(&(next % GROUPS)).expect("every group");
        if *position < Position(next) {
            prop_assert!(events.insert(next), "event {next} was applied twice");
        }
        if !is_silent(next) && self.output(next, world)? {
            if let Err(over) = steps.step() {
                return Ok(Err(over));
            }
            self.confirm(world);
        }
        Ok(self.checkpoint(world, steps, slice.barrier).map(|()| Turn::More))
    }

    /// True when it was published.
    fn output(&mut self, position: u64, world: &World) -> Result<bool, TestCaseError> {
        match self.lane.output(&output(position)) {
            Send::Already => Ok(false),
            Send::Compare(sequence) => {
                let found = world.lane.get(sequence.0 as usize - 1).filter(|_| sequence.0 as usize > world.gone);
                compare(&output(position), &self.header.plan, found)
                    .map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
                Ok(false)
            }
            Send::Publish(sequence) => {
                let expected = (world.lane.len() + self.in_flight.len() + 1) as u64;
                prop_assert_eq!(sequence.0, expected, "the server would refuse it");
                self.in_flight.push(LaneMessage {
                    sequence,
                    input_stream: "EVENTS".into(),
                    cause: Position(position),
                    n: 0,
                    time: stored_at(position),
                    run: self.header.clone(),
                });
                Ok(true)
            }
        }
    }

    /// Every fourth output comes with a confirmation of all.
    fn confirm(&mut self, world: &mut World) {
        if self.in_flight.len() > 3 || self.ending {
            world.lane.append(&mut self.in_flight);
            self.lane.confirm(LaneSequence(world.lane.len() as u64));
        }
    }

    fn checkpoint(&mut self, world: &mut World, steps: &mut Steps, barrier: Option<Barrier>) -> Result<(), Over> {
        let Some(barrier) = barrier else { return Ok(()) };
        self.lane.barrier(barrier);
        world.lane.append(&mut self.in_flight);
        self.lane.confirm(LaneSequence(world.lane.len() as u64));
        let (barrier, lane) = self.lane.reached().expect("all is confirmed");
        steps.step()?;
        let part = self.gather.part(barrier, 0, Vec::new()).expect("one barrier at a time");
        assert_eq!(part, None);
        let ready = self.gather.confirmed(barrier, lane).expect("one barrier at a time").expect("all parts");
        for (group, (_, events)) in &self.groups {
            let before = world.groups.get(group).map(|(_, events)| events.len());
            // A clean group is not written.
            if before.unwrap_or_default() != events.len() {
                world.groups.insert(*group, (barrier.position, events.clone()));
                let GroupMark { position, stored_at, lane } = ready.mark();
                world.disk.marks.push(GroupMark { position, stored_at, lane });
                steps.step()?;
            }
        }
        let mut record = ready.record(&self.record());
        if let (true, Some(Until::OwnOutput(next) | Until::Position(_, next))) = (self.ending, &self.start.until) {
            let since = Position(record.position.0 + 1);
            if record.plans.last().is_none_or(|last| last.since < since) {
                record.plans.push(PlanSince { plan: next.clone(), since });
            }
        }
        world.disk.checkpoint = Some(record);
        steps.step()
    }

    fn record(&self) -> Checkpoint {
        Checkpoint {
            position: self.start.after,
            lane: self.start.base_lane,
            stored_at: self.start.stored_at,
            stream_time: self.start.stream_time,
            input_created: Nanos(1),
            output_created: Nanos(2),
            origin: self.start.origin,
            plans: self.start.plans.clone(),
            layout: self.start.layout.clone(),
            gaps: self.start.gaps,
        }
    }

    /// Of what is in flight, the server has stored some.
    fn crash(&mut self, world: &mut World, stored: usize) {
        world.lane.extend(self.in_flight.drain(..).take(stored));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn every_event_has_its_output_once_and_in_order(mut lives in prop::collection::vec(life(), 1..12)) {
        let mut world = World::default();
        // The last one has all the time it wants, and the plan of the one before.
        let last = Life { steps: 10_000, events: EVENTS, stored: 0, between: Between::Nothing, plan: 'A' };
        lives.push(Life { plan: lives.last().unwrap().plan, ..last });
        for life in &lives {
            world.live(life)?;
        }
        let causes: Vec<u64> = world.lane.iter().map(|message| message.cause.0).collect();
        let expected: Vec<u64> = (1..=EVENTS).filter(|position| !is_silent(*position)).collect();
        prop_assert_eq!(causes, expected);
        let mut known: Vec<u64> = world.groups.values().flat_map(|(_, events)| events.iter().copied()).collect();
        known.sort_unstable();
        prop_assert_eq!(known, (1..=EVENTS).collect::<Vec<_>>());
    }
}
