//! The start rules: from what disk and broker say to where reading begins and what is already out.
//!
//! Pure judgement, in the order of the rules; a refusal names what is wrong and what to do. Gathering the
//! facts and carrying the decision out belong to `app`.

use super::facts::{Asked, Broker, Checkpoint, Disk, Newest, PlanSince};
use super::header::LaneMessage;
use super::plan_change;
use super::refusal::Refusal;
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::plan::layout::Layout;

/// How a start begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Why it begins so, for the log and for `readyz`.
    pub kind: StartKind,
    /// Reading begins after this position.
    pub after: Position,
    /// B: nothing up to here is published, and no checkpoint is taken below it.
    pub base: Position,
    /// R(B).
    pub base_lane: LaneSequence,
    /// The lane's last sequence when it was read.
    pub lane_last: LaneSequence,
    /// Which outputs after B are already out.
    pub already: Already,
    /// When the event at `after` was stored; zero before the first event.
    pub stored_at: Nanos,
    /// Stream time to begin with.
    pub stream_time: Nanos,
    /// The first position that ever went into the state.
    pub origin: Position,
    /// The plans so far; the last one is run.
    pub plans: Vec<PlanSince>,
    /// Where the plan that is run ends: the position, and the plan that follows.
    pub until: Option<Until>,
    /// The numbers of tables and columns to build on.
    pub layout: Layout,
    /// Gaps accepted so far.
    pub gaps: u64,
}

/// Why a start begins as it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartKind {
    /// The first start on an empty lane.
    Fresh,
    /// The state is as of S.
    Resume,
    /// The state is built anew from the input, for this reason; what the directory holds is set aside.
    Rebuild(&'static str),
}

/// Which of the outputs after B are already out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Already {
    /// As many as the lane is long: each is compared with the stored message where that is still there.
    ByCount,
    /// All up to this position, because the count is not known; none is compared.
    Through(Position),
}

/// When a plan ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// After an output of this start is confirmed.
    OwnOutput(String),
    /// At a position at which an earlier run changed to the plan that follows.
    Position(Position, String),
}

/// Decides how to begin.
pub fn decide(disk: &Disk, broker: &Broker, asked: &Asked) -> Result<Start, Refusal> {
    if let Newest::Ours(newest) = &broker.newest {
        same_lane(newest, asked)?;
    }
    same_input(disk, broker)?;
    let Some(checkpoint) = &disk.checkpoint else {
        return without_state(disk, broker, asked);
    };
    if checkpoint.output_created != broker.output.created {
        return Err(Refusal::OutputRecreated);
    }
    if broker.newest == Newest::Foreign {
        return Err(Refusal::ForeignMessage { sequence: LaneSequence(broker.output.last) });
    }
    let ahead = disk.marks.iter().map(|mark| mark.lane).chain([checkpoint.lane]).max().unwrap_or_default();
    if broker.output.last < ahead.0 {
        return rebuild(disk, broker, asked, "the output stream lost its tail and the state is ahead of it");
    }
    if asked.consent.rebuild_state && current(checkpoint) != asked.plan.fingerprint() {
        return with_new_plan(checkpoint, broker, asked);
    }
    resume(disk, checkpoint, broker, asked)
}

/// The lane's newest message belongs to this input and to no later run.
fn same_lane(newest: &LaneMessage, asked: &Asked) -> Result<(), Refusal> {
    if newest.input_stream != asked.plan.input_stream {
        return Err(Refusal::OtherInput { found: newest.input_stream.clone(), asked: asked.plan.input_stream.clone() });
    }
    if newest.run.run > asked.run {
        return Err(Refusal::NewerRun { run: newest.run.run.to_string() });
    }
    Ok(())
}

/// Rule 1: the input is the one we know, and still reaches as far.
fn same_input(disk: &Disk, broker: &Broker) -> Result<(), Refusal> {
    if disk.checkpoint.as_ref().is_some_and(|c| c.input_created != broker.input.created) {
        return Err(Refusal::InputRecreated);
    }
    for (position, expected) in disk.witnesses(&broker.newest) {
        if position.0 > broker.input.last {
            return Err(Refusal::InputLostTail { last: Position(broker.input.last), known: position });
        }
        if let Some(found) = broker.stored_at.get(&position)
            && *found != expected
        {
            return Err(Refusal::InputDiffers { position });
        }
    }
    Ok(())
}

/// No record of S: a first start, or a lost state directory (rule 4).
fn without_state(disk: &Disk, broker: &Broker, asked: &Asked) -> Result<Start, Refusal> {
    match broker.newest {
        Newest::Never => {
            let origin = Position(broker.input.first.max(1));
            Ok(begin(StartKind::Fresh, origin, broker, asked.plan.fingerprint(), 0))
        }
        Newest::Foreign => Err(Refusal::ForeignMessage { sequence: LaneSequence(broker.output.last) }),
        Newest::Gone | Newest::Ours(_) => {
            rebuild(disk, broker, asked, "the state directory is new and the output stream is not empty")
        }
    }
}

/// Rule 4: build the state anew from the input's origin.
fn rebuild(disk: &Disk, broker: &Broker, asked: &Asked, why: &'static str) -> Result<Start, Refusal> {
    let newest = match &broker.newest {
        Newest::Ours(message) => Some(message),
        _ => None,
    };
    let origin = newest.map(|m| m.run.origin).or(disk.checkpoint.as_ref().map(|c| c.origin));
    let gaps = disk.checkpoint.as_ref().map_or(0, |c| c.gaps);
    let configured = asked.plan.fingerprint();
    let kind = StartKind::Rebuild(why);
    let Some(origin) = origin else {
        if !asked.consent.accept_gap {
            return Err(Refusal::NoOrigin { lane_last: LaneSequence(broker.output.last) });
        }
        return Ok(begin(kind, Position(broker.input.first.max(1)), broker, configured, gaps + 1));
    };
    let history = history(disk, newest.map(|m| m.as_ref()), origin);
    let missing = history.iter().find(|p| p.plan != configured && !disk.plans.contains_key(&p.plan));
    let unknown = missing.map(|p| p.plan.clone()).or_else(|| {
        let first = history.first().map(|p| p.since);
        (first != Some(origin)).then(|| format!("of positions {origin} to {}", first.unwrap_or_default().0.max(1) - 1))
    });
    if let Some(plan) = unknown {
        if !asked.consent.accept_gap {
            return Err(Refusal::NoPlanText { plan });
        }
        return Ok(past_a_gap(kind, origin, broker, configured, gaps));
    }
    if broker.input.first > origin.0 {
        if !asked.consent.accept_gap {
            let to = Position(broker.input.first - 1);
            return Err(Refusal::InputGone { from: origin, to });
        }
        return Ok(past_a_gap(kind, Position(broker.input.first), broker, configured, gaps));
    }
    let mut start = begin(kind, origin, broker, configured.clone(), gaps);
    start.base_lane = LaneSequence(0);
    // The plans of the past are run again where they were in force.
    let mut plans = history.into_iter();
    start.plans = plans.next().into_iter().collect();
    let running = start.plans.last().map(|p| p.plan.clone()).unwrap_or_default();
    start.until = match plans.next() {
        Some(next) => Some(Until::Position(Position(next.since.0.saturating_sub(1)), next.plan)),
        None => (running != configured).then_some(Until::OwnOutput(configured)),
    };
    Ok(start)
}

/// The plans from the origin on, as far as disk or lane name them.
fn history(disk: &Disk, newest: Option<&LaneMessage>, origin: Position) -> Vec<PlanSince> {
    let mut plans = disk.checkpoint.as_ref().map(|c| c.plans.clone()).unwrap_or_default();
    if let Some(newest) = newest {
        let last = PlanSince { plan: newest.run.plan.clone(), since: newest.run.since };
        if plans.last() != Some(&last) {
            plans.retain(|p| p.since < last.since);
            plans.push(last);
        }
    }
    plans.retain(|p| p.since >= origin);
    plans
}

/// `--rebuild-state`: the new plan over the whole input, whatever is out stays out.
fn with_new_plan(checkpoint: &Checkpoint, broker: &Broker, asked: &Asked) -> Result<Start, Refusal> {
    if broker.input.first > checkpoint.origin.0 && !asked.consent.accept_gap {
        let to = Position(broker.input.first - 1);
        return Err(Refusal::InputGone { from: checkpoint.origin, to });
    }
    let origin = Position(broker.input.first.max(checkpoint.origin.0));
    let kind = StartKind::Rebuild("--rebuild-state asks for the new plan over the whole input");
    let mut start = past_a_gap(kind, origin, broker, asked.plan.fingerprint(), checkpoint.gaps);
    start.gaps = checkpoint.gaps + u64::from(origin != checkpoint.origin);
    if let Already::Through(out) = &mut start.already {
        *out = (*out).max(checkpoint.position);
        start.base = *out;
    }
    Ok(start)
}

/// Rule 5: go on from S.
fn resume(disk: &Disk, checkpoint: &Checkpoint, broker: &Broker, asked: &Asked) -> Result<Start, Refusal> {
    let configured = asked.plan.fingerprint();
    let running = current(checkpoint).to_owned();
    let until = if running == configured {
        None
    } else {
        let old = disk.plans.get(&running).ok_or(Refusal::NoPlanText { plan: running })?;
        let changes = plan_change::of_state(old, &asked.plan);
        if !changes.is_empty() && !asked.consent.keep_state {
            return Err(Refusal::StateChanges { changes });
        }
        Some(Until::OwnOutput(configured))
    };
    let furthest = disk.marks.iter().max_by_key(|mark| mark.position);
    let furthest = furthest.filter(|mark| mark.position > checkpoint.position);
    let mut start = Start {
        kind: StartKind::Resume,
        after: checkpoint.position,
        base: furthest.map_or(checkpoint.position, |mark| mark.position),
        base_lane: furthest.map_or(checkpoint.lane, |mark| mark.lane),
        lane_last: LaneSequence(broker.output.last),
        already: Already::ByCount,
        stored_at: checkpoint.stored_at,
        stream_time: checkpoint.stream_time,
        origin: checkpoint.origin,
        plans: checkpoint.plans.clone(),
        until,
        layout: checkpoint.layout.clone(),
        gaps: checkpoint.gaps,
    };
    if broker.input.first > checkpoint.position.0 + 1 && broker.input.last > checkpoint.position.0 {
        let to = Position(broker.input.first - 1);
        if !asked.consent.accept_gap {
            return Err(Refusal::InputGone { from: Position(checkpoint.position.0 + 1), to });
        }
        start.gaps += 1;
        (start.after, start.stored_at) = (to, Nanos(0));
        let out = lane_cause(broker).unwrap_or_default().max(start.base).max(to);
        (start.already, start.base, start.base_lane) = (Already::Through(out), out, start.lane_last);
    }
    Ok(start)
}

/// A start over an empty state from `origin`, with the lane taken as it is.
fn begin(kind: StartKind, origin: Position, broker: &Broker, plan: String, gaps: u64) -> Start {
    let before = Position(origin.0.saturating_sub(1));
    Start {
        kind,
        after: before,
        base: before,
        base_lane: LaneSequence(broker.output.last),
        lane_last: LaneSequence(broker.output.last),
        already: Already::ByCount,
        stored_at: Nanos(0),
        stream_time: Nanos(0),
        origin,
        plans: vec![PlanSince { plan, since: origin }],
        until: None,
        layout: Layout::default(),
        gaps,
    }
}

/// A start whose past cannot be recomputed: what the lane's newest message reaches is out, the rest is new.
fn past_a_gap(kind: StartKind, origin: Position, broker: &Broker, plan: String, gaps: u64) -> Start {
    let mut start = begin(kind, origin, broker, plan, gaps + 1);
    let out = lane_cause(broker).unwrap_or_default().max(start.base);
    (start.already, start.base) = (Already::Through(out), out);
    start
}

fn lane_cause(broker: &Broker) -> Option<Position> {
    match &broker.newest {
        Newest::Ours(message) => Some(message.cause),
        _ => None,
    }
}

fn current(checkpoint: &Checkpoint) -> &str {
    checkpoint.plans.last().map_or("", |p| p.plan.as_str())
}
