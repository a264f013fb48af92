//! Places that are written in another notation than ours, such as `items[0].id`, `/p/uuid` or `p."user.id"`.
//!
//! They parse, as paths with odd names, and then match no field of any event. A stored plan with one of them stays readable
//! all the same: reading a plan's text does not ask these rules.

use super::fault::PlanFault;
use super::key_path::KeyPath;
use crate::core::derive::section::DeriveSection;
use crate::core::derive::spec::DeriveSpec;
use crate::core::plan::key_spec::KeySpec;
use crate::core::plan::map::MapField;
use crate::core::plan::selector::{Selector, dotted, index};
use crate::core::plan::spec::PlanSpec;

const NAMES_ALONE: &str = "a place is the names of members with dots between them, such as `properties.uuid`";

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    for (at, place) in places(spec) {
        if let Selector::Path(names) = place {
            faults.extend(path(at, names));
        }
    }
    for (number, enrich) in spec.enrich.iter().enumerate() {
        let section = KeyPath::enrich(number);
        let rows = enrich
            .add
            .iter()
            .flat_map(|(field, join)| join.row.iter().flat_map(KeySpec::places).map(move |row| (field, row)));
        for (field, row) in rows {
            if let Selector::Path(names) = row {
                faults.extend(path(section.then("add").then(field), names));
            }
        }
        faults.extend(object(section.then("into"), &enrich.into));
    }
    for (number, step) in spec.event.unwrap.iter().enumerate() {
        let at = KeyPath::of(["event", "unwrap"]).then(&number.to_string());
        faults.extend(step.at.iter().filter_map(|member| path(at.clone(), member.names())));
    }
    if let Some(at) = spec.event.split.as_ref().and_then(|split| split.at.as_ref()) {
        faults.extend(path(KeyPath::of(["event", "split"]), at.names()));
    }
    for (number, section) in spec.derive.iter().enumerate() {
        derive(&KeyPath::derive(number), section, faults);
    }
    for (number, map) in spec.map.iter().enumerate() {
        for (member, field) in &map.fields {
            let at = KeyPath::map(number).then("fields").then(&dotted(member.names()));
            faults.extend(path(at.clone().name(), member.names()));
            if let MapField::Derived(operator) = field {
                faults.extend(paths(operator).filter_map(|names| path(at.clone(), names)));
            }
        }
    }
    for (name, kind) in &spec.kinds {
        let section = KeyPath::kind(name);
        faults.extend(kind.version.iter().filter_map(|v| path(section.then("version").then("at"), v.at.names())));
        for (number, entry) in kind.upcast.iter().enumerate() {
            derive(&section.then("upcast").then(&number.to_string()), entry, faults);
        }
    }
}

/// The places of a section of derived fields.
fn derive(section: &KeyPath, derive: &DeriveSection, faults: &mut Vec<PlanFault>) {
    let at = |list: &str, names: &[String]| section.then(list).then(&names.join("."));
    faults.extend(object(section.then("into"), &derive.into));
    for (name, operator) in &derive.set {
        faults.extend(paths(operator).filter_map(|names| path(section.then("set").then(name), names)));
    }
    let written = derive.rename.keys().map(|member| ("rename", member.names()));
    let written = written.chain(derive.mask.keys().map(|member| ("mask", member.names())));
    faults.extend(written.filter_map(|(list, names)| path(at(list, names), names)));
    let removed = derive.remove.iter().enumerate();
    faults.extend(removed.filter_map(|(n, member)| path(section.then("remove").then(&n.to_string()), member.names())));
}

/// The members of events that an operator reads.
fn paths(operator: &DeriveSpec) -> impl Iterator<Item = &[String]> {
    operator.places().into_iter().filter_map(|place| match place {
        Selector::Path(names) => Some(names.as_slice()),
        _ => None,
    })
}

/// Every place of the sections that name them one by one.
fn places(spec: &PlanSpec) -> Vec<(KeyPath, &Selector)> {
    let event = &spec.event;
    let mut places = Vec::new();
    places.extend(event.kind.places().iter().map(|place| (KeyPath::of(["event", "kind"]), place)));
    places.extend(event.id.iter().flat_map(KeySpec::places).map(|place| (KeyPath::of(["event", "id"]), place)));
    places.extend(event.time.iter().map(|place| (KeyPath::of(["event", "time"]), place)));
    for (name, kind) in &spec.kinds {
        for (word, key) in [("key", &kind.key), ("id", &kind.id)] {
            let at = KeyPath::kind(name).then(word);
            places.extend(key.iter().flat_map(KeySpec::places).map(|place| (at.clone(), place)));
        }
    }
    for (name, table) in &spec.tables {
        let section = KeyPath::table(name);
        places.extend(table.row.iter().flat_map(KeySpec::places).map(|row| (section.then("row"), row)));
        places.extend(table.version.iter().map(|version| (section.then("version"), &version.at)));
        places.extend(table.delete.iter().map(|delete| (section.then("delete").then("field"), &delete.field)));
        places.extend(table.columns.iter().map(|(column, place)| (section.then("columns").then(column), place)));
        let counted = table.aggregates.iter().filter_map(|(column, counted)| Some((column, counted.of.as_ref()?)));
        places.extend(counted.map(|(column, place)| (section.then("columns").then(column), place)));
    }
    for (number, quality) in spec.quality.iter().enumerate() {
        let list = KeyPath::quality(number).then("complete");
        places.extend(quality.complete.iter().enumerate().map(|(n, place)| (list.then(&n.to_string()), place)));
    }
    places
}

/// The same of an object that members are put into, of which none lies in an array.
fn object(at: KeyPath, names: &[String]) -> Option<PlanFault> {
    if names.iter().any(|name| index(name).is_some()) {
        let text = dotted(names);
        return Some(PlanFault::mistake(at, format!("`{text}` lies in an array, and nothing is put in there")));
    }
    path(at, names)
}

/// Refuses what no event has, and warns of what hardly one has.
fn path(at: KeyPath, names: &[String]) -> Option<PlanFault> {
    let odd = |name: &&String| index(name).is_none() && name.contains(['[', ']']);
    let quoted = |name: &String| name.contains(['"', '`', '\\']) || name.starts_with('\'') || name.ends_with('\'');
    let text = if names.iter().any(quoted) { names.join(".") } else { dotted(names) };
    let fault = if names.iter().any(|name| odd(&name)) {
        let hint =
            format!("{NAMES_ALONE}; what lies in an array has its number behind the name, from 0: `items[0].id`");
        PlanFault::mistake(at, format!("`{text}` matches no field: brackets hold a number")).hint(hint)
    } else if names.iter().any(quoted) {
        let hint =
            format!("{NAMES_ALONE}; a name that has a dot in it stands in double quotes: `properties.\"user.id\"`");
        PlanFault::mistake(at, format!("`{text}` matches no field: a place has no quotes and no backslashes"))
            .hint(hint)
    } else if let Some(rest) = text.strip_prefix('/') {
        let hint = format!("did you mean `{}`?", rest.replace('/', "."));
        PlanFault::mistake(at, format!("`{text}` matches no field: a place begins with a name, not with `/`"))
            .hint(hint)
    } else if text.contains('/') {
        let hint = format!("write `{}` for members of members", text.replace('/', "."));
        PlanFault::warning(at, format!("`{text}` is looked for as a member with a `/` in its name")).hint(hint)
    } else if let Some(name) = names.iter().find(|name| name.trim() != *name) {
        PlanFault::warning(at, format!("`{text}` is looked for with the blank in `{name}`")).hint(NAMES_ALONE)
    } else {
        let in_an_array = |name: &&String| *name == "*" || name.bytes().all(|b| b.is_ascii_digit());
        let name = names.iter().skip(1).find(in_an_array)?;
        let message = format!("`{name}` in `{text}` is looked for as the name of an object's member");
        PlanFault::warning(at, message)
            .hint("what lies in an array has its number behind the name, from 0: `items[0].id`")
    };
    Some(fault)
}
