//! Starts over an empty state: the first one, and rule 4, which builds the state anew from the input's origin.
//!
//! Every such start takes the lane as it is: an output that is out is never published again.

use super::facts::{Broker, Disk, Newest, PlanSince, StartRequest};
use super::header::LaneMessage;
use super::refusal::Refusal;
use super::start::{Already, Start, StartKind, Until};
use super::{history, past, rewind};
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::plan::layout::Layout;

/// The first start: from whatever is the input's first event.
pub fn fresh(disk: &Disk, broker: &Broker, asked: &StartRequest) -> Start {
    let origin = Position(broker.input.first.max(1));
    let start = anew(StartKind::Fresh, origin, (disk, broker), vec![configured(asked, origin)], 0);
    Start { history: Position(broker.input.last), ..start }
}

/// Rule 4: each plan of the past is applied again where it was in force.
pub fn from_origin(disk: &Disk, broker: &Broker, asked: &StartRequest, why: &'static str) -> Result<Start, Refusal> {
    let record = disk.checkpoint.as_ref();
    let lane_last = LaneSequence(broker.output.last);
    let origin = origin(disk, broker).ok_or(Refusal::NoOrigin { lane_last })?;
    let plans = past::plans(disk, broker);
    let first = plans.first().map_or(Position(0), |plan| plan.since);
    if first > origin {
        return Err(Refusal::NoPlanText { plan: format!("of positions {origin} to {}", first.0 - 1) });
    }
    let before = Position(origin.0.saturating_sub(1));
    let out = broker.newest.ours().map_or(Position(0), |newest| newest.cause);
    let plans = past::with_the_configured(plans, out.max(before), disk, asked)?;
    past::texts_are_there(&plans, before, disk, asked)?;
    input_from(origin, broker)?;
    let gaps = record.map_or(0, |record| record.gaps);
    let counted = counted_from(origin, &plans, broker);
    let mut start = anew(StartKind::Rebuild(why), origin, (disk, broker), plans, gaps);
    start.until = past::end(&start.plans, before);
    let ends_below = |base: Position| matches!(start.until, Some(Until::Position(end, _)) if end < base);
    match counted {
        // A plan's end needs its R. Counted from the origin it has one; should the count be wrong after all, then the
        // comparison with what is left of the lane says so.
        Some((base, _)) if ends_below(base) => start.base_lane = LaneSequence(0),
        Some((base, lane)) => (start.base, start.base_lane) = (base, lane),
        None => match counted_from_the_newest(origin, &start.plans, broker).filter(|(base, _)| !ends_below(*base)) {
            Some((base, lane)) => (start.base, start.base_lane) = (base, lane),
            None => {
                if ends_below(out) || cut(disk, broker).is_some() {
                    return Err(Refusal::Uncounted { lane_last });
                }
                through(&mut start, out);
            }
        },
    }
    Ok(start)
}

/// `--rebuild-state`: the new plan over the whole input; whatever is out stays out.
pub fn under_the_configured_plan(disk: &Disk, broker: &Broker, asked: &StartRequest) -> Result<Start, Refusal> {
    let lane_last = LaneSequence(broker.output.last);
    let origin = disk.checkpoint.as_ref().map(|record| record.origin).or(origin(disk, broker));
    let origin = origin.ok_or(Refusal::NoOrigin { lane_last })?;
    // Without its newest message, nobody knows how far the lane is ahead of the state.
    if broker.newest == Newest::Gone && lane_last != disk.lane_known() {
        return Err(Refusal::NoOrigin { lane_last });
    }
    input_from(origin, broker)?;
    if let Some(cause) = cut(disk, broker) {
        return Err(Refusal::Unfinished { cause });
    }
    let kind = StartKind::Rebuild("--rebuild-state asks for the new configuration over the whole input");
    let gaps = disk.checkpoint.as_ref().map_or(0, |record| record.gaps);
    let mut start = anew(kind, origin, (disk, broker), vec![configured(asked, origin)], gaps);
    through(&mut start, reached(disk, broker));
    Ok(start)
}

/// `--accept-gap`, where the past cannot be computed again: the configured plan over what the input still has.
pub fn past_a_gap(disk: &Disk, broker: &Broker, asked: &StartRequest) -> Start {
    let known = origin(disk, broker).unwrap_or_default();
    let origin = Position(known.0.max(broker.input.first).max(1));
    let kind = StartKind::Rebuild("--accept-gap consents to go on without what is missing");
    let gaps = disk.checkpoint.as_ref().map_or(0, |record| record.gaps);
    let mut start = anew(kind, origin, (disk, broker), vec![configured(asked, origin)], gaps + 1);
    through(&mut start, reached(disk, broker));
    start
}

/// The newest output's cause, where further messages of it are missing: the output says that another one follows, and nobody
/// has consented to the lane's end as it is, which would have counted it.
fn cut(disk: &Disk, broker: &Broker) -> Option<Position> {
    let newest = broker.newest.ours().filter(|newest| newest.followed)?;
    let counted = disk.lane_known() == newest.sequence;
    (!counted).then_some(newest.cause)
}

/// The origin that the lane names; an empty lane leaves the word to the record.
fn origin(disk: &Disk, broker: &Broker) -> Option<Position> {
    match &broker.newest {
        Newest::Ours(newest) => Some(newest.run.origin),
        Newest::Never => disk.checkpoint.as_ref().map(|record| record.origin),
        Newest::Gone | Newest::Foreign => None,
    }
}

/// A position and the lane's sequence there from which outputs can be counted: the origin in a lane that begins with
/// its first output, else the oldest output that is left. None where that one is of another origin, as an accepted gap
/// leaves it, or of another plan, as `--rebuild-state` does.
fn counted_from(origin: Position, plans: &[PlanSince], broker: &Broker) -> Option<(Position, LaneSequence)> {
    let before = Position(origin.0.saturating_sub(1));
    if broker.newest == Newest::Never {
        return Some((before, LaneSequence(0)));
    }
    let oldest = broker.oldest.as_ref()?;
    let newest = broker.newest.ours()?;
    // Before a rewind's marker stand outputs of events that the input lost. Behind it, ids that those events left behind
    // may have silenced others, and this state will not know them: only the newest output is sure.
    if newest.epoch() > 0 {
        return None;
    }
    if !of_these(origin, plans, oldest) || !of_these(origin, plans, newest) {
        return None;
    }
    Some(before_the_cause(origin, oldest))
}

/// The same from the newest output, where the oldest one is of another history or was trimmed while it was asked for. Its
/// cause may have further outputs that are not out, so that the cause alone does not tell what is.
fn counted_from_the_newest(origin: Position, plans: &[PlanSince], broker: &Broker) -> Option<(Position, LaneSequence)> {
    let newest = broker.newest.ours().filter(|newest| of_these(origin, plans, newest))?;
    Some(before_the_cause(origin, newest))
}

/// Whether an output is of this origin and of the plan that is in force there.
fn of_these(origin: Position, plans: &[PlanSince], message: &LaneMessage) -> bool {
    // A marker is no output of its cause: it names the plan behind it.
    let before = if message.marks().is_some() { message.cause.0 } else { message.cause.0.saturating_sub(1) };
    let before = Position(before);
    message.run.origin == origin && past::in_force(plans, before) == Some(&past::regime(message))
}

/// The position before an output's cause, and the lane's sequence there.
fn before_the_cause(origin: Position, message: &LaneMessage) -> (Position, LaneSequence) {
    let before = Position(origin.0.saturating_sub(1));
    if message.marks().is_some() {
        return (message.cause.max(before), message.sequence);
    }
    // Of its cause, n outputs came before it. How many causes did, nobody knows: after an accepted gap the lane
    // may have been as long as it liked at the origin.
    match message.sequence.0.saturating_sub(1 + u64::from(message.n)) {
        0 => (before, LaneSequence(0)),
        lane => (Position(message.cause.0.saturating_sub(1)).max(before), LaneSequence(lane)),
    }
}

/// The input still has everything from `origin` on.
fn input_from(origin: Position, broker: &Broker) -> Result<(), Refusal> {
    if broker.input.first > origin.0 {
        return Err(Refusal::InputGone { from: origin, to: Position(broker.input.first - 1) });
    }
    match broker.hole.filter(|hole| *hole >= origin) {
        Some(hole) => Err(Refusal::InputGone { from: hole, to: hole }),
        None => Ok(()),
    }
}

/// The last position whose outputs are surely all out.
fn reached(disk: &Disk, broker: &Broker) -> Position {
    let lane = broker.newest.ours().map_or(Position(0), |newest| newest.cause);
    // A lane that lost its tail does not reach as far as the state does, whatever was published since.
    let whole = broker.output.last >= disk.lane_known().0 && !history::is_another(disk, broker);
    if whole { lane.max(disk.reached()) } else { lane }
}

/// Outputs are not counted: all up to `out` are out, the rest follows the lane's end.
fn through(start: &mut Start, out: Position) {
    let out = out.max(start.base);
    (start.already, start.base) = (Already::Through(out), out);
}

fn configured(asked: &StartRequest, since: Position) -> PlanSince {
    PlanSince { plan: asked.plan.fingerprint(), since }
}

/// A start over an empty state from `origin`, behind whatever is in the lane.
fn anew(
    kind: StartKind,
    origin: Position,
    (disk, broker): (&Disk, &Broker),
    plans: Vec<PlanSince>,
    gaps: u64,
) -> Start {
    let before = Position(origin.0.saturating_sub(1));
    Start {
        kind,
        after: before,
        base: before,
        base_lane: LaneSequence(broker.output.last),
        lane_last: LaneSequence(broker.output.last),
        lane_cause: broker.newest.ours().map(|newest| newest.cause),
        already: Already::ByCount,
        stored_at: Nanos(0),
        stream_time: Nanos(0),
        origin,
        plan: plans.first().cloned().unwrap_or(PlanSince { plan: String::new(), since: origin }),
        plans,
        until: None,
        layout: Layout::default(),
        gaps,
        rewinds: rewind::present(disk, broker),
        history: Position(0),
    }
}
