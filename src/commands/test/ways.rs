//! Every way in which a case is run: over one, two and seven shards, and with a restart after every event.
//!
//! All must agree. Where they do not, the fault is Sidestream's, and no case's.

use crate::adapters::memory::store::MemoryStore;
use crate::core::event::StoredMessage;
use crate::core::explain::Explained;
use crate::core::ids::{KeyGroup, Nanos, Position};
use crate::core::outcome::Outcome;
use crate::core::plan::compiled::Plan;
use crate::core::record::ROWS;
use crate::core::tally::Tally;
use crate::engine::restore::load_shard;
use crate::ports::store::{Batch, Space, Store, StoreError};
use crate::protocol::cutter::Barrier;
use crate::protocol::prepare::IdsOf;
use crate::protocol::runner::Runner;
use std::sync::Arc;

/// Shards of the way with restarts: more than one, so that loading has something to divide.
const RESTARTED: usize = 2;

/// What became of a case.
#[derive(Debug)]
pub(super) struct CaseRun {
    /// The outcome of each input line.
    pub(super) outcomes: Vec<Outcome>,
    /// The state at the end.
    pub(super) store: MemoryStore,
    /// What each event asked of the state and did to it.
    pub(super) explained: Vec<Explained>,
    /// What each of them leads to: of a line that is one event, what it releases as well.
    pub(super) each: Vec<Outcome>,
    /// The input lines whose events still wait for a row at the end.
    pub(super) waiting: Vec<u64>,
    /// What was counted.
    pub(super) tally: Tally,
}

/// Runs a case in every way; the error is a sentence about the way that does not agree.
pub(super) fn run(plan: &Arc<Plan>, messages: &[StoredMessage]) -> Result<CaseRun, String> {
    let ran = one_by_one(plan, messages).map_err(|error| error.to_string())?;
    let ways = [
        ("two shards", sliced(plan, messages, 2, usize::MAX)),
        ("seven shards", sliced(plan, messages, 7, 2)),
        ("a restart after every event", restarted(plan, messages)),
    ];
    for (way, result) in ways {
        let (outcomes, store) = result.map_err(|error| error.to_string())?;
        let differs = ran.outcomes.iter().zip(&outcomes).position(|(one, other)| one != other);
        if let Some(at) = differs.or((ran.outcomes.len() != outcomes.len()).then_some(outcomes.len())) {
            return Err(format!("input line {} has another outcome with {way} than with one shard", at + 1));
        }
        if rows(&ran.store) != rows(&store) {
            return Err(format!("the state at the end is another with {way} than with one shard"));
        }
    }
    Ok(ran)
}

fn one_by_one(plan: &Arc<Plan>, messages: &[StoredMessage]) -> Result<CaseRun, StoreError> {
    let mut runner = Runner::new(plan.clone(), 1);
    let tally = Tally::new(plan);
    let mut ran = CaseRun {
        outcomes: Vec::new(),
        store: MemoryStore::new(),
        explained: Vec::new(),
        each: Vec::new(),
        waiting: Vec::new(),
        tally,
    };
    for message in messages {
        let slice = runner.cut(vec![message.clone()]).expect("the lines of a case are numbered in their order");
        ran.explained.extend(runner.explain(&slice));
        let mut own = Vec::new();
        let whole = runner.work_seen(slice, |outcomes| own = outcomes.to_vec());
        ran.each.extend(if own.len() == whole.len() { whole.clone() } else { own });
        ran.outcomes.extend(whole);
    }
    let waits = runner.shards.iter().flat_map(|step| step.state.waiting.due(Nanos(i64::MAX)));
    ran.waiting = waits.map(|parked| parked.turn.position.0).collect();
    ran.waiting.sort_unstable();
    ran.tally = runner.shards.first_mut().expect("the runner has one shard").tally.take();
    store(&mut runner, &ran.store)?;
    Ok(ran)
}

type CaseWay = Result<(Vec<Outcome>, MemoryStore), StoreError>;

fn sliced(plan: &Arc<Plan>, messages: &[StoredMessage], shards: usize, slice: usize) -> CaseWay {
    let (mut runner, disk) = (Runner::new(plan.clone(), shards), MemoryStore::new());
    let outcomes = messages.chunks(slice).flat_map(|slice| runner.run(slice.to_vec())).collect();
    store(&mut runner, &disk)?;
    Ok((outcomes, disk))
}

fn restarted(plan: &Arc<Plan>, messages: &[StoredMessage]) -> CaseWay {
    let (mut runner, disk) = (Runner::new(plan.clone(), RESTARTED), MemoryStore::new());
    let mut outcomes = Vec::new();
    for message in messages {
        outcomes.extend(runner.run(vec![message.clone()]));
        let barrier = store(&mut runner, &disk)?;
        let ids = IdsOf { window: plan.dedup_window, other_rule_through: Position(0) };
        let load = |shard| load_shard(&disk, shard, RESTARTED, usize::MAX, ids, barrier.position);
        let states = (0..RESTARTED).map(load).collect::<Result<Vec<_>, _>>()?;
        runner = Runner::over(plan.clone(), states, barrier.position, barrier.stream_time);
    }
    Ok((outcomes, disk))
}

/// Writes what changed, as a checkpoint does.
fn store(runner: &mut Runner, disk: &MemoryStore) -> Result<Barrier, StoreError> {
    let (barrier, groups) = runner.checkpoint();
    for group in groups {
        disk.apply(Space::of(group.group), &Batch { changes: group.changes })?;
    }
    Ok(barrier)
}

/// All rows of a store, as they are written.
fn rows(disk: &MemoryStore) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    for owner in KeyGroup::owners() {
        let scanned = disk.scan(Space::of(owner), &ROWS, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            true
        });
        scanned.expect("a store in memory never fails");
    }
    rows
}
