//! What a checkpoint writes, step by step, in the order that makes a crash between any two of them harmless.
//!
//! Key groups, then `Sync`, then the record of S, then `Sync`: the other way round S could name rows that a power cut
//! took. Rows of global tables change with the record: events of every key group read them, and where one group is ahead of S,
//! the others must find them as they were at S. Nothing is written here: the checkpointer hands the groups before a `Sync` to the store together, a simulator one by
//! one.

use super::checkpoint::Ready;
use super::facts::Checkpoint;
use crate::core::ids::{KeyGroup, Position};
use crate::core::mutants::{Mutant, planted};
use crate::core::plan::layout::Layout;
use crate::core::record::{Batch, CHECKPOINT_KEY, MARK_KEY, PlanSince, encode_plan};
use crate::core::state::changes::GroupChanges;

/// One step of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointWrite {
    /// A key group's rows, ids and mark: one batch, never split.
    Group(KeyGroup, Batch),
    /// Everything so far is on disk before the next step.
    Sync,
    /// The record of S, and with it what every shard has and the text of the plan that follows, if one does.
    Record(Batch),
}

/// The plan that follows the one at work.
#[derive(Clone, Debug)]
pub struct NextPlan {
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its text.
    pub text: String,
    /// The numbers of tables and columns from then on.
    pub layout: Layout,
}

/// The steps of a checkpoint, after which the plan may be another, and the record that they leave.
pub fn writes(ready: Ready, before: &Checkpoint, next: Option<&NextPlan>) -> (Vec<CheckpointWrite>, Checkpoint) {
    let mark = ready.mark().encode();
    let record = record(&ready, before, next);
    let group = |group: GroupChanges| {
        let mut changes = group.changes;
        changes.push((MARK_KEY.to_vec(), Some(mark.clone())));
        CheckpointWrite::Group(group.group, Batch { changes })
    };
    let (groups, everyones): (Vec<GroupChanges>, Vec<GroupChanges>) =
        ready.groups.into_iter().partition(|changes| !changes.group.is_everyone());
    let mut steps: Vec<CheckpointWrite> = groups.into_iter().map(&group).collect();
    let mut changes = Vec::new();
    for everyones in everyones {
        if planted(Mutant::GlobalRowsAheadOfS) {
            steps.push(group(everyones));
        } else {
            changes.extend(everyones.changes);
        }
    }
    steps.push(CheckpointWrite::Sync);
    if let Some(next) = next {
        encode_plan(&next.fingerprint, &next.text, &mut changes).expect("a plan's text is small");
    }
    changes.push((CHECKPOINT_KEY.to_vec(), Some(record.encode())));
    steps.push(CheckpointWrite::Record(Batch { changes }));
    if planted(Mutant::RecordBeforeGroups) {
        steps.rotate_right(1);
    }
    if planted(Mutant::NoFirstSync) {
        steps.retain(|step| *step != CheckpointWrite::Sync);
    }
    steps.push(CheckpointWrite::Sync);
    if planted(Mutant::NoSecondSync) {
        steps.pop();
    }
    (steps, record)
}

fn record(ready: &Ready, before: &Checkpoint, next: Option<&NextPlan>) -> Checkpoint {
    let mut record = ready.record(before);
    if let Some(next) = next {
        let since = Position(record.position.0 + 1);
        // While plans of the past are applied again, the record has known of this one all along.
        if record.plans.last().is_none_or(|last| last.since < since) {
            record.plans.push(PlanSince { plan: next.fingerprint.clone(), since });
        }
        record.layout = next.layout.clone();
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{LaneSequence, Nanos};
    use crate::protocol::cutter::Barrier;

    fn ready() -> Ready {
        let change = |group| GroupChanges { group: KeyGroup(group), changes: vec![(vec![1], Some(vec![2]))] };
        let barrier = Barrier { number: 1, position: Position(9), stored_at: Nanos(3), stream_time: Nanos(4) };
        Ready { barrier, lane: LaneSequence(7), groups: vec![change(3), change(70)] }
    }

    /// Each step with the number of its changes.
    fn line(write: &CheckpointWrite) -> String {
        match write {
            CheckpointWrite::Group(group, batch) => {
                assert_eq!(batch.changes.last().unwrap().0, MARK_KEY);
                format!("group {} ({})", group.0, batch.changes.len())
            }
            CheckpointWrite::Sync => "sync".to_owned(),
            CheckpointWrite::Record(batch) => {
                assert_eq!(batch.changes.last().unwrap().0, CHECKPOINT_KEY);
                format!("record ({})", batch.changes.len())
            }
        }
    }

    #[test]
    fn groups_then_sync_then_the_record_then_sync() {
        // What a power cut makes of another order, no abort of the process can show.
        let plan = |plan: &str, since| PlanSince { plan: plan.to_owned(), since: Position(since) };
        let before = Checkpoint {
            position: Position(1),
            lane: LaneSequence(1),
            stored_at: Nanos(1),
            stream_time: Nanos(1),
            input_created: Nanos(1),
            output_created: Nanos(1),
            origin: Position(1),
            plans: vec![plan("a", 1)],
            layout: Layout::default(),
            gaps: 0,
            rewinds: Vec::new(),
        };
        let (steps, record) = writes(ready(), &before, None);
        let lines: Vec<String> = steps.iter().map(line).collect();
        assert_eq!(lines, ["group 3 (2)", "group 70 (2)", "sync", "record (1)", "sync"]);
        assert_eq!((record.position, record.lane, record.plans), (Position(9), LaneSequence(7), vec![plan("a", 1)]));

        let mut everyones = ready();
        let changes = vec![(vec![1], None), (vec![2], None)];
        everyones.groups.push(GroupChanges { group: KeyGroup::EVERYONE, changes });
        let (steps, _) = writes(everyones, &before, None);
        let lines: Vec<String> = steps.iter().map(line).collect();
        assert_eq!(lines, ["group 3 (2)", "group 70 (2)", "sync", "record (3)", "sync"]);

        let next = NextPlan { fingerprint: "b".to_owned(), text: "{}".to_owned(), layout: Layout::default() };
        let (steps, record) = writes(ready(), &before, Some(&next));
        assert_eq!(line(&steps[3]), "record (2)", "the next plan's text and the record in one batch");
        assert_eq!(record.plans, [plan("a", 1), plan("b", 10)]);
        let known = Checkpoint { plans: vec![plan("a", 1), plan("b", 10), plan("c", 20)], ..before };
        let (_, record) = writes(ready(), &known, Some(&next));
        assert_eq!(record.plans, known.plans, "plans of the past stay as they were");
    }
}
