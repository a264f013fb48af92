//! `[[filter]]`, `[[route]]` and `[[map]]`: names to count by, kinds that are there, and ways that can be reached.

use super::fault::PlanFault;
use super::key_path::KeyPath;
use super::limits::output_subject_fault;
use crate::core::plan::spec::PlanSpec;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let filters = spec.filter.iter().enumerate().map(|(n, filter)| (KeyPath::filter(n), &filter.name, &filter.kinds));
    let routes = spec.route.iter().enumerate().map(|(n, route)| (KeyPath::route(n), &route.name, &route.kinds));
    let maps = spec.map.iter().enumerate().map(|(n, map)| (KeyPath::map(n), &map.name, &map.kinds));
    let rules: Vec<_> = filters.chain(routes).chain(maps).collect();
    for (number, (at, name, kinds)) in rules.iter().enumerate() {
        super::derive::kinds(spec, kinds, at, faults);
        if let Some((earlier, ..)) = rules.iter().take(number).find(|(_, other, _)| other == name) {
            let fault = PlanFault::mistake(at.then("name"), format!("two rules are named `{name}`"));
            let fault = fault.hint("events are counted by this name: give each its own");
            faults.push(fault.rests_on([earlier.then("name")]));
        }
    }
    for (number, route) in spec.route.iter().enumerate() {
        let at = KeyPath::route(number);
        let fault = route.subject.as_ref().and_then(output_subject_fault);
        faults.extend(fault.map(|fault| PlanFault::mistake(at.then("subject"), fault)));
        let catches_all = |other: &&crate::core::plan::route::RouteSpec| {
            other.when.is_none() && (other.kinds.is_empty() || other.kinds == route.kinds)
        };
        if spec.route.iter().take(number).any(|other| catches_all(&other)) {
            let fault = PlanFault::warning(at.clone(), "no event reaches this route");
            faults.push(fault.hint("an earlier one has no `when` and takes all of them"));
        }
    }
}
