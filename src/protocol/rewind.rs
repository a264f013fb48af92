//! Following a rewind: an input that lost its tail and went on, as an operator consented to and a marker in the lane says.
//!
//! Positions of the input before count no more behind a rewind's floor. A state that knows of fewer rewinds than the lane is
//! moved to where the lane is: what is beyond the floor is as of the floor, and B is behind the marker. The events that the
//! input lost stay in it. Pure: `app` asks and writes. What was written half is moved on from where it is.

use super::epoch;
use super::facts::{Broker, Checkpoint, Disk, GroupMark, Newest, PlanSince, Rewind};
use super::header::LaneMessage;
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::mutants::{Mutant, planted};

/// A state directory's account, as of the rewinds that the lane's end stands behind.
#[derive(Clone, Debug)]
pub struct Adopted {
    /// What the start rules are to judge.
    pub disk: Disk,
    /// The rewinds that the directory does not know of yet. Not empty: it is to be moved before anything else is written.
    pub news: Vec<Rewind>,
}

/// The rewinds that the lane's end stands behind, as far as lane and record list them.
pub fn present(disk: &Disk, broker: &Broker) -> Vec<Rewind> {
    let recorded = || disk.checkpoint.as_ref().map(|record| record.rewinds.as_slice()).unwrap_or_default();
    let told = &broker.rewinds;
    match broker.newest {
        Newest::Never => Vec::new(),
        // Nothing that tells is left: another engine's rewinds since would be unknown, as all that it did.
        Newest::Gone | Newest::Foreign if told.len() < recorded().len() => recorded().to_vec(),
        _ => {
            let first = told.first().map_or(0, |first| first.number);
            let before = recorded().iter().filter(|known| known.number < first);
            before.chain(told).copied().collect()
        }
    }
}

/// Moves a directory's account to the lane's rewinds. `consented`: a state that is ahead of the lane is set aside in any
/// case, and what it knows of the input need not be there any more.
pub fn adopt(disk: &Disk, broker: &Broker, consented: bool) -> Adopted {
    let present = present(disk, broker);
    let known = disk.checkpoint.as_ref().map(|record| record.rewinds.as_slice()).unwrap_or_default();
    let ahead = consented && disk.checkpoint.is_some() && broker.output.last < disk.lane_known().0;
    let follows_more = epoch::count(known) > epoch::count(&present);
    if follows_more && !consented && !holds(disk, broker) {
        // The lane lost the marker, and more of the input is gone: nobody consented to that.
        return Adopted { disk: disk.clone(), news: Vec::new() };
    }
    match news(known, &present) {
        Some(news) if news.is_empty() && !ahead => Adopted { disk: disk.clone(), news },
        Some(news) if !ahead && disk.checkpoint.is_some() => {
            let moved = moved(disk, broker, &news, &present);
            moved.map_or_else(|| lost(disk, &present), |disk| Adopted { disk, news })
        }
        _ => lost(disk, &present),
    }
}

/// The rewinds that are not known; `None` where they are not all listed, or the known ones are of another history.
fn news(known: &[Rewind], present: &[Rewind]) -> Option<Vec<Rewind>> {
    let last = |rewinds: &[Rewind]| rewinds.last().map_or(0, |last| last.number);
    let differs = |known: &Rewind| present.iter().any(|told| told.number == known.number && told != known);
    if last(known) > last(present) || known.iter().any(differs) {
        return None;
    }
    let news: Vec<Rewind> = present.iter().filter(|told| told.number > last(known)).copied().collect();
    news.first().is_none_or(|first| first.number == last(known) + 1).then_some(news)
}

/// Where a mark is behind these rewinds; `None` where it is of a longer lane than the one that the first marker went to.
pub fn move_mark(mark: GroupMark, news: &[Rewind]) -> Option<GroupMark> {
    // One that was moved before a crash stands exactly at a floor: outputs of positions beyond the floor stand before the
    // marker, so that no other mark of the floor counts as many.
    let is_at = |rewind: &Rewind| (mark.position, mark.lane) == (rewind.floor, rewind.lane);
    let done = news.iter().rposition(is_at).map_or(0, |at| at + 1);
    if done == 0 && news.first().is_some_and(|first| mark.lane >= first.lane) {
        return None;
    }
    let mut moved = mark;
    for rewind in news.iter().skip(done).filter(|_| !planted(Mutant::MarksNotRewound)) {
        if moved.position >= rewind.floor {
            // No event that is there proves it: zero stands for a time that is not known.
            moved = GroupMark { position: rewind.floor, stored_at: Nanos(0), lane: rewind.lane };
        }
    }
    Some(moved)
}

/// Where what lies at a position is behind these rewinds.
pub fn move_position(position: Position, news: &[Rewind]) -> Position {
    news.iter().map(|rewind| rewind.floor).fold(position, Position::min)
}

/// The account with everything moved; `None` where the state is ahead of the lane that went on.
fn moved(disk: &Disk, broker: &Broker, news: &[Rewind], present: &[Rewind]) -> Option<Disk> {
    let record = disk.checkpoint.as_ref()?;
    let last = news.last()?;
    let of_record = GroupMark { position: record.position, stored_at: record.stored_at, lane: record.lane };
    let of_record = move_mark(of_record, news)?;
    let marks = disk.marks.iter().map(|mark| move_mark(*mark, news)).collect::<Option<Vec<_>>>()?;
    disk.floor.map_or(Some(()), |floor| move_mark(floor, news).map(drop))?;
    let record = Checkpoint {
        position: of_record.position,
        stored_at: of_record.stored_at,
        lane: of_record.lane,
        origin: record.origin.min(Position(last.floor.0 + 1)),
        plans: plans(&record.plans, news),
        rewinds: present.to_vec(),
        ..record.clone()
    };
    let floor = if planted(Mutant::RewindUnmarked) { disk.floor } else { Some(floor(broker, last)) };
    Some(Disk { checkpoint: Some(record), marks, floor, ..disk.clone() })
}

/// B for a state that follows a rewind: behind the marker. Where outputs follow it already, another state made them, which
/// other events' ids may have silenced: they are not counted again, but for those of the newest one's cause.
fn floor(broker: &Broker, last: &Rewind) -> GroupMark {
    let newest = broker.newest.ours().filter(|newest| newest.marks().is_none());
    let (position, lane) = newest.map_or((last.floor, last.lane), before_the_cause);
    GroupMark { position, stored_at: Nanos(0), lane }
}

/// The position before an output's cause, and the lane's sequence there.
fn before_the_cause(newest: &LaneMessage) -> (Position, LaneSequence) {
    let lane = newest.sequence.0.saturating_sub(1 + u64::from(newest.n));
    (Position(newest.cause.0.saturating_sub(1)), LaneSequence(lane))
}

/// The plans behind these rewinds: of those that began behind a floor, the last one begins there.
pub fn plans(plans: &[PlanSince], news: &[Rewind]) -> Vec<PlanSince> {
    let mut plans = plans.to_vec();
    for rewind in news {
        let kept = plans.partition_point(|plan| plan.since <= rewind.floor);
        let beyond = plans.split_off(kept).pop();
        plans.extend(beyond.map(|plan| PlanSince { since: Position(rewind.floor.0 + 1), ..plan }));
    }
    plans
}

/// A state that nothing can be made of but the texts of its plans: nothing that it says of input and lane counts.
fn lost(disk: &Disk, present: &[Rewind]) -> Adopted {
    let checkpoint = disk.checkpoint.as_ref().map(|record| Checkpoint {
        position: Position(0),
        lane: LaneSequence(0),
        stored_at: Nanos(0),
        plans: plans(&record.plans, news(&record.rewinds, present).as_deref().unwrap_or(present)),
        rewinds: present.to_vec(),
        ..record.clone()
    });
    let disk = Disk {
        lost: checkpoint.is_some() || !disk.marks.is_empty(),
        checkpoint,
        marks: Vec::new(),
        floor: None,
        plans: disk.plans.clone(),
    };
    Adopted { disk, news: Vec::new() }
}

/// Whether the directory followed a rewind that the lane does not have any more, because it lost its tail as well. What a
/// person consented to then still holds, if no more of the input is gone.
pub fn consented_before(disk: &Disk, broker: &Broker, floor: Position) -> bool {
    let Some(newest) = broker.newest.ours() else { return false };
    let record = disk.checkpoint.iter().flat_map(|record| &record.rewinds);
    let before = record.filter(|known| known.number > newest.epoch()).any(|known| floor >= known.floor);
    before && holds(disk, broker)
}

/// Whether the input still has, as far as anybody asked, all that the directory says of it.
fn holds(disk: &Disk, broker: &Broker) -> bool {
    disk.witnesses(&Newest::Never).iter().all(|(position, time)| {
        position.0 <= broker.input.last && broker.stored_at.get(position).is_none_or(|found| found == time)
    })
}

#[cfg(test)]
mod tests;
