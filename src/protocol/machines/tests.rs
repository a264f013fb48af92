//! The order of effects: what each machine asks for, act by act.

use super::checkpointer::{Checkpointer, CheckpointerAct, ToCheckpointer};
use super::intake::{DIRTY_KEYS, Fed, Feed, Intake, IntakeAct, ToIntake};
use super::machine::Machine;
use super::shard::{Delta, Shard, ShardAct, ShardWork, ToShard};
use crate::core::event::StoredMessage;
use crate::core::ids::{KeyGroup, LaneSequence, Nanos, Position};
use crate::core::plan::compiled::Plan;
use crate::core::plan::fixture::spec;
use crate::core::plan::layout::Layout;
use crate::core::state::changes::{GroupChanges, State};
use crate::core::state::view::StateQuery;
use crate::protocol::cutter::{Barrier, Cutter};
use crate::protocol::schedule::BarrierSchedule;
use crate::protocol::start::{Start, decide};
use crate::protocol::tests::lives_engine::record;
use crate::protocol::tests::world::World;
use crate::protocol::writes::{CheckpointWrite, NextPlan};
use std::sync::Arc;

/// A start behind position 10, with B there.
fn start() -> Start {
    let world = World::steady();
    decide(&world.disk, &world.broker, &world.asked).unwrap()
}

fn plan() -> Arc<Plan> {
    Arc::new(Plan::compile(spec('A'), &Layout::default()))
}

fn barrier(number: u64) -> Barrier {
    Barrier { number, position: Position(number * 20), stored_at: Nanos(1), stream_time: Nanos(2) }
}

/// All that a machine asks for about a message, in words.
fn words<M: Machine>(machine: &mut M, message: M::Message, word: impl Fn(&M::Act) -> String) -> Vec<String> {
    let (mut acts, mut said) = (Vec::new(), Vec::new());
    machine.on(message, &mut acts);
    while !acts.is_empty() {
        said.extend(acts.drain(..).map(|act| word(&act)));
        machine.done(&mut acts);
    }
    said
}

fn users(positions: std::ops::RangeInclusive<u64>) -> Vec<StoredMessage> {
    let user = |sequence| StoredMessage {
        sequence,
        stored_at: Nanos(sequence as i64 * 1_000_000),
        subject: "events.user".into(),
        headers: None,
        payload: format!(r#"{{"title":"user","event_uuid":"{sequence}","properties":{{"uuid":"u1"}}}}"#).into(),
    };
    positions.map(user).collect()
}

fn of_shard(act: &ShardAct<&'static str>) -> String {
    match act {
        ShardAct::Crash(point) => point.0.to_owned(),
        ShardAct::Processed(processed) => format!("{} outcomes", processed.part.outcomes.len()),
        ShardAct::Delta(delta) => format!("{} groups", delta.groups.len()),
        ShardAct::Report(report) => format!("report: {} keys of {:?} changed", report.dirty_keys, report.keys),
        ShardAct::Failed(error) => format!("failed: {error}"),
    }
}

fn work(cutter: &mut Cutter, positions: std::ops::RangeInclusive<u64>, barrier: Option<Barrier>) -> ToShard {
    let slice = cutter.take(users(positions), false).unwrap();
    let events = slice.shards.into_iter().next().unwrap();
    ToShard::Work(ShardWork { slice: slice.number, through: slice.through, events, barrier })
}

#[test]
fn a_shards_outcomes_leave_before_the_changes_of_a_barrier_are_taken() {
    let mut cutter = Cutter::new(plan(), 1, &start());
    let mut shard = Shard::new(0, plan(), State::new(9, None), Position(10), Box::new(|_| Ok(Vec::new())));
    let words = |shard: &mut Shard<_>, message| words(shard, message, of_shard);
    let no_barrier = words(&mut shard, work(&mut cutter, 11..=12, None));
    assert_eq!(no_barrier, ["after_apply", "2 outcomes", "report: 1 keys of (2, 0) changed"]);
    let with_one = words(&mut shard, work(&mut cutter, 13..=13, Some(barrier(1))));
    assert_eq!(with_one, ["after_apply", "1 outcomes", "1 groups", "report: 0 keys of (1, 0) changed"]);
    assert!(words(&mut shard, ToShard::Durable(1)).is_empty());
}

#[test]
fn a_shard_does_nothing_of_a_slice_whose_keys_it_cannot_read() {
    let mut cutter = Cutter::new(plan(), 1, &start());
    let mut state = State::new(9, None);
    state.rows.set_incomplete();
    let mut shard = Shard::new(0, plan(), state, Position(10), Box::new(|_| Err("no disk")));
    assert_eq!(words(&mut shard, work(&mut cutter, 11..=12, Some(barrier(1))), of_shard), ["failed: no disk"]);
    assert_eq!(shard.inspect(&StateQuery::Key("u1".to_owned())), Err("no disk"));
}

fn of_checkpointer(act: &CheckpointerAct) -> String {
    match act {
        CheckpointerAct::Crash(point) => point.0.to_owned(),
        CheckpointerAct::CrashWritten(point) => format!("{} (written)", point.0),
        CheckpointerAct::Write(CheckpointWrite::Group(group, _)) => format!("group {}", group.0),
        CheckpointerAct::Write(CheckpointWrite::Sync) => "sync".to_owned(),
        CheckpointerAct::Write(CheckpointWrite::Record(_)) => "record".to_owned(),
        CheckpointerAct::Durable(barrier) => format!("durable {barrier}"),
        CheckpointerAct::Acknowledge(position) => format!("acknowledge {position}"),
        CheckpointerAct::Next => "next".to_owned(),
        CheckpointerAct::Broken(overlap) => overlap.to_string(),
    }
}

#[test]
fn a_checkpoint_is_told_of_once_all_of_it_is_on_disk() {
    let next = NextPlan { fingerprint: "b".to_owned(), text: "{}".to_owned(), layout: Layout::default() };
    let mut checkpointer = Checkpointer::new(1, record(&start()), Some(next));
    let groups = || [3, 70].map(|group| GroupChanges { group: KeyGroup(group), changes: Vec::new() }).to_vec();
    let delta = |number| ToCheckpointer::Delta(Delta { barrier: barrier(number), shard: 0, groups: groups() });
    let reached = |number| ToCheckpointer::Reached { barrier: barrier(number), lane: LaneSequence(30) };
    let mut tell = |message| words(&mut checkpointer, message, of_checkpointer);
    assert!(tell(delta(1)).is_empty(), "the lane has not confirmed its outputs");
    let written = ["group 3", "between_two_key_groups (written)", "group 70", "before_the_first_fsync", "sync"];
    let told = ["record", "sync", "before_the_inputs_ack", "durable 1", "acknowledge 20", "next"];
    assert_eq!(tell(reached(1)), [&written[..], &["between_the_fsyncs"], &told].concat());
    assert!(tell(ToCheckpointer::PlanEnds(2)).is_empty() && tell(reached(2)).is_empty());
    let switch = tell(delta(2));
    assert!(switch.contains(&"during_a_plan_switch".to_owned()), "{switch:?}");
    assert_eq!(tell(reached(3)), Vec::<String>::new());
    assert_eq!(tell(reached(3)), ["barrier 3 overlaps another or came twice"]);
    assert_eq!(checkpointer.record().plans.last().unwrap().plan, "b");
}

fn of_intake(act: &IntakeAct<&'static str>) -> String {
    match act {
        IntakeAct::Crash(point) => point.0.to_owned(),
        IntakeAct::Received { events, through, .. } => format!("{events} events up to {through}"),
        IntakeAct::Unused(permit) => format!("unused {permit}"),
        IntakeAct::Expect(expect) => {
            format!("expect {} {:?} {}", expect.slice, expect.permit, expect.barrier.is_some())
        }
        IntakeAct::Work(shard, work) => format!("work {} for shard {shard}", work.slice),
        IntakeAct::PlanEnds(barrier) => format!("the plan ends at barrier {barrier}"),
        IntakeAct::Answer(Fed::Taken) => "taken".to_owned(),
        IntakeAct::Answer(Fed::Jumps(jumps, feed)) => format!("{} jumps, {} back", jumps.len(), feed.permit),
        IntakeAct::Answer(Fed::Closed) => "closed".to_owned(),
        IntakeAct::Drained => "drained".to_owned(),
        IntakeAct::PlanEnded => "plan ended".to_owned(),
        IntakeAct::Broken(what) => (*what).to_owned(),
    }
}

#[test]
fn a_slice_is_expected_before_it_is_worked_on_and_no_permit_is_lost() {
    let mut intake = Intake::new(BarrierSchedule::new(&start(), Cutter::new(plan(), 2, &start())));
    let feed = |positions, permit| ToIntake::Feed(Feed { messages: users(positions), permit, pass_jumps: false });
    let mut tell = |message| words(&mut intake, message, of_intake);
    let slice = |number: u64, permit, barrier| {
        let expect = format!("expect {number} {permit} {barrier}");
        vec![expect, format!("work {number} for shard 0"), format!("work {number} for shard 1")]
    };
    let begin = |what: &str| vec![what.to_owned(), "after_intake".to_owned()];
    let taken = vec!["taken".to_owned()];
    let first = [begin("2 events up to 12"), slice(0, r#"Some("a")"#, false), taken.clone()].concat();
    assert_eq!(tell(feed(11..=12, "a")), first);
    assert_eq!(tell(feed(9..=12, "b")), ["unused b", "taken"]);
    assert_eq!(tell(feed(15..=16, "c")), ["1 jumps, c back"]);
    assert!(tell(ToIntake::DirtyKeys(DIRTY_KEYS + 1)).is_empty());
    let early = [begin("1 events up to 13"), slice(1, r#"Some("d")"#, true), taken].concat();
    assert_eq!(tell(feed(13..=13, "d")), early, "many keys changed");
    assert!(tell(ToIntake::Drain).is_empty(), "a barrier is open");
    assert_eq!(tell(feed(14..=14, "e")), ["closed"]);
    assert_eq!(tell(ToIntake::Durable), ["drained"]);
}
