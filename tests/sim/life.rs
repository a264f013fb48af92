//! One start of the engine: the product's state machines, and a mailbox for each actor.
//!
//! What an actor decides is the product's code; here is only who hands what to whom. Each message is a turn of its own,
//! so that a crash may come between any two, and every step of a checkpoint is one.

use super::context::Context;
use super::entry::{Entry, Inside};
use super::model::Disk;
use super::reading::{OldReader, Reading};
use super::writing::Writing;
use sidestream::core::ids::{LaneSequence, Position};
use sidestream::core::output::Output;
use sidestream::core::plan::compiled::Plan;
use sidestream::core::state::changes::State;
use sidestream::engine::ending::End;
use sidestream::engine::restore;
use sidestream::ports::store::StoreError;
use sidestream::protocol::cutter::Cutter;
use sidestream::protocol::facts::Checkpoint;
use sidestream::protocol::machines::checkpointer::{Checkpointer, CheckpointerAct, ToCheckpointer};
use sidestream::protocol::machines::intake::{Fed, Intake, IntakeAct, ToIntake};
use sidestream::protocol::machines::machine::{CrashPoint, Machine};
use sidestream::protocol::machines::sequencer::{Carried, Sequencer, ToSequencer};
use sidestream::protocol::machines::shard::{LoadScope, Shard, ShardAct, ToShard};
use sidestream::protocol::outlet::{Outlet, OutletAct};
use sidestream::protocol::schedule::BarrierSchedule;
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

/// A message to an actor. A permit is only counted.
#[derive(Debug)]
pub enum Message {
    Intake(ToIntake<()>),
    Sequencer(ToSequencer<(), ()>),
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
    pub intake: Intake<()>,
    shards: Vec<Shard<StoreError>>,
    sequencer: Sequencer<(), ()>,
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
    /// Killed where it was: nothing more is done, not even the next act.
    dead: bool,
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
            let stored = Box::new(move |of: LoadScope<'_>| restore::stored(&disk, of));
            Shard::new(number, plan.clone(), state, start.after, stored)
        };
        let mut life = Life {
            process,
            generation,
            intake: Intake::new(BarrierSchedule::new(&start, Cutter::new(plan.clone(), count, &start))),
            shards: states.into_iter().enumerate().map(shard).collect(),
            sequencer: Sequencer::new(Outlet::new(&start, count, WINDOW)),
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
            dead: false,
            disk,
            start,
        };
        let mut acts = Vec::new();
        life.sequencer.begin(&mut acts);
        life.sequence(context, acts);
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
        let Some(message) = self.boxes[actor].pop_front().filter(|_| !self.dead) else { return };
        match actor {
            INTAKE => self.take(context, message),
            SEQUENCER => self.merge(context, message),
            CHECKPOINTER => self.checkpoint(context, message),
            WRITER => self.write(context, message),
            FEED => self.feed(context),
            shard => self.work(context, shard - SHARDS, message),
        }
        if !self.boxes[actor].is_empty() {
            self.turn_later(context, actor);
        }
    }

    /// Whether the process dies at a crash point.
    fn dies(&mut self, context: &mut Context, point: CrashPoint) -> bool {
        if context.crashes.as_mut().is_some_and(|random| random.per_mille(3)) {
            context.note(|| format!("p{} dies at {}", self.process, point.0));
            context.count("engine killed at a crash point");
            context.agenda.after(0, Entry::Kill(self.process));
            self.dead = true;
        }
        self.dead
    }

    fn take(&mut self, context: &mut Context, message: Message) {
        let Message::Intake(message) = message else { unreachable!("{message:?}") };
        let taken = matches!(&message, ToIntake::Feed(feed) if self.intake.takes(feed));
        let early = taken && context.random.per_mille(30);
        let mut acts = Vec::new();
        self.intake.on(ToIntake::DirtyKeys(if early { usize::MAX } else { 0 }), &mut acts);
        self.intake.on(message, &mut acts);
        for act in acts {
            match act {
                IntakeAct::Crash(point) if self.dies(context, point) => return,
                IntakeAct::Crash(_) | IntakeAct::Received { .. } => {}
                IntakeAct::Unused(()) => self.permits += 1,
                IntakeAct::Expect(expect) => {
                    self.tell(context, SEQUENCER, Message::Sequencer(ToSequencer::Expect(expect)));
                }
                IntakeAct::Work(shard, work) => {
                    self.tell(context, SHARDS + shard, Message::Shard(ToShard::Work(work)));
                }
                IntakeAct::PlanEnds(barrier) => {
                    self.tell(context, CHECKPOINTER, Message::Checkpointer(ToCheckpointer::PlanEnds(barrier)));
                }
                IntakeAct::Answer(Fed::Taken) => self.tell(context, FEED, Message::Wake),
                IntakeAct::Answer(Fed::Jumps(jumps, feed)) => self.look_into(context, jumps, feed.messages),
                // Nothing is fed any more.
                IntakeAct::Answer(Fed::Closed) => {}
                IntakeAct::Drained => self.ends(End::Drained),
                IntakeAct::PlanEnded => self.ends(End::PlanEnded),
                IntakeAct::Broken(what) => self.ends(End::Broken(what.to_owned())),
            }
        }
    }

    /// The checkpoint interval is over.
    pub fn interval(&mut self, context: &mut Context) {
        self.take(context, Message::Intake(ToIntake::Interval));
    }

    fn work(&mut self, context: &mut Context, number: usize, message: Message) {
        let Message::Shard(message) = message else { unreachable!("{message:?}") };
        let mut acts = Vec::new();
        self.shards[number].on(ToShard::Durable(self.durable), &mut acts);
        self.shards[number].on(message, &mut acts);
        while !acts.is_empty() {
            for act in acts.drain(..) {
                match act {
                    ShardAct::Processed(processed) => {
                        self.tell(context, SEQUENCER, Message::Sequencer(ToSequencer::Processed(processed)));
                    }
                    ShardAct::Delta(delta) => {
                        self.tell(context, CHECKPOINTER, Message::Checkpointer(ToCheckpointer::Delta(delta)));
                    }
                    ShardAct::Crash(point) if self.dies(context, point) => return,
                    ShardAct::Crash(_) | ShardAct::Report(_) => {}
                    ShardAct::Failed(error) => return self.ends(End::Store(error)),
                }
            }
            self.shards[number].done(&mut acts);
        }
    }

    fn merge(&mut self, context: &mut Context, message: Message) {
        let Message::Sequencer(message) = message else { unreachable!("{message:?}") };
        let mut acts = Vec::new();
        self.sequencer.on(message, &mut acts);
        self.sequence(context, acts);
    }

    fn sequence(&mut self, context: &mut Context, acts: Vec<OutletAct<Carried<()>>>) {
        for act in acts {
            match act {
                OutletAct::Recomputed { outputs, each } => {
                    *context.counts.entry("outputs recomputed").or_default() += outputs;
                    if self.dies(context, each) {
                        return;
                    }
                }
                OutletAct::Publish { first, outputs } => self.tell(context, WRITER, Message::Publish(first, outputs)),
                OutletAct::Crash(point) if self.dies(context, point) => return,
                OutletAct::Crash(_) | OutletAct::Merged(_) | OutletAct::Confirmed { .. } => {}
                OutletAct::Sent { carried, .. } => {
                    self.permits += usize::from(carried.permit.is_some());
                    self.tell(context, FEED, Message::Wake);
                }
                OutletAct::Reached { barrier, lane } => {
                    let reached = ToCheckpointer::Reached { barrier, lane };
                    self.tell(context, CHECKPOINTER, Message::Checkpointer(reached));
                }
                OutletAct::Recovered => self.recovered = true,
                OutletAct::LaneIsOurs => self.tell(context, INTAKE, Message::Intake(ToIntake::LaneIsOurs)),
                OutletAct::LaneOver(event) => self.ends(End::Lane(event)),
                OutletAct::Refuse(refusal) => self.ends(End::Refused(refusal)),
                OutletAct::Broken(broken) => self.ends(End::Broken(broken.to_string())),
            }
        }
    }

    fn checkpoint(&mut self, context: &mut Context, message: Message) {
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
                CheckpointerAct::Crash(point) | CheckpointerAct::CrashWritten(point) => {
                    if self.dies(context, point) {
                        return;
                    }
                }
                CheckpointerAct::Write(write) => {
                    let (record, known) = (self.checkpointer.record(), self.writing.answered.confirmed);
                    match super::truth::write(context, &self.disk, record, known, &write) {
                        Ok(()) => return self.step_next(context),
                        Err(error) => return self.ends(End::Store(error)),
                    }
                }
                CheckpointerAct::Durable(barrier) => self.durable = barrier,
                CheckpointerAct::Acknowledge(position) => self.acknowledge(context, position),
                CheckpointerAct::Next => self.tell(context, INTAKE, Message::Intake(ToIntake::Durable)),
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
