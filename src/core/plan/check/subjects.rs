//! Outputs and dead letters share a stream: their subjects must tell them apart, and the stream must be able to take them all.

use super::fault::{PlanFault, Sentence};
use super::key_path::KeyPath;
use super::limits::output_subject_fault;
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::template::Template;
use crate::core::subject::{covers, meet};

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let dead = KeyPath::of(["dead_letters", "subject"]);
    let outputs: Vec<(KeyPath, &Template)> = outputs(spec).collect();
    let right = spec.dead_subject.wildcard();
    for (setting, template) in &outputs {
        let left = template.wildcard();
        if meet(&left, &right) {
            let fault = PlanFault::mistake(
                dead.clone(),
                format!("dead letters (`{right}`) cannot be told from outputs (`{left}`)"),
            );
            let hint = "begin the two subjects differently, such as `enriched.` and `dead.`";
            faults.push(fault.hint(hint).rests_on([setting.clone()]));
        }
    }
    faults.extend(conflicts(spec));
    duplicates(spec, &outputs, faults);
    for (number, (setting, later)) in outputs.iter().enumerate() {
        let later = later.wildcard();
        let crosses = |(_, earlier): &&(KeyPath, &Template)| {
            let earlier = earlier.wildcard();
            meet(&earlier, &later) && !covers(&earlier, &later) && !covers(&later, &earlier)
        };
        if let Some((other, earlier)) = outputs.iter().take(number).find(crosses) {
            let what = format!("`{later}` and `{}` overlap, and neither takes all of the other", earlier.wildcard());
            let hint = Sentence::from("no stream can have both: begin this one differently than ").setting(other);
            faults.push(PlanFault::mistake(setting.clone(), what).hint(hint).rests_on([other.clone()]));
        }
    }
}

/// There must be something to compare.
fn conflicts(spec: &PlanSpec) -> Option<PlanFault> {
    let at = KeyPath::of(["dedup", "conflicts"]);
    let none = spec.dedup_conflicts && spec.dedup_window_s == 0;
    let fault = PlanFault::mistake(at, "there are no duplicates to compare: `dedup.window_s` is 0");
    let fault = fault.hint("set `window_s` in [dedup], or remove `conflicts`");
    none.then(|| fault.rests_on([KeyPath::of(["dedup", "window_s"])]))
}

/// What is kept aside does not stand among what is not, and there must be something to keep.
fn duplicates(spec: &PlanSpec, outputs: &[(KeyPath, &Template)], faults: &mut Vec<PlanFault>) {
    let Some(keep) = &spec.dedup_keep else { return };
    let at = KeyPath::of(["dedup", "keep"]);
    if spec.dedup_window_s == 0 {
        let fault = PlanFault::mistake(at.clone(), "there are no duplicates to keep: `dedup.window_s` is 0");
        let fault = fault.hint("set `window_s` in [dedup], or remove `keep`");
        faults.push(fault.rests_on([KeyPath::of(["dedup", "window_s"])]));
    }
    faults.extend(output_subject_fault(keep).map(|fault| PlanFault::mistake(at.clone(), fault)));
    let aside = keep.wildcard();
    for (setting, template) in outputs.iter().filter(|(setting, _)| *setting != at) {
        let others = template.wildcard();
        if meet(&others, &aside) {
            let what = format!("duplicates (`{aside}`) cannot be told from outputs (`{others}`)");
            let fault = PlanFault::mistake(at.clone(), what);
            let hint = "begin the two subjects differently, such as `enriched.` and `duplicates.`";
            faults.push(fault.hint(hint).rests_on([setting.clone()]));
        }
    }
}

/// The settings that make subjects of outputs.
pub(super) fn outputs(spec: &PlanSpec) -> impl Iterator<Item = (KeyPath, &Template)> {
    let usual = (KeyPath::of(["output", "subject"]), &spec.output_subject);
    let routes = spec.route.iter().enumerate();
    let routes = routes.filter_map(|(n, route)| Some((KeyPath::route(n).then("subject"), route.subject.as_ref()?)));
    let maps = spec.map.iter().enumerate().map(|(n, map)| (KeyPath::map(n).then("subject"), &map.subject));
    let duplicates = spec.dedup_keep.as_ref().map(|keep| (KeyPath::of(["dedup", "keep"]), keep));
    std::iter::once(usual).chain(routes).chain(maps).chain(duplicates)
}
