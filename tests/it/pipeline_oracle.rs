//! The whole line against the oracle: every byte of the output follows from the input and the plan alone.
//!
//! The oracle is a sequential program in another language with no code of the engine.

use crate::harness::bed::Bed;
use crate::harness::load::{publish, school};
use crate::harness::streams::{OUTPUT, recreate_output};
use crate::harness::wait::wait_until;
use crate::harness::wire::Message;
use sidestream::generate::{School, SchoolOptions};

#[test]
fn two_hundred_thousand_hard_events_equal_the_oracle() {
    let mut bed = Bed::new();
    let options = SchoolOptions { users: 20_000, hard: true, hard_per_mille: 40, ..SchoolOptions::default() };
    publish(&mut bed.wire, &mut School::new(2, options), 200_000).unwrap();
    let engine = bed.engine("state", &[]);
    bed.finish();
    engine.drain();
    let (events, outputs) = bed.assert_clean();
    assert_eq!(events, 200_001);
    assert!(outputs > 190_000, "{outputs}");
}

#[test]
fn shards_cache_and_restarts_cannot_be_seen_from_outside() {
    let mut bed = Bed::new();
    publish(&mut bed.wire, &mut school(3, 60), 20_000).unwrap();
    let engine = bed.engine("one", &[("engine.shards", "1")]);
    bed.finish();
    engine.drain();
    bed.assert_clean();
    let expected = bed.lane();
    let all = expected.len() as u64;
    let variants: [(&str, &[(&str, &str)]); 4] = [
        ("two", &[("engine.shards", "2")]),
        ("three", &[("engine.shards", "3")]),
        ("eight", &[("engine.shards", "8")]),
        // Far fewer rows than there are users; frequent checkpoints, since only what is on disk may be let go.
        ("small-cache", &[("state.cache_rows", "500"), ("engine.checkpoint_interval_ms", "20")]),
    ];
    for (name, sets) in variants {
        recreate_output(&mut bed.wire);
        let engine = bed.engine(name, sets);
        wait_until(name, || bed.lane_has(all).then_some(()));
        engine.drain();
        assert_same(name, &expected, &bed.lane());
    }

    recreate_output(&mut bed.wire);
    let half = all / 2;
    let slow = [("engine.max_in_flight_slices", "1")];
    let engine = bed.engine("restarted", &slow);
    wait_until("half the lane", || bed.lane_has(half).then_some(()));
    engine.drain();
    let so_far = bed.last(OUTPUT);
    assert!((half..all).contains(&so_far), "{so_far} of {all}");
    let engine = bed.engine("restarted", &slow);
    wait_until("all of the lane", || bed.lane_has(all).then_some(()));
    engine.drain();
    assert_same("restarted", &expected, &bed.lane());
}

fn assert_same(name: &str, expected: &[Message], found: &[Message]) {
    if let Some(at) = expected.iter().zip(found).position(|(a, b)| a != b) {
        panic!("{name}: output {}: {:?} instead of {:?}", at + 1, found[at], expected[at]);
    }
    assert_eq!(expected.len(), found.len(), "{name}");
}
