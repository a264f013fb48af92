//! Putting the engine together: arbiters, actors, addresses, bounds.
//!
//! Knows no broker and no disk: what comes in and goes out are channels and a store that `app` hands in.

use super::checkpointer::{CheckpointerHands, Steps};
use super::ending::{End, Ending};
use super::host::{Address, Hands, Host};
use super::intake::IntakeHands;
use super::messages::{Inspect, Publish, Tell};
use super::restore;
use super::sequencer::SequencerHands;
use super::shard::ShardHands;
use super::timings::Timings;
use crate::core::ids::Position;
use crate::core::plan::compiled::Plan;
use crate::core::state::changes::State;
use crate::core::state::view::StateQuery;
use crate::ports::store::Store;
use crate::protocol::cutter::Cutter;
use crate::protocol::facts::Checkpoint;
use crate::protocol::machines::checkpointer::Checkpointer;
use crate::protocol::machines::intake::{Intake, ToIntake};
use crate::protocol::machines::sequencer::Sequencer;
use crate::protocol::machines::shard::{LoadScope, Shard, Waits};
use crate::protocol::outlet::Outlet;
use crate::protocol::runner::anything_waits;
use crate::protocol::schedule::BarrierSchedule;
use crate::protocol::start::Start;
use crate::protocol::window::{PUBLISHES, WINDOW};
use crate::protocol::writes::NextPlan;
use crate::telemetry::metrics::Metrics;
use actix::{Actor, Arbiter};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc, watch};

/// Inspections of a running shard that may wait.
const INSPECTIONS: usize = 16;

/// What a start of the engine is made of.
pub struct EngineParts {
    /// The plan.
    pub plan: Arc<Plan>,
    /// How it begins.
    pub start: Start,
    /// The state of each shard, loaded.
    pub states: Vec<State>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The record of S on disk.
    pub record: Checkpoint,
    /// The plan that follows, if `start.until` names one.
    pub next_plan: Option<NextPlan>,
    /// The time between checkpoints.
    pub checkpoint_interval: Duration,
    /// How many slices may be in flight.
    pub slices_in_flight: usize,
    /// The metrics.
    pub metrics: Metrics,
}

/// A running engine.
pub struct Engine {
    /// Where the input goes.
    pub intake: Address<IntakeHands>,
    /// Where news of the lane goes.
    pub sequencer: Address<SequencerHands>,
    /// The shards, in order.
    pub shards: Vec<Address<ShardHands>>,
    /// One permit a slice in flight.
    pub permits: Arc<Semaphore>,
    /// S, as it moves on.
    pub durable: watch::Receiver<Position>,
    /// Whether everything that was in the lane at the start is passed over.
    pub recovered: watch::Receiver<bool>,
    /// Why the start ended.
    pub ended: mpsc::Receiver<End>,
    /// Where other parts of the start report the end.
    pub ending: Ending,
    arbiters: Vec<Arbiter>,
}

/// What the actors share while they are put together.
struct EngineShared {
    plan: Arc<Plan>,
    store: Arc<dyn Store>,
    metrics: Metrics,
    ending: Ending,
    durable: Arc<AtomicU64>,
    dirty_keys: Arc<AtomicUsize>,
    intake: Arc<OnceLock<Address<IntakeHands>>>,
    shards: usize,
    slices_in_flight: usize,
    arbiters: Vec<Arbiter>,
}

impl EngineShared {
    /// An actor with a thread of its own.
    fn host<H: Hands<Machine: Send> + Send>(&mut self, machine: H::Machine, hands: H) -> Address<H> {
        let (arbiter, ending) = (Arbiter::new(), self.ending.clone());
        let addr = Host::start_in_arbiter(&arbiter.handle(), |_| Host::new(machine, hands, ending));
        self.arbiters.push(arbiter);
        addr
    }

    fn checkpointer(
        &mut self,
        record: Checkpoint,
        next_plan: Option<NextPlan>,
        position: watch::Sender<Position>,
    ) -> Address<CheckpointerHands> {
        let hands = CheckpointerHands {
            store: self.store.clone(),
            steps: Steps::default(),
            durable: self.durable.clone(),
            position,
            intake: self.intake.clone(),
            shards: self.shards,
            began: Instant::now(),
            metrics: self.metrics.clone(),
        };
        self.host(Checkpointer::new(self.shards, record, next_plan), hands)
    }

    fn sequencer(
        &mut self,
        start: &Start,
        checkpointer: &Address<CheckpointerHands>,
        writer: mpsc::Sender<Publish>,
        recovered: watch::Sender<bool>,
    ) -> Address<SequencerHands> {
        let outlet = Outlet::new(start, self.shards, WINDOW);
        let hands = SequencerHands {
            writer,
            in_flight: (0, 0),
            seconds: Vec::new(),
            timings: Timings::default(),
            checkpointer: checkpointer.clone(),
            intake: self.intake.clone(),
            recovered,
            // Of each slice in flight its announcement and a part of each shard, of the lane and of old
            // messages one at a time, and the barriers that travel without a permit.
            mailbox: (self.slices_in_flight + 2) * (self.shards + 1) + 8,
            metrics: self.metrics.clone(),
        };
        self.host(Sequencer::new(outlet), hands)
    }

    fn shard(
        &mut self,
        (number, state): (usize, State),
        through: Position,
        sequencer: &Address<SequencerHands>,
        checkpointer: &Address<CheckpointerHands>,
    ) -> Address<ShardHands> {
        let hands = ShardHands {
            number,
            plan: self.plan.clone(),
            durable: self.durable.clone(),
            dirty_keys: self.dirty_keys.clone(),
            own_dirty_keys: 0,
            sequencer: sequencer.clone(),
            checkpointer: checkpointer.clone(),
            mailbox: self.slices_in_flight + 2 + INSPECTIONS,
            began: Instant::now(),
            metrics: self.metrics.clone(),
        };
        if !state.waiting.is_empty() {
            self.metrics.waits(number, Waits::of(&state));
        }
        let store = self.store.clone();
        let stored = Box::new(move |of: LoadScope<'_>| restore::stored(store.as_ref(), of));
        self.host(Shard::new(number, self.plan.clone(), state, through, stored), hands)
    }
}

impl Engine {
    /// Starts the actors; the receiver gets what is to be published.
    pub fn launch(parts: EngineParts) -> (Engine, mpsc::Receiver<Publish>) {
        let (ending, ended) = Ending::new();
        let (writer, publishes) = mpsc::channel(PUBLISHES);
        let (position, durable) = watch::channel(parts.start.after);
        let (recovery, recovered) = watch::channel(false);
        let mut shared = EngineShared {
            plan: parts.plan.clone(),
            store: parts.store,
            metrics: parts.metrics.clone(),
            ending: ending.clone(),
            durable: Arc::default(),
            dirty_keys: Arc::default(),
            intake: Arc::default(),
            shards: parts.states.len(),
            slices_in_flight: parts.slices_in_flight,
            arbiters: Vec::new(),
        };
        let checkpointer = shared.checkpointer(parts.record, parts.next_plan, position);
        let sequencer = shared.sequencer(&parts.start, &checkpointer, writer, recovery);
        let through = parts.start.after;
        let waits = anything_waits(&parts.states);
        parts.metrics.nothing_waits();
        let states = parts.states.into_iter().enumerate();
        let shards: Vec<_> = states.map(|state| shared.shard(state, through, &sequencer, &checkpointer)).collect();
        let pace =
            BarrierSchedule::new(&parts.start, Cutter::new(parts.plan, shards.len(), &parts.start).with_clock(waits));
        let hands = IntakeHands {
            shards: shards.clone(),
            sequencer: sequencer.clone(),
            checkpointer: checkpointer.clone(),
            checkpoint_interval: parts.checkpoint_interval,
            dirty_keys: shared.dirty_keys.clone(),
            answer: None,
            began: Instant::now(),
            metrics: parts.metrics,
        };
        let intake = shared.host(Intake::new(pace), hands);
        // Nothing is fed yet, so that nobody has had anything to tell it.
        shared.intake.get_or_init(|| intake.clone());
        let permits = Arc::new(Semaphore::new(parts.slices_in_flight));
        let arbiters = shared.arbiters;
        (Engine { intake, sequencer, shards, permits, durable, recovered, ended, ending, arbiters }, publishes)
    }

    /// Asks the engine to finish what is in flight, write a checkpoint and end.
    pub async fn drain(&self) {
        if self.intake.send(Tell(ToIntake::Drain)).await.is_err() {
            self.ending.broken("intake died");
        }
    }

    /// What is kept of that; the error says why it cannot be told.
    pub async fn inspect(shards: &[Address<ShardHands>], ask: StateQuery) -> Result<Option<serde_json::Value>, String> {
        let shard = shards.get(ask.owner().shard(shards.len())).ok_or("the engine is not running")?;
        shard.send(Inspect(ask)).await.map_err(|error| error.to_string())?
    }

    /// Ends the actors' threads; what is in flight is lost, as in a crash.
    pub fn stop(self) {
        let Engine { arbiters, .. } = self;
        for arbiter in &arbiters {
            arbiter.stop();
        }
        for arbiter in arbiters {
            // A thread that panicked has reported it through its alarm.
            let _ = arbiter.join();
        }
    }
}
