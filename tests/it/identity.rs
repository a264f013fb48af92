//! What makes two events one, end to end: one id under two kinds, and the change from the rule of before to today's.

use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::origin::{origins, plans};
use crate::harness::wait::wait_until;

/// What builds of before made of every configuration.
const OF_BEFORE: (&str, &str) = ("dedup.identity", "key");

/// Publishes an event of the user u1, and gives its position.
fn event(bed: &mut Bed, kind: &str, id: &str) -> u64 {
    let key = if kind == "user" { "uuid" } else { "user_uuid" };
    let json = format!(r#"{{"title":"{kind}","event_uuid":"{id}","properties":{{"{key}":"u1"}}}}"#);
    let before = bed.last("EVENTS");
    bed.wire.publish("events.any", &[], json.as_bytes()).unwrap();
    bed.wire.flush().unwrap();
    wait_until("an event to be stored", || (bed.last("EVENTS") > before).then_some(before + 1))
}

/// Publishes an event with an id of its own, and waits for its output.
fn own(bed: &mut Bed) -> u64 {
    let id = format!("own{}", bed.last("EVENTS"));
    let position = event(bed, "lesson", &id);
    wait_until("its output", || (bed.cause() == position).then_some(position))
}

fn positions(bed: &mut Bed) -> Vec<u64> {
    origins(&mut bed.wire).into_iter().map(|origin| origin.position).collect()
}

#[test]
fn one_id_under_two_kinds_is_two_events() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[]);
    for (kind, id) in [("user", "1"), ("lesson", "1"), ("user", "1"), ("lesson", "1"), ("subscription", "2")] {
        event(&mut bed, kind, id);
    }
    own(&mut bed);
    engine.drain();
    // The subscription has no language, which is a dead letter.
    assert_eq!(positions(&mut bed), [1, 2, 5, 6]);
    bed.assert_clean();
}

#[test]
fn what_was_noted_before_a_change_of_the_rule_counts_over_restarts() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[OF_BEFORE]);
    let mut expected = vec![event(&mut bed, "user", "1")];
    event(&mut bed, "lesson", "1");
    expected.push(own(&mut bed));
    engine.drain();
    let engine = bed.engine("state", &[]);
    wait_until("the plan of today", || {
        expected.push(own(&mut bed));
        (plans(&mut bed.wire).len() == 2).then_some(())
    });
    let mut engine = engine;
    for life in ["the one that changed", "a later one"] {
        event(&mut bed, "user", "1");
        event(&mut bed, "lesson", "1");
        let id = format!("new in {life}");
        expected.push(event(&mut bed, "user", &id));
        expected.push(event(&mut bed, "lesson", &id));
        event(&mut bed, "lesson", &id);
        expected.push(own(&mut bed));
        engine.drain();
        engine = bed.engine("state", &[]);
    }
    engine.drain();
    assert_eq!(positions(&mut bed), expected);
    assert_eq!(command::run(&bed, &["audit", "--complete"]).code, Some(0));
}

#[test]
fn a_lost_state_of_an_earlier_build_is_built_anew_under_its_rule() {
    let mut bed = Bed::new();
    let engine = bed.engine("state", &[OF_BEFORE]);
    let first = event(&mut bed, "user", "1");
    event(&mut bed, "lesson", "1");
    let second = own(&mut bed);
    engine.drain();
    std::fs::remove_dir_all(bed.state("state")).unwrap();
    // The same configuration as this build reads it: the text of the plan of before is nowhere but in it.
    let engine = bed.engine("state", &[]);
    let third = own(&mut bed);
    engine.drain();
    assert_eq!(positions(&mut bed), [first, second, third]);
}
