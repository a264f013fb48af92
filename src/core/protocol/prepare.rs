//! From a decided start to what the engine is made of: the plan to run, the first record, the plan that follows.
//!
//! Reads and writes nothing. Used by the session and by the simulator.

use super::facts::{Broker, Checkpoint, Disk, GroupMark};
use super::header::{RunHeader, RunId};
use super::refusal::Refusal;
use super::start::{Start, StartKind, Until};
use super::writes::NextPlan;
use crate::core::ids::Nanos;
use crate::core::plan::compiled::Plan;
use crate::core::plan::spec::PlanSpec;

/// What a start is made of, beside its rows.
#[derive(Debug)]
pub struct Prepared {
    /// The plan that is run.
    pub plan: Plan,
    /// What is to be written before anything else.
    pub first: First,
    /// The record of S to go on from.
    pub record: Checkpoint,
    /// The plan that follows, if the start names one.
    pub next_plan: Option<NextPlan>,
}

/// What a start writes before anything else.
#[derive(Clone, Debug)]
pub enum First {
    /// Over an empty state, or past a gap that was consented to: the record, B as a floor, and the texts of plans, so
    /// that the next start knows B and what was consented to.
    Anew(GroupMark, Vec<PlanSpec>),
    /// The text of a plan that the directory does not hold yet.
    Texts(Vec<PlanSpec>),
    /// Nothing.
    Nothing,
}

/// Prepares a start over what the directory holds.
pub fn prepare(start: &Start, broker: &Broker, configured: &PlanSpec, disk: &Disk) -> Result<Prepared, Refusal> {
    let texts = &disk.plans;
    let spec_of = |fingerprint: &str| {
        let same = configured.fingerprint() == fingerprint;
        if same { Some(configured.clone()) } else { texts.get(fingerprint).cloned() }
    };
    let running = &start.plan.plan;
    let spec = spec_of(running).ok_or_else(|| Refusal::NoPlanText { plan: running.clone() })?;
    let plan = Plan::compile(spec.clone(), &start.layout);
    let record = Checkpoint {
        position: start.after,
        lane: start.base_lane,
        stored_at: start.stored_at,
        stream_time: start.stream_time,
        input_created: broker.input.created,
        output_created: broker.output.created,
        origin: start.origin,
        plans: start.plans.clone(),
        layout: plan.layout.clone(),
        gaps: start.gaps,
    };
    let next_plan = match &start.until {
        Some(Until::OwnOutput(next) | Until::Position(_, next)) => spec_of(next).map(|spec| NextPlan {
            fingerprint: next.clone(),
            text: spec.text(),
            layout: plan.layout.extended(&spec),
        }),
        None => None,
    };
    let mut plans: Vec<PlanSpec> = texts.values().cloned().collect();
    plans.push(spec);
    // Events that are gone from the input's head and were done without once are done without for good, also when this
    // start ends before its first checkpoint.
    let accepted = disk.checkpoint.as_ref().is_some_and(|record| start.after > record.position);
    let first = if start.kind != StartKind::Resume || accepted {
        // No event proves B: zero stands for a time that is not known.
        First::Anew(GroupMark { position: start.base, stored_at: Nanos(0), lane: start.base_lane }, plans)
    } else if texts.contains_key(running) {
        First::Nothing
    } else {
        First::Texts(plans)
    };
    Ok(Prepared { plan, first, record, next_plan })
}

/// What every output of a start says of it.
pub fn header(start: &Start, run: &RunId, number: u64) -> RunHeader {
    let (plan, since) = (start.plan.plan.clone(), start.plan.since);
    RunHeader { run: run.clone(), start: number, plan, origin: start.origin, since }
}
