//! More than one engine: the one that started later owns the lane, and the others do no harm.
//!
//! Every test ends with the oracle's verdict; 75 is the exit code of an engine that was overtaken or locked out.

use crate::harness::bed::Bed;
use crate::harness::load::{Load, school};
use crate::harness::streams::OUTPUT;
use crate::harness::wait::{DEADLINE, wait_until};

const OVERTAKEN: Option<i32> = Some(75);
/// How far the background load keeps the input ahead of the lane.
const LEAD: u64 = 4_000;

/// Waits until the lane has grown by this many outputs from now.
fn grows(bed: &mut Bed, by: u64) {
    let target = bed.last(OUTPUT) + by;
    wait_until(&format!("the lane to grow to {target}"), || bed.lane_has(target).then_some(()));
}

#[test]
fn of_engines_on_one_lane_the_one_that_started_later_goes_on() {
    let mut bed = Bed::new();
    let load = Load::ahead(bed.server.address(), school(11, 40), LEAD);
    let mut engine = bed.engine("engine-0", &[]);
    grows(&mut bed, 2_000);
    for successor in 1..=4 {
        let next = bed.engine(&format!("engine-{successor}"), &[]);
        let (code, log) = engine.exited(DEADLINE);
        assert_eq!(code, OVERTAKEN, "{log}");
        assert!(log.contains("an engine that started later"), "{log}");
        engine = next;
        engine.wait_for_log("ready:");
        grows(&mut bed, 1_000);
    }
    load.stop();
    bed.finish();
    engine.drain();
    bed.assert_clean();
}

#[test]
fn an_engine_that_wakes_up_after_its_successor_took_over_does_no_harm() {
    let mut bed = Bed::new();
    let load = Load::ahead(bed.server.address(), school(12, 40), LEAD);
    let sleeper = bed.engine("sleeper", &[]);
    grows(&mut bed, 2_000);
    sleeper.signal("-STOP");
    let mut successor = bed.engine("successor", &[]);
    successor.wait_for_log("ready:");
    grows(&mut bed, 2_000);
    sleeper.signal("-CONT");
    let (code, log) = sleeper.exited(DEADLINE);
    assert_eq!(code, OVERTAKEN, "{log}");
    grows(&mut bed, 2_000);
    assert!(successor.runs());
    load.stop();
    bed.finish();
    successor.drain();
    bed.assert_clean();
}

#[test]
fn an_engine_that_wakes_up_after_its_successor_died_does_no_harm() {
    let mut bed = Bed::new();
    let load = Load::ahead(bed.server.address(), school(13, 40), LEAD);
    let sleeper = bed.engine("sleeper", &[]);
    grows(&mut bed, 2_000);
    sleeper.signal("-STOP");
    let mut successor = bed.engine("successor", &[]);
    successor.wait_for_log("ready:");
    grows(&mut bed, 2_000);
    successor.kill();
    sleeper.signal("-CONT");
    let (code, log) = sleeper.exited(DEADLINE);
    assert_eq!(code, OVERTAKEN, "{log}");
    let successor = bed.engine("successor", &[]);
    grows(&mut bed, 2_000);
    load.stop();
    bed.finish();
    successor.drain();
    bed.assert_clean();
}

#[test]
fn a_state_directory_takes_one_engine_at_a_time() {
    let mut bed = Bed::new();
    let load = Load::ahead(bed.server.address(), school(14, 40), LEAD);
    let mut owner = bed.engine("state", &[]);
    grows(&mut bed, 1_000);
    let state = bed.state("state").display().to_string();
    let (code, log) = bed.engine("intruder", &[("state.path", &state)]).exited(DEADLINE);
    assert_eq!(code, OVERTAKEN, "{log}");
    assert!(log.contains("another process") && log.contains(&state), "{log}");
    grows(&mut bed, 1_000);
    assert!(owner.runs());
    load.stop();
    bed.finish();
    owner.drain();
    bed.assert_clean();
}
