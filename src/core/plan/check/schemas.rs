//! Kinds by JSON Schema: schemas that can be used, and kinds that can be reached behind them.

use super::fault::PlanFault;
use super::key_path::KeyPath;
use crate::core::plan::spec::PlanSpec;
use crate::core::schema::compiled::{fault, takes_anything};

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    let at = |name: &str| KeyPath::kind(name).then("schema");
    for (name, schema) in spec.kinds.iter().filter_map(|(name, kind)| Some((name, kind.schema.as_ref()?))) {
        if let Some(what) = fault(schema) {
            let hint = "what it refers to has to stand in it, under `$defs`, and patterns have no look-around and no back-references";
            faults.push(PlanFault::mistake(at(name), what).hint(hint));
        }
    }
    for (number, name) in spec.kinds_by_condition.iter().enumerate() {
        let Some(kind) = spec.kinds.get(name).filter(|kind| kind.when.is_none()) else { continue };
        let Some(later) = spec.kinds_by_condition.get(number + 1) else { continue };
        if kind.schema.as_ref().is_some_and(takes_anything) {
            let what =
                format!("the schema takes `{{}}`, and with it nearly every event: `{later}` may never be reached");
            let hint = "add `required` with the members that tell its events from others, or put the kind last";
            faults.push(PlanFault::warning(at(name), what).hint(hint));
        }
    }
}
