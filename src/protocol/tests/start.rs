//! The start rules, a row a sentence: what is changed in a steady world, and what is decided.

use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::protocol::facts::{GroupMark, Newest};
use crate::protocol::header::RunId;
use crate::protocol::tests::world::{Row, STEADY, check, since, spec};

const WHOSE_LANE_IT_IS: &[Row] = &[
    (
        "the lane belongs to another input",
        |w| w.newest().input_stream = "OTHER".into(),
        "78: the output stream belongs to input stream OTHER, not to EVENTS",
    ),
    (
        "the same, with a lost state",
        |w| {
            w.newest().input_stream = "OTHER".into();
            w.lose_state();
        },
        "78: the output stream belongs to input stream OTHER, not to EVENTS",
    ),
    (
        "an engine that started later owns it",
        |w| w.newest().run.run = RunId::new(Nanos(10), 0),
        "75: an engine that started later (run 000000000000000a00000000) has taken over the output stream",
    ),
    (
        "an engine of the same instant, told apart by chance",
        |w| w.newest().run.run = RunId::new(Nanos(9), 1),
        "75: an engine that started later (run 000000000000000900000001) has taken over the output stream",
    ),
    ("an earlier start of this process", |w| w.newest().run.run = RunId::new(Nanos(9), 0), STEADY),
    (
        "a stranger wrote last",
        |w| w.broker.newest = Newest::Foreign,
        "70: another program writes to the output stream: the message at sequence 12 has no Sidestream headers",
    ),
    (
        "the same, with a lost state",
        |w| {
            w.broker.newest = Newest::Foreign;
            w.lose_state();
        },
        "70: another program writes to the output stream: the message at sequence 12 has no Sidestream headers",
    ),
];

#[test]
fn whose_lane_it_is() {
    check(WHOSE_LANE_IT_IS);
}

const RULE_1_THE_INPUT_IS_THE_ONE_WE_KNOW: &[Row] = &[
    ("nothing changed", |_| {}, STEADY),
    (
        "created at another time",
        |w| w.broker.input.created = Nanos(101),
        "78: the input stream was deleted and created again since the last checkpoint",
    ),
    (
        "event S has another stored-at time",
        |w| {
            w.restamp(10);
        },
        "78: the event at position 10 is not the one that was processed: its stored-at time differs",
    ),
    (
        "a key group's position has",
        |w| {
            w.mark(11, 11);
            w.restamp(11);
        },
        "78: the event at position 11 is not the one that was processed: its stored-at time differs",
    ),
    (
        "L's cause has",
        |w| {
            w.restamp(12);
        },
        "78: the event at position 12 is not the one that was processed: its stored-at time differs",
    ),
    (
        "L's cause has, and the state is lost",
        |w| {
            w.lose_state();
            w.restamp(12);
        },
        "78: the event at position 12 is not the one that was processed: its stored-at time differs",
    ),
    ("S was deleted, which proves nothing", |w| w.broker.stored_at.retain(|position, _| position.0 != 10), STEADY),
    (
        "the input ends before S",
        |w| {
            w.broker.input.last = 9;
            w.lane(10, 9);
        },
        "78: the input stream ends at 9, but the event at 10 was already processed",
    ),
    (
        "the input ends before a key group's position",
        |w| {
            w.mark(12, 12);
            w.broker.input.last = 11;
        },
        "78: the input stream ends at 11, but the event at 12 was already processed",
    ),
    (
        "the input ends before L's cause",
        |w| w.broker.input.last = 11,
        "78: the input stream ends at 11, but the event at 12 was already processed",
    ),
    ("the input ends at L's cause", |w| w.broker.input.last = 12, STEADY),
];

#[test]
fn rule_1_the_input_is_the_one_we_know() {
    check(RULE_1_THE_INPUT_IS_THE_ONE_WE_KNOW);
}

const RULES_2_AND_3_THE_LANE_IS_THE_ONE_WE_KNOW: &[Row] = &[
    (
        "created at another time",
        |w| w.broker.output.created = Nanos(201),
        "78: the output stream was deleted and created again since the last checkpoint",
    ),
    (
        "created at another time, and empty",
        |w| {
            w.broker.output.created = Nanos(201);
            w.broker.output.last = 0;
            w.broker.newest = Newest::Never;
        },
        "78: the output stream was deleted and created again since the last checkpoint",
    ),
    ("it ends at R(S)", |w| w.lane(10, 10), "resume after 10, B 10 R 10, count to 10, plan A of A1, origin 1, gaps 0"),
    ("it ends below R(S)", |w| w.lane(9, 9), "rebuild after 0, B 0 R 0, count to 9, plan A of A1, origin 1, gaps 0"),
    (
        "it ends below a key group's R",
        |w| {
            w.mark(13, 13);
            w.broker.input.last = 50;
        },
        "rebuild after 0, B 0 R 0, count to 12, plan A of A1, origin 1, gaps 0",
    ),
    (
        "nothing is left of it",
        |w| {
            w.broker.output.last = 0;
            w.broker.newest = Newest::Never;
            w.broker.oldest = None;
        },
        "rebuild after 0, B 0 R 0, count to 0, plan A of A1, origin 1, gaps 0",
    ),
    (
        "it ends below R(S), and its newest message is gone too",
        |w| {
            w.broker.output.last = 9;
            w.broker.newest = Newest::Gone;
        },
        "78: the state is lost, and the output stream (last sequence 9) has no message left to recover from",
    ),
];

#[test]
fn rules_2_and_3_the_lane_is_the_one_we_know() {
    check(RULES_2_AND_3_THE_LANE_IS_THE_ONE_WE_KNOW);
}

const RULE_5_GOING_ON_FROM_S: &[Row] = &[
    ("nothing but S", |w| w.lane(10, 10), "resume after 10, B 10 R 10, count to 10, plan A of A1, origin 1, gaps 0"),
    ("outputs behind S are out", |_| {}, STEADY),
    (
        "a key group is ahead: B is its position, R(B) its R",
        |w| w.mark(11, 11),
        "resume after 10, B 11 R 11, count to 12, plan A of A1, origin 1, gaps 0",
    ),
    (
        "of several, the highest",
        |w| {
            w.mark(11, 11);
            w.mark(12, 12);
            w.mark(4, 4);
        },
        "resume after 10, B 12 R 12, count to 12, plan A of A1, origin 1, gaps 0",
    ),
    (
        "a start over an empty state was cut off: B is where it began to publish",
        |w| {
            w.record().position = Position(0);
            w.record().stored_at = Nanos(0);
            w.disk.floor = Some(GroupMark { position: Position(11), stored_at: Nanos(0), lane: LaneSequence(11) });
        },
        "resume after 0, B 11 R 11, count to 12, plan A of A1, origin 1, gaps 0",
    ),
    (
        "S is beyond that B",
        |w| w.disk.floor = Some(GroupMark { position: Position(9), stored_at: Nanos(0), lane: LaneSequence(9) }),
        STEADY,
    ),
    ("a clean key group is behind S", |w| w.mark(4, 4), STEADY),
    (
        "the newest message was deleted: it may have been a stranger's",
        |w| w.broker.newest = Newest::Gone,
        "78: the message at the end of the output stream (sequence 12) was deleted: whether it was an output or a stranger's message is not known",
    ),
    (
        "the same, taken for an output",
        |w| {
            w.broker.newest = Newest::Gone;
            w.consent().accept_gap = true;
        },
        "resume after 10, B 10 R 10, count to 12, plan A of A1, origin 1, gaps 1",
    ),
    (
        "the newest message was deleted, but the state knows of it",
        |w| {
            w.broker.newest = Newest::Gone;
            w.mark(12, 12);
        },
        "resume after 10, B 12 R 12, count to 12, plan A of A1, origin 1, gaps 0",
    ),
    ("the lane's age limit took all of it", |w| w.lane_aged_out(), STEADY),
    (
        "somebody purged the lane, or deleted its only message: that may have been a stranger's",
        |w| {
            w.lane_aged_out();
            w.broker.output.aged_out = false;
        },
        "78: the message at the end of the output stream (sequence 12) was deleted: whether it was an output or a stranger's message is not known",
    ),
    (
        "the same, but the state knows of it",
        |w| {
            w.lane_aged_out();
            w.broker.output.aged_out = false;
            w.mark(12, 12);
        },
        "resume after 10, B 12 R 12, count to 12, plan A of A1, origin 1, gaps 0",
    ),
    (
        "the newest message is old and was deleted, and older ones are there",
        |w| {
            w.broker.newest = Newest::Gone;
            w.broker.output.aged_out = true;
        },
        "78: the message at the end of the output stream (sequence 12) was deleted: whether it was an output or a stranger's message is not known",
    ),
    (
        "the input ends at S",
        |w| {
            w.broker.input.last = 10;
            w.lane(10, 10);
        },
        "resume after 10, B 10 R 10, count to 10, plan A of A1, origin 1, gaps 0",
    ),
    (
        "the input was emptied behind S",
        |w| {
            w.broker.input.last = 10;
            w.lane(10, 10);
            w.input_from(11);
        },
        "resume after 10, B 10 R 10, count to 10, plan A of A1, origin 1, gaps 0",
    ),
];

#[test]
fn rule_5_going_on_from_s() {
    check(RULE_5_GOING_ON_FROM_S);
}

const RETENTION_OVERTOOK_US: &[Row] = &[
    (
        "first > S + 1",
        |w| w.input_from(12),
        "78: the input stream no longer holds positions 11 to 11, which were not processed yet",
    ),
    (
        "the same, below B",
        |w| {
            w.mark(12, 12);
            w.input_from(12);
        },
        "78: the input stream no longer holds positions 11 to 11, which were not processed yet",
    ),
    (
        "everything is gone",
        |w| w.input_from(51),
        "78: the input stream no longer holds positions 11 to 50, which were not processed yet",
    ),
    ("first = S + 1", |w| w.input_from(11), STEADY),
    (
        "accepted: R stays the lane's end, what is out stays out",
        |w| {
            w.input_from(12);
            w.consent().accept_gap = true;
        },
        "resume after 11, B 12 R 12, through 12, lane 12, plan A of A1, origin 1, gaps 1",
    ),
    (
        "accepted, with a key group ahead",
        |w| {
            w.mark(14, 12);
            w.input_from(12);
            w.consent().accept_gap = true;
        },
        "resume after 11, B 14 R 12, through 14, lane 12, plan A of A1, origin 1, gaps 1",
    ),
    (
        "accepted, beyond the lane's end",
        |w| {
            w.input_from(20);
            w.consent().accept_gap = true;
        },
        "resume after 19, B 19 R 12, through 19, lane 12, plan A of A1, origin 1, gaps 1",
    ),
    (
        "accepted, nothing is left",
        |w| {
            w.input_from(51);
            w.consent().accept_gap = true;
        },
        "resume after 50, B 50 R 12, through 50, lane 12, plan A of A1, origin 1, gaps 1",
    ),
    ("accepted for nothing", |w| w.consent().accept_gap = true, STEADY),
    (
        "an event between is missing",
        |w| w.broker.hole = Some(Position(11)),
        "78: the input stream no longer holds positions 11 to 11, which were not processed yet",
    ),
    (
        "accepted: the state stays, the count is given up",
        |w| {
            w.broker.hole = Some(Position(11));
            w.consent().accept_gap = true;
        },
        "resume after 10, B 12 R 12, through 12, lane 12, plan A of A1, origin 1, gaps 1",
    ),
    ("a hole that S has passed", |w| w.broker.hole = Some(Position(10)), STEADY),
    (
        "a gap among plans of the past: the state cannot be kept",
        |w| {
            w.record().plans = vec![since('A', 1), since('B', 12)];
            w.newest().run.plan = spec('B').fingerprint();
            w.newest().run.since = Position(12);
            w.broker.hole = Some(Position(11));
            w.consent().accept_gap = true;
            w.disk.plans.insert(spec('B').fingerprint(), spec('B'));
            w.configure('B');
        },
        "rebuild after 0, B 12 R 12, through 12, lane 12, plan B of B1, origin 1, gaps 1",
    ),
    (
        "the same where the plan before ends with what is gone: the state stays",
        |w| {
            w.record().plans = vec![since('A', 1), since('B', 12)];
            w.newest().run.plan = spec('B').fingerprint();
            w.newest().run.since = Position(12);
            w.input_from(12);
            w.consent().accept_gap = true;
            w.disk.plans.insert(spec('B').fingerprint(), spec('B'));
            w.configure('B');
        },
        "resume after 11, B 12 R 12, through 12, lane 12, plan B of A1 B12, origin 1, gaps 1",
    ),
];

#[test]
fn retention_overtook_us() {
    check(RETENTION_OVERTOOK_US);
}
