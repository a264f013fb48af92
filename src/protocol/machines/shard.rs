//! The shard: the events of its key groups through the step, and at a barrier what they changed.
//!
//! Its outcomes leave before the changes of a barrier are taken, which takes longer: the lane does not wait for a checkpoint.
//! Never writes the store; it reads there what a key holds that is not in memory.

use super::machine::{CrashPoint, Machine};
use crate::core::event::Events;
use crate::core::ids::{Digest, KeyGroup, Nanos, Position};
use crate::core::outcome::Outcome;
use crate::core::parked::Turn;
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::TableId;
use crate::core::state::changes::{GroupChanges, State};
use crate::core::state::row::StoredRow;
use crate::core::state::view::{self, StateQuery};
use crate::core::state::visible::global_digest;
use crate::core::step::SliceResult;
use crate::core::step::Step;
use crate::core::tally::Tally;
use crate::protocol::cutter::Barrier;
use crate::protocol::merge::{SliceNumber, SlicePart};
use serde_json::Value;
use std::sync::Arc;

/// What a shard is told.
#[derive(Debug)]
pub enum ToShard {
    /// The checkpoint of the barrier with this number is on disk: what it holds may be let go.
    Durable(u64),
    /// Its events of a slice.
    Work(ShardWork),
}

/// A shard's events of a slice, and the barrier behind them.
#[derive(Debug)]
pub struct ShardWork {
    /// The slice.
    pub slice: SliceNumber,
    /// The slice's last position.
    pub through: Position,
    /// The shard's events, in input order.
    pub events: Events,
    /// Hand over the state after them.
    pub barrier: Option<Barrier>,
}

/// A shard's outcomes of a slice.
#[derive(Debug)]
pub struct ProcessedSlice {
    /// The slice.
    pub slice: SliceNumber,
    /// The shard.
    pub shard: usize,
    /// Its outcomes.
    pub part: SlicePart<Outcome>,
}

/// What a shard changed up to a barrier.
#[derive(Debug)]
pub struct Delta {
    /// The barrier.
    pub barrier: Barrier,
    /// The shard.
    pub shard: usize,
    /// The changes, by key group.
    pub groups: Vec<GroupChanges>,
}

/// What a slice took and left, for the metrics.
#[derive(Debug, Default)]
pub struct SliceReport {
    /// Keys that were in memory, and keys that were read from the store.
    pub keys: (u64, u64),
    /// Rows that were let go.
    pub evicted: u64,
    /// Keys of this shard that changed since its last barrier.
    pub dirty_keys: usize,
    /// Behind a barrier, what it holds.
    pub holds: Option<Holds>,
    /// What waits, where anything may.
    pub waits: Option<Waits>,
    /// What the step counted.
    pub tally: Tally,
}

/// What a shard has in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// Rows, those of global tables among them.
    pub rows: u64,
    /// Rows of global tables.
    pub global_rows: u64,
    /// Ids.
    pub ids: u64,
}

/// The events of a shard that wait for a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// How many there are.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of the one that time releases first, the deadline and the stream time at which it began to wait.
    pub first: Option<(Nanos, Nanos)>,
}

impl Waits {
    /// What waits in a state.
    pub fn of(state: &State) -> Waits {
        let waiting = &state.waiting;
        let first = waiting.first().map(|parked| (parked.turn.deadline, parked.event.stream_time));
        Waits { events: waiting.len() as u64, bytes: waiting.bytes() as u64, first }
    }
}

/// What a shard asks for; `E` is the store's error.
#[derive(Debug)]
pub enum ShardAct<E> {
    /// The process may die here.
    Crash(CrashPoint),
    /// To the sequencer.
    Processed(ProcessedSlice),
    /// To the checkpointer.
    Delta(Delta),
    /// The slice is done.
    Report(Box<SliceReport>),
    /// The store could not be read; nothing of the slice was done.
    Failed(E),
}

/// What the store is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadScope<'a> {
    /// All rows of a key.
    Key(&'a str),
    /// A row of a global table.
    Global(TableId, Digest),
}

/// What the store holds of that.
pub type StoredEntries<E> = Box<dyn Fn(LoadScope<'_>) -> Result<Vec<StoredRow>, E> + Send>;

/// A shard of one start.
pub struct Shard<E> {
    number: usize,
    pub(super) plan: Arc<Plan>,
    pub(super) step: Step,
    pub(super) stored: StoredEntries<E>,
    /// The last position that it has seen, its own events or others'.
    through: Position,
    /// The last barrier whose checkpoint is on disk.
    durable: u64,
    /// What is left to do of the slice at hand, once its outcomes are on their way.
    rest: Option<SliceRest>,
}

struct SliceRest {
    barrier: Option<Barrier>,
    keys: (u64, u64),
}

impl<E> Shard<E> {
    /// The shard of this number over what it holds as of `through`; what it does not hold is in the store.
    pub fn new(number: usize, plan: Arc<Plan>, state: State, through: Position, stored: StoredEntries<E>) -> Shard<E> {
        let step = Step::new(plan.clone(), state.of_shard(number));
        Shard { number, plan, step, stored, through, durable: 0, rest: None }
    }

    /// What is kept of that, as JSON; `None` where there is nothing.
    pub fn inspect(&self, ask: &StateQuery) -> Result<Option<Value>, E> {
        let layout = &self.plan.layout;
        match ask {
            StateQuery::Key(key) => {
                if let Some(rows) = self.step.state.rows.key(Digest::of(key.as_bytes())) {
                    return Ok(view::of_key(key, self.through, layout, rows.iter()));
                }
                let rows = (self.stored)(LoadScope::Key(key))?;
                Ok(view::of_key(key, self.through, layout, rows.iter().map(StoredRow::row)))
            }
            StateQuery::Row { table, row } => {
                let Some((table, row)) = view::number(layout, table, row.as_deref()) else { return Ok(None) };
                if let Some(rows) = self.step.state.rows.key(global_digest(table, row)) {
                    return Ok(rows.get(table, row).map(|row| view::of_row(self.through, layout, row)));
                }
                let rows = (self.stored)(LoadScope::Global(table, row))?;
                Ok(rows.first().map(|row| view::of_row(self.through, layout, row.row())))
            }
        }
    }

    fn work(&mut self, work: ShardWork, acts: &mut Vec<ShardAct<E>>) {
        let ShardWork { slice, through, events, barrier } = work;
        let keys = match self.load(&events) {
            Ok(keys) => keys,
            Err(error) => return acts.push(ShardAct::Failed(error)),
        };
        let SliceResult { outcomes, released } = self.step.run(&events);
        let part = SlicePart { outcomes, released };
        self.through = through;
        acts.push(ShardAct::Crash(CrashPoint("after_apply")));
        acts.push(ShardAct::Processed(ProcessedSlice { slice, shard: self.number, part }));
        self.rest = Some(SliceRest { barrier, keys });
    }

    /// Brings every row that the slice may ask for into memory, so that the step never waits for the disk.
    fn load(&mut self, events: &Events) -> Result<(u64, u64), E> {
        let (mut hits, mut misses) = (0, 0);
        for event in &events.list {
            let Ok(reading) = &event.reading else { continue };
            let Some(key) = reading.key.as_ref().filter(|_| !event.group.is_everyone()) else { continue };
            if !self.step.state.rows.must_load(key.digest) {
                hits += 1;
                continue;
            }
            misses += 1;
            self.load_key(key.digest, key.text.get(&event.message.payload), event.group)?;
        }
        if self.plan.has_global {
            misses += self.load_global(events)?;
        }
        if let Some(last) = events.clock.last() {
            let due: Vec<Turn> = self.step.state.waiting.due(last.stream_time).map(|parked| parked.turn).collect();
            misses += self.load_waiting(&due)?;
        }
        Ok((hits, misses))
    }

    pub(super) fn load_key(&mut self, digest: Digest, text: &str, group: KeyGroup) -> Result<(), E> {
        let rows = (self.stored)(LoadScope::Key(text))?;
        self.step.state.insert(digest, text, group, rows);
        Ok(())
    }
}

impl<E> Machine for Shard<E> {
    type Message = ToShard;
    type Act = ShardAct<E>;

    fn on(&mut self, message: ToShard, acts: &mut Vec<ShardAct<E>>) {
        match message {
            ToShard::Durable(barrier) => self.durable = barrier,
            ToShard::Work(work) => self.work(work, acts),
        }
    }

    fn done(&mut self, acts: &mut Vec<ShardAct<E>>) {
        let Some(SliceRest { barrier, keys }) = self.rest.take() else { return };
        let state = &mut self.step.state;
        let mut holds = None;
        if let Some(barrier) = barrier {
            let groups = state.take_changes(barrier.number, barrier.position, barrier.stream_time);
            acts.push(ShardAct::Delta(Delta { barrier, shard: self.number, groups }));
            let (rows, global_rows) = (state.rows.rows() as u64, state.rows.global_rows() as u64);
            holds = Some(Holds { rows, global_rows, ids: state.ids.len() as u64 });
        }
        let evicted = state.rows.evict(self.durable) as u64;
        let dirty_keys = state.rows.dirty_keys();
        let tally = self.step.tally.take();
        let waits = (self.plan.waits || tally.released != (0, 0)).then(|| Waits::of(&self.step.state));
        acts.push(ShardAct::Report(Box::new(SliceReport { keys, evicted, dirty_keys, holds, waits, tally })));
    }
}
