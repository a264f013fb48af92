//! Rule 5: going on from S, over what is out already.
//!
//! Never refuses what `--accept-gap` consents to; what is missing then is passed by, and the state stays.

use super::facts::{Broker, Checkpoint, Disk, Newest, PlanSince, StartRequest};
use super::refusal::Refusal;
use super::start::{Already, Start, StartKind, Until};
use super::{past, rewind};
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::mutants::{Mutant, planted};

/// Goes on from S.
pub fn resume(disk: &Disk, record: &Checkpoint, broker: &Broker, asked: &StartRequest) -> Result<Start, Refusal> {
    let ahead = disk.ahead();
    let mut start = Start {
        kind: StartKind::Resume,
        after: record.position,
        base: ahead.map_or(record.position, |mark| mark.position),
        base_lane: ahead.map_or(record.lane, |mark| mark.lane),
        lane_last: LaneSequence(broker.output.last),
        lane_cause: broker.newest.ours().map(|newest| newest.cause),
        already: Already::ByCount,
        stored_at: record.stored_at,
        stream_time: record.stream_time,
        origin: record.origin,
        plan: PlanSince { plan: String::new(), since: record.origin },
        plans: Vec::new(),
        until: None,
        layout: record.layout.clone(),
        gaps: record.gaps,
        rewinds: rewind::present(disk, broker),
        history: Position(0),
    };
    choose_the_plan(&mut start, disk, record, broker, asked)?;
    // B is the floor of a rewind, R is known there alone, and an end of a plan below it needs its own.
    if !start.rewinds.is_empty() && start.ends_below_the_base() {
        return Err(Refusal::Uncounted { lane_last: start.lane_last });
    }
    // What an age limit took with everything before it counts as an output. What somebody deleted at the end may have been a
    // stranger's, and then one output less is out than the lane's length says; the lane's only message, too, which leaves the
    // stream as empty as an age limit does.
    let is_empty = broker.output.first > broker.output.last;
    let aged_out = is_empty && (broker.output.aged_out || planted(Mutant::EmptyIsAgedOut));
    let deleted = broker.newest == Newest::Gone && !aged_out;
    if deleted && start.lane_last > start.base_lane {
        if !asked.consent.accept_gap {
            return Err(Refusal::NewestGone { sequence: start.lane_last });
        }
        start.gaps += 1;
    }
    if planted(Mutant::RenumberedAfterLoss) {
        start.base_lane = start.base_lane.min(start.lane_last);
    }
    if planted(Mutant::IndexIgnored) {
        start.already = Already::Through(start.lane_cause.unwrap_or_default().max(start.base));
        start.base_lane = start.lane_last;
    }
    match missing(record, broker) {
        None => Ok(start),
        Some(gone) if !asked.consent.accept_gap => Err(gone),
        Some(gone) if !pass_by(&mut start, broker) => Err(gone),
        Some(gone) => {
            choose_the_plan(&mut start, disk, record, broker, asked)?;
            if start.ends_below_the_base() { Err(gone) } else { Ok(start) }
        }
    }
}

/// Which plan is at work behind S, and where it ends.
fn choose_the_plan(
    start: &mut Start,
    disk: &Disk,
    record: &Checkpoint,
    broker: &Broker,
    asked: &StartRequest,
) -> Result<(), Refusal> {
    let same_origin = broker.newest.ours().is_none_or(|newest| newest.run.origin == record.origin);
    // A message of another origin says nothing about the plans of this one.
    let past = if same_origin { past::plans(disk, broker) } else { record.plans.clone() };
    let reached = start.base.max(start.lane_cause.unwrap_or_default());
    let reached = if planted(Mutant::PlanSwitchedEarly) { start.after } else { reached };
    // Where the newest output behind R is gone, nobody knows at which position the stored outputs end: outputs of every
    // past plan may be among them, and the old plan goes on until the lane is this start's.
    let lost_end = start.lane_cause.is_none() && start.lane_last > start.base_lane;
    let reached = if lost_end { past.iter().map(|plan| plan.since).fold(reached, Position::max) } else { reached };
    let plans = past::with_the_configured(past.clone(), reached, disk, asked)?;
    let unknown = lost_end && plans != past;
    start.plans = if unknown { past } else { plans };
    past::texts_are_there(&start.plans, start.after, disk, asked)?;
    start.until = past::end(&start.plans, start.after);
    if unknown && start.until.is_none() {
        start.until = Some(Until::OwnOutput(asked.plan.fingerprint()));
    }
    let plan = past::in_force(&start.plans, start.after).cloned();
    start.plan = plan.ok_or(Refusal::NoPlanText { plan: format!("of position {}", start.after.0 + 1) })?;
    Ok(())
}

/// What of the input behind S is gone: its head, or a hole that an earlier start ran into.
fn missing(record: &Checkpoint, broker: &Broker) -> Option<Refusal> {
    let next = Position(record.position.0 + 1);
    if broker.input.first > next.0 {
        return Some(Refusal::InputGone { from: next, to: Position(broker.input.first - 1) });
    }
    broker.hole.filter(|hole| *hole >= next).map(|hole| Refusal::InputGone { from: hole, to: hole })
}

/// Goes on without what is gone: outputs can no longer be counted, so that all up to the newest one's cause
/// are taken as out. False when that cannot be.
fn pass_by(start: &mut Start, broker: &Broker) -> bool {
    let to = Position(broker.input.first.saturating_sub(1));
    if to > start.after {
        (start.after, start.stored_at) = (to, Nanos(0));
    }
    // Outputs behind R whose newest is gone: nobody knows how far they reach.
    if start.lane_cause.is_none() && start.lane_last > start.base_lane {
        return false;
    }
    let out = start.lane_cause.unwrap_or_default().max(start.base).max(start.after);
    (start.already, start.base, start.base_lane) = (Already::Through(out), out, start.lane_last);
    start.gaps += 1;
    true
}
