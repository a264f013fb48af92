//! The plans of the past: which was in force where, and how the plan at work ends.
//!
//! Knows no text of a plan but what the state directory and the configuration have. Used by the start rules.

use super::facts::{Broker, Disk, PlanSince, StartRequest};
use super::header::LaneMessage;
use super::history;
use super::plan_change;
use super::prepare::text_of;
use super::refusal::Refusal;
use super::start::Until;
use crate::core::ids::Position;
use crate::core::mutants::{Mutant, planted};

/// The plans that the record and the lane's newest message name, in order.
pub fn plans(disk: &Disk, broker: &Broker) -> Vec<PlanSince> {
    let mut plans = disk.checkpoint.as_ref().map(|c| c.plans.clone()).unwrap_or_default();
    if let Some(newest) = broker.newest.ours() {
        // Another origin is another history: a state was lost, and its input with it.
        if disk.checkpoint.as_ref().is_some_and(|c| c.origin != newest.run.origin) {
            plans.clear();
        }
        // Up to B the record knows better: --rebuild-state replaced the plans under which the lane was published. Behind B
        // the lane does: the record may name a plan that was to begin there, and another engine went on under the old one.
        if plans.is_empty() || history::is_news(disk, newest) {
            let named = regime(newest);
            if !planted(Mutant::RecordedPlanBeatsTheLane) {
                plans.retain(|plan| plan.since < named.since || plan.since > newest.cause);
            }
            forget_an_earlier_switch(&mut plans, &named, disk);
            let at = plans.partition_point(|plan| plan.since < named.since);
            if plans.get(at).is_none_or(|there| there.since > named.since) {
                plans.insert(at, named);
            }
        }
    }
    plans
}

/// No plan follows itself: a switch that was to come behind the state, to a plan that the lane shows to begin later, never came.
fn forget_an_earlier_switch(plans: &mut Vec<PlanSince>, named: &PlanSince, disk: &Disk) {
    let at = plans.partition_point(|plan| plan.since < named.since);
    let before = at.checked_sub(1).and_then(|last| plans.get(last).map(|plan| (last, plan)));
    if let Some((last, plan)) = before
        && last > 0
        && plan.plan == named.plan
        && plan.since > disk.reached()
        && !planted(Mutant::EarlierSwitchKept)
    {
        plans.remove(last);
    }
}

/// The plan that a lane message names.
pub fn regime(message: &LaneMessage) -> PlanSince {
    PlanSince { plan: message.run.plan.clone(), since: message.run.since }
}

/// Whether the configured plan is not the last one of the past.
pub fn differs(disk: &Disk, broker: &Broker, asked: &StartRequest) -> bool {
    plans(disk, broker).last().is_some_and(|last| last.plan != asked.plan.fingerprint())
}

/// The plan of the event that follows `after`.
pub fn in_force(plans: &[PlanSince], after: Position) -> Option<&PlanSince> {
    plans.iter().rev().find(|plan| plan.since.0 <= after.0 + 1)
}

/// The plans with the configured one at their end, which begins behind `reached`, where outputs that are stored and the
/// state end: what is stored already follows the plan that published it. Refuses a change that the state cannot follow.
pub fn with_the_configured(
    mut plans: Vec<PlanSince>,
    reached: Position,
    disk: &Disk,
    asked: &StartRequest,
) -> Result<Vec<PlanSince>, Refusal> {
    let configured = asked.plan.fingerprint();
    if plans.last().is_some_and(|last| last.plan == configured) {
        return Ok(plans);
    }
    // Nothing was published under a plan that was to begin behind all that is stored, and nothing ever will be.
    plans.retain(|plan| plan.since <= reached);
    let Some(last) = plans.last().filter(|last| last.plan != configured) else {
        if plans.is_empty() {
            plans.push(PlanSince { plan: configured, since: Position(reached.0 + 1) });
        }
        return Ok(plans);
    };
    let old = text_of(&last.plan, &asked.plan, disk);
    let old = old.ok_or_else(|| Refusal::NoPlanText { plan: last.plan.clone() })?;
    let changes = plan_change::of_state(&old, &asked.plan);
    if !changes.is_empty() && !asked.consent.keep_state {
        return Err(Refusal::StateChanges { changes });
    }
    plans.push(PlanSince { plan: configured, since: Position(reached.0 + 1) });
    Ok(plans)
}

/// The text of every plan from the one behind `after` on is there.
pub fn texts_are_there(plans: &[PlanSince], after: Position, disk: &Disk, asked: &StartRequest) -> Result<(), Refusal> {
    let configured = asked.plan.fingerprint();
    let at_work = in_force(plans, after).map_or(Position(0), |plan| plan.since);
    let mut needed = plans.iter().filter(|plan| plan.since >= at_work && plan.plan != configured);
    match needed.find(|plan| text_of(&plan.plan, &asked.plan, disk).is_none()) {
        Some(missing) => Err(Refusal::NoPlanText { plan: missing.plan.clone() }),
        None => Ok(()),
    }
}

/// Where the plan behind `after` ends, when another one follows.
pub fn end(plans: &[PlanSince], after: Position) -> Option<Until> {
    let next = plans.iter().find(|plan| plan.since.0 > after.0 + 1)?;
    Some(Until::Position(Position(next.since.0 - 1), next.plan.clone()))
}
