//! Rule 4, a row a sentence: a state that is lost, or ahead of the lane, is built anew.

use crate::core::ids::Position;
use crate::protocol::facts::Newest;
use crate::protocol::tests::world::{Row, World, check, message, since, spec};

const RULE_4_A_LOST_STATE_IS_BUILT_ANEW: &[Row] = &[
    (
        "a first start begins with the input's first event",
        |w| {
            w.lose_state();
            w.broker.output.last = 0;
            w.broker.newest = Newest::Never;
            w.input_from(5);
        },
        "fresh after 4, B 4 R 0, count to 0, plan A of A5, origin 5, gaps 0",
    ),
    (
        "a first start over an input that was emptied",
        |w| {
            w.lose_state();
            w.broker.output.last = 0;
            w.broker.newest = Newest::Never;
            w.input_from(51);
        },
        "fresh after 50, B 50 R 0, count to 0, plan A of A51, origin 51, gaps 0",
    ),
    (
        "key groups without a record are no state",
        |w| {
            w.disk.checkpoint = None;
            w.mark(10, 10);
        },
        "rebuild after 0, B 0 R 0, count to 12, plan A of A1, origin 1, gaps 0",
    ),
    (
        "from the origin, over what is out",
        |w| w.lose_state(),
        "rebuild after 0, B 0 R 0, count to 12, plan A of A1, origin 1, gaps 0",
    ),
    (
        "the lane's head was taken by retention",
        |w| {
            w.lose_state();
            w.broker.oldest = Some(message(6, 6));
        },
        "rebuild after 0, B 5 R 5, count to 12, plan A of A1, origin 1, gaps 0",
    ),
    (
        "no header is left to name the origin",
        |w| {
            w.lose_state();
            w.broker.newest = Newest::Gone;
        },
        "78: the state is lost, and the output stream (last sequence 12) has no message left to recover from",
    ),
    (
        "the same, accepted: whatever the input still has comes again",
        |w| {
            w.lose_state();
            w.broker.newest = Newest::Gone;
            w.input_from(8);
            w.consent().accept_gap = true;
        },
        "rebuild after 7, B 7 R 12, through 7, lane 12, plan A of A8, origin 8, gaps 1",
    ),
    (
        "the input no longer holds the origin",
        |w| {
            w.lose_state();
            w.input_from(3);
        },
        "78: the input stream no longer holds positions 1 to 2, which were not processed yet",
    ),
    (
        "the same, accepted: nothing that is out comes again",
        |w| {
            w.lose_state();
            w.input_from(3);
            w.consent().accept_gap = true;
        },
        "rebuild after 2, B 12 R 12, through 12, lane 12, plan A of A3, origin 3, gaps 1",
    ),
    (
        "the same, beyond the lane's end",
        |w| {
            w.lose_state();
            w.input_from(30);
            w.consent().accept_gap = true;
        },
        "rebuild after 29, B 29 R 12, through 29, lane 12, plan A of A30, origin 30, gaps 1",
    ),
    (
        "the text of the lane's plan is missing",
        |w| {
            w.lose_state();
            w.configure('B');
        },
        "78: the text of plan A is missing: the outputs that were published under it cannot be recomputed",
    ),
    (
        "the same, accepted",
        |w| {
            w.lose_state();
            w.configure('B');
            w.consent().accept_gap = true;
        },
        "rebuild after 0, B 12 R 12, through 12, lane 12, plan B of B1, origin 1, gaps 1",
    ),
    (
        "the same, and the origin is gone too",
        |w| {
            w.lose_state();
            w.configure('B');
            w.input_from(4);
            w.consent().accept_gap = true;
        },
        "rebuild after 3, B 12 R 12, through 12, lane 12, plan B of B4, origin 4, gaps 1",
    ),
    (
        "nobody knows which plan came first",
        |w| {
            w.lose_state();
            w.newest().run.since = Position(6);
        },
        "78: the text of plan of positions 1 to 5 is missing: the outputs that were published under it cannot be recomputed",
    ),
    (
        "an event between is missing, as an earlier start found",
        |w| {
            w.lose_state();
            w.broker.hole = Some(Position(5));
        },
        "78: the input stream no longer holds positions 5 to 5, which were not processed yet",
    ),
    (
        "the same, accepted",
        |w| {
            w.lose_state();
            w.broker.hole = Some(Position(5));
            w.consent().accept_gap = true;
        },
        "rebuild after 0, B 12 R 12, through 12, lane 12, plan A of A1, origin 1, gaps 1",
    ),
];

#[test]
fn rule_4_a_lost_state_is_built_anew() {
    check(RULE_4_A_LOST_STATE_IS_BUILT_ANEW);
}

#[test]
fn rule_4_does_not_count_what_another_origin_or_plan_left() {
    let gap = |w: &mut World| {
        w.lose_state();
        w.newest().run.origin = Position(8);
        w.newest().run.since = Position(8);
    };
    let mut world = World::steady();
    gap(&mut world);
    // Sequence 1 to 9 stand for positions of origin 1: from position 8 on, sequences are not counted from 0.
    let newest = "rebuild after 7, B 11 R 11, count to 12, plan A of A8, origin 8, gaps 0";
    assert_eq!(world.decision(), newest, "an accepted gap lies in the lane");
    world.broker.oldest = None;
    assert_eq!(world.decision(), newest, "nobody knows what lies in the lane");
    world.broker.oldest = Some(message(9, 9));
    world.broker.oldest.as_mut().unwrap().run = world.newest().run.clone();
    let count = "rebuild after 7, B 8 R 8, count to 12, plan A of A8, origin 8, gaps 0";
    assert_eq!(world.decision(), count, "all that is left is of this origin");

    let mut world = World::steady();
    world.lose_state();
    world.lane(22, 12);
    world.broker.oldest = Some(message(13, 3));
    let count = "rebuild after 0, B 2 R 12, count to 22, plan A of A1, origin 1, gaps 0";
    assert_eq!(world.decision(), count, "outputs of a life before were purged: the same origin, other sequences");

    let mut world = World::steady();
    world.lose_state();
    world.configure('B');
    world.newest().run.plan = spec('B').fingerprint();
    let newest = "rebuild after 0, B 11 R 11, count to 12, plan B of B1, origin 1, gaps 0";
    assert_eq!(world.decision(), newest, "--rebuild-state left outputs of another plan");

    let mut world = World::steady().with_texts("AB");
    world.record().plans = vec![since('A', 8), since('B', 10)];
    world.record().origin = Position(8);
    world.lane(9, 9);
    world.newest().run.origin = Position(8);
    world.newest().run.since = Position(8);
    world.configure('B');
    assert_eq!(
        world.decision(),
        "rebuild after 7, B 8 R 8, count to 9, plan A of A8 B10, B after 9, origin 8, gaps 0",
        "the plan ends where the lane does"
    );
    world.record().plans = vec![since('A', 8), since('B', 9)];
    assert_eq!(
        world.decision(),
        "78: the state must be built anew, and how many outputs of the past plans are among the 9 in the output \
         stream is not known",
        "the plan would end among outputs that cannot be counted"
    );
    world.consent().accept_gap = true;
    let gap = "rebuild after 7, B 9 R 9, through 9, lane 9, plan B of B8, origin 8, gaps 1";
    assert_eq!(world.decision(), gap, "the same, accepted");
}

#[test]
fn rule_4_takes_no_output_of_the_newest_cause_for_one_that_is_out() {
    // The second of three outputs of position 9 is the lane's newest: the third is still to come.
    let mut world = World::steady();
    world.lose_state();
    world.lane(12, 9);
    world.newest().n = 1;
    world.broker.oldest = None;
    let count = "rebuild after 0, B 8 R 10, count to 12, plan A of A1, origin 1, gaps 0";
    assert_eq!(world.decision(), count, "the head was trimmed while the oldest output was asked for");
    world.broker.oldest = Some(message(6, 4));
    world.broker.oldest.as_mut().unwrap().run.origin = Position(3);
    assert_eq!(world.decision(), count, "the oldest output is of another origin");
}
