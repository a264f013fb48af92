//! Target `operators`: a plan drawn from every operator there is, and events under it.
//!
//! The first bytes draw the plan, the others the events. Nothing is worked out a second time here: what is checked holds under
//! every plan. One shard and many, one slice and many, and a restart behind every event lead to the same outcomes and rows;
//! the audit expects exactly these; bodies are JSON; what is removed or masked leaves in no message; no event is a fault of
//! the engine's; a plan is read back from its text.

use super::drawn::{self, CANARY};
use super::feed::Feed;
use super::json::is_json;
use sidestream::adapters::memory::store::MemoryStore;
use sidestream::audit::expected::Expected;
use sidestream::audit::recompute::Recompute;
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::{KeyGroup, Position};
use sidestream::core::outcome::Outcome;
use sidestream::core::plan::check::{Entities, Severity, check as faults};
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::layout::Layout;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::core::record::ROWS;
use sidestream::core::rejection::Reason;
use sidestream::engine::restore::load_shard;
use sidestream::ports::store::{Batch, Space, Store};
use sidestream::protocol::prepare::IdsOf;
use sidestream::protocol::runner::Runner;
use std::sync::Arc;

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// Checks one input.
pub fn check(data: &[u8]) {
    let mut feed = Feed(data);
    let spec = drawn::plan(&mut feed);
    let found = faults(&spec, &Entities::default());
    if found.iter().any(|fault| fault.severity == Severity::Mistake) {
        return;
    }
    let mut again: PlanSpec = serde_json::from_str(&spec.text()).expect("a plan's text is a plan");
    again.borrow_salts(&spec);
    assert_eq!(again, spec);
    let events = drawn::events(&mut feed);
    let plan = Arc::new(Plan::compile(spec, &Layout::default()));
    let (outcomes, rows) = sliced(&plan, &events, 1, usize::MAX);
    messages(&plan, &outcomes);
    for (shards, slice) in [(1, 1), (2, 3), (7, usize::MAX)] {
        let (other, same) = sliced(&plan, &events, shards, slice);
        assert_eq!(other, outcomes, "{shards} shards, slices of {slice}");
        assert_eq!(same, rows, "{shards} shards, slices of {slice}");
    }
    assert_eq!(restarted(&plan, &events), outcomes, "a restart behind every event");
    let before = Position(events.first().map_or(0, |event| event.sequence - 1));
    let expected = Recompute::new(&plan.spec, before, None).run(events);
    let several = !plan.spec.map.is_empty() || plan.spec.event.split.is_some();
    let same = outcomes.into_iter().map(|outcome| Expected { several, ..Expected::outcome(outcome, true) });
    assert_eq!(expected, same.collect::<Vec<_>>(), "what the audit expects");
}

/// Of each message: its place, its body, and that nothing hidden is in it.
fn messages(plan: &Plan, outcomes: &[Outcome]) {
    let first = plan.spec.derive.first().map(|section| serde_json::to_string(section).expect("a part of a plan"));
    let hides = first.is_some_and(|section| section.contains("\"secret\""));
    for outcome in outcomes {
        let outputs = outcome.outputs();
        for (n, output) in (0..).zip(outputs) {
            assert_eq!(output.n, n);
            let dead = output.dead.as_ref().map(|dead| dead.reason);
            assert_ne!(dead, Some(Reason::Internal), "{output:?}");
            let body = std::str::from_utf8(&output.payload);
            assert!(dead.is_some() || output.payload.is_empty() || body.is_ok_and(is_json), "{output:?}");
            let headers = output.own_headers().map(|(_, value)| value.to_owned()).collect::<String>();
            let shown = [&output.payload[..], headers.as_bytes(), output.subject.as_bytes()];
            let leaks = shown.iter().any(|text| text.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()));
            assert!(!(leaks && hides), "a hidden member left: {output:?}");
        }
    }
}

fn runner(plan: &Arc<Plan>, events: &[StoredMessage], shards: usize) -> Runner {
    let mut runner = Runner::new(plan.clone(), shards);
    if let Some(first) = events.first() {
        let states = runner.shards.drain(..).map(|step| step.state).collect();
        runner = Runner::over(plan.clone(), states, Position(first.sequence - 1), Default::default());
    }
    runner
}

fn sliced(plan: &Arc<Plan>, events: &[StoredMessage], shards: usize, slice: usize) -> (Vec<Outcome>, Rows) {
    let (mut runner, store) = (runner(plan, events, shards), MemoryStore::new());
    let slices = events.chunks(slice.min(events.len().max(1)));
    let outcomes = slices.flat_map(|slice| runner.run(slice.to_vec())).collect();
    barrier(&mut runner, &store);
    (outcomes, rows(&store))
}

fn restarted(plan: &Arc<Plan>, events: &[StoredMessage]) -> Vec<Outcome> {
    const SHARDS: usize = 3;
    let (mut runner, store) = (runner(plan, events, SHARDS), MemoryStore::new());
    let mut outcomes = Vec::new();
    for event in events {
        outcomes.extend(runner.run(vec![event.clone()]));
        let at = barrier(&mut runner, &store);
        let ids = IdsOf { window: plan.dedup_window, other_rule_through: Position(0) };
        let load = |shard| load_shard(&store, shard, SHARDS, usize::MAX, ids, at.position).expect("what was written");
        runner = Runner::over(plan.clone(), (0..SHARDS).map(load).collect(), at.position, at.stream_time);
    }
    outcomes
}

fn barrier(runner: &mut Runner, store: &MemoryStore) -> sidestream::protocol::cutter::Barrier {
    let (barrier, groups) = runner.checkpoint();
    for group in groups {
        store.apply(Space::of(group.group), &Batch { changes: group.changes }).expect("a store in memory");
    }
    barrier
}

fn rows(store: &MemoryStore) -> Rows {
    let mut rows = Rows::new();
    for owner in KeyGroup::owners() {
        let mut visit = |key: &[u8], value: &[u8]| {
            rows.push((key.to_vec(), value.to_vec()));
            true
        };
        store.scan(Space::of(owner), &ROWS, &mut visit).expect("a store in memory");
    }
    rows
}
