//! Places that are written in another notation than ours, such as `items[0].id`, `/p/uuid` or `p."user.id"`.
//!
//! They parse, as paths with odd names, and then match no field of any event. A stored plan with one of them stays readable
//! all the same: reading a plan's text does not ask these rules.

use super::fault::Fault;
use super::key_path::KeyPath;
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::PlanSpec;

const NAMES_ALONE: &str = "a place is the names of members with dots between them, such as `properties.uuid`";

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<Fault>) {
    for (at, place) in places(spec) {
        if let Selector::Path(names) = place {
            faults.extend(path(at, names));
        }
    }
    for (number, enrich) in spec.enrich.iter().enumerate() {
        let section = KeyPath::enrich(number);
        let rows = enrich.add.iter().filter_map(|(field, join)| Some((field, join.row.as_ref()?)));
        for (field, row) in rows {
            if let Selector::Path(names) = row {
                faults.extend(path(section.then("add").then(field), names));
            }
        }
        faults.extend(path(section.then("into"), &enrich.into));
    }
}

/// Every place of the sections that name them one by one.
fn places(spec: &PlanSpec) -> Vec<(KeyPath, &Selector)> {
    let event = &spec.event;
    let mut places = vec![(KeyPath::of(["event", "kind"]), &event.kind)];
    let optional = [("id", &event.id), ("time", &event.time)];
    places.extend(optional.into_iter().filter_map(|(name, at)| Some((KeyPath::of(["event", name]), at.as_ref()?))));
    let keys = spec.kinds.iter().filter_map(|(name, kind)| Some((KeyPath::kind(name).then("key"), kind.key.as_ref()?)));
    places.extend(keys);
    for (name, table) in &spec.tables {
        let section = KeyPath::table(name);
        places.extend(table.row.iter().map(|row| (section.then("row"), row)));
        places.extend(table.delete.iter().map(|delete| (section.then("delete").then("field"), &delete.field)));
        places.extend(table.columns.iter().map(|(column, place)| (section.then("columns").then(column), place)));
    }
    places
}

/// Refuses what no event has, and warns of what hardly one has.
fn path(at: KeyPath, names: &[String]) -> Option<Fault> {
    let text = names.join(".");
    let quoted = |name: &String| name.contains(['"', '`', '\\']) || name.starts_with('\'') || name.ends_with('\'');
    let fault = if text.contains(['[', ']']) {
        let hint = format!("{NAMES_ALONE}; what lies in an array cannot be named yet");
        Fault::mistake(at, format!("`{text}` matches no field: a place has no brackets")).hint(hint)
    } else if names.iter().any(quoted) {
        let hint = format!("{NAMES_ALONE}; a name that has a dot in it cannot be written yet");
        Fault::mistake(at, format!("`{text}` matches no field: a place has no quotes and no backslashes")).hint(hint)
    } else if let Some(rest) = text.strip_prefix('/') {
        let hint = format!("did you mean `{}`?", rest.replace('/', "."));
        Fault::mistake(at, format!("`{text}` matches no field: a place begins with a name, not with `/`")).hint(hint)
    } else if text.contains('/') {
        let hint = format!("write `{}` for members of members", text.replace('/', "."));
        Fault::warning(at, format!("`{text}` is looked for as a member with a `/` in its name")).hint(hint)
    } else if let Some(name) = names.iter().find(|name| name.trim() != *name) {
        Fault::warning(at, format!("`{text}` is looked for with the blank in `{name}`")).hint(NAMES_ALONE)
    } else {
        let in_an_array = |name: &&String| *name == "*" || name.bytes().all(|b| b.is_ascii_digit());
        let name = names.iter().skip(1).find(in_an_array)?;
        let message = format!("`{name}` in `{text}` is looked for as the name of an object's member");
        Fault::warning(at, message).hint("what lies in an array cannot be named yet")
    };
    Some(fault)
}
