//! Rebound states, and what the start rules make of them.

use super::*;
use crate::core::plan::emit::EmitSpec;
use crate::protocol::facts::StreamFacts;
use crate::protocol::tests::world::{World, since, spec, stored_at};

/// What a rebound state is on disk.
fn on_disk(before: &Disk, rebound: &Rebound) -> Disk {
    Disk {
        checkpoint: Some(rebound.record.clone()),
        marks: before.marks.iter().map(|mark| GroupMark { lane: rebound.lane, ..*mark }).collect(),
        floor: rebound.floor,
        plans: rebound.texts.iter().map(|spec| (spec.fingerprint(), spec.clone())).collect(),
        lost: false,
    }
}

/// A plan of a letter with a range, as a replay runs it.
fn ranged(letter: char, from: u64) -> PlanSpec {
    let emit = EmitSpec { from: Position(from), until: Position(40), subject: None };
    PlanSpec { emit: Some(emit), ..spec(letter) }
}

/// Copies a steady world's state (S = 10) for a replay from a position on.
fn copy(change: impl FnOnce(&mut World), letter: char, from: u64) -> (World, Result<Rebound, Unfit>) {
    let mut world = World::steady();
    change(&mut world);
    let plan = ranged(letter, from);
    let rebound = copied(&world.disk, Nanos(100), Nanos(300), &plan, Position(from));
    // The replay's lane: new and empty.
    world.broker.output = StreamFacts { created: Nanos(300), first: 1, last: 0, aged_out: false };
    (world.broker.newest, world.broker.oldest, world.asked.plan) = (Newest::Never, None, plan);
    (world, rebound)
}

#[test]
fn a_copy_goes_on_from_s_over_an_empty_lane() {
    let (mut world, rebound) = copy(|_| {}, 'B', 11);
    world.disk = on_disk(&world.disk, &rebound.unwrap());
    assert_eq!(world.decision(), "resume after 10, B 10 R 0, count to 0, plan ? of A1 ?11, origin 1, gaps 0");
}

#[test]
fn a_copy_from_between_two_groups_writes_passes_over_what_they_hold() {
    let (mut world, rebound) = copy(|w| w.mark(14, 12), 'A', 15);
    world.disk = on_disk(&world.disk, &rebound.unwrap());
    assert_eq!(world.decision(), "resume after 10, B 14 R 0, count to 0, plan ? of A1 ?11, origin 1, gaps 0");
    let (_, rebound) = copy(|w| w.mark(14, 12), 'A', 14);
    assert_eq!(rebound, Err(Unfit::Held { held: Position(14), from: Position(14) }));
}

#[test]
fn a_floor_is_about_the_live_lane_alone() {
    let floor = GroupMark { position: Position(30), stored_at: Nanos(0), lane: LaneSequence(30) };
    let (mut world, rebound) = copy(|w| w.disk.floor = Some(floor), 'A', 11);
    world.disk = on_disk(&world.disk, &rebound.unwrap());
    assert_eq!(world.decision(), "resume after 10, B 10 R 0, count to 0, plan ? of A1 ?11, origin 1, gaps 0");
}

#[test]
fn what_no_copy_serves_is_refused() {
    let refused = |change: fn(&mut World), letter, from| copy(change, letter, from).1.unwrap_err();
    assert_eq!(refused(|_| {}, 'A', 10), Unfit::Held { held: Position(10), from: Position(10) });
    assert!(matches!(refused(|_| {}, 'C', 11), Unfit::StateChanges(changes) if changes.len() == 1));
    assert_eq!(refused(|w| w.lose_state(), 'A', 11), Unfit::NoState);
    assert_eq!(refused(|w| w.disk.plans.clear(), 'A', 11), Unfit::NoPlanText);
    assert_eq!(refused(|w| w.record().input_created = Nanos(9), 'A', 11), Unfit::OtherInput);
}

/// A complete replay of plan B up to position `until`, over a live lane that ends with the output of 12 at 12.
fn promote(until: u64, change: impl FnOnce(&mut World, &mut Replayed)) -> (World, Result<Rebound, Unfit>) {
    let mut world = World::steady();
    let newest = Some(Position(until.min(12)));
    let mut replayed = Replayed { complete: true, whole: true, configured: true, newest };
    let record = world.record();
    (record.position, record.stored_at, record.lane) = (Position(until), stored_at(until), LaneSequence(until));
    (record.output_created, record.plans) = (Nanos(300), vec![since('B', 1)]);
    change(&mut world, &mut replayed);
    world.configure('B');
    let rebound = promoted(&world.disk, &replayed, &world.broker, &spec('B'), vec![spec('A')]);
    (world, rebound)
}

fn decision(until: u64) -> String {
    let (mut world, rebound) = promote(until, |w, _| w.disk.marks.push(GroupMark::default()));
    world.disk = on_disk(&world.disk, &rebound.unwrap());
    world.decision()
}

#[test]
fn a_promoted_state_goes_on_where_the_live_lane_ends() {
    assert_eq!(decision(12), "resume after 12, B 12 R 12, count to 12, plan B of B1, origin 1, gaps 0");
    // The live engine went on meanwhile: what it published since is out, and stays out.
    assert_eq!(decision(9), "resume after 9, B 12 R 12, count to 12, plan B of B1, origin 1, gaps 0");
    // The last events have no outcome under either plan.
    assert_eq!(decision(15), "resume after 15, B 15 R 12, count to 12, plan B of B1, origin 1, gaps 0");
}

#[test]
fn the_state_lost_after_a_promotion_is_rebuilt_as_after_rebuild_state() {
    let (mut world, rebound) = promote(12, |_, _| {});
    world.disk = on_disk(&world.disk, &rebound.unwrap());
    // The promoted engine publishes, and then loses its state.
    world.lane(13, 13);
    let (run, plan) = (world.newest().run.clone(), spec('B').fingerprint());
    world.newest().run = crate::protocol::header::RunHeader { plan, ..run };
    world.lose_state();
    assert_eq!(world.decision(), "rebuild after 0, B 12 R 12, count to 13, plan B of B1, origin 1, gaps 0");
}

#[test]
fn what_cannot_take_the_live_states_place_is_refused() {
    let refused = |change: fn(&mut World, &mut Replayed)| promote(12, change).1.unwrap_err();
    assert_eq!(refused(|_, r| r.complete = false), Unfit::Incomplete);
    assert_eq!(refused(|w, _| w.mark(13, 13)), Unfit::Incomplete);
    assert_eq!(refused(|_, r| r.whole = false), Unfit::NotWhole);
    assert_eq!(refused(|_, r| r.configured = false), Unfit::OtherPlan);
    assert_eq!(refused(|w, _| w.lose_state()), Unfit::NoState);
    assert_eq!(refused(|w, _| w.broker.newest = Newest::Gone), Unfit::NoNewest);
    assert_eq!(refused(|w, _| w.broker.newest = Newest::Never), Unfit::NoNewest);
    assert_eq!(refused(|w, _| w.broker.input.created = Nanos(1)), Unfit::OtherInput);
    assert_eq!(refused(|w, _| w.record().stored_at = Nanos(5)), Unfit::OtherEvent(Position(12)));
    assert_eq!(refused(|w, _| w.broker.input.last = 11), Unfit::OtherEvent(Position(12)));
    let (replayed, live) = (Position(3), Position(1));
    assert_eq!(refused(|w, _| w.record().origin = Position(3)), Unfit::OtherOrigin { replayed, live });
    let (live, replayed) = (Position(12), Position(14));
    assert_eq!(refused(|_, r| r.newest = Some(Position(14))), Unfit::BehindTheReplay { live, replayed });
}
