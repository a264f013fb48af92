//! The plans of the past: which was in force where, and how the plan at work ends.
//!
//! Knows no text of a plan but what the state directory and the configuration have. Used by the start rules.

use super::facts::{Asked, Broker, Disk, PlanSince};
use super::header::LaneMessage;
use super::plan_change;
use super::prepare::text_of;
use super::refusal::Refusal;
use super::start::Until;
use crate::core::ids::Position;

/// The plans that the record and the lane's newest message name, in order.
pub fn plans(disk: &Disk, broker: &Broker) -> Vec<PlanSince> {
    let mut plans = disk.checkpoint.as_ref().map(|c| c.plans.clone()).unwrap_or_default();
    if let Some(newest) = broker.newest.ours() {
        // Another origin is another history: a state was lost, and its input with it.
        if disk.checkpoint.as_ref().is_some_and(|c| c.origin != newest.run.origin) {
            plans.clear();
        }
        // Up to B the record knows better: --rebuild-state replaced the plans under which the lane was published.
        let news = plans.is_empty() || newest.cause > disk.reached();
        let named = regime(newest);
        if news && plans.last().is_none_or(|last| last.since < named.since) {
            plans.push(named);
        }
    }
    plans
}

/// The plan that a lane message names.
pub fn regime(message: &LaneMessage) -> PlanSince {
    PlanSince { plan: message.run.plan.clone(), since: message.run.since }
}

/// Whether the configured plan is not the last one of the past.
pub fn differs(disk: &Disk, broker: &Broker, asked: &Asked) -> bool {
    plans(disk, broker).last().is_some_and(|last| last.plan != asked.plan.fingerprint())
}

/// The plan of the event that follows `after`.
pub fn in_force(plans: &[PlanSince], after: Position) -> Option<&PlanSince> {
    plans.iter().rev().find(|plan| plan.since.0 <= after.0 + 1)
}

/// Where the plan that is in force behind `after` ends; refuses a change that the state cannot follow.
pub fn end(plans: &[PlanSince], after: Position, disk: &Disk, asked: &Asked) -> Result<Option<Until>, Refusal> {
    let configured = asked.plan.fingerprint();
    let at_work = in_force(plans, after).map_or(Position(0), |plan| plan.since);
    let needed = plans.iter().filter(|plan| plan.since >= at_work && plan.plan != configured);
    for plan in needed {
        if text_of(&plan.plan, &asked.plan, disk).is_none() {
            return Err(Refusal::NoPlanText { plan: plan.plan.clone() });
        }
    }
    if let Some(old) = plans.last().and_then(|last| text_of(&last.plan, &asked.plan, disk)) {
        let changes = plan_change::of_state(&old, &asked.plan);
        if !changes.is_empty() && !asked.consent.keep_state {
            return Err(Refusal::StateChanges { changes });
        }
    }
    let next = plans.iter().find(|plan| plan.since.0 > after.0 + 1);
    Ok(match next {
        Some(next) => Some(Until::Position(Position(next.since.0 - 1), next.plan.clone())),
        None => plans.last().filter(|last| last.plan != configured).map(|_| Until::OwnOutput(configured)),
    })
}
