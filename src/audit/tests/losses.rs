//! What the audit says where part of the past is gone: heads of streams, events in between, plans, states.
//!
//! Beside each lane that is right stands one with a fault that can still be seen.

use crate::audit::judge::StreamBounds;
use crate::audit::report::{AuditFinding, AuditReport, AuditVerdict, Doubt};
use crate::audit::tests::world::{SECOND, WINDOW, World, clean, counts, made, other_subject, plan};
use crate::core::ids::Position;
use crate::core::output::RUN;
use crate::core::plan::spec::{IdentityRule, PlanSpec, UnknownKinds};
use serde_json::json;

/// 1 to 4 make rows that only they make; what follows is beyond the window.
fn school() -> World {
    let mut world = World::new();
    world.user(1, "ann", "BR");
    world.user(2, "bob", "FR");
    world.subscription(3, "ann", "pt", "active");
    world.subscription(4, "bob", "pt", "active");
    let later = world.input[3].stored_at.0 + 2 * WINDOW * SECOND;
    world.event_at(later, made("user", 5, json!({ "uuid": "ann", "country": "PT" })));
    world.event_at(later + WINDOW * SECOND, "{");
    world.lesson(7, "ann", "pt");
    world.exam(8, "ann");
    world.exam(9, "bob");
    world.subscription(10, "ann", "pt", "lapsed");
    world.lesson(11, "ann", "pt");
    world.lesson(11, "ann", "pt");
    world.lesson(12, "ann", "en");
    world
}

/// The sentence of each unchecked finding, with its count.
fn doubts(report: &AuditReport) -> Vec<(Doubt, u64)> {
    report.unchecked_because.iter().map(|(doubt, count)| (*doubt, *count)).collect()
}

#[test]
fn the_lanes_head_is_gone() {
    let mut world = school().publish();
    world.lane.drain(..6);
    let report = world.audit();
    assert_eq!(clean(&report), (6, 6));
    assert_eq!(doubts(&report), [(Doubt::LaneGone, 6)]);
    // Everything was recomputed, so that a value from before the cut is still judged.
    world.lane[0].payload = b"{}".as_slice().into();
    world.lane.remove(3);
    assert_eq!(
        counts(&world.audit()),
        [(AuditFinding::Missing, 1), (AuditFinding::Different, 1), (AuditFinding::Unchecked, 6)]
    );
}

#[test]
fn the_inputs_head_is_gone() {
    let mut world = school().publish();
    world.input.drain(..4);
    let report = world.audit();
    // The lane is the witness that 5 is no duplicate. The lesson at 7 needs a status from before, the exam of
    // bob at 9 a row, and whether the lesson at 13 misses its row cannot be known either.
    assert_eq!(doubts(&report), [(Doubt::InputGone, 4), (Doubt::StateUnknown, 3)], "{report:#?}");
    assert_eq!(clean(&report), (5, 7));
    let fault = |plant: &dyn Fn(&mut World), expected: &[(AuditFinding, u64)]| {
        let mut world = world.clone();
        plant(&mut world);
        world.renumber();
        let found: Vec<_> = counts(&world.audit()).into_iter().filter(|(f, _)| *f != AuditFinding::Unchecked).collect();
        assert_eq!(found, expected);
    };
    // A dead letter's event may go too, and costs nothing else.
    let mut without = world.clone();
    without.input.remove(1);
    assert_eq!(clean(&without.audit()), (4, 8));
    let payload = |w: &mut World, at: usize| w.lane[at].payload = b"{}".as_slice().into();
    fault(&|w| payload(w, 7), &[(AuditFinding::Different, 1)]);
    fault(&|w| payload(w, 10), &[(AuditFinding::Different, 1)]);
    fault(&|w| w.lane[6].subject = "enriched.exam".into(), &[(AuditFinding::Different, 1)]);
    fault(&|w| drop(w.lane.remove(8)), &[(AuditFinding::Missing, 1)]);
    fault(&|w| w.lane.swap(6, 8), &[(AuditFinding::OutOfOrder, 2)]);
    fault(&|w| w.lane.insert(2, w.lane[1].clone()), &[(AuditFinding::Doubled, 1)]);
    fault(
        &|w| w.headers(10, |h| h.retain(|(name, _)| name == "x")),
        &[(AuditFinding::Missing, 1), (AuditFinding::Unknown, 1)],
    );
}

#[test]
fn both_heads_are_gone() {
    let mut world = school().publish();
    world.input.drain(..4);
    world.lane.drain(..7);
    // The user at 5 is in doubt, and so is all that joins it; the subscription at 10 needs nobody.
    let report = world.audit();
    assert_eq!(doubts(&report), [(Doubt::LaneGone, 3), (Doubt::StateUnknown, 4)], "{report:#?}");
    assert_eq!(clean(&report), (1, 7));
    // Never written to: a first start would take the input as it is.
    world.lane.clear();
    world.complete = false;
    assert_eq!(counts(&world.audit()), [(AuditFinding::Pending, 8)]);
}

#[test]
fn a_lane_of_which_all_is_gone_proves_nothing() {
    let world = school().publish();
    let mut audit = crate::audit::Audit::new(crate::audit::AuditOptions {
        plan: plan(),
        older: world.known.clone(),
        input: StreamBounds { first: 1, last: 13 },
        output: StreamBounds { first: 13, last: 12 },
        rewinds: Vec::new(),
        complete: true,
    });
    world.input.iter().for_each(|message| audit.input(message.clone()));
    let report = audit.finish();
    assert_eq!(doubts(&report), [(Doubt::LaneGone, 13)]);
    assert_eq!(clean(&report), (0, 13));
}

#[test]
fn an_output_out_of_place_is_no_proof_of_a_duplicate() {
    let mut world = World::new();
    world.user(1, "zoe", "BR");
    world.event(r#"{"title":"user","properties":{"uuid":"ann","country":"BR"}}"#);
    world.user(3, "ann", "PT");
    world.user(4, "bob", "FR");
    world.exam(5, "ann");
    let mut world = world.publish();
    world.input.remove(0);
    world.lane.swap(2, 3);
    world.renumber();
    // Whether 3 was processed decides the country at 5: with its output out of place neither is judged.
    let report = world.audit();
    assert_eq!(counts(&report), [(AuditFinding::OutOfOrder, 1), (AuditFinding::Unchecked, 2)], "{report:#?}");
}

#[test]
fn a_row_with_versions_is_not_known_behind_a_loss() {
    let mut world = World::new();
    let version = json!({ "at": "properties.v" });
    world.plans[0].0.tables.get_mut("user").unwrap().version = serde_json::from_value(version).unwrap();
    let user = |n: u64, v: u64, country: &str| made("user", n, json!({ "uuid": "ann", "country": country, "v": v }));
    world.event(user(1, 9, "BR"));
    let later = world.input[0].stored_at.0 + 2 * WINDOW * SECOND;
    world.event_at(later, user(2, 5, "PT"));
    world.event_at(later + 2 * WINDOW * SECOND, made("exam", 3, json!({ "uuid": "ann", "user_uuid": "ann" })));
    let whole = world.publish();
    assert_eq!(clean(&whole.audit()), (3, 0));
    assert!(String::from_utf8_lossy(&whole.lane[2].payload).contains("BR"), "the event at 2 is older");
    let mut world = whole;
    world.input.remove(0);
    let report = world.audit();
    // Taking the event at 2 for the newest one would call the exam's country wrong.
    assert_eq!(doubts(&report), [(Doubt::InputGone, 1), (Doubt::StateUnknown, 1)], "{report:#?}");
    assert_eq!(clean(&report), (1, 2));
}

#[test]
fn a_deleted_row_is_certain_and_what_follows_it_whole() {
    let mut world = World::new();
    world.user(1, "ann", "BR");
    let later = world.input[0].stored_at.0 + 2 * WINDOW * SECOND;
    world.event_at(later, "{");
    world.event_at(later + WINDOW * SECOND, made("user", 2, json!({ "uuid": "ann", "operation": "delete" })));
    world.exam(3, "ann");
    world.event(made("user", 4, json!({ "uuid": "ann" })));
    world.exam(5, "ann");
    let mut world = world.publish();
    world.input.remove(0);
    assert_eq!(clean(&world.audit()), (5, 1));
    assert!(String::from_utf8_lossy(&world.lane[5].payload).contains("\"country\":null"));
    world.lane[5].payload = b"{}".as_slice().into();
    assert_eq!(counts(&world.audit()), [(AuditFinding::Different, 1), (AuditFinding::Unchecked, 1)]);
}

#[test]
fn events_deleted_from_the_middle() {
    // Deleted after they were processed: rows are known no more.
    let mut world = school().publish();
    world.input.remove(4);
    let report = world.audit();
    assert_eq!(doubts(&report), [(Doubt::InputGone, 1), (Doubt::StateUnknown, 5)], "{report:#?}");
    clean(&report);
    // Deleted before: the lane shows nothing of them, and all else is known.
    let mut world = school();
    world.input.remove(4);
    let mut world = world.publish();
    assert_eq!(clean(&world.audit()), (11, 0));
    world.lane[10].payload = b"{}".as_slice().into();
    assert_eq!(counts(&world.audit()), [(AuditFinding::Different, 1)]);
    // Nothing but a dead letter and a duplicate were deleted: they left no trace.
    let mut world = school().publish();
    world.input.retain(|message| ![6, 12].contains(&message.sequence));
    assert_eq!(clean(&world.audit()), (11, 1));
}

#[test]
fn a_plan_that_keeps_the_state() {
    let mut world = school();
    world.plans.push((other_subject(), 8));
    let mut world = world.publish();
    assert_eq!(clean(&world.audit()), (12, 0));
    assert_eq!(&*world.lane[10].subject, "other.lesson");
    world.lane[10].subject = "enriched.lesson".into();
    assert_eq!(counts(&world.audit()), [(AuditFinding::Different, 1)]);
}

#[test]
fn a_plan_whose_text_is_gone() {
    let mut world = school();
    world.plans.push((other_subject(), 11));
    let mut world = world.publish();
    world.known.clear();
    let report = world.audit();
    assert_eq!(doubts(&report), [(Doubt::PlanUnknown, 12)], "no event is gone: {report:#?}");
    assert_eq!(report.verdict, AuditVerdict::NotChecked);
    // With its text all of it is checked.
    world.known = world.plans.iter().map(|(spec, _)| (spec.fingerprint(), spec.clone())).collect();
    assert_eq!(clean(&world.audit()), (12, 0));
    world.known.clear();
    world.lane.swap(3, 4);
    let report = world.audit();
    assert_eq!((report.out_of_order, report.verdict), (1, AuditVerdict::NotClean), "order needs no plan");
}

#[test]
fn what_an_earlier_build_made_of_the_configuration_needs_no_text() {
    // Its rule of identity was the first one; the configuration that was left as it is means the second one now.
    let mut world = school();
    world.plans.push((PlanSpec { identity: IdentityRule::Kind, ..plan() }, 11));
    let mut world = world.publish();
    world.known.clear();
    assert_eq!(clean(&world.audit()), (12, 0));
    world.lane[10].payload = b"{}".as_slice().into();
    assert_eq!(counts(&world.audit()), [(AuditFinding::Different, 1)]);
}

#[test]
fn one_id_for_two_kinds_over_a_change_of_the_rule() {
    let mut world = World::new();
    world.user(1, "ann", "BR");
    world.exam(1, "ann");
    world.user(2, "ann", "PT");
    world.exam(2, "ann");
    world.exam(3, "ann");
    world.user(3, "ann", "FR");
    world.exam(3, "ann");
    // Under the first rule the exams 1 and 2 are duplicates of users; from 5 on only what is of one kind is one.
    world.plans.push((PlanSpec { identity: IdentityRule::Kind, ..plan() }, 5));
    world.exam(1, "ann");
    let mut world = world.publish();
    assert_eq!(clean(&world.audit()), (4, 0));
    world.lane.remove(2);
    world.renumber();
    assert_eq!(counts(&world.audit()), [(AuditFinding::Missing, 1)]);
}

#[test]
fn a_plan_that_makes_another_state() {
    let mut world = school();
    let wider = PlanSpec { dedup_window_s: 2 * WINDOW as u64, ..plan() };
    world.plans.push((wider, 8));
    let report = world.publish().audit();
    assert_eq!(doubts(&report), [(Doubt::StateUnknown, 4)], "{report:#?}");
    assert_eq!(clean(&report), (8, 4));
}

#[test]
fn a_state_that_was_built_anew_under_another_plan() {
    // `--rebuild-state`: the new plan names the origin as its first position.
    let mut world = school();
    let known = other_subject();
    world.plans.push((known.clone(), 8));
    let mut world = world.publish();
    for at in 7..world.lane.len() {
        world.headers(at, |headers| {
            for (_, value) in headers.iter_mut().filter(|(name, _)| name == RUN) {
                *value = value.rsplit_once(':').map(|(head, _)| format!("{head}:1")).unwrap();
            }
        });
    }
    let report = world.audit();
    assert_eq!(doubts(&report), [(Doubt::StateUnknown, 4)], "{report:#?}");
    clean(&report);
}

#[test]
fn a_state_that_began_again_at_a_later_origin() {
    // `--accept-gap`: 5 was the first position still there, and the new state knows nothing of what was before.
    let old = school().publish();
    let mut world = school_from(5);
    world.input.drain(..4);
    world.lane.splice(..0, old.lane[..4].iter().cloned());
    world.renumber();
    assert_eq!(clean(&world.audit()), (8, 4));
    world.lane[6].payload = b"{}".as_slice().into();
    assert_eq!(counts(&world.audit()), [(AuditFinding::Different, 1), (AuditFinding::Unchecked, 4)]);
    // The old state had got further than the new one begins: what the new one made of 5 and 6 is not known.
    let mut world = new_state_behind(&old, &world, 6);
    assert_eq!(doubts(&world.audit()), [(Doubt::InputGone, 4), (Doubt::StateUnknown, 5)]);
    clean(&world.audit());
    world.lane[9].payload = b"{}".as_slice().into();
    assert_eq!(world.audit().different, 1);
}

/// The old lane up to `until`, then the new one.
fn new_state_behind(old: &World, new: &World, until: usize) -> World {
    let mut world = new.clone();
    world.lane = old.lane[..until].iter().chain(&school_from(5).lane[until - 4..]).cloned().collect();
    world.renumber();
    world
}

/// The school as a state knows it that began at a position.
fn school_from(origin: u64) -> World {
    let mut world = school();
    world.plans = vec![(plan(), origin)];
    world.publish()
}

#[test]
fn what_stands_before_the_origin_was_never_looked_at() {
    assert_eq!(clean(&school_from(5).audit()), (8, 0));
}

#[test]
fn a_plan_holds_until_the_next_one_begins() {
    // The strange event at 2 was dropped under the first plan, and would be forwarded under the second.
    for (since, outputs) in [(2, 3), (3, 2)] {
        let mut world = World::new();
        world.user(1, "ann", "BR");
        world.event(made("strange", 2, json!({})));
        world.exam(3, "ann");
        let dropping = PlanSpec { unknown_kinds: UnknownKinds::Drop, ..plan() };
        world.plans = vec![(dropping, 1), (plan(), since)];
        assert_eq!(clean(&world.publish().audit()), (outputs, 0));
    }
}

#[test]
fn a_failure_of_the_audit_itself_costs_what_it_cannot_know() {
    for lost in [false, true] {
        let mut world = school().publish();
        if lost {
            world.input.remove(1);
        }
        let bounds = StreamBounds { first: 1, last: 13 };
        let options = crate::audit::AuditOptions {
            plan: plan(),
            older: world.known.clone(),
            input: bounds,
            output: StreamBounds { first: 1, last: 12 },
            rewinds: Vec::new(),
            complete: true,
        };
        let mut audit = crate::audit::Audit::new(options);
        audit.fails_at = Some(Position(5));
        world.input.iter().for_each(|message| audit.input(message.clone()));
        world.lane.iter().for_each(|message| audit.output(message.clone()));
        let report = audit.finish();
        assert!(report.unchecked_because.contains_key(&Doubt::RecomputeFailed), "{report:#?}");
        clean(&report);
    }
}
