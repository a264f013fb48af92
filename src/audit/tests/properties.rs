//! Properties of the audit over random schools: it finds every fault, and never blames a lane that is right.

use crate::audit::report::AuditVerdict;
use crate::audit::tests::world::{SECOND, World, clean, made, other_subject};
use crate::core::event::StoredMessage;
use crate::core::output::{ERROR, KEY, KIND, POSITION, REASON, SUBJECT, TIME};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What, who, language, id, seconds since the event before.
type Made = (u8, u8, u8, u8, i64);

fn events(seconds: std::ops::Range<i64>) -> impl Strategy<Value = Vec<Made>> {
    prop::collection::vec((0..12_u8, 0..3_u8, 0..2_u8, 0..12_u8, seconds), 1..80)
}

fn school(events: &[Made], plan_at: Option<u64>) -> World {
    let mut world = World::new();
    let mut time = 1_700_000_000 * SECOND;
    for (what, who, language, id, seconds) in events {
        time += seconds * SECOND;
        let (user, language) = (format!("u{who}"), ["pt", "en"][usize::from(*language)]);
        let payload = payload(*what, &user, language, u64::from(*id), time);
        world.event_at(time, if *id > 8 { without_id(&payload) } else { payload });
    }
    world.plans.extend(plan_at.map(|at| (other_subject(), at)));
    world
}

fn without_id(payload: &str) -> String {
    payload.replacen("event_uuid", "no_id", 1)
}

fn payload(what: u8, user: &str, language: &str, id: u64, time: i64) -> String {
    let (kind, properties): (&str, Value) = match what {
        0 => ("user", json!({ "uuid": user, "country": time / SECOND % 7 })),
        1 => ("user", json!({ "uuid": user })),
        2 => ("user", json!({ "uuid": user, "operation": "delete" })),
        3 => ("subscription", json!({ "user_uuid": user, "language": language, "status": time / SECOND % 7 })),
        4 => ("subscription", json!({ "user_uuid": user, "language": language, "type": "x" })),
        5 => ("subscription", json!({ "user_uuid": user, "status": "x" })),
        6 => ("exam", json!({ "user_uuid": user })),
        7 => ("strange", json!({})),
        8 => return r#"{"title":"#.into(),
        9 => ("lesson", json!({ "user_uuid": user, "language": [] })),
        10 => ("lesson", json!({ "user_uuid": user })),
        _ => ("lesson", json!({ "user_uuid": user, "language": language })),
    };
    made(kind, id, properties)
}

/// Plants one fault of a sort into a lane, if the lane is long enough for it.
fn plant(world: &mut World, sort: u8, at: Index, to: Index) -> bool {
    let lane = &mut world.lane;
    if lane.len() < 2 {
        return false;
    }
    let (at, to) = (at.index(lane.len()), to.index(lane.len() - 1));
    let header = |message: &mut StoredMessage, name: &str| {
        let mut headers = message.headers.as_deref().cloned().unwrap_or_default();
        let found = headers.iter_mut().find(|(known, _)| known == name);
        let changed = found.map(|(_, value)| value.push('0')).is_some();
        message.headers = Some(headers.into());
        changed
    };
    let planted = match sort {
        0 => lane.remove(at).sequence > 0,
        1 => {
            lane.insert(at, lane[at].clone());
            true
        }
        2 => {
            let message = lane.remove(at);
            lane.insert(to, message);
            to != at
        }
        3 => {
            let mut bytes = lane[at].payload.to_vec();
            let place = to.min(bytes.len() - 1);
            bytes[place] ^= 1;
            lane[at].payload = bytes.into();
            true
        }
        4 => {
            lane[at].subject = format!("{}.x", lane[at].subject).into();
            true
        }
        5 => {
            let message = lane[at].clone();
            lane.insert(to, StoredMessage { headers: None, ..message });
            true
        }
        6 => header(&mut lane[at], POSITION),
        7 => header(&mut lane[at], TIME),
        8 => header(&mut lane[at], [REASON, ERROR, SUBJECT, KIND, KEY, "Trace"][to % 6]),
        _ => {
            // The output of an event that has none.
            let with: BTreeSet<String> = lane.iter().flat_map(|m| headers_of(m, POSITION)).collect();
            let none = (1..=world.input.len()).map(|n| format!("EVENTS:{n}:0")).find(|p| !with.contains(p));
            let Some(none) = none else { return false };
            let after =
                lane.iter().position(|m| headers_of(m, POSITION).any(|p| key(&p) > key(&none))).unwrap_or(lane.len());
            lane.insert(after, lane[at].clone());
            world.headers(after, |headers| {
                headers.iter_mut().filter(|h| h.0 == POSITION).for_each(|h| h.1 = none.clone())
            });
            true
        }
    };
    world.renumber();
    planted
}

fn headers_of<'a>(message: &'a StoredMessage, name: &'a str) -> impl Iterator<Item = String> + 'a {
    message.headers.iter().flat_map(|h| h.iter()).filter(move |h| h.0 == name).map(|h| h.1.clone())
}

fn key(position: &str) -> u64 {
    position.split(':').nth(1).unwrap().parse().unwrap()
}

/// How much of the input's head, the lane's head and its tail is gone, which events in between, and whether
/// the plans' texts are.
type Losses = (usize, usize, usize, Vec<(Index, usize)>, bool);

fn losses() -> impl Strategy<Value = Losses> {
    let holes = prop::collection::vec((any::<Index>(), 1..4_usize), 0..3);
    (0..40_usize, 0..40_usize, 0..10_usize, holes, prop::bool::weighted(0.2))
}

fn lose(world: &mut World, (input_head, lane_head, lane_tail, holes, texts): Losses) {
    world.input.drain(..input_head.min(world.input.len() - 1));
    for (at, length) in holes {
        let at = at.index(world.input.len());
        let to = (at + length).min(world.input.len() - 1);
        world.input.drain(at.min(to)..to);
    }
    world.lane.truncate(world.lane.len().saturating_sub(lane_tail));
    world.lane.drain(..lane_head.min(world.lane.len().saturating_sub(1)));
    world.complete = false;
    if texts {
        world.known.clear();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn a_correct_lane_is_clean_and_checked_whole(events in events(-5..20), plan_at in prop::option::of(2..60_u64)) {
        let world = school(&events, plan_at).publish();
        prop_assert_eq!(clean(&world.audit()), (world.lane.len() as u64, 0));
    }

    #[test]
    fn a_fault_is_found(events in events(-5..20), sort in 0..10_u8, at: Index, to: Index) {
        let mut world = school(&events, None).publish();
        if plant(&mut world, sort, at, to) {
            let report = world.audit();
            // The sentence of a dead letter is told of, but is no fault.
            let told = report.verdict == AuditVerdict::NotClean || report.reworded == 1;
            prop_assert!(told, "{:#?}", report);
        }
    }

    #[test]
    fn a_correct_lane_is_clean_whatever_is_gone(events in events(0..20), plan_at in prop::option::of(2..60_u64), losses in losses()) {
        let mut world = school(&events, plan_at).publish();
        lose(&mut world, losses);
        let report = world.audit();
        clean(&report);
        prop_assert!(report.checked + report.unchecked >= world.lane.len() as u64);
    }

    #[test]
    fn one_that_stands_late_draws_no_other_blame(events in events(0..20), losses in losses(), at: Index, by in 1..4_usize) {
        let mut world = school(&events, None).publish();
        lose(&mut world, losses);
        let (at, last) = (at.index(world.lane.len().max(1)), world.lane.len().saturating_sub(1));
        let before = world.audit();
        if at < last {
            let first = world.lane[0].sequence;
            world.lane[at..=(at + by).min(last)].rotate_left(1);
            world.lane.iter_mut().zip(first..).for_each(|(message, sequence)| message.sequence = sequence);
            let report = world.audit();
            prop_assert_eq!(report.out_of_order, 1);
            prop_assert_eq!((report.missing, report.different, report.unknown), (0, 0, 0), "{:#?}\n{:#?}", before, report);
        }
    }

    #[test]
    fn events_that_were_deleted_before_their_turn_change_nothing(
        events in events(0..20),
        holes in prop::collection::vec(any::<Index>(), 0..10),
    ) {
        let mut world = school(&events, None);
        for at in holes {
            if world.input.len() > 1 {
                let at = at.index(world.input.len());
                world.input.remove(at);
            }
        }
        let world = world.publish();
        prop_assert_eq!(clean(&world.audit()), (world.lane.len() as u64, 0));
    }
}
