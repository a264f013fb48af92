//! The plan of a torture run on three servers: a seed must give the same faults again.

#[path = "../../torture/cluster/fault.rs"]
mod fault;
#[path = "../../torture/cluster/plan.rs"]
mod plan;

use fault::{Fault, RING};

#[test]
fn a_seed_gives_the_same_faults_of_a_cluster_and_every_kind_is_dealt() {
    let kinds: Vec<Fault> = Fault::all().filter(|fault| fault.cards() > 0).collect();
    let text = |seed| plan::rounds(seed, &kinds, 200).iter().map(ToString::to_string).collect::<String>();
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
    let rounds = plan::rounds(7, &kinds, 200);
    let steps = || rounds.iter().flat_map(|round| &round.steps);
    assert_eq!(steps().count(), 200);
    for fault in Fault::all() {
        assert_eq!(Fault::named(fault.name()), Some(fault));
        let (least, most) = fault.lasts();
        let struck = || steps().filter(|step| step.fault == fault);
        assert_eq!(struck().count() > 0, kinds.contains(&fault), "{}", fault.name());
        assert!(struck().all(|step| (least..=most).contains(&(step.lasts.as_millis() as u64 / 100))));
    }
    let ring: Vec<Fault> = plan::ring(1).iter().flat_map(|round| &round.steps).map(|step| step.fault).collect();
    assert_eq!(ring, RING);
}
