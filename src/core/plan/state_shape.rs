//! What the stored state is computed from: the part of a plan that decides rows and ids.
//!
//! Two plans of one shape keep the same state of the same input, whatever else differs between them. Rules that only make dead
//! letters, and what only outputs are made of, are not in it.

use super::condition::Condition;
use super::field_type::FieldTypes;
use super::filter::FilterSpec;
use super::key_spec::{KeySpec, KindPlaces};
use super::selector::Selector;
use super::spec::{KindSpec, PlanSpec};
use super::table::TableSpec;
use crate::core::derive::section::{DeriveSection, MemberPath, overlap};
use crate::core::schema::spec::SchemaSpec;
use crate::core::unwrap::spec::{SplitSpec, UnwrapSpec};
use serde::Serialize;
use std::collections::BTreeMap;

/// The part of a plan that the state depends on.
#[derive(Debug, Serialize)]
pub struct StateShape<'a> {
    input_stream: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    input_only: &'a [String],
    event: EventShape<'a>,
    /// Sections of derived fields, in order, with only those members that the state depends on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    derive: Vec<DeriveSection>,
    #[serde(skip_serializing_if = "<[FilterSpec]>::is_empty")]
    filter: &'a [FilterSpec],
    // A kind that is new or gone takes its events from another kind, or from those of unknown kind: their key changes with
    // it, and with the key what identifies them.
    kinds: BTreeMap<&'a str, KindShape<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    kinds_by_condition: &'a [String],
    tables: &'a BTreeMap<String, TableSpec>,
    /// The objects that enrichments make where something of the state is read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    creates: Vec<Create<'a>>,
    dedup_window_s: u64,
}

#[derive(Debug, Serialize)]
struct Create<'a> {
    kinds: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    when: &'a Option<Condition>,
    into: &'a [String],
}

#[derive(Debug, Serialize)]
struct KindShape<'a> {
    key: &'a Option<KeySpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: &'a Option<KeySpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when: &'a Option<Condition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: &'a Option<SchemaSpec>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    types: &'a FieldTypes,
    // Only where the state depends on it, and likewise below.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<VersionShape<'a>>,
    /// The entries of `upcast` by the version that each begins with, with only those members that the state depends on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    upcast: BTreeMap<u64, DeriveSection>,
}

#[derive(Debug, Serialize)]
struct VersionShape<'a> {
    at: &'a MemberPath,
    missing: Option<u64>,
    /// Where the state keeps the version itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<u64>,
}

#[derive(Debug, Serialize)]
struct EventShape<'a> {
    #[serde(skip_serializing_if = "<[UnwrapSpec]>::is_empty")]
    unwrap: &'a [UnwrapSpec],
    #[serde(skip_serializing_if = "Option::is_none")]
    split: &'a Option<SplitSpec>,
    kind: &'a KindPlaces,
    id: &'a Option<KeySpec>,
}

impl<'a> StateShape<'a> {
    /// The shape of a plan's state.
    pub fn of(spec: &'a PlanSpec) -> StateShape<'a> {
        // Entries of `upcast` run between the sections: they are read by later ones, and read what earlier ones make.
        let later = Feeding::of(&spec.derive, paths(read(spec)));
        let mut wanted = paths(read(spec));
        let kinds =
            spec.kinds.iter().map(|(name, kind)| (name.as_str(), KindShape::of(kind, &later.wanted, &mut wanted)));
        let kinds = kinds.collect();
        let derive = Feeding::of(&spec.derive, wanted).kept.into_iter().map(|(_, section)| section).collect();
        StateShape {
            input_stream: &spec.input_stream,
            input_only: &spec.input_only,
            event: EventShape {
                unwrap: &spec.event.unwrap,
                split: &spec.event.split,
                kind: &spec.event.kind,
                id: &spec.event.id,
            },
            derive,
            filter: &spec.filter,
            kinds,
            kinds_by_condition: &spec.kinds_by_condition,
            tables: &spec.tables,
            creates: creates(spec),
            dedup_window_s: spec.dedup_window_s,
        }
    }
}

/// What enrichments make that a column, a key or the like is read from, itself or with what is around it.
fn creates(spec: &PlanSpec) -> Vec<Create<'_>> {
    let read = paths(read(spec));
    let made = spec.enrich.iter().filter(|enrich| enrich.create);
    let made = made.filter(|enrich| read.iter().any(|place| enrich.into.starts_with(place)));
    made.map(|enrich| Create { kinds: &enrich.kinds, when: &enrich.when, into: &enrich.into }).collect()
}

/// The places that kinds, keys, ids and rows are read from.
fn read(spec: &PlanSpec) -> Vec<Selector> {
    let mut places = spec.event.kind.places().to_vec();
    let keys = spec.kinds.values().flat_map(|kind| kind.key.iter().chain(&kind.id));
    places.extend(spec.event.id.iter().chain(keys).flat_map(KeySpec::places).cloned());
    places.extend(spec.kinds.values().filter_map(|kind| kind.when.as_ref()).flat_map(Condition::places));
    let schemas = spec.kinds.values().filter_map(|kind| kind.schema.as_ref());
    places.extend(schemas.flat_map(SchemaSpec::members).map(|member| Selector::Path(vec![member])));
    for table in spec.tables.values() {
        places.extend(table.row.iter().flat_map(KeySpec::places).cloned());
        places.extend(table.read().cloned());
        places.extend(table.version.as_ref().map(|version| version.at.clone()));
        places.extend(table.when.iter().flat_map(|when| when.places()));
        places.extend(table.delete.as_ref().map(|delete| delete.field.clone()));
    }
    places.extend(spec.filter.iter().flat_map(|filter| filter.drop.places()));
    places
}

impl<'a> KindShape<'a> {
    /// The shape of a kind, where these members lead to the state; adds those that lead to them.
    fn of(kind: &'a KindSpec, members: &[Vec<String>], wanted: &mut Vec<Vec<String>>) -> KindShape<'a> {
        let mut shape = KindShape {
            key: &kind.key,
            id: &kind.id,
            when: &kind.when,
            schema: &kind.schema,
            types: &kind.types,
            version: None,
            upcast: BTreeMap::new(),
        };
        let Some(version) = &kind.version else { return shape };
        let entries = Feeding::of(&kind.upcast, members.to_vec());
        let is_kept = members.iter().any(|member| overlap(member, version.at.names()));
        if entries.kept.is_empty() && !is_kept {
            return shape;
        }
        let newest = is_kept.then_some(version.newest);
        shape.version = Some(VersionShape { at: &version.at, missing: version.missing, newest });
        let oldest = version.oldest(kind.upcast.len());
        shape.upcast = entries.kept.into_iter().map(|(number, part)| (oldest + number as u64, part)).collect();
        wanted.extend(entries.wanted);
        wanted.push(version.at.names().to_vec());
        shape
    }
}

/// What of some sections leads to the state.
struct Feeding {
    /// The sections with only what leads there, by their numbers.
    kept: Vec<(usize, DeriveSection)>,
    /// The members that lead there.
    wanted: Vec<Vec<String>>,
}

impl Feeding {
    /// What leads to these members, also by way of later sections.
    fn of(sections: &[DeriveSection], mut wanted: Vec<Vec<String>>) -> Feeding {
        let mut kept = Vec::new();
        for (number, section) in sections.iter().enumerate().rev() {
            let part = section.part(|member| wanted.iter().any(|wanted| overlap(wanted, member)));
            if part.is_empty() {
                continue;
            }
            wanted.extend(paths(part.set.values().flat_map(|how| how.places()).cloned()));
            wanted.extend(paths(part.when.iter().flat_map(|when| when.places())));
            wanted.extend(part.rename.keys().map(|from| from.names().to_vec()));
            kept.push((number, part));
        }
        kept.reverse();
        Feeding { kept, wanted }
    }
}

/// The places that are members of the event's JSON.
fn paths(places: impl IntoIterator<Item = Selector>) -> Vec<Vec<String>> {
    let path = |place: Selector| match place {
        Selector::Path(names) => Some(names),
        _ => None,
    };
    places.into_iter().filter_map(path).collect()
}
