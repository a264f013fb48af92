//! Lanes behind an input that lost its tail: what stands for lost events is no fault, and nothing else is forgiven.

use crate::audit::report::{AuditFinding, AuditVerdict};
use crate::audit::tests::world::{World, clean, counts};
use crate::core::event::StoredMessage;
use crate::core::ids::{LaneSequence, Nanos, Position};
use crate::core::output::{Headers, POSITION, REASON, REWINDS, RUN, TIME};
use crate::protocol::facts::Rewind;
use std::sync::Arc;

fn set(message: &mut StoredMessage, name: &str, value: &str) {
    let mut headers: Headers = message.headers.as_deref().cloned().unwrap_or_default();
    headers.retain(|(there, _)| there != name);
    headers.push((name.to_owned(), value.to_owned()));
    message.headers = Some(Arc::new(headers));
}

fn header(message: &StoredMessage, name: &str) -> String {
    message.headers.iter().flat_map(|list| list.iter()).find(|(there, _)| there == name).unwrap().1.clone()
}

/// Events 1 to 6 are there; 7 to 9 were lost and others took their positions. The marker stands at 10.
fn rewound() -> World {
    let mut old = World::new();
    old.user(1, "ann", "BR");
    old.subscription(2, "ann", "pt", "active");
    for id in 3..=9 {
        old.lesson(id, "ann", "pt");
    }
    let mut world = World { lane: Vec::new(), input: old.input[..6].to_vec(), ..old.clone() };
    world.event_at(
        old.input[8].stored_at.0 + 50,
        crate::audit::tests::world::made("user", 21, serde_json::json!({ "uuid": "ann", "country": "FR" })),
    );
    world.event("{");
    world.lesson(23, "ann", "pt");
    let old = old.publish();
    let mut world = world.publish();
    let mut marker = old.lane[5].clone();
    let (time, run) = (header(&marker, TIME), header(&marker, RUN));
    marker.headers = None;
    for (name, value) in [
        (POSITION, "EVENTS/1:6:4294967295"),
        (TIME, time.as_str()),
        (RUN, run.as_str()),
        (REWINDS, "6@10"),
        (REASON, "rewound"),
    ] {
        set(&mut marker, name, value);
    }
    let mut new = world.lane.split_off(6);
    for (message, position) in new.iter_mut().zip(7..) {
        set(message, POSITION, &format!("EVENTS/1:{position}:0"));
        set(message, REWINDS, "6@10");
    }
    world.lane = [old.lane, vec![marker], new].concat();
    world.renumber();
    world.rewinds = vec![Rewind { number: 1, floor: Position(6), lane: LaneSequence(10) }];
    world
}

fn check(name: &str, plant: impl FnOnce(&mut World), expected: &[(AuditFinding, u64)]) {
    let mut world = rewound();
    plant(&mut world);
    let report = world.audit();
    let found: Vec<_> =
        counts(&report).into_iter().filter(|(finding, _)| *finding != AuditFinding::Unchecked).collect();
    assert_eq!((found.as_slice(), report.rewound), (expected, 3), "{name}: {report:#?}");
    assert_eq!(report.verdict, AuditVerdict::NotClean, "{name}");
}

#[test]
fn what_stands_for_lost_events_is_counted_and_no_fault() {
    let report = rewound().audit();
    assert_eq!((counts(&report), report.rewound), (vec![], 3), "{report:#?}");
    assert_eq!(clean(&report), (9, 0));
    // A lost event may have changed what the last lesson joins, or have had its id.
    let check = |plant: fn(&mut World)| {
        let mut world = rewound();
        plant(&mut world);
        let report = world.audit();
        assert_eq!((report.rewound, clean(&report)), (3, (8, 1)), "{report:#?}");
    };
    check(|w| w.lane[12].payload = String::from_utf8_lossy(&w.lane[12].payload).replace("FR", "US").into());
    check(|w| drop(w.lane.remove(12)));
}

#[test]
fn nothing_else_is_forgiven() {
    use AuditFinding::{Different, Missing, Unknown};
    check("an output is missing", |w| drop(w.lane.remove(11)), &[(Missing, 1)]);
    check("another value", |w| w.lane[11].payload = b"{}".as_slice().into(), &[(Different, 1)]);
    check(
        "no rewind is named",
        |w| {
            set(&mut w.lane[12], POSITION, "EVENTS:9:0");
            let headers = w.lane[12].headers.as_deref().cloned().unwrap();
            w.lane[12].headers = Some(Arc::new(headers.into_iter().filter(|(name, _)| name != REWINDS).collect()));
        },
        &[(Unknown, 1)],
    );
    check("another floor", |w| set(&mut w.lane[12], REWINDS, "7@10"), &[(Unknown, 1)]);
    let mut before = rewound();
    before.lane[3].stored_at = Nanos(1);
    assert_eq!(before.audit().verdict, AuditVerdict::Clean, "when an output was stored is nobody's promise");
}
