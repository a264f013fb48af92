//! The plan of a torture run: a seed must give the same blows again, or a failure cannot be looked into.

#[path = "../torture/fault.rs"]
mod fault;
#[path = "../torture/plan.rs"]
mod plan;

use fault::{Fault, Need};
use plan::{Plan, Round};

fn rounds(seed: u64, count: usize) -> Vec<Round> {
    let faults: Vec<Fault> = Fault::all().collect();
    Plan::new(seed, &faults, false).take(count).collect()
}

fn text(rounds: &[Round]) -> String {
    rounds.iter().map(Round::to_string).collect()
}

#[test]
fn the_same_seed_gives_the_same_torture_and_another_seed_another() {
    let (one, again, other) = (rounds(7, 20), rounds(7, 20), rounds(8, 20));
    assert_eq!(one, again);
    assert_eq!(text(&one), text(&again));
    assert_ne!(text(&one), text(&other));
}

#[test]
fn every_fault_is_dealt_and_one_that_voids_the_promise_is_alone() {
    let rounds = rounds(9, 30);
    for fault in Fault::all() {
        assert_eq!(Fault::named(fault.name()), Some(fault));
        assert!(matches!(fault.need(), Need::Nothing | Need::Tmpfs | Need::Shim));
        let of = |round: &&Round| round.steps.iter().any(|step| step.fault == fault);
        assert!(rounds.iter().any(|round| of(&round)), "{} is never dealt", fault.name());
        if fault.is_alone() {
            assert!(rounds.iter().filter(of).all(|round| round.steps.len() == 1), "{}", fault.name());
        }
    }
    assert!(rounds.iter().enumerate().all(|(n, round)| round.number as usize == n + 1 && round.steps.len() <= 12));
}

#[test]
fn a_plan_without_repetition_ends_after_every_fault() {
    let faults: Vec<Fault> = Fault::all().filter(|fault| !fault.is_long()).collect();
    let mut dealt: Vec<Fault> =
        Plan::new(3, &faults, true).flat_map(|round| round.steps).map(|step| step.fault).collect();
    dealt.sort();
    assert_eq!(dealt, faults);
    assert_eq!(Plan::new(3, &[], false).count(), 0, "without faults there is no plan");
}
