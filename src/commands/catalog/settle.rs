//! From what was gathered to the catalogue: which spellings stand for themselves, and which places are listed.

use super::catalogue::{Catalogue, KindEntry, PlaceEntry, Range, VERSION};
use super::gather::{CatalogKind, GatheredCatalog};
use super::paths::{PLACES, Paths};
use super::tally::{JsonType, PlaceTally};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The catalogue of what was gathered in a range.
pub fn settle(gathered: &GatheredCatalog, range: Range) -> Catalogue {
    Catalogue {
        version: VERSION,
        range,
        events: gathered.events,
        kinds: gathered.kinds.iter().map(|(name, kind)| (name.clone(), entry(kind))).collect(),
        more: gathered.more,
        filtered: gathered.filtered,
        unreadable: gathered.unreadable.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect(),
    }
}

/// A place as it is listed: sorted by depth, general spelling, own spelling.
type ListedPlace<'a> = ((usize, &'a str, &'a str), &'a PlaceTally);

fn entry(kind: &CatalogKind) -> KindEntry {
    let mut rows: Vec<ListedPlace<'_>> = Vec::new();
    for (depth, general, place) in kind.paths.iter() {
        match place.apart.as_ref().filter(|_| !collapsed(&kind.paths, depth, general)) {
            Some(apart) if !apart.is_empty() => {
                rows.extend(apart.iter().map(|(own, tally)| ((depth, general, &**own), tally)));
            }
            _ => rows.push(((depth, general, general), &place.all)),
        }
    }
    let beyond = rows.split_off(rows.len().min(PLACES));
    KindEntry {
        known: kind.known,
        events: kind.events,
        first: kind.first,
        last: kind.last,
        more: kind.paths.more + beyond.iter().map(|(_, tally)| tally.count).sum::<u64>(),
        deeper: kind.paths.deeper,
        places: rows.into_iter().map(|row| (row.0.2.to_owned(), listed(kind, row))).collect(),
    }
}

/// Whether a `*` stands for the ids on the way to a place: where there are too many of it, or of a place around it.
fn collapsed(paths: &Paths, depth: usize, general: &str) -> bool {
    let Some(place) = paths.get(depth, general) else { return false };
    place.apart.is_none() || general.get(..place.all.around).is_some_and(|around| collapsed(paths, depth - 1, around))
}

fn listed(kind: &CatalogKind, ((depth, general, own), tally): ListedPlace<'_>) -> PlaceEntry {
    let types = JsonType::ALL.into_iter().map(|of| (of, tally.of(of))).filter(|(_, count)| *count > 0);
    PlaceEntry {
        count: tally.count,
        present: tally.present,
        of: holders(kind, depth, general, own, tally),
        types: types.collect::<BTreeMap<_, _>>(),
        shortest: tally.lengths.map(|(shortest, _)| shortest),
        longest: tally.lengths.map(|(_, longest)| longest),
        first: tally.first,
        last: tally.last,
        examples: tally.examples.iter().filter_map(|(_, text)| RawValue::from_string(text.to_string()).ok()).collect(),
    }
}

/// How many objects, or arrays, a value of this place could stand in.
fn holders(kind: &CatalogKind, depth: usize, general: &str, own: &str, tally: &PlaceTally) -> u64 {
    if depth == 1 {
        return kind.events;
    }
    let around = |spelling: &str, length: usize| spelling.get(..length).unwrap_or_default().to_owned();
    let Some(place) = kind.paths.get(depth, general) else { return 0 };
    let Some(outer) = kind.paths.get(depth - 1, &around(general, place.all.around)) else { return 0 };
    let outer: &PlaceTally = match &outer.apart {
        Some(apart) if own != general => apart.get(&*around(own, tally.around)).unwrap_or(&outer.all),
        _ => &outer.all,
    };
    outer.of(if own.get(tally.around..) == Some("[]") { JsonType::Array } else { JsonType::Object })
}
