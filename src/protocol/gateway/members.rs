//! Which members of an event a rejection is about, as JSON Pointers; for a person, never for an outcome.
//!
//! A place is looked at in the event's own text. Where none is wrong by itself, all that the configuration names are given.

use super::problem::RequestPart;
use crate::core::plan::compiled::{KindId, Plan};
use crate::core::plan::key_spec::KeySpec;
use crate::core::plan::selector::Selector;
use crate::core::rejection::{Reason, Rejection};
use serde_json::Value;

/// The places that a rejection of an event of this kind is about.
pub fn at(plan: &Plan, kind: KindId, rejection: &Rejection, text: &[u8]) -> Vec<RequestPart> {
    let name = plan.kinds.get(usize::from(kind)).map_or("", |kind| &*kind.name);
    let places: Vec<&Selector> = match rejection.reason {
        Reason::NoKey | Reason::BadKey if rejection.sentence.contains("`row`") => {
            let rows = plan.spec.tables.values().filter(|table| table.from == name);
            rows.filter_map(|table| table.row.as_ref()).flat_map(KeySpec::places).collect()
        }
        Reason::NoKey | Reason::BadKey => {
            let key = plan.spec.kinds.get(name).and_then(|kind| kind.key.as_ref());
            key.into_iter().flat_map(KeySpec::places).collect()
        }
        Reason::UnknownKind => plan.spec.event.kind.places().iter().collect(),
        Reason::BadInto => return into(plan, name),
        _ => return Vec::new(),
    };
    let event: Value = serde_json::from_slice(text).unwrap_or(Value::Null);
    let wrong = |place: &&&Selector| match pointer(place) {
        Some(RequestPart::Member(pointer)) => !event.pointer(&pointer).is_some_and(is_key),
        _ => true,
    };
    let named: Vec<RequestPart> = places.iter().filter(wrong).filter_map(|place| pointer(place)).collect();
    if named.is_empty() { places.iter().filter_map(|place| pointer(place)).collect() } else { named }
}

/// The objects that the enrichments of a kind add to.
fn into(plan: &Plan, name: &str) -> Vec<RequestPart> {
    let sections = plan.spec.enrich.iter().filter(|section| section.kinds.iter().any(|kind| kind == name));
    let paths = sections.map(|section| &section.into).filter(|into| !into.is_empty());
    paths.map(|into| RequestPart::Member(of_names(into))).collect()
}

fn is_key(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.is_i64() || number.is_u64(),
        _ => false,
    }
}

/// A place as the sender knows it; the subject and the time are not the sender's.
fn pointer(place: &Selector) -> Option<RequestPart> {
    match place {
        Selector::Path(names) => Some(RequestPart::Member(of_names(names))),
        Selector::Header(name) => Some(RequestPart::Header(name.clone())),
        Selector::Subject(_) | Selector::Time => None,
    }
}

fn of_names(names: &[String]) -> String {
    let part = |name: &String| {
        let number = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        format!("/{}", number.unwrap_or(name).replace('~', "~0").replace('/', "~1"))
    };
    names.iter().map(part).collect()
}
