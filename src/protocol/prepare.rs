//! From a decided start to what the engine is made of: the plan to run, the first record, the plan that follows.
//!
//! Reads and writes nothing. Used by the session and by the simulator.

use super::facts::{Broker, Checkpoint, Disk, GroupMark, PlanSince};
use super::header::{RunHeader, RunId};
use super::refusal::Refusal;
use super::start::{Start, StartKind, Until};
use super::writes::NextPlan;
use crate::core::ids::{Nanos, Position};
use crate::core::plan::compiled::Plan;
use crate::core::plan::spec::{IdentityRule, PlanSpec};

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
    /// How what is noted for de-duplication is to be read.
    pub ids: IdsOf,
}

/// What a start says of the ids that the state holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdsOf {
    /// The window of de-duplication.
    pub window: Option<Nanos>,
    /// Ids that were noted up to here may have been so under another rule of identity.
    pub other_rule_through: Position,
}

/// What a start writes before anything else.
#[derive(Clone, Debug)]
pub enum First {
    /// Over an empty state, or past a gap that was consented to: the record, B as a floor, and the texts of plans, so
    /// that the next start knows B and what was consented to.
    Anew(GroupMark, Vec<PlanSpec>),
    /// The record of S as it is, but with the plans of this start, and their texts: before the first output under a new plan
    /// is published, also when nothing of the lane is left to tell of it later.
    Plans(Box<Checkpoint>, Vec<PlanSpec>),
    /// The text of a plan that the directory does not hold yet.
    Texts(Vec<PlanSpec>),
    /// Nothing.
    Nothing,
}

/// Prepares a start over what the directory holds.
pub fn prepare(start: &Start, broker: &Broker, configured: &PlanSpec, disk: &Disk) -> Result<Prepared, Refusal> {
    let texts = &disk.plans;
    let spec_of = |fingerprint: &str| text_of(fingerprint, configured, disk);
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
        rewinds: start.rewinds.clone(),
    };
    let next_plan = match &start.until {
        Some(Until::OwnOutput(next) | Until::Position(_, next)) => spec_of(next).map(|spec| NextPlan {
            fingerprint: next.clone(),
            text: spec.text(),
            layout: plan.layout.extended(&spec),
        }),
        None => None,
    };
    let rule = |plan: &PlanSince| spec_of(&plan.plan).map(|spec| spec.identity);
    let other_rule_through = other_rule_through(&start.plans, &start.plan, rule);
    let ids = IdsOf { window: plan.dedup_window, other_rule_through };
    // The record names the configured plan from the first checkpoint on, also where it begins later.
    let mut plans: Vec<PlanSpec> = texts.values().cloned().collect();
    let known = [running.clone(), configured.fingerprint()].iter().all(|plan| texts.contains_key(plan));
    plans.extend([spec, configured.clone()]);
    // Events that are gone from the input's head and were done without once are done without for good, also when this
    // start ends before its first checkpoint.
    let accepted = disk.checkpoint.as_ref().is_some_and(|record| start.after > record.position);
    let first = if start.kind != StartKind::Resume || accepted {
        // No event proves B: zero stands for a time that is not known.
        First::Anew(GroupMark { position: start.base, stored_at: Nanos(0), lane: start.base_lane }, plans)
    } else if let Some(old) = disk.checkpoint.as_ref().filter(|old| old.plans != start.plans) {
        First::Plans(Box::new(Checkpoint { plans: start.plans.clone(), ..old.clone() }), plans)
    } else if known {
        First::Nothing
    } else {
        First::Texts(plans)
    };
    Ok(Prepared { plan, first, record, next_plan, ids })
}

/// The text of a plan: the configured one's, what an earlier build made of the same configuration, or one on disk. One that
/// hashes with a salt that is not the configured one is as good as gone.
pub fn text_of(fingerprint: &str, configured: &PlanSpec, disk: &Disk) -> Option<PlanSpec> {
    let known = [configured.clone(), configured.of_before()].into_iter().find(|plan| plan.fingerprint() == fingerprint);
    known.or_else(|| {
        let mut plan = disk.plans.get(fingerprint)?.clone();
        plan.borrow_salts(configured);
        plan.has_its_salts().then_some(plan)
    })
}

/// The last position before the running plan that was processed under another rule of identity. A plan whose text is gone
/// may have had any: looking for ids that nobody noted costs a little time and decides nothing.
pub fn other_rule_through(
    plans: &[PlanSince],
    running: &PlanSince,
    rule: impl Fn(&PlanSince) -> Option<IdentityRule>,
) -> Position {
    let own = rule(running);
    let ends = plans.iter().skip(1).map(|next| next.since).chain([running.since]);
    let before = plans.iter().zip(ends).filter(|(plan, _)| plan.since < running.since && rule(plan) != own);
    before.map(|(_, end)| Position(end.min(running.since).0.saturating_sub(1))).max().unwrap_or_default()
}

/// What every output of a start says of it.
pub fn header(start: &Start, run: &RunId, number: u64) -> RunHeader {
    let (plan, since) = (start.plan.plan.clone(), start.plan.since);
    RunHeader { run: run.clone(), start: number, plan, origin: start.origin, since }
}
