//! What differs between a saved catalogue and a new one, a line each.
//!
//! Told are kinds and places that are new or gone, places whose values are of other types, and places that were always
//! there and no longer are. An integer is a number: where numbers were, integers alone are no other type.

use super::catalogue::{Catalogue, KindEntry, PlaceEntry};
use super::path::spelled;
use super::tally::JsonType;
use std::collections::{BTreeMap, BTreeSet};

/// The differences, sorted by kind and place.
pub fn compare(before: &Catalogue, now: &Catalogue) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, old, new) in both(&before.kinds, &now.kinds) {
        let name = spelled(name);
        match (old, new) {
            (None, Some(_)) => lines.push(format!("{name}: new")),
            (Some(_), None) => lines.push(format!("{name}: gone")),
            (Some(old), Some(new)) => kinds(&mut lines, &name, old, new),
            (None, None) => {}
        }
    }
    lines
}

fn kinds(lines: &mut Vec<String>, kind: &str, before: &KindEntry, now: &KindEntry) {
    for (place, old, new) in both(&before.places, &now.places) {
        match (old, new) {
            (None, Some(_)) => lines.push(format!("{kind}.{place}: new")),
            (Some(_), None) => lines.push(format!("{kind}.{place}: gone")),
            (Some(old), Some(new)) => {
                lines.extend(retyped(old, new).map(|what| format!("{kind}.{place}: {what}")));
                if old.present == old.of && new.present < new.of {
                    let absent = new.of - new.present;
                    lines.push(format!("{kind}.{place}: newly absent ({absent} of {})", new.of));
                }
            }
            (None, None) => {}
        }
    }
}

/// Every name of two maps, with what each has under it.
fn both<'a, T>(
    one: &'a BTreeMap<String, T>,
    other: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = (&'a String, Option<&'a T>, Option<&'a T>)> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names.into_iter().map(|name| (name, one.get(name), other.get(name)))
}

/// `number -> number, text (1 of 3)`, or nothing where the types are the same.
fn retyped(before: &PlaceEntry, now: &PlaceEntry) -> Option<String> {
    let (old, mut new) = (types(before), types(now));
    if old.contains(&JsonType::Number) && new.remove(&JsonType::Integer) {
        new.insert(JsonType::Number);
    }
    if old == new {
        return None;
    }
    let count = |of: JsonType| now.types.get(&of).copied().unwrap_or_default();
    let said = |of: &JsonType| {
        let others =
            if *of == JsonType::Number && !old.contains(&JsonType::Integer) { count(JsonType::Integer) } else { 0 };
        match old.contains(of) {
            true => of.name().to_owned(),
            false => format!("{} ({} of {})", of.name(), count(*of) + others, now.count),
        }
    };
    let old_names: Vec<&str> = old.iter().map(|of| of.name()).collect();
    let new_names: Vec<String> = new.iter().map(said).collect();
    Some(format!("{} -> {}", old_names.join(", "), new_names.join(", ")))
}

/// The types of a place; integers among other numbers are numbers.
fn types(place: &PlaceEntry) -> BTreeSet<JsonType> {
    let mut types: BTreeSet<JsonType> = place.types.keys().copied().collect();
    if types.contains(&JsonType::Number) {
        types.remove(&JsonType::Integer);
    }
    types
}
