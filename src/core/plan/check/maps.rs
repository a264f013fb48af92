//! `[[map]]`: messages with members, operators whose words go together, and paths that are one object's.

use super::fault::{PlanFault, Sentence};
use super::key_path::KeyPath;
use super::limits::output_subject_fault;
use crate::core::plan::map::{MapField, MapSpec};
use crate::core::plan::selector::dotted;
use crate::core::plan::spec::PlanSpec;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    for (number, map) in spec.map.iter().enumerate() {
        let at = KeyPath::map(number);
        let fault = output_subject_fault(&map.subject);
        faults.extend(fault.map(|fault| PlanFault::mistake(at.then("subject"), fault)));
        if map.fields.is_empty() {
            let fault = PlanFault::mistake(at.then("fields"), "the message has no members");
            faults.push(fault.hint("add some: fields = { id = \"order_id\" }"));
        }
        for (path, field) in &map.fields {
            if let MapField::Derived(spec) = field
                && let Err(sentence) = spec.check()
            {
                faults.push(PlanFault::mistake(member(&at, path.names()), sentence));
            }
        }
        one_writer(map, &at, faults);
    }
}

/// A member is a value or an object of others, and not both.
fn one_writer(map: &MapSpec, at: &KeyPath, faults: &mut Vec<PlanFault>) {
    let paths: Vec<&[String]> = map.fields.iter().map(|(path, _)| path.names()).collect();
    for (number, later) in paths.iter().enumerate() {
        let meets = |earlier: &&&[String]| earlier.starts_with(later) || later.starts_with(earlier);
        let Some(earlier) = paths.iter().take(number).find(meets) else { continue };
        let other = member(at, earlier);
        let what = if earlier == later {
            format!("`{}` is written twice", later.join("."))
        } else {
            format!("`{}` lies in `{}`, or the other way round", later.join("."), earlier.join("."))
        };
        let hint = Sentence::from("the other one is ").setting(&other).words(": rename or remove one");
        faults.push(PlanFault::mistake(member(at, later), what).hint(hint).rests_on([other]));
    }
}

fn member(at: &KeyPath, path: &[String]) -> KeyPath {
    at.then("fields").then(&dotted(path))
}
