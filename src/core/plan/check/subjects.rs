//! Outputs and dead letters share a stream: their subjects must tell them apart.

use super::fault::Fault;
use super::key_path::KeyPath;
use crate::core::plan::spec::PlanSpec;
use crate::core::subject::meet;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<Fault>) {
    let (left, right) = (spec.output_subject.wildcard(), spec.dead_subject.wildcard());
    if meet(&left, &right) {
        let at = KeyPath::of(["dead_letters", "subject"]);
        let fault = Fault::mistake(at, format!("dead letters (`{right}`) cannot be told from outputs (`{left}`)"));
        let hint = "begin the two subjects differently, such as `enriched.` and `dead.`";
        faults.push(fault.hint(hint).rests_on([KeyPath::of(["output", "subject"])]));
    }
}
