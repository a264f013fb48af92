//! Plans that change, and plans of the past, a row a sentence.

use crate::core::ids::{Nanos, Position};
use crate::protocol::facts::Newest;
use crate::protocol::start::decide;
use crate::protocol::tests::world::{Row, STEADY, World, check, since, spec, stored_at};

const THE_PLAN_CHANGED: &[Row] = &[
    (
        "an enrichment: the old plan finishes what is stored, and the new one begins behind it",
        |w| w.configure('B'),
        "resume after 10, B 10 R 10, count to 12, plan A of A1 B13, B after 12, origin 1, gaps 0",
    ),
    (
        "the same where nothing is stored behind S: at once",
        |w| {
            w.configure('B');
            w.lane(10, 10);
        },
        "resume after 10, B 10 R 10, count to 10, plan B of A1 B11, origin 1, gaps 0",
    ),
    (
        "silent events follow the lane's end up to S",
        |w| {
            w.configure('B');
            w.lane(10, 8);
        },
        "resume after 10, B 10 R 10, count to 10, plan B of A1 B11, origin 1, gaps 0",
    ),
    (
        "a key group is ahead of the lane's end: it holds what the old plan made of the input",
        |w| {
            w.configure('B');
            w.mark(14, 12);
        },
        "resume after 10, B 14 R 12, count to 12, plan A of A1 B15, B after 14, origin 1, gaps 0",
    ),
    (
        "retention took all of the lane: nobody knows where its outputs end",
        |w| {
            w.configure('B');
            w.lane_aged_out();
        },
        "resume after 10, B 10 R 10, count to 12, plan A of A1, B after an own output, origin 1, gaps 0",
    ),
    (
        "the same where S holds all of them",
        |w| {
            w.configure('B');
            w.broker.output.last = 10;
            w.lane_aged_out();
        },
        "resume after 10, B 10 R 10, count to 10, plan B of A1 B11, origin 1, gaps 0",
    ),
    (
        "the input's head is gone, accepted: the new plan begins behind what is taken as stored",
        |w| {
            w.configure('B');
            w.input_from(12);
            w.consent().accept_gap = true;
        },
        "resume after 11, B 12 R 12, through 12, lane 12, plan A of A1 B13, B after 12, origin 1, gaps 1",
    ),
    (
        "the same beyond the lane's end",
        |w| {
            w.configure('B');
            w.input_from(30);
            w.consent().accept_gap = true;
        },
        "resume after 29, B 29 R 12, through 29, lane 12, plan B of A1 B30, origin 1, gaps 1",
    ),
    (
        "the same over an empty lane",
        |w| {
            w.configure('B');
            w.record().position = Position(0);
            w.record().lane.0 = 0;
            w.record().stored_at = Nanos(0);
            w.broker.output.last = 0;
            w.broker.newest = Newest::Never;
            w.broker.oldest = None;
        },
        "resume after 0, B 0 R 0, count to 0, plan B of B1, origin 1, gaps 0",
    ),
    (
        "tables",
        |w| w.configure('C'),
        "78: the configuration changed in ways that the stored state cannot follow:\n  tables.user.columns.name is new: \"properties.name\"",
    ),
    (
        "tables, --keep-state",
        |w| {
            w.configure('C');
            w.consent().keep_state = true;
        },
        "resume after 10, B 10 R 10, count to 12, plan A of A1 C13, C after 12, origin 1, gaps 0",
    ),
    (
        "tables, --rebuild-state: whatever is out stays out",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
        },
        "rebuild after 0, B 12 R 12, through 12, lane 12, plan C of C1, origin 1, gaps 0",
    ),
    (
        "the same, with silent events up to S",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.record().position = Position(20);
            w.record().stored_at = stored_at(20);
            w.record().lane.0 = 12;
        },
        "rebuild after 0, B 20 R 12, through 20, lane 12, plan C of C1, origin 1, gaps 0",
    ),
    (
        "the same, with a key group ahead of them",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.mark(22, 12);
        },
        "rebuild after 0, B 22 R 12, through 22, lane 12, plan C of C1, origin 1, gaps 0",
    ),
    (
        "the same behind a message that another one of its event follows",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.newest().followed = true;
        },
        "78: the event at position 12 leads to several messages under the configuration before, and the output stream ends before the last of them",
    ),
    (
        "the same beside a lost state, where no text of the plan before is left",
        |w| {
            w.lose_state();
            w.configure('C');
            w.consent().rebuild_state = true;
            w.newest().followed = true;
        },
        "78: the event at position 12 leads to several messages under the configuration before, and the output stream ends before the last of them",
    ),
    (
        "the same, with consent to what may be missing",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.consent().accept_gap = true;
            w.newest().followed = true;
        },
        "rebuild after 0, B 12 R 12, through 12, lane 12, plan C of C1, origin 1, gaps 1",
    ),
    (
        "the same where the lane is counted to its end",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.newest().followed = true;
            w.mark(12, 12);
        },
        "rebuild after 0, B 12 R 12, through 12, lane 12, plan C of C1, origin 1, gaps 0",
    ),
    (
        "the same, over a lane that lost its tail: only what is there is out",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.lane(8, 8);
        },
        "rebuild after 0, B 8 R 8, through 8, lane 8, plan C of C1, origin 1, gaps 0",
    ),
    (
        "the same, after a crash before its first checkpoint",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.disk.checkpoint = None;
        },
        "rebuild after 0, B 12 R 12, through 12, lane 12, plan C of C1, origin 1, gaps 0",
    ),
    (
        "that crash, and the flag is not given again",
        |w| {
            w.configure('C');
            w.disk.checkpoint = None;
        },
        "78: the configuration changed in ways that the stored state cannot follow:\n  tables.user.columns.name is new: \"properties.name\"",
    ),
    (
        "--rebuild-state, the input no longer holds the origin",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.input_from(4);
        },
        "78: the input stream no longer holds positions 1 to 3, which were not processed yet",
    ),
    (
        "the same, accepted",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.input_from(4);
            w.consent().accept_gap = true;
        },
        "rebuild after 3, B 12 R 12, through 12, lane 12, plan C of C4, origin 4, gaps 1",
    ),
    (
        "--rebuild-state, and nobody knows how far the lane is ahead of S",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.broker.newest = Newest::Gone;
        },
        "78: the state is lost, and the output stream (last sequence 12) has no message left to recover from",
    ),
    (
        "--rebuild-state, the lane is not ahead of S",
        |w| {
            w.configure('C');
            w.consent().rebuild_state = true;
            w.broker.newest = Newest::Gone;
            w.broker.output.last = 10;
        },
        "rebuild after 0, B 10 R 10, through 10, lane 10, plan C of C1, origin 1, gaps 0",
    ),
    ("--rebuild-state without a change", |w| w.consent().rebuild_state = true, STEADY),
    ("--keep-state without a change", |w| w.consent().keep_state = true, STEADY),
    (
        "the state is lost and the text of the old plan is known",
        |w| {
            w.disk.checkpoint = None;
            w.configure('B');
        },
        "rebuild after 0, B 0 R 0, count to 12, plan A of A1 B13, B after 12, origin 1, gaps 0",
    ),
    (
        "the lane lost its tail and the tables changed",
        |w| {
            w.lane(8, 8);
            w.configure('D');
        },
        "78: the configuration changed in ways that the stored state cannot follow:\n  tables.user.columns.country is gone, it was \"properties.country\"",
    ),
    (
        "the text of the old plan is missing",
        |w| {
            w.disk.plans.clear();
            w.configure('B');
        },
        "78: the text of plan A is missing: the outputs that were published under it cannot be recomputed",
    ),
];

#[test]
fn the_plan_changed() {
    check(THE_PLAN_CHANGED);
}

#[test]
fn plans_of_the_past_are_run_where_they_were_in_force() {
    let past = |w: &mut World| {
        *w = w.clone().with_texts("ABD");
        w.record().plans = vec![since('A', 1), since('B', 6), since('A', 9)];
        w.newest().run.since = Position(9);
    };
    let all = |w: &mut World| {
        w.record().plans = vec![since('A', 1), since('B', 6), since('A', 9)];
        *w = w.clone().with_texts("AB");
        w.lane(9, 9);
        w.newest().run.since = Position(9);
    };
    let mut world = World::steady();
    past(&mut world);
    let steady = "resume after 10, B 10 R 10, count to 12, plan A of A1 B6 A9, origin 1, gaps 0";
    assert_eq!(world.decision(), steady, "S is under the last of them");
    world.record().position = Position(8);
    world.record().stored_at = stored_at(8);
    world.record().lane.0 = 8;
    let next = "resume after 8, B 8 R 8, count to 12, plan A of A1 B6 A9, origin 1, gaps 0";
    assert_eq!(world.decision(), next, "the next event is the first under the last of them");
    world.record().position = Position(7);
    world.record().stored_at = stored_at(7);
    world.record().lane.0 = 7;
    let middle = "resume after 7, B 7 R 7, count to 12, plan B of A1 B6 A9, A after 8, origin 1, gaps 0";
    assert_eq!(world.decision(), middle, "a rebuild was cut off under the second of them");
    world.disk.plans.clear();
    assert_eq!(
        world.decision(),
        "78: the text of plan B is missing: the outputs that were published under it cannot be recomputed"
    );

    let mut world = World::steady();
    all(&mut world);
    let rebuild = "rebuild after 0, B 0 R 0, count to 9, plan A of A1 B6 A9, B after 5, origin 1, gaps 0";
    assert_eq!(world.decision(), rebuild, "the lane lost its tail: all of them from the origin");
    world.configure('C');
    world.consent().keep_state = true;
    let behind = "rebuild after 0, B 0 R 0, count to 9, plan A of A1 B6 A9 C10, B after 5, origin 1, gaps 0";
    assert_eq!(world.decision(), behind, "what is configured comes after all of them");

    let mut world = World::steady().with_texts("AB");
    world.newest().run.plan = spec('B').fingerprint();
    world.newest().run.since = Position(12);
    world.configure('B');
    let ahead = "resume after 10, B 10 R 10, count to 12, plan A of A1 B12, B after 11, origin 1, gaps 0";
    assert_eq!(world.decision(), ahead, "the lane knows of a plan that an older copy of the directory does not");
    world.newest().run.since = Position(11);
    let at_once = "resume after 10, B 10 R 10, count to 12, plan B of A1 B11, origin 1, gaps 0";
    assert_eq!(world.decision(), at_once, "and which begins right behind S");
}

/// A start of plan B decided to begin it at position 13, and ended before an output of it was confirmed.
fn decided() -> World {
    let mut world = World::steady().with_texts("AB");
    world.record().position = Position(12);
    world.record().stored_at = stored_at(12);
    world.record().lane.0 = 12;
    world.record().plans = vec![since('A', 1), since('B', 13)];
    world
}

#[test]
fn a_start_that_dies_before_its_plan_is_seen_leaves_the_decision_open() {
    let mut world = decided();
    world.configure('B');
    let same = "resume after 12, B 12 R 12, count to 12, plan B of A1 B13, origin 1, gaps 0";
    assert_eq!(world.decision(), same, "the same configuration, the same answer");
    world.configure('A');
    let back = "resume after 12, B 12 R 12, count to 12, plan A of A1, origin 1, gaps 0";
    assert_eq!(world.decision(), back, "as though the other had never been");
    world.configure('C');
    world.consent().keep_state = true;
    let third = "resume after 12, B 12 R 12, count to 12, plan C of A1 C13, origin 1, gaps 0";
    assert_eq!(world.decision(), third, "a third one takes its place");

    // Another engine went on under plan A beside it.
    let mut world = decided();
    world.configure('B');
    world.lane(15, 15);
    let behind = "resume after 12, B 12 R 12, count to 15, plan A of A1 B16, B after 15, origin 1, gaps 0";
    assert_eq!(world.decision(), behind, "what stands in the lane beats what was recorded");

    // And then changed to plan B, too, behind what it had published meanwhile.
    let mut world = decided();
    world.configure('B');
    world.lane(20, 20);
    world.newest().run.plan = spec('B').fingerprint();
    world.newest().run.since = Position(17);
    let later = "resume after 12, B 12 R 12, count to 20, plan A of A1 B17, B after 16, origin 1, gaps 0";
    assert_eq!(world.decision(), later, "no plan follows itself: the one that was recorded did not begin at 13");

    // The checkpoint is of before the switch, and the lane shows it.
    let mut world = World::steady().with_texts("AB");
    world.configure('B');
    world.newest().run.plan = spec('B').fingerprint();
    world.newest().run.since = Position(12);
    let shown = "resume after 10, B 10 R 10, count to 12, plan A of A1 B12, B after 11, origin 1, gaps 0";
    assert_eq!(world.decision(), shown, "the newest output's header records the switch");
    world.configure('A');
    let again = "resume after 10, B 10 R 10, count to 12, plan A of A1 B12 A13, B after 11, origin 1, gaps 0";
    assert_eq!(world.decision(), again, "and the configuration is what it was before");
}

#[test]
fn a_plan_is_unseen_until_the_lane_shows_it() {
    let unseen = |world: &World| decide(&world.disk, &world.broker, &world.asked).unwrap().is_unseen();
    let mut world = World::steady().with_texts("AB");
    assert!(!unseen(&world), "nothing changed");
    world.configure('B');
    assert!(!unseen(&world), "what is stored is computed again first");
    world.lane(10, 10);
    assert!(unseen(&world), "another engine may still publish under the plan before");
    let mut world = decided();
    world.configure('B');
    assert!(unseen(&world), "recorded is not shown");
    world.lane(13, 13);
    world.newest().run.plan = spec('B').fingerprint();
    world.newest().run.since = Position(13);
    assert!(!unseen(&world));
    let mut world = World::steady();
    world.lose_state();
    world.broker.output.last = 0;
    world.broker.newest = Newest::Never;
    assert!(!unseen(&world), "a first start");
}
