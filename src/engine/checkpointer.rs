//! The Checkpointer actor: the store's only writer, alone on its thread.
//!
//! Writes what `core::protocol::checkpoint` says is ready, in the order that the crash table tests: key
//! groups, flush, record of S, flush, and only then the acknowledgement.

use super::crash;
use super::ending::{Alarm, End, Ending};
use super::intake::Intake;
use super::messages::{Delta, Durable, MeetIntake, NextPlan, PlanEnds, Reached};
use crate::core::ids::Position;
use crate::core::protocol::checkpoint::{Gather, Overlap, Ready};
use crate::core::record::{CHECKPOINT_KEY, Checkpoint, MARK_KEY, PlanSince, encode_plan};
use crate::ports::store::{Batch, Space, Store, StoreError};
use crate::telemetry::metrics::Metrics;
use actix::{Actor, Addr, Context, Handler};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::watch;

/// The checkpointer and what it talks to.
pub struct Checkpointer {
    /// Gathers the parts of a barrier.
    pub gather: Gather,
    /// The record of S on disk.
    pub record: Checkpoint,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The plan that follows, if the start waits for one.
    pub next_plan: Option<NextPlan>,
    /// The barrier at which it follows.
    pub plan_ends: Option<PlanEnds>,
    /// The last durable barrier, for the shards.
    pub durable: Arc<AtomicU64>,
    /// S, for the acknowledgement of the input.
    pub position: watch::Sender<Position>,
    /// Who places barriers; met right after the start.
    pub intake: Option<Addr<Intake>>,
    /// How many shards hand over.
    pub shards: usize,
    /// The metrics.
    pub metrics: Metrics,
    /// Where the end is reported.
    pub ending: Ending,
    /// Reports this actor's death.
    pub alarm: Alarm,
}

impl Actor for Checkpointer {
    type Context = Context<Checkpointer>;

    fn started(&mut self, ctx: &mut Context<Checkpointer>) {
        // One barrier at a time: a part of each shard, the sequencer's word, and the plan's end.
        ctx.set_mailbox_capacity(self.shards + 4);
    }
}

impl Handler<MeetIntake> for Checkpointer {
    type Result = ();

    fn handle(&mut self, MeetIntake(intake): MeetIntake, _: &mut Context<Checkpointer>) {
        self.intake = Some(intake);
    }
}

impl Handler<PlanEnds> for Checkpointer {
    type Result = ();

    fn handle(&mut self, ends: PlanEnds, _: &mut Context<Checkpointer>) {
        self.plan_ends = Some(ends);
    }
}

impl Handler<Delta> for Checkpointer {
    type Result = ();

    fn handle(&mut self, delta: Delta, _: &mut Context<Checkpointer>) {
        let ready = self.gather.part(delta.barrier, delta.shard, delta.groups);
        self.go_on(ready);
    }
}

impl Handler<Reached> for Checkpointer {
    type Result = ();

    fn handle(&mut self, reached: Reached, _: &mut Context<Checkpointer>) {
        let ready = self.gather.confirmed(reached.barrier, reached.lane);
        self.go_on(ready);
    }
}

impl Checkpointer {
    fn go_on(&mut self, ready: Result<Option<Ready>, Overlap>) {
        match ready {
            Ok(None) => {}
            Err(overlap) => self.ending.broken(overlap),
            Ok(Some(ready)) => {
                let began = Instant::now();
                let ends = self.plan_ends.as_ref().is_some_and(|ends| ends.barrier == ready.barrier.number);
                let next = self.next_plan.as_ref().filter(|_| ends);
                match write(self.store.as_ref(), &ready, &self.record, next) {
                    Err(error) => self.ending.report(End::Store(error)),
                    Ok(record) => {
                        self.record = record;
                        self.durable(&ready, began);
                    }
                }
            }
        }
    }

    fn durable(&mut self, ready: &Ready, began: Instant) {
        crash::point("before_the_inputs_ack");
        self.durable.store(ready.barrier.number, Ordering::Release);
        // Nobody listens where the input needs no acknowledgement.
        let _ = self.position.send(ready.barrier.position);
        self.metrics.checkpoint(ready.barrier.position, began.elapsed().as_secs_f64());
        self.metrics.disk(self.store.disk_bytes());
        let told = self.intake.as_ref().is_some_and(|intake| intake.try_send(Durable(ready.barrier)).is_ok());
        if !told {
            self.ending.broken("the checkpointer could not reach intake");
        }
    }
}

/// Writes a checkpoint, after which the plan may be another; returns the record. Everything it holds is confirmed by
/// the lane: repeating it is harmless.
pub fn write(
    store: &dyn Store,
    ready: &Ready,
    before: &Checkpoint,
    next: Option<&NextPlan>,
) -> Result<Checkpoint, StoreError> {
    let mark = ready.mark().encode();
    for (n, group) in ready.groups.iter().enumerate() {
        if n == 1 {
            // The disk may have the first group already, and nothing of the others.
            crash::point_with("between_two_key_groups", || drop(store.sync()));
        }
        let mut changes = group.changes.clone();
        changes.push((MARK_KEY.to_vec(), Some(mark.clone())));
        // A group's rows, ids and mark change together: this batch is never split.
        store.apply(Space::Group(group.group), &Batch { changes })?;
    }
    crash::point("before_the_first_fsync");
    // The groups are on disk before S says so; the other way round S could name rows that a crash took.
    store.sync()?;
    crash::point("between_the_fsyncs");
    let mut record = ready.record(before);
    let mut changes = Vec::new();
    if let Some(next) = next {
        crash::point("during_a_plan_switch");
        encode_plan(&next.fingerprint, &next.text, &mut changes).expect("a plan's text is small");
        let since = Position(record.position.0 + 1);
        // While plans of the past are applied again, the record has known of this one all along.
        if record.plans.last().is_none_or(|last| last.since < since) {
            record.plans.push(PlanSince { plan: next.fingerprint.clone(), since });
        }
        record.layout = next.layout.clone();
    }
    changes.push((CHECKPOINT_KEY.to_vec(), Some(record.encode())));
    store.apply(Space::Meta, &Batch { changes })?;
    store.sync()?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{KeyGroup, LaneSequence, Nanos};
    use crate::core::plan::layout::Layout;
    use crate::core::protocol::intake::Barrier;
    use crate::core::state::changes::GroupChanges;
    use crate::ports::store::Visit;
    use std::sync::Mutex;

    /// Notes what it is asked to write, and in which order.
    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Notes {
        fn add(&self, note: String) {
            self.0.lock().unwrap().push(note);
        }
    }

    impl Store for Notes {
        fn get(&self, _: Space, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            Ok(None)
        }

        fn scan(&self, _: Space, _: &[u8], _: Visit<'_>) -> Result<(), StoreError> {
            Ok(())
        }

        fn apply(&self, space: Space, batch: &Batch) -> Result<(), StoreError> {
            let last = batch.changes.last().map_or(&[][..], |(key, _)| key);
            let what = if last == CHECKPOINT_KEY { "record" } else { "mark" };
            self.add(format!("{space:?}: {} changes, the last is the {what}", batch.changes.len()));
            Ok(())
        }

        fn sync(&self) -> Result<(), StoreError> {
            self.add("sync".to_owned());
            Ok(())
        }

        fn disk_bytes(&self) -> u64 {
            0
        }
    }

    #[test]
    fn groups_then_sync_then_the_record_then_sync() {
        // What a power cut makes of another order, no abort of the process can show.
        let change = |group| GroupChanges { group: KeyGroup(group), changes: vec![(vec![1], Some(vec![2]))] };
        let barrier = Barrier { number: 1, position: Position(9), stored_at: Nanos(3), stream_time: Nanos(4) };
        let ready = Ready { barrier, lane: LaneSequence(7), groups: vec![change(3), change(70)] };
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
        };
        let notes = Notes::default();
        let record = write(&notes, &ready, &before, None).unwrap();
        let group = |n: u16| format!("Group(KeyGroup({n})): 2 changes, the last is the mark");
        let meta = |n| format!("Meta: {n} changes, the last is the record");
        let order = [group(3), group(70), "sync".to_owned(), meta(1), "sync".to_owned()];
        assert_eq!(*notes.0.lock().unwrap(), order);
        assert_eq!((record.position, record.lane, record.plans), (Position(9), LaneSequence(7), vec![plan("a", 1)]));

        let next = NextPlan { fingerprint: "b".to_owned(), text: "{}".to_owned(), layout: Layout::default() };
        let notes = Notes::default();
        let record = write(&notes, &ready, &before, Some(&next)).unwrap();
        assert_eq!(notes.0.lock().unwrap()[3], meta(2), "the next plan's text and the record in one batch");
        assert_eq!(record.plans, [plan("a", 1), plan("b", 10)]);
        let known = Checkpoint { plans: vec![plan("a", 1), plan("b", 10), plan("c", 20)], ..before };
        let record = write(&notes, &ready, &known, Some(&next)).unwrap();
        assert_eq!(record.plans, known.plans, "plans of the past stay as they were");
    }
}
