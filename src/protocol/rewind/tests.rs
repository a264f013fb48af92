//! Rewinds, a row a sentence: which marker a refused start may publish, and where a start stands behind one.

use super::*;
use crate::protocol::marker::marker;
use crate::protocol::start::decide;
use crate::protocol::tests::world::{STEADY, World, message, since, spec, stored_at};

fn rewind(number: u32, floor: u64, lane: u64) -> Rewind {
    Rewind { number, floor: Position(floor), lane: LaneSequence(lane) }
}

/// The steady world, of which the input lost what was behind 8: S is 10, the lane ends with the output of 12.
fn torn() -> World {
    let mut world = World::steady();
    world.broker.input.last = 8;
    world.broker.stored_at.retain(|position, _| position.0 <= 8);
    world.broker.floor = Some((Position(8), stored_at(8)));
    world.consent().accept_rewind = true;
    world
}

/// What the start decides, the rewinds that the lane tells of taken in.
fn decision(world: &World) -> String {
    let adopted = adopt(&world.disk, &world.broker, world.asked.consent.accept_rewind);
    let world = World { disk: adopted.disk, ..world.clone() };
    world.decision()
}

/// The marker's floor, sequence and number of rewinds, if one may be published.
fn marked(world: &World) -> Option<(u64, u64, u32)> {
    let disk = adopt(&world.disk, &world.broker, world.asked.consent.accept_rewind).disk;
    let refusal = decide(&disk, &world.broker, &world.asked).err()?;
    let marker = marker(&world.disk, &disk, &world.broker, &world.asked, &refusal)?;
    let last = marker.rewinds.last()?;
    assert_eq!(last.lane, marker.at);
    Some((last.floor.0, last.lane.0, last.number))
}

/// The lane ends with a marker, and new events took the positions behind it.
fn behind(mut world: World, floor: u64, sequence: u64) -> World {
    let rewinds = vec![rewind(1, floor, sequence)];
    let marker =
        LaneMessage { n: u32::MAX, time: stored_at(floor), rewinds: rewinds.clone(), ..message(sequence, floor) };
    world.broker.output.last = sequence;
    world.broker.newest = Newest::Ours(Box::new(marker));
    world.broker.rewinds = rewinds;
    world.broker.input.last = 50;
    world.broker.stored_at = (1..=50).map(|p| (Position(p), stored_at(p))).collect();
    (floor + 1..=50).for_each(|position| world.restamp(position));
    world
}

#[test]
fn only_a_lost_tail_of_the_input_and_a_consent_make_a_marker() {
    assert_eq!(marked(&torn()), Some((8, 13, 1)));
    let refused = |change: fn(&mut World)| {
        let mut world = torn();
        change(&mut world);
        marked(&world)
    };
    assert_eq!(refused(|w| w.consent().accept_rewind = false), None);
    assert_eq!(refused(|w| w.broker.floor = None), None, "it is not known from where");
    assert_eq!(refused(|w| w.broker.floor = Some((Position(12), stored_at(12)))), None, "nothing is lost");
    assert_eq!(refused(|w| w.broker.input.created = Nanos(5)), None, "another stream");
    assert_eq!(refused(|w| w.broker.output.created = Nanos(5)), None);
    assert_eq!(refused(|w| w.broker.newest = Newest::Foreign), None);
    assert_eq!(refused(|w| w.broker.newest = Newest::Gone), None, "the lane's end may be anybody's");
    assert_eq!(refused(World::lane_aged_out), None, "another engine may have followed a rewind since");
    let all_known = |w: &mut World| (w.broker.output.last = 10, w.lane_aged_out()).1;
    assert_eq!(refused(all_known), Some((8, 11, 1)), "nothing that the state does not know of was there");
    assert_eq!(refused(|w| w.newest().run.run = crate::protocol::header::RunId::new(Nanos(99), 0)), None);
    assert_eq!(marked(&{ World::steady() }), None);
    let went_on = |w: &mut World| {
        *w = behind(w.clone(), 8, 13);
        w.lane(12, 12);
        w.broker.rewinds.clear();
    };
    assert_eq!(refused(went_on), Some((8, 13, 1)), "publishers went on meanwhile");
}

#[test]
fn a_marker_says_all_that_a_lost_directory_needs() {
    let mut world = torn();
    world.newest().run.since = Position(11);
    world.newest().run.origin = Position(10);
    let disk = adopt(&world.disk, &world.broker, true).disk;
    let refusal = decide(&disk, &world.broker, &world.asked).unwrap_err();
    let marker = marker(&world.disk, &disk, &world.broker, &world.asked, &refusal).unwrap();
    let headers = marker.headers("EVENTS", &world.asked.run, 2);
    let stored = crate::core::event::StoredMessage {
        sequence: 13,
        stored_at: Nanos(1),
        subject: marker.subject(&world.asked.plan).into(),
        headers: Some(headers.into()),
        payload: marker.body().into(),
    };
    assert_eq!(&*stored.subject, "dead.rewound");
    assert_eq!(&*stored.payload, br#"{"rewound_to":8,"processed_to":12,"positions_lost":4}"#);
    let read = LaneMessage::read(&stored).unwrap();
    assert_eq!((read.cause, read.time, read.marks()), (Position(8), stored_at(8), Some(&rewind(1, 8, 13))));
    assert_eq!((read.run.since, read.run.origin), (Position(9), Position(9)), "no position beyond the floor is named");
}

#[test]
fn a_start_behind_a_marker_goes_on_from_the_floor() {
    assert_eq!(decision(&World::steady()), STEADY);
    let at_8 = "resume after 8, B 8 R 13, count to 13, plan A of A1, origin 1, gaps 0";
    assert_eq!(decision(&behind(World::steady(), 8, 13)), at_8, "S was beyond the floor");
    let at_10 = "resume after 10, B 10 R 13, count to 13, plan A of A1, origin 1, gaps 0";
    assert_eq!(decision(&behind(World::steady(), 10, 13)), at_10, "S was the floor: its R is the marker's");
    let at_11 = "resume after 10, B 11 R 13, count to 13, plan A of A1, origin 1, gaps 0";
    assert_eq!(decision(&behind(World::steady(), 11, 13)), at_11, "S was before it");
    let mut groups = World::steady();
    groups.mark(12, 12);
    assert_eq!(decision(&behind(groups, 11, 13)), at_11, "a key group was beyond it");
    let mut planned = World::steady().with_texts("AB");
    planned.record().plans = vec![since('A', 1), since('B', 13)];
    planned.asked.plan = spec('B');
    let switched = "resume after 8, B 8 R 13, count to 13, plan B of A1 B9, origin 1, gaps 0";
    assert_eq!(decision(&behind(planned, 8, 13)), switched, "a plan that was to begin beyond the floor");
    let mut beyond = behind(World::steady(), 8, 13);
    beyond.lane(15, 10);
    let rewinds = beyond.broker.rewinds.clone();
    beyond.newest().rewinds = rewinds;
    beyond.newest().time = Nanos(5);
    let late = "resume after 8, B 9 R 14, count to 15, plan A of A1, origin 1, gaps 0";
    assert_eq!(decision(&beyond), late, "another state's output stands behind the marker already");
}

#[test]
fn a_state_of_another_history_is_built_anew() {
    let rebuilt = "rebuild after 0, B 8 R 13, count to 13, plan A of A1, origin 1, gaps 0";
    let mut lost = behind(World::steady(), 8, 13);
    lost.lose_state();
    assert_eq!(decision(&lost), rebuilt, "none at all");
    let mut half = World::steady();
    half.mark(10, 10);
    half.disk.checkpoint = None;
    let half = behind(half, 8, 13);
    assert_eq!(decision(&half), rebuilt, "key groups without a record");
    assert!(adopt(&half.disk, &half.broker, false).disk.lost, "what is in the directory is set aside");
    let mut ahead = World::steady();
    ahead.mark(14, 13);
    assert_eq!(decision(&behind(ahead, 8, 13)), rebuilt, "the lane was longer than where the marker went");
    let mut unknown = behind(World::steady(), 8, 13);
    unknown.broker.rewinds = vec![rewind(2, 8, 13)];
    assert_eq!(decision(&unknown), rebuilt, "the first rewind is not known any more");
    let mut other = behind(World::steady(), 8, 13);
    other.record().rewinds = vec![rewind(1, 7, 11)];
    assert_eq!(decision(&other), rebuilt, "it followed another one");
    let mut torn_lane = World::steady();
    torn_lane.record().rewinds = vec![rewind(1, 8, 9)];
    torn_lane.broker.input.last = 50;
    let by_count = "rebuild after 0, B 0 R 0, count to 12, plan A of A1, origin 1, gaps 0";
    assert_eq!(decision(&torn_lane), by_count, "the lane lost the marker");
    assert!(adopt(&torn_lane.disk, &torn_lane.broker, false).disk.lost);
}

#[test]
fn what_was_moved_half_is_moved_on() {
    let news = [rewind(1, 8, 13), rewind(2, 6, 20)];
    let mark =
        |position, lane| GroupMark { position: Position(position), stored_at: Nanos(0), lane: LaneSequence(lane) };
    let moves = |position, lane| move_mark(mark(position, lane), &news).map(|mark| (mark.position.0, mark.lane.0));
    assert_eq!(moves(12, 12), Some((6, 20)));
    assert_eq!(moves(8, 13), Some((6, 20)), "moved by the first");
    assert_eq!(moves(6, 20), Some((6, 20)), "moved by both");
    assert_eq!(moves(6, 6), Some((6, 20)), "the floor's R is the marker's");
    assert_eq!(moves(5, 5), Some((5, 5)));
    assert_eq!(moves(12, 13), None, "it counts an output in the marker's place");
    assert_eq!(move_position(Position(7), &news), Position(6));
}

#[test]
fn a_consent_holds_for_the_lane_that_lost_its_marker() {
    let mut world = torn();
    world.consent().accept_rewind = false;
    assert_eq!(marked(&world), None);
    world.record().rewinds = vec![rewind(1, 8, 11)];
    assert_eq!(marked(&world), None, "what was processed behind the marker is gone, too");
    assert_eq!(decision(&world), "78: the input stream ends at 8, but the event at 10 was already processed");
    world.broker.input.last = 50;
    world.broker.stored_at = (1..=50).map(|p| (Position(p), stored_at(p))).collect();
    (11..=50).for_each(|position| world.restamp(position));
    assert_eq!(marked(&world), Some((8, 13, 1)), "S is there, and the marker alone is not");
    world.broker.floor = Some((Position(7), stored_at(7)));
    assert_eq!(marked(&world), None, "more is gone than was consented to");
}
