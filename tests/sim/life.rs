//! One start of the engine: the product's state machines, and a mailbox for each actor.
//!
//! What an actor decides is the product's code; here is only who hands what to whom. Each message is a turn of its own,
//! so that a crash may come between any two, and every step of a checkpoint is one.

use super::context::Context;
use super::entry::{Entry, Inside};
use super::model::Disk;
use super::reading::{OldReader, Reading};
use super::writing::Writing;
use sidestream::core::event::{Events, StoredMessage};
use sidestream::core::ids::LaneSequence;
use sidestream::core::outcome::Outcome;
use sidestream::core::output::Output;
use sidestream::core::plan::compiled::Plan;
use sidestream::core::state::changes::{GroupChanges, State};
use sidestream::core::step::Step;
use sidestream::engine::ending::End;
use sidestream::engine::restore::stored_rows;
use sidestream::ports::store::StoreError;
use sidestream::ports::stream::LaneEvent;
use sidestream::protocol::checkpoint::Gather;
use sidestream::protocol::facts::Checkpoint;
use sidestream::protocol::intake::{Barrier, Intake, Slice};
use sidestream::protocol::old::OldBatch;
use sidestream::protocol::outlet::{Act, Announced, Outlet};
use sidestream::protocol::pace::{Next, Pace};
use sidestream::protocol::start::Start;
use sidestream::protocol::window::Window;
use sidestream::protocol::writes::{NextPlan, Write};
use std::collections::VecDeque;
use std::sync::Arc;

/// The actors' mailboxes; the shards follow.
pub const INTAKE: usize = 0;
pub const SEQUENCER: usize = 1;
pub const CHECKPOINTER: usize = 2;
pub const WRITER: usize = 3;
pub const FEED: usize = 4;
pub const SHARDS: usize = 5;

/// Small windows, so that every bound is met.
const WINDOW: Window = Window { outputs: 24, bytes: 1 << 20, chunk: 5 };
/// Slices in flight.
pub const PERMITS: usize = 4;

/// A message to an actor.
#[derive(Debug)]
pub enum Message {
    Feed(Vec<StoredMessage>, bool),
    Drain,
    LaneIsOurs,
    Durable,
    Announced(Announced<bool>, Vec<u8>),
    Processed(u64, usize, Vec<Outcome>),
    Old(OldBatch<()>),
    News(LaneEvent),
    Work(u64, Events, Option<Barrier>),
    Delta(Barrier, usize, Vec<GroupChanges>),
    Reached(Barrier, LaneSequence),
    PlanEnds(u64),
    /// The next step of the checkpoint that is being written.
    Step,
    Publish(LaneSequence, Vec<Output>),
    /// Something happened for which the actor may have waited.
    Wake,
}

/// A checkpoint that is being written.
struct Checkpointing {
    steps: VecDeque<Write>,
    record: Checkpoint,
    barrier: Barrier,
}

/// One start.
pub struct Life {
    pub process: usize,
    pub generation: u64,
    pub start: Start,
    pub disk: Disk,
    pub pace: Pace,
    shards: Vec<Step>,
    outlet: Outlet<bool, (), Outcome>,
    acts: Vec<Act<bool>>,
    gather: Gather,
    pub record: Checkpoint,
    next_plan: Option<NextPlan>,
    plan_ends: Option<u64>,
    checkpointing: Option<Checkpointing>,
    durable: u64,
    boxes: Vec<VecDeque<Message>>,
    pub permits: usize,
    pub recovered: bool,
    pub reading: Reading,
    pub writing: Writing,
    pub old: Option<OldReader>,
    pub end: Option<End>,
}

/// What a life begins with.
pub struct Birth {
    pub process: usize,
    pub generation: u64,
    pub start: Start,
    pub plan: Plan,
    pub record: Checkpoint,
    pub next_plan: Option<NextPlan>,
    pub states: Vec<State>,
    pub disk: Disk,
    pub reading: Reading,
    pub writing: Writing,
}

impl Life {
    /// A life over loaded states.
    pub fn new(birth: Birth, context: &mut Context) -> Life {
        let Birth { process, generation, start, plan, record, next_plan, states, disk, reading, writing } = birth;
        let plan = Arc::new(plan);
        let count = states.len();
        let mut life = Life {
            process,
            generation,
            disk,
            pace: Pace::new(&start, Intake::new(plan.clone(), count, &start)),
            shards: states.into_iter().map(|state| Step::new(plan.clone(), state)).collect(),
            outlet: Outlet::new(&start, count, WINDOW),
            acts: Vec::new(),
            gather: Gather::new(count),
            record,
            next_plan,
            plan_ends: None,
            checkpointing: None,
            durable: 0,
            boxes: (0..SHARDS + count).map(|_| VecDeque::new()).collect(),
            permits: PERMITS,
            recovered: false,
            reading,
            writing,
            old: (start.lane_last > start.base_lane).then(|| OldReader::new(&start)),
            end: None,
            start,
        };
        life.outlet.begin(&mut life.acts);
        life.act(context);
        life
    }

    /// Ends the life, for the first reason given.
    pub fn ends(&mut self, end: End) {
        self.end.get_or_insert(end);
    }

    /// Hands a message to an actor.
    pub fn tell(&mut self, context: &mut Context, actor: usize, message: Message) {
        self.boxes[actor].push_back(message);
        if self.boxes[actor].len() == 1 {
            self.turn_later(context, actor);
        }
    }

    fn turn_later(&self, context: &mut Context, actor: usize) {
        let wait = context.turn();
        context.agenda.after(wait, Entry::Inside(self.process, self.generation, Inside::Turn(actor)));
    }

    /// An actor takes its next message.
    pub fn turn(&mut self, context: &mut Context, actor: usize) {
        let Some(message) = self.boxes[actor].pop_front() else { return };
        match actor {
            INTAKE => self.intake(context, message),
            SEQUENCER => self.sequencer(context, message),
            CHECKPOINTER => self.checkpointer(context, message),
            WRITER => self.write(context, message),
            FEED => self.feed(context),
            shard => self.shard(context, shard - SHARDS, message),
        }
        if !self.boxes[actor].is_empty() {
            self.turn_later(context, actor);
        }
    }

    fn intake(&mut self, context: &mut Context, message: Message) {
        let next = match message {
            Message::Feed(messages, pass_jump) => return self.take(context, messages, pass_jump),
            Message::Drain => self.pace.drain(),
            Message::LaneIsOurs => self.pace.lane_is_ours(),
            Message::Durable => self.pace.durable(),
            other => unreachable!("{other:?}"),
        };
        self.go_on(context, next);
    }

    fn take(&mut self, context: &mut Context, messages: Vec<StoredMessage>, pass_jump: bool) {
        if self.pace.is_closed() {
            // The permit and the messages are gone; nothing is fed any more.
            return;
        }
        let jumps = if pass_jump { Vec::new() } else { self.pace.jumps(&messages) };
        if !jumps.is_empty() {
            return self.look_into(context, jumps, messages);
        }
        let early = context.random.per_mille(30);
        match self.pace.take(messages, early) {
            Some(slice) => self.dispatch(context, slice, true),
            None => self.permits += 1,
        }
        let next = self.pace.after_take();
        self.go_on(context, next);
        self.tell(context, FEED, Message::Wake);
    }

    /// The checkpoint interval is over.
    pub fn interval(&mut self, context: &mut Context) {
        let next = self.pace.interval();
        self.go_on(context, next);
    }

    fn go_on(&mut self, context: &mut Context, next: Vec<Next>) {
        for next in next {
            match next {
                Next::Slice(slice) => self.dispatch(context, slice, false),
                Next::PlanEnds(barrier) => self.tell(context, CHECKPOINTER, Message::PlanEnds(barrier.number)),
                Next::Drained => self.ends(End::Drained),
                Next::PlanEnded => self.ends(End::PlanEnded),
                Next::Broken => self.ends(End::Broken("a plan ends below B".to_owned())),
            }
        }
    }

    /// A barrier alone travels without a permit.
    fn dispatch(&mut self, context: &mut Context, slice: Slice, permit: bool) {
        let Slice { number, shards, order, barrier, through, .. } = slice;
        let announced = Announced { number, barrier, through, carried: permit };
        self.tell(context, SEQUENCER, Message::Announced(announced, order));
        for (shard, events) in shards.into_iter().enumerate() {
            self.tell(context, SHARDS + shard, Message::Work(number, events, barrier));
        }
    }

    fn shard(&mut self, context: &mut Context, shard: usize, message: Message) {
        let Message::Work(slice, events, barrier) = message else { unreachable!("{message:?}") };
        if let Err(error) = self.load(shard, &events) {
            return self.ends(End::Store(error));
        }
        let step = &mut self.shards[shard];
        let outcomes = step.run(&events);
        let delta = barrier.map(|barrier| {
            let changes = step.state.take_changes(barrier.number, barrier.position, barrier.stream_time);
            (barrier, changes)
        });
        step.state.rows.evict(self.durable);
        self.tell(context, SEQUENCER, Message::Processed(slice, shard, outcomes));
        if let Some((barrier, groups)) = delta {
            self.tell(context, CHECKPOINTER, Message::Delta(barrier, shard, groups));
        }
    }

    fn load(&mut self, shard: usize, events: &Events) -> Result<(), StoreError> {
        let state = &mut self.shards[shard].state;
        for event in &events.list {
            let Some(key) = event.reading.as_ref().ok().and_then(|reading| reading.key.as_ref()) else { continue };
            if state.rows.must_load(key.digest) {
                let text = key.text.get(&event.message.payload);
                state.insert(key.digest, text, event.group, stored_rows(&self.disk, text)?);
            }
        }
        Ok(())
    }

    fn sequencer(&mut self, context: &mut Context, message: Message) {
        let acts = &mut self.acts;
        match message {
            Message::Announced(announced, order) => self.outlet.announced(announced, order, acts),
            Message::Processed(number, shard, outcomes) => self.outlet.processed(number, shard, outcomes, acts),
            Message::Old(batch) => self.outlet.old(batch, acts),
            Message::News(LaneEvent::Confirmed(sequence)) => self.outlet.confirmed(sequence, |_| {}, acts),
            Message::News(event) => return self.ends(End::Lane(event)),
            other => unreachable!("{other:?}"),
        }
        self.act(context);
    }

    fn act(&mut self, context: &mut Context) {
        for act in std::mem::take(&mut self.acts) {
            match act {
                Act::Recomputed(outputs) => {
                    *context.counts.entry("outputs recomputed").or_default() += outputs;
                }
                Act::Publish { first, outputs } => self.tell(context, WRITER, Message::Publish(first, outputs)),
                Act::Merged(_) => {}
                Act::Sent { carried, .. } => {
                    self.permits += usize::from(carried);
                    self.tell(context, FEED, Message::Wake);
                }
                Act::Reached { barrier, lane } => self.tell(context, CHECKPOINTER, Message::Reached(barrier, lane)),
                Act::Recovered => self.recovered = true,
                Act::LaneIsOurs => self.tell(context, INTAKE, Message::LaneIsOurs),
                Act::Refuse(refusal) => self.ends(End::Refused(refusal)),
                Act::Broken(broken) => self.ends(End::Broken(broken.to_string())),
            }
        }
    }

    fn checkpointer(&mut self, context: &mut Context, message: Message) {
        let ready = match message {
            Message::Delta(barrier, shard, groups) => self.gather.part(barrier, shard, groups),
            Message::Reached(barrier, lane) => self.gather.confirmed(barrier, lane),
            Message::PlanEnds(barrier) => {
                self.plan_ends = Some(barrier);
                return;
            }
            Message::Step => return self.step(context),
            other => unreachable!("{other:?}"),
        };
        match ready {
            Ok(None) => {}
            Err(overlap) => self.ends(End::Broken(overlap.to_string())),
            Ok(Some(ready)) => {
                let ends = self.plan_ends == Some(ready.barrier.number);
                let barrier = ready.barrier;
                let next = self.next_plan.as_ref().filter(|_| ends);
                let (steps, record) = sidestream::protocol::writes::writes(ready, &self.record, next);
                self.checkpointing = Some(Checkpointing { steps: steps.into(), record, barrier });
                self.step_next(context);
            }
        }
    }

    /// The actor does nothing else before its checkpoint is written.
    fn step_next(&mut self, context: &mut Context) {
        self.boxes[CHECKPOINTER].push_front(Message::Step);
        if self.boxes[CHECKPOINTER].len() == 1 {
            self.turn_later(context, CHECKPOINTER);
        }
    }

    fn step(&mut self, context: &mut Context) {
        let Some(mut at_work) = self.checkpointing.take() else { return };
        match at_work.steps.pop_front() {
            Some(write) => {
                let written =
                    super::truth::write(context, &self.disk, &self.record, self.writing.answered.confirmed, &write);
                self.checkpointing = Some(at_work);
                match written {
                    Ok(()) => self.step_next(context),
                    Err(error) => self.ends(End::Store(error)),
                }
            }
            None => {
                if self.disk.pending() > 0 {
                    context.violated("a checkpoint counts as durable and is not synced");
                }
                self.record = at_work.record;
                self.durable = at_work.barrier.number;
                context.count("checkpoints");
                context.note(|| format!("p{} checkpoint at {}", self.process, at_work.barrier.position));
                let position = at_work.barrier.position.0;
                let silent = context.lane.last().is_some_and(|newest| newest.cause < position);
                if silent && std::mem::take(&mut context.kill_behind_silence) {
                    context.agenda.after(0, Entry::Kill(self.process));
                }
                if context.random.per_mille(200) {
                    super::truth::check_disk(context, &self.disk);
                }
                self.tell(context, INTAKE, Message::Durable);
            }
        }
    }
}
