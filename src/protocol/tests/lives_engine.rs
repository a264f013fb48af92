//! The engine of `lives`: the pure parts, driven event by event, with a place to crash after every step.
//!
//! Nothing here judges; what the engine does wrong shows in the lane and in the groups.

use crate::core::event::StoredMessage;
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::output::Output;
use crate::core::plan::compiled::Plan;
use crate::protocol::checkpoint::Gather;
use crate::protocol::cutter::{Barrier, Cutter};
use crate::protocol::facts::{Checkpoint, GroupMark, PlanSince};
use crate::protocol::header::{LaneMessage, RunHeader};
use crate::protocol::lane::{LaneLedger, Send, compare};
use crate::protocol::start::{Start, Until};
use crate::protocol::tests::lives::{GROUPS, World, is_silent};
use crate::protocol::tests::world::{spec, stored_at};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A crash: the life is over.
pub struct Over;

/// Steps until the crash.
pub struct Steps(pub u32);

impl Steps {
    fn step(&mut self) -> Result<(), Over> {
        self.0 = self.0.checked_sub(1).ok_or(Over)?;
        Ok(())
    }
}

/// What became of a turn.
pub enum Turn {
    More,
    Done,
    PlanEnded,
}

/// The engine of one start, event by event.
pub struct Engine {
    start: Start,
    header: RunHeader,
    intake: Cutter,
    lane: LaneLedger,
    gather: Gather,
    groups: BTreeMap<u64, (Position, BTreeSet<u64>)>,
    in_flight: Vec<LaneMessage>,
    events: u64,
    ending: bool,
}

impl Engine {
    /// An engine over what the world has on disk; there are `events` events.
    pub fn new(start: &Start, header: RunHeader, world: &World, events: u64) -> Engine {
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
            intake: Cutter::new(plan, 1, start),
            lane: LaneLedger::new(start),
            gather: Gather::new(1),
            groups,
            in_flight: Vec::new(),
            events,
            ending: false,
        }
    }

    /// Takes the next event, or ends; a checkpoint after every seventh and at the end.
    pub fn turn(&mut self, world: &mut World, steps: &mut Steps) -> Result<Result<Turn, Over>, TestCaseError> {
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
                    followed: false,
                    time: stored_at(position),
                    run: self.header.clone(),
                    rewinds: Vec::new(),
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
        let mut record = ready.record(&record(&self.start));
        if let (true, Some(Until::OwnOutput(next) | Until::Position(_, next))) = (self.ending, &self.start.until) {
            let since = Position(record.position.0 + 1);
            if record.plans.last().is_none_or(|last| last.since < since) {
                record.plans.push(PlanSince { plan: next.clone(), since });
            }
        }
        world.disk.checkpoint = Some(record);
        steps.step()
    }

    /// Of what is in flight, the server has stored some.
    pub fn crash(&mut self, world: &mut World, stored: usize) {
        world.lane.extend(self.in_flight.drain(..).take(stored));
    }
}

fn output(position: u64) -> Output {
    Output {
        position: Position(position),
        n: 0,
        stored_at: stored_at(position),
        event_time: None,
        subject: "enriched.user".into(),
        copied: None,
        followed: false,
        envelope: None,
        dead: None,
        payload: "{}".into(),
    }
}

/// The record that a start begins with.
pub fn record(start: &Start) -> Checkpoint {
    Checkpoint {
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
        rewinds: start.rewinds.clone(),
    }
}
