//! Faults planted into a small lane, one a case, and what the audit says of each.

use crate::audit::report::{AuditFinding, AuditVerdict};
use crate::audit::tests::world::{SECOND, WINDOW, World, clean, counts, made};
use crate::core::output::{POSITION, RUN, TIME};
use serde_json::json;
use std::sync::Arc;

/// 1 to 12: a user, a subscription, lessons, a duplicate (5), an unknown kind, broken JSON, a miss.
fn school() -> World {
    let mut world = World::new();
    world.user(1, "ann", "BR");
    world.subscription(2, "ann", "pt", "active");
    world.lesson(3, "ann", "pt");
    world.lesson(4, "ann", "en");
    world.lesson(3, "ann", "pt");
    world.event(made("strange", 6, json!({})));
    world.event("{");
    world.exam(8, "bob");
    world.exam(9, "ann");
    world.user(10, "bob", "FR");
    world.exam(11, "bob");
    world.lesson(12, "bob", "pt");
    world.publish()
}

fn check(name: &str, plant: impl FnOnce(&mut World), expected: &[(AuditFinding, u64)]) {
    let mut world = school();
    plant(&mut world);
    world.renumber();
    let report = world.audit();
    assert_eq!(counts(&report), expected, "{name}: {report:#?}");
    assert_eq!(report.verdict, AuditVerdict::NotClean, "{name}");
}

#[test]
fn a_correct_lane_is_clean() {
    let world = school();
    assert_eq!(world.lane.len(), 11, "the duplicate has no output");
    assert_eq!(clean(&world.audit()), (11, 0));
    assert_eq!(counts(&world.audit()), []);
}

#[test]
fn every_sort_of_fault_is_named() {
    use AuditFinding::{Different, Doubled, Missing, OutOfOrder, Unknown};
    check("missing", |w| drop(w.lane.remove(3)), &[(Missing, 1)]);
    check("the first is missing", |w| drop(w.lane.remove(0)), &[(Missing, 1)]);
    check("doubled", |w| w.lane.insert(4, w.lane[3].clone()), &[(Doubled, 1)]);
    check("repeated later", |w| w.lane.insert(6, w.lane[1].clone()), &[(OutOfOrder, 1)]);
    check("swapped", |w| w.lane.swap(3, 4), &[(OutOfOrder, 1)]);
    check("one late", |w| w.lane[2..8].rotate_left(1), &[(OutOfOrder, 1)]);
    check("one early", |w| w.lane[2..8].rotate_right(1), &[(OutOfOrder, 5)]);
    check("payload", |w| w.lane[2].payload = b"{}".as_slice().into(), &[(Different, 1)]);
    check("subject", |w| w.lane[2].subject = "enriched.user".into(), &[(Different, 1)]);
    check("header gone", |w| w.headers(2, |h| h.retain(|(name, _)| name != "Trace")), &[(Different, 1)]);
    check("header more", |w| w.headers(1, |h| h.push(("Trace".into(), "x".into()))), &[(Different, 1)]);
    check("run twice", |w| w.headers(1, |h| h.push((RUN.into(), "x".into()))), &[(Different, 1)]);
    check("time", |w| set(w, 1, TIME, "5"), &[(Different, 1)]);
    check("position with a zero in front", |w| set(w, 1, POSITION, "EVENTS:02:0"), &[(Missing, 1), (Unknown, 1)]);
    check("dead letter's reason", |w| set(w, 5, "Sidestream-Reason", "not_object"), &[(Different, 1)]);
    check("foreign at the front", |w| foreign(w, 0), &[(Unknown, 1)]);
    check("foreign", |w| foreign(w, 3), &[(Unknown, 1)]);
    check("foreign at the end", |w| foreign(w, 11), &[(Unknown, 1)]);
    check("run unreadable", |w| set(w, 3, RUN, "x"), &[(Missing, 1), (Unknown, 1)]);
    check("other input", |w| set(w, 3, POSITION, "OTHERS:4:0"), &[(Missing, 1), (Unknown, 1)]);
    check("a duplicate's output", |w| copy_as(w, 2, 4, "EVENTS:5:0"), &[(Unknown, 1)]);
    check("a second output", |w| copy_as(w, 2, 3, "EVENTS:3:1"), &[(Unknown, 1)]);
    check("a second output at the end", |w| copy_as(w, 10, 11, "EVENTS:12:1"), &[(Unknown, 1)]);
    check("beyond the input", |w| copy_as(w, 10, 11, "EVENTS:13:0"), &[(Unknown, 1)]);
    check("far beyond the input", |w| copy_as(w, 2, 3, "EVENTS:99999:0"), &[(Unknown, 1)]);
    check("a wrong position", |w| set(w, 3, POSITION, "EVENTS:5:0"), &[(Missing, 1), (Unknown, 1)]);
    check("a plan from later on", |w| copy_as(w, 0, 0, "EVENTS:0:0"), &[(Unknown, 1)]);
}

#[test]
fn a_dead_letter_in_another_builds_words_is_no_fault_and_without_any_it_is() {
    let mut world = school();
    set(&mut world, 5, "Sidestream-Error", "as an earlier build put it");
    let report = world.audit();
    assert_eq!((counts(&report), report.verdict), (vec![(AuditFinding::Reworded, 1)], AuditVerdict::Clean));
    let gone = |w: &mut World| w.headers(5, |list| list.retain(|(name, _)| name != "Sidestream-Error"));
    check("no words at all", gone, &[(AuditFinding::Different, 1)]);
    let too = |w: &mut World| {
        set(w, 5, "Sidestream-Error", "as an earlier build put it");
        set(w, 5, "Sidestream-Reason", "not_object");
    };
    check("other words and another reason", too, &[(AuditFinding::Different, 1)]);
}

/// The school whose users lead to a second message, and lessons to a message in place of the usual output and another.
fn mapped() -> World {
    let mut world = school();
    let map = json!([
        { "name": "users", "kinds": ["user"], "subject": "users.new", "fields": [["id", "event_uuid"]] },
        { "name": "lessons", "kinds": ["lesson"], "subject": "lessons.new", "instead": true,
            "fields": [["land", { "calc": "user.country" }]] },
        { "name": "late", "kinds": ["lesson"], "when": "event.event_uuid > 10", "subject": "late",
            "fields": [["id", "event_uuid"]] },
    ]);
    world.plans[0].0.map = serde_json::from_value(map).unwrap();
    world.publish()
}

#[test]
fn each_of_an_events_messages_is_held_against_the_lane() {
    use AuditFinding::{Different, Doubled, Missing, OutOfOrder, Unknown};
    let world = mapped();
    let places: Vec<&str> = world
        .lane
        .iter()
        .map(|message| {
            let headers = message.headers.as_ref().unwrap();
            headers.iter().find(|(name, _)| name == POSITION).unwrap().1.strip_prefix("EVENTS:").unwrap()
        })
        .collect();
    assert_eq!(
        places,
        ["1:0", "1:1", "2:0", "3:0", "4:0", "6:0", "7:0", "8:0", "9:0", "10:0", "10:1", "11:0", "12:0", "12:1"]
    );
    assert_eq!(clean(&world.audit()), (14, 0));
    let check = |name: &str, plant: fn(&mut World), expected: &[(AuditFinding, u64)]| {
        let mut world = mapped();
        plant(&mut world);
        world.renumber();
        assert_eq!(counts(&world.audit()), expected, "{name}");
    };
    check("the first is missing", |w| drop(w.lane.remove(9)), &[(Missing, 1)]);
    check("the second is missing", |w| drop(w.lane.remove(10)), &[(Missing, 1)]);
    check("both are missing", |w| drop(w.lane.drain(9..11)), &[(Missing, 2)]);
    check("the second is doubled", |w| w.lane.insert(11, w.lane[10].clone()), &[(Doubled, 1)]);
    check("they are swapped", |w| w.lane.swap(9, 10), &[(OutOfOrder, 1)]);
    check("the second is another", |w| w.lane[10].payload = b"{}".as_slice().into(), &[(Different, 1)]);
    check("there is a third", |w| copy_as(w, 10, 11, "EVENTS:10:2"), &[(Unknown, 1)]);
    check("a lesson's usual output", |w| copy_as(w, 3, 4, "EVENTS:3:1"), &[(Unknown, 1)]);
    let mut pending = mapped();
    pending.complete = false;
    pending.lane.pop();
    let report = pending.audit();
    assert_eq!(counts(&report), [(AuditFinding::Pending, 1)], "the last message of the last event");
    assert_eq!(report.verdict, AuditVerdict::Clean);
}

#[test]
fn of_a_lane_that_lost_its_head_no_message_is_unknown() {
    let mut world = mapped();
    world.lane.drain(..1);
    let report = world.audit();
    assert_eq!((report.unknown, report.missing, report.different), (0, 0, 0), "{report:#?}");
    let mut world = mapped();
    world.input.drain(..4);
    let report = world.audit();
    assert_eq!((report.unknown, report.missing, report.different), (0, 0, 0), "{report:#?}");
    let mut world = mapped();
    world.plans[0].0.mark = None;
    let report = world.audit();
    assert_eq!((report.unknown, report.missing, report.different), (0, 0, 0), "a plan that nobody has: {report:#?}");
}

fn set(world: &mut World, at: usize, header: &str, value: &str) {
    world.headers(at, |headers| {
        headers.iter_mut().filter(|(name, _)| name == header).for_each(|(_, old)| *old = value.into());
    });
}

fn copy_as(world: &mut World, from: usize, to: usize, position: &str) {
    world.lane.insert(to, world.lane[from].clone());
    set(world, to, POSITION, position);
}

fn foreign(world: &mut World, at: usize) {
    let mut message = world.lane[0].clone();
    message.headers = Some(Arc::new(vec![("Some".into(), "header".into())]));
    world.lane.insert(at, message);
}

#[test]
fn what_is_not_out_yet_is_a_fault_only_of_a_complete_lane() {
    let mut world = school();
    world.lane.truncate(8);
    assert_eq!(counts(&world.audit()), [(AuditFinding::Pending, 3)]);
    assert_eq!(world.audit().verdict, AuditVerdict::NotClean);
    world.complete = false;
    assert_eq!(clean(&world.audit()), (8, 0));
    world.lane.clear();
    assert_eq!(counts(&world.audit()), [(AuditFinding::Pending, 11)]);
    // The newest message decides, wherever what it stands behind has gone.
    let mut world = school();
    world.lane.drain(7..10);
    world.complete = false;
    world.renumber();
    assert_eq!(counts(&world.audit()), [(AuditFinding::Missing, 3)]);
}

#[test]
fn an_example_says_what_differs_and_where() {
    let mut world = school();
    let right = String::from_utf8(world.lane[2].payload.to_vec()).unwrap();
    world.lane[2].payload = right.replace("active", "lapsed").into();
    set(&mut world, 2, TIME, "5");
    let report = serde_json::to_value(world.audit()).unwrap();
    assert_eq!((&report["verdict"], &report["different"]), (&json!("not_clean"), &json!(1)));
    let example = &report["examples"]["different"][0];
    assert_eq!((&example["position"], &example["lane_sequence"]), (&json!(3), &json!(3)));
    assert_eq!(example["what"], "differs in payload, header Sidestream-Time");
    assert!(example["differences"][0]["expected"].as_str().unwrap().contains("active"), "{example}");
    assert!(example["differences"][0]["found"].as_str().unwrap().contains("lapsed"), "{example}");
    assert_eq!(example["differences"][1]["found"], "5");
}

#[test]
fn the_window_is_recomputed_exactly() {
    let mut world = World::new();
    let start = 1_700_000_000 * SECOND;
    world.user(1, "ann", "BR");
    world.event_at(start + WINDOW * SECOND, made("user", 1, json!({ "uuid": "ann", "country": "X" })));
    world.event_at(start + (WINDOW + 1) * SECOND, made("user", 1, json!({ "uuid": "ann", "country": "Y" })));
    let world = world.publish();
    assert_eq!(world.lane.len(), 2);
    assert_eq!(clean(&world.audit()), (2, 0));
}

#[test]
fn long_streams_are_judged_in_bounded_steps() {
    let mut world = World::new();
    for n in 0..2_000 {
        world.user(4 * n, &format!("u{}", n % 50), "BR");
        world.lesson(4 * n + 1, &format!("u{}", n % 70), "pt");
        world.lesson(4 * n + 1, &format!("u{}", n % 70), "pt");
    }
    let mut world = world.publish();
    assert_eq!(clean(&world.audit()), (4_000, 0));
    let mut late = world.clone();
    late.lane[100..=900].rotate_left(1);
    late.renumber();
    assert_eq!(counts(&late.audit()), [(AuditFinding::OutOfOrder, 1)], "counted as missing until it turned up");
    world.lane.swap(600, 1_900);
    world.lane.drain(3_000..3_010);
    world.renumber();
    let found = counts(&world.audit());
    // The one that stands early makes all up to its own place come late; the other is late itself.
    assert_eq!(found, [(AuditFinding::Missing, 10), (AuditFinding::OutOfOrder, 1_300)]);
}
