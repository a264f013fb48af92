//! One start of the engine: the product's state machines, and a mailbox for each actor.
//!
//! What an actor decides is the product's code; here is only who hands what to whom. Each message is a turn of its own,
//! so that a crash may come between any two, and every step of a checkpoint is one.

use super::context::Context;
use super::entry::{Entry, Inside};
use super::model::Disk;
use super::reading::{OldReader, Reading};
use super::writing::Writing;
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::{LaneSequence, Position};
use sidestream::core::outcome::Outcome;
use sidestream::core::output::Output;
use sidestream::core::plan::compiled::Plan;
use sidestream::core::state::changes::State;
use sidestream::engine::ending::End;
use sidestream::engine::restore::stored_rows;
use sidestream::ports::store::StoreError;
use sidestream::ports::stream::LaneEvent;
use sidestream::protocol::facts::Checkpoint;
use sidestream::protocol::intake::{Intake, Slice};
use sidestream::protocol::machines::checkpointer::{Checkpointer, CheckpointerAct, ToCheckpointer};
use sidestream::protocol::machines::machine::Machine;
use sidestream::protocol::machines::shard::{Processed, Shard, ShardAct, ToShard, Work};
use sidestream::protocol::old::OldBatch;
use sidestream::protocol::outlet::{Act, Announced, Outlet};
use sidestream::protocol::pace::{Next, Pace};
use sidestream::protocol::start::Start;
use sidestream::protocol::window::Window;
use sidestream::protocol::writes::NextPlan;
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
    Processed(Processed),
    Old(OldBatch<()>),
    News(LaneEvent),
    Shard(ToShard),
    Checkpointer(ToCheckpointer),
    /// The next step of the checkpoint that is being written.
    Step,
    Publish(LaneSequence, Vec<Output>),
    /// Something happened for which the actor may have waited.
    Wake,
}

/// One start.
pub struct Life {
    pub process: usize,
    pub generation: u64,
    pub start: Start,
    pub disk: Disk,
    pub pace: Pace,
    shards: Vec<Shard<StoreError>>,
    outlet: Outlet<bool, (), Outcome>,
    acts: Vec<Act<bool>>,
    pub checkpointer: Checkpointer,
    /// What is left to do of a checkpoint.
    checkpointing: VecDeque<CheckpointerAct>,
    durable: u64,
    /// The input may be acknowledged up to here.
    pub acknowledged: Position,
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
        let shard = |(number, state)| {
            let disk = disk.clone();
            let stored = Box::new(move |key: &str| stored_rows(&disk, key));
            Shard::new(number, plan.clone(), state, start.after, stored)
        };
        let mut life = Life {
            process,
            generation,
            pace: Pace::new(&start, Intake::new(plan.clone(), count, &start)),
            shards: states.into_iter().enumerate().map(shard).collect(),
            outlet: Outlet::new(&start, count, WINDOW),
            acts: Vec::new(),
            acknowledged: record.position,
            checkpointer: Checkpointer::new(count, record, next_plan),
            checkpointing: VecDeque::new(),
            durable: 0,
            boxes: (0..SHARDS + count).map(|_| VecDeque::new()).collect(),
            permits: PERMITS,
            recovered: false,
            reading,
            writing,
            old: (start.lane_last > start.base_lane).then(|| OldReader::new(&start)),
            end: None,
            disk,
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
                Next::PlanEnds(barrier) => {
                    let ends = ToCheckpointer::PlanEnds(barrier.number);
                    self.tell(context, CHECKPOINTER, Message::Checkpointer(ends));
                }
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
            let work = Work { slice: number, through, events, barrier };
            self.tell(context, SHARDS + shard, Message::Shard(ToShard::Work(work)));
        }
    }

    fn shard(&mut self, context: &mut Context, number: usize, message: Message) {
        let Message::Shard(message) = message else { unreachable!("{message:?}") };
        let mut acts = Vec::new();
        self.shards[number].on(ToShard::Durable(self.durable), &mut acts);
        self.shards[number].on(message, &mut acts);
        while !acts.is_empty() {
            for act in acts.drain(..) {
                match act {
                    ShardAct::Processed(processed) => self.tell(context, SEQUENCER, Message::Processed(processed)),
                    ShardAct::Delta(delta) => {
                        self.tell(context, CHECKPOINTER, Message::Checkpointer(ToCheckpointer::Delta(delta)));
                    }
                    ShardAct::Crash(_) | ShardAct::Report(_) => {}
                    ShardAct::Failed(error) => return self.ends(End::Store(error)),
                }
            }
            self.shards[number].done(&mut acts);
        }
    }

    fn sequencer(&mut self, context: &mut Context, message: Message) {
        let acts = &mut self.acts;
        match message {
            Message::Announced(announced, order) => self.outlet.announced(announced, order, acts),
            Message::Processed(Processed { slice, shard, outcomes }) => {
                self.outlet.processed(slice, shard, outcomes, acts);
            }
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
                Act::Reached { barrier, lane } => {
                    let reached = ToCheckpointer::Reached { barrier, lane };
                    self.tell(context, CHECKPOINTER, Message::Checkpointer(reached));
                }
                Act::Recovered => self.recovered = true,
                Act::LaneIsOurs => self.tell(context, INTAKE, Message::LaneIsOurs),
                Act::Refuse(refusal) => self.ends(End::Refused(refusal)),
                Act::Broken(broken) => self.ends(End::Broken(broken.to_string())),
            }
        }
    }

    fn checkpointer(&mut self, context: &mut Context, message: Message) {
        match message {
            Message::Checkpointer(message) => {
                let mut acts = Vec::new();
                self.checkpointer.on(message, &mut acts);
                self.checkpointing.extend(acts);
                if !self.checkpointing.is_empty() {
                    self.step_next(context);
                }
            }
            Message::Step => self.step(context),
            other => unreachable!("{other:?}"),
        }
    }

    /// The actor does nothing else before its checkpoint is written.
    fn step_next(&mut self, context: &mut Context) {
        self.boxes[CHECKPOINTER].push_front(Message::Step);
        if self.boxes[CHECKPOINTER].len() == 1 {
            self.turn_later(context, CHECKPOINTER);
        }
    }

    /// Goes on up to the next write; what follows from the last one is a turn of its own.
    fn step(&mut self, context: &mut Context) {
        loop {
            let Some(act) = self.checkpointing.pop_front() else {
                let mut acts = Vec::new();
                self.checkpointer.done(&mut acts);
                if acts.is_empty() {
                    return;
                }
                self.checkpointing.extend(acts);
                continue;
            };
            match act {
                CheckpointerAct::Crash(_) | CheckpointerAct::CrashWritten(_) => {}
                CheckpointerAct::Write(write) => {
                    let (record, known) = (self.checkpointer.record(), self.writing.answered.confirmed);
                    match super::truth::write(context, &self.disk, record, known, &write) {
                        Ok(()) => return self.step_next(context),
                        Err(error) => return self.ends(End::Store(error)),
                    }
                }
                CheckpointerAct::Durable(barrier) => self.durable = barrier,
                CheckpointerAct::Acknowledge(position) => self.acknowledge(context, position),
                CheckpointerAct::Next => self.tell(context, INTAKE, Message::Durable),
                CheckpointerAct::Broken(overlap) => return self.ends(End::Broken(overlap.to_string())),
            }
        }
    }

    /// The input may let go of everything up to here: no start may ever need it again.
    fn acknowledge(&mut self, context: &mut Context, position: Position) {
        super::truth::is_recorded(context, &self.disk, position);
        self.acknowledged = position;
        context.count("checkpoints");
        context.note(|| format!("p{} checkpoint at {position}", self.process));
        let silent = context.lane.last().is_some_and(|newest| newest.cause < position.0);
        if silent && std::mem::take(&mut context.kill_behind_silence) {
            context.agenda.after(0, Entry::Kill(self.process));
        }
        if context.random.per_mille(200) {
            super::truth::check_disk(context, &self.disk);
        }
    }
}
