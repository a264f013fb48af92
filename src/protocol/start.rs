//! The start rules: from what disk and broker say to where reading begins and what is already out.
//!
//! Pure judgement, in the order of the rules; a refusal names what is wrong and what to do. Gathering the
//! facts and carrying the decision out belong to `app`.

use super::facts::{Broker, Checkpoint, Disk, Newest, PlanSince, Rewind, StartRequest};
use super::header::LaneMessage;
use super::refusal::Refusal;
use super::resume::resume;
use super::{history, past, rebuild};
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::mutants::{Mutant, planted};
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
    /// The cause of the lane's newest message, where that is still there.
    pub lane_cause: Option<Position>,
    /// Which outputs after B are already out.
    pub already: Already,
    /// When the event at `after` was stored; zero before the first event.
    pub stored_at: Nanos,
    /// Stream time to begin with.
    pub stream_time: Nanos,
    /// The first position that ever went into the state.
    pub origin: Position,
    /// The plan that is run.
    pub plan: PlanSince,
    /// All plans that are known, those included that follow at a known position; the last one is the configured one, unless
    /// nobody knows where it begins.
    pub plans: Vec<PlanSince>,
    /// Where the plan that is run ends: the position, and the plan that follows.
    pub until: Option<Until>,
    /// The numbers of tables and columns to build on.
    pub layout: Layout,
    /// Gaps accepted so far.
    pub gaps: u64,
    /// The rewinds of the input that the lane's end stands behind, as far as they are known.
    pub rewinds: Vec<Rewind>,
    /// Up to here the input may have holes that nobody made while an engine was there to process it: what it held when the
    /// first start began. A replay takes all of the input as it is.
    pub history: Position,
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
    /// After an output of this start is confirmed: the lane does not tell at which position its outputs end.
    OwnOutput(String),
    /// At a position, behind which the plan that follows is in force.
    Position(Position, String),
}

impl Start {
    /// Whether the plan at work would end below B, where no checkpoint is taken.
    pub fn ends_below_the_base(&self) -> bool {
        matches!(self.until, Some(Until::Position(end, _)) if end < self.base)
    }

    /// Whether no message of the lane shows yet that the plan at work is in force. Until one does, an engine that goes on
    /// under the plan before it finds nothing in its way.
    pub fn is_unseen(&self) -> bool {
        let seen = self.lane_cause.unwrap_or_default().max(self.base);
        self.until.is_none() && self.lane_last.0 > 0 && self.plan.since > seen
    }
}

/// Decides how to begin.
pub fn decide(disk: &Disk, broker: &Broker, asked: &StartRequest) -> Result<Start, Refusal> {
    if let Some(newest) = broker.newest.ours() {
        same_lane(newest, asked)?;
    }
    same_input(disk, broker)?;
    let record = disk.checkpoint.as_ref();
    if record.is_some_and(|record| record.output_created != broker.output.created) {
        return Err(Refusal::OutputRecreated);
    }
    if broker.newest == Newest::Foreign {
        return Err(Refusal::ForeignMessage { sequence: LaneSequence(broker.output.last) });
    }
    let begun = match record {
        None if broker.newest == Newest::Never => Ok(rebuild::fresh(disk, broker, asked)),
        _ if asked.consent.rebuild_state && past::differs(disk, broker, asked) => {
            rebuild::under_the_configured_plan(disk, broker, asked)
        }
        None => rebuild::from_origin(disk, broker, asked, "the state directory is new, the output stream is not"),
        // Rule 3.
        Some(_) if disk.lost || is_ahead(disk, broker) => {
            rebuild::from_origin(disk, broker, asked, "the output stream lost its tail and the state is ahead of it")
        }
        Some(_) if history::is_another(disk, broker) => {
            rebuild::from_origin(disk, broker, asked, "the output stream shows another plan where the state was made")
        }
        Some(record) => resume(disk, record, broker, asked),
    };
    match begun {
        Err(refusal) if asked.consent.accept_gap && refusal.is_a_gap() => Ok(rebuild::past_a_gap(disk, broker, asked)),
        other => other,
    }
}

/// Whether the state knows of outputs that the lane does not have.
fn is_ahead(disk: &Disk, broker: &Broker) -> bool {
    if planted(Mutant::AheadByPosition) {
        return broker.newest.ours().is_some_and(|newest| newest.cause < disk.reached());
    }
    broker.output.last < disk.lane_known().0 && !planted(Mutant::RenumberedAfterLoss)
}

/// The lane's newest message belongs to this input and to no later run.
fn same_lane(newest: &LaneMessage, asked: &StartRequest) -> Result<(), Refusal> {
    if newest.input_stream != asked.plan.input_stream {
        return Err(Refusal::OtherInput { found: newest.input_stream.clone(), asked: asked.plan.input_stream.clone() });
    }
    if newest.run.run > asked.run && !planted(Mutant::RunIdIgnored) {
        return Err(Refusal::NewerRun { run: newest.run.run.to_string() });
    }
    Ok(())
}

/// Rule 1: the input is the one we know, and still reaches as far.
fn same_input(disk: &Disk, broker: &Broker) -> Result<(), Refusal> {
    let known = |c: &Checkpoint| c.input_created == broker.input.created;
    if !planted(Mutant::IdentityByLength) && !disk.checkpoint.as_ref().is_none_or(known) {
        return Err(Refusal::InputRecreated);
    }
    let processed = disk.processed();
    if processed.0 > broker.input.last {
        return Err(Refusal::InputLostTail { last: Position(broker.input.last), known: processed });
    }
    for (position, expected) in disk.witnesses(&broker.newest) {
        if position.0 > broker.input.last {
            return Err(Refusal::InputLostTail { last: Position(broker.input.last), known: position });
        }
        if let Some(found) = broker.stored_at.get(&position)
            && *found != expected
            && !planted(Mutant::IdentityByLength)
        {
            return Err(Refusal::InputDiffers { position });
        }
    }
    Ok(())
}
