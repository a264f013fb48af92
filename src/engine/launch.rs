//! Putting the engine together: arbiters, actors, addresses, bounds.
//!
//! Knows no broker and no disk: what comes in and goes out are channels and a store that `app` hands in.

use super::checkpointer::{CheckpointerHands, Steps};
use super::ending::{Alarm, End, Ending};
use super::host::{Hands, Host};
use super::intake::Intake;
use super::messages::{Drain, Inspect, MeetIntake, Publish};
use super::restore::stored_rows;
use super::sequencer::Sequencer;
use super::shard::ShardHands;
use super::timings::Timings;
use crate::core::ids::{KeyGroup, Position};
use crate::core::plan::compiled::Plan;
use crate::core::state::changes::State;
use crate::ports::store::Store;
use crate::protocol::facts::Checkpoint;
use crate::protocol::intake::Intake as Cutter;
use crate::protocol::machines::checkpointer::Checkpointer;
use crate::protocol::machines::shard::Shard;
use crate::protocol::outlet::Outlet;
use crate::protocol::pace::Pace;
use crate::protocol::start::{Start, StartKind};
use crate::protocol::window::{PUBLISHES, WINDOW};
use crate::protocol::writes::NextPlan;
use crate::telemetry::metrics::Metrics;
use actix::{Actor, Addr, Arbiter, ArbiterHandle};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc, watch};

/// Inspections of a running shard that may wait.
const INSPECTIONS: usize = 16;
/// Changed keys of a key group after which a checkpoint comes before its time: sled's memory grows with the
/// size of a batch.
const DIRTY_KEYS_A_GROUP: usize = 500;

/// What a start of the engine is made of.
pub struct Parts {
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
    pub intake: Addr<Intake>,
    /// Where news of the lane goes.
    pub sequencer: Addr<Sequencer>,
    /// The shards, in order.
    pub shards: Vec<Addr<Host<ShardHands>>>,
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
struct Shared {
    plan: Arc<Plan>,
    store: Arc<dyn Store>,
    metrics: Metrics,
    ending: Ending,
    durable: Arc<AtomicU64>,
    dirty_keys: Arc<AtomicUsize>,
    shards: usize,
    slices_in_flight: usize,
    arbiters: Vec<Arbiter>,
}

impl Shared {
    /// A thread for one actor.
    fn arbiter(&mut self) -> ArbiterHandle {
        let arbiter = Arbiter::new();
        let handle = arbiter.handle();
        self.arbiters.push(arbiter);
        handle
    }

    /// An actor with a thread of its own.
    fn host<H: Hands<Machine: Send> + Send>(&mut self, machine: H::Machine, hands: H) -> Addr<Host<H>> {
        let ending = self.ending.clone();
        Host::start_in_arbiter(&self.arbiter(), |_| Host::new(machine, hands, ending))
    }

    fn alarm(&self, name: &'static str) -> Alarm {
        Alarm::new(name, self.ending.clone())
    }

    fn checkpointer(
        &mut self,
        record: Checkpoint,
        next_plan: Option<NextPlan>,
        position: watch::Sender<Position>,
    ) -> Addr<Host<CheckpointerHands>> {
        let hands = CheckpointerHands {
            store: self.store.clone(),
            steps: Steps::default(),
            durable: self.durable.clone(),
            position,
            intake: None,
            shards: self.shards,
            began: Instant::now(),
            metrics: self.metrics.clone(),
        };
        self.host(Checkpointer::new(self.shards, record, next_plan), hands)
    }

    fn sequencer(
        &mut self,
        start: &Start,
        checkpointer: &Addr<Host<CheckpointerHands>>,
        writer: mpsc::Sender<Publish>,
        recovered: watch::Sender<bool>,
    ) -> Addr<Sequencer> {
        let sequencer = Sequencer {
            outlet: Outlet::new(start, self.shards, WINDOW),
            acts: Vec::new(),
            rebuilds: matches!(start.kind, StartKind::Rebuild(_)),
            writer,
            in_flight: (0, 0),
            seconds: Vec::new(),
            timings: Timings::default(),
            checkpointer: checkpointer.clone(),
            intake: None,
            recovered,
            // Of each slice in flight its announcement and a part of each shard, of the lane and of old
            // messages one at a time, and the barriers that travel without a permit.
            mailbox: (self.slices_in_flight + 2) * (self.shards + 1) + 8,
            metrics: self.metrics.clone(),
            ending: self.ending.clone(),
            alarm: self.alarm("sequencer"),
        };
        Sequencer::start_in_arbiter(&self.arbiter(), |_| sequencer)
    }

    fn shard(
        &mut self,
        (number, state): (usize, State),
        through: Position,
        sequencer: &Addr<Sequencer>,
        checkpointer: &Addr<Host<CheckpointerHands>>,
    ) -> Addr<Host<ShardHands>> {
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
        let store = self.store.clone();
        let stored = Box::new(move |key: &str| stored_rows(store.as_ref(), key));
        self.host(Shard::new(number, self.plan.clone(), state, through, stored), hands)
    }
}

impl Engine {
    /// Starts the actors; the receiver gets what is to be published.
    pub fn launch(parts: Parts) -> (Engine, mpsc::Receiver<Publish>) {
        let (ending, ended) = Ending::new();
        let (writer, publishes) = mpsc::channel(PUBLISHES);
        let (position, durable) = watch::channel(parts.start.after);
        let (recovery, recovered) = watch::channel(false);
        let mut shared = Shared {
            plan: parts.plan.clone(),
            store: parts.store,
            metrics: parts.metrics.clone(),
            ending: ending.clone(),
            durable: Arc::default(),
            dirty_keys: Arc::default(),
            shards: parts.states.len(),
            slices_in_flight: parts.slices_in_flight,
            arbiters: Vec::new(),
        };
        let checkpointer = shared.checkpointer(parts.record, parts.next_plan, position);
        let sequencer = shared.sequencer(&parts.start, &checkpointer, writer, recovery);
        let through = parts.start.after;
        let states = parts.states.into_iter().enumerate();
        let shards: Vec<_> = states.map(|state| shared.shard(state, through, &sequencer, &checkpointer)).collect();
        let intake = Intake {
            pace: Pace::new(&parts.start, Cutter::new(parts.plan, shards.len(), &parts.start)),
            shards: shards.clone(),
            sequencer: sequencer.clone(),
            checkpointer: checkpointer.clone(),
            checkpoint_interval: parts.checkpoint_interval,
            dirty_keys: shared.dirty_keys.clone(),
            dirty_keys_max: DIRTY_KEYS_A_GROUP * KeyGroup::all().count(),
            metrics: parts.metrics,
            ending: ending.clone(),
            alarm: shared.alarm("intake"),
        };
        let intake = Intake::start_in_arbiter(&shared.arbiter(), |_| intake);
        let met = checkpointer.try_send(MeetIntake(intake.clone())).is_ok()
            && sequencer.try_send(MeetIntake(intake.clone())).is_ok();
        if !met {
            ending.broken("an actor died while the engine started");
        }
        let permits = Arc::new(Semaphore::new(parts.slices_in_flight));
        let arbiters = shared.arbiters;
        (Engine { intake, sequencer, shards, permits, durable, recovered, ended, ending, arbiters }, publishes)
    }

    /// Asks the engine to finish what is in flight, write a checkpoint and end.
    pub async fn drain(&self) {
        if self.intake.send(Drain).await.is_err() {
            self.ending.broken("intake died");
        }
    }

    /// What a key holds; the error says why it cannot be told.
    pub async fn inspect(shards: &[Addr<Host<ShardHands>>], key: String) -> Result<Option<serde_json::Value>, String> {
        let owner = KeyGroup::of(&key).shard(shards.len());
        let shard = shards.get(owner).ok_or("the engine is not running")?;
        shard.send(Inspect { key }).await.map_err(|error| error.to_string())?
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
