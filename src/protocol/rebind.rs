//! Binding a state to another lane: a copy of the live state to a replay's lane, a rebuilt state to the live one.
//!
//! Pure judgement: what the record, the marks and the floor must say so that `start` goes on from them. Reading and
//! writing them belongs to `app`. No event and no row is looked at.

use super::facts::{Broker, Checkpoint, Disk, GroupMark, Newest, PlanSince};
use super::plan_change;
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::plan::spec::PlanSpec;

/// What a state directory is to say of its new lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebound {
    /// The record of S.
    pub record: Checkpoint,
    /// R of every key group's mark.
    pub lane: LaneSequence,
    /// B, where the lane is ahead of S; nothing up to it is published.
    pub floor: Option<GroupMark>,
    /// The plans whose text must be there.
    pub texts: Vec<PlanSpec>,
}

/// Why a state cannot be bound to a lane.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is no record of S.
    #[error("the state directory holds no checkpoint")]
    NoState,
    /// It was built from another stream.
    #[error("the state was built from another input stream than the one that is there now")]
    OtherInput,
    /// The range begins within the copy.
    #[error("the state is as of position {held}, and the range begins at {from}")]
    Held {
        /// The furthest position in the state.
        held: Position,
        /// The range's first position.
        from: Position,
    },
    /// The plan keeps another state.
    #[error("the configuration keeps another state than the one that is copied:\n  {}", .0.join("\n  "))]
    StateChanges(Vec<String>),
    /// What the state was built under is not known.
    #[error("the text of the plan that built the state is missing")]
    NoPlanText,
    /// The input has another event where the replay ended, or none yet: it lost its tail since.
    #[error("the replay read another event at position {0} than the input stream has there now")]
    OtherEvent(Position),
    /// The replay has not reached its end.
    #[error("the replay is not complete")]
    Incomplete,
    /// The replay did not build its state itself, or let out a part only.
    #[error("the replay is not one of the whole input from a fresh state")]
    NotWhole,
    /// Another plan than the configured one.
    #[error("the replay ran under another configuration than this one")]
    OtherPlan,
    /// The live lane has no newest message of ours.
    #[error("the newest message of the live output stream is gone, or not Sidestream's")]
    NoNewest,
    /// The live state began elsewhere.
    #[error("the replay's state is built from position {replayed} on, the live one from position {live} on")]
    OtherOrigin {
        /// The replay's first position.
        replayed: Position,
        /// The live one.
        live: Position,
    },
    /// The live lane ends before the replay's.
    #[error("the live output ends with position {live}, and the replay has an outcome of position {replayed}")]
    BehindTheReplay {
        /// The cause of the live lane's newest message.
        live: Position,
        /// The cause of the replay's newest message.
        replayed: Position,
    },
}

impl Unfit {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Unfit::NoState | Unfit::OtherInput | Unfit::NoPlanText => {
                "replay from a fresh state: leave --from-state away"
            }
            Unfit::Held { .. } => {
                "begin the range behind that position, or leave --from-state away: a fresh state is built from the first event"
            }
            Unfit::StateChanges(_) => "leave --from-state away: a fresh state is built under the new configuration",
            Unfit::OtherEvent(_) => "begin another replay, into another stream and directory",
            Unfit::Incomplete => "run the replay to its end first",
            Unfit::NotWhole => "replay without --from, --subject and --from-state, then promote that one",
            Unfit::OtherPlan => "promote with the configuration that the replay ran under",
            Unfit::NoNewest => "only a live output stream whose newest message is there can be taken over",
            Unfit::OtherOrigin { .. } => "the input lost its first events, so that the state cannot be rebuilt whole",
            Unfit::BehindTheReplay { .. } => {
                "run the live engine up to there and stop it again, or replay up to the live output's end with --until"
            }
        }
    }
}

/// A copy of the live state, for a replay under `plan` into a lane that is empty and was created at `output_created`.
pub fn copied(
    disk: &Disk,
    input_created: Nanos,
    output_created: Nanos,
    plan: &PlanSpec,
    from: Position,
) -> Result<Rebound, Unfit> {
    let record = disk.checkpoint.as_ref().ok_or(Unfit::NoState)?;
    if record.input_created != input_created {
        return Err(Unfit::OtherInput);
    }
    let last = record.plans.iter().rev().find(|plan| plan.since.0 <= record.position.0 + 1);
    let old = last.and_then(|last| disk.plans.get(&last.plan)).ok_or(Unfit::NoPlanText)?;
    let held = held(disk, record);
    let mut changes = plan_change::of_state(old, plan);
    // Key groups ahead of S hold ids that the copy's plan would have noted otherwise.
    if old.identity != plan.identity && held > record.position {
        changes.push("identity (dedup.identity) is another one".to_owned());
    }
    if !changes.is_empty() {
        return Err(Unfit::StateChanges(changes));
    }
    if from <= held {
        return Err(Unfit::Held { held, from });
    }
    let since = Position(record.position.0 + 1);
    let mut plans = record.plans.clone();
    // Plans that the live engine changed to later are not this lane's.
    plans.retain(|plan| plan.since < since);
    plans.push(PlanSince { plan: plan.fingerprint(), since });
    let record = Checkpoint { lane: LaneSequence(0), output_created, plans, rewinds: Vec::new(), ..record.clone() };
    Ok(Rebound { record, lane: LaneSequence(0), floor: None, texts: vec![plan.clone()] })
}

/// The furthest position whose events are in the state, in some key group at least. A floor says nothing of rows.
pub fn held(disk: &Disk, record: &Checkpoint) -> Position {
    disk.marks.iter().map(|mark| mark.position).fold(record.position, Position::max)
}

/// What a replay says of itself when it is to be promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// It reached its end, with the last checkpoint written.
    pub complete: bool,
    /// From a fresh state, the whole input, every subject.
    pub whole: bool,
    /// Its plan is the configured one but for the range and the lane's subjects.
    pub configured: bool,
    /// The cause of the newest message of its lane.
    pub newest: Option<Position>,
}

/// A replay's state in the live one's place; `broker` is what the broker says of the live streams and of the replay's last
/// event, and `older` the
/// plans whose text the live state had.
pub fn promoted(
    disk: &Disk,
    replayed: &Replayed,
    broker: &Broker,
    configured: &PlanSpec,
    older: Vec<PlanSpec>,
) -> Result<Rebound, Unfit> {
    let record = disk.checkpoint.as_ref().ok_or(Unfit::NoState)?;
    if !replayed.complete || held(disk, record) > record.position {
        return Err(Unfit::Incomplete);
    }
    if !replayed.whole {
        return Err(Unfit::NotWhole);
    }
    if !replayed.configured {
        return Err(Unfit::OtherPlan);
    }
    if record.input_created != broker.input.created {
        return Err(Unfit::OtherInput);
    }
    let other = broker.stored_at.get(&record.position).is_some_and(|found| *found != record.stored_at);
    if other || record.position.0 > broker.input.last {
        return Err(Unfit::OtherEvent(record.position));
    }
    let Newest::Ours(newest) = &broker.newest else { return Err(Unfit::NoNewest) };
    if newest.input_stream != configured.input_stream {
        return Err(Unfit::OtherInput);
    }
    if record.origin != newest.run.origin {
        return Err(Unfit::OtherOrigin { replayed: record.origin, live: newest.run.origin });
    }
    // What stands between the live lane's end and S must have no outcome under the new plan either: it would never
    // come out.
    if let Some(replayed) = replayed.newest.filter(|replayed| *replayed > newest.cause) {
        return Err(Unfit::BehindTheReplay { live: newest.cause, replayed });
    }
    let lane = LaneSequence(broker.output.last);
    // As --rebuild-state leaves it: the new plan over the whole input, and all that is out stays out.
    let plans = vec![PlanSince { plan: configured.fingerprint(), since: record.origin }];
    let ahead = newest.cause > record.position;
    // No event proves B: zero stands for a time that is not known.
    let floor = ahead.then_some(GroupMark { position: newest.cause, stored_at: Nanos(0), lane });
    let (output_created, rewinds) = (broker.output.created, broker.rewinds.clone());
    let record = Checkpoint { lane, output_created, plans, rewinds, ..record.clone() };
    let mut texts = older;
    texts.push(configured.clone());
    Ok(Rebound { record, lane, floor, texts })
}

#[cfg(test)]
mod tests;
