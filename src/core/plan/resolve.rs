//! From a plan's names to numbers: the places of its fields, and what each kind does with them.
//!
//! Works on a plan that `config` accepted; what does not resolve is an error of ours.

use super::building::{Building, PlanNames, no_rows};
use super::compiled::{AddedField, AddedSource, Join, Kind, KindId, KindRule, Miss, Place, Target};
use super::condition::{Condition, ReadSource as Where, ResolvedCondition, RuleId};
use super::enrich::{EnrichSpec, OnMiss, WaitOrder, WaitSpec};
use super::feed::TableFeed;
use super::filter::Filter;
use super::key_spec::{KeyPlaces, KeySpec};
use super::layout::{Layout, REMOVED};
use super::map::{Map, MapObject, MapSpec};
use super::quality::{Quality, QualityCheck, QualitySpec, Rule, UNIQUE, complete_name, valid_name};
use super::registers::Registers;
use super::route::{Route, RouteSpec};
use super::selector::Selector;
use super::spec::PlanSpec;
use super::version::Versions;
use crate::core::derive::compiled::CompiledSection;
use crate::core::derive::create::CreatedObject;
use crate::core::derive::section::{DeriveSection, overlap};
use crate::core::expr::Read;
use crate::core::ids::Nanos;
use crate::core::schema::compiled::Schema;
use crate::json::fields::ObjectSlot;
use crate::json::splice::Label;
use std::ops::Range;
use std::sync::Arc;

/// Every place of a plan, resolved.
pub(super) struct Resolved {
    /// What a scan looks for, and the rules' names.
    pub names: PlanNames,
    /// `Plan::kind`.
    pub kind: Vec<Place>,
    /// `Plan::only`.
    pub only: Option<RuleId>,
    /// `Plan::empty`.
    pub empty: Option<RuleId>,
    /// `Plan::kind_rules`.
    pub kind_rules: Vec<KindRule>,
    /// `Plan::time`.
    pub time: Option<Place>,
    /// `Plan::derive`.
    pub derive: Vec<CompiledSection>,
    /// `Plan::kinds`.
    pub kinds: Vec<Kind>,
}

impl Resolved {
    /// Over kinds that begin with these registers.
    pub fn of(spec: &PlanSpec, layout: &Layout, registers: &Registers) -> Resolved {
        let mut names = PlanNames::default();
        let mut scanned = Building::of_the_scan(&mut names);
        let kind = spec.event.kind.places().iter().map(|place| scanned.place(place)).collect();
        let only = (!spec.input_only.is_empty()).then(|| scanned.rule("input.only"));
        let empty = spec.event.split.as_ref().map(|_| scanned.rule("event.split"));
        let kind_rules = kind_rules(spec, &mut scanned);
        let before = feeding_the_kind(spec);
        let derive = sections(spec, 0..before, |_| true, &mut scanned);
        let mut common = Building::new(&mut names, registers.clone());
        let id = spec.event.id.as_ref().map(|id| id.compile(|s| common.place(s)));
        let time = spec.event.time.as_ref().map(|s| common.place(s));
        let common = common.registers;
        let mut compile = |name: Option<&String>| {
            let section = name.map(String::as_str);
            let types = name.and_then(|name| spec.kinds.get(name)).map(|kind| kind.types.clone()).unwrap_or_default();
            let mut scanned = Building::of_the_scan(&mut names);
            let versions = name.and_then(|name| versions(spec, name, &mut scanned));
            scanned.types.clone_from(&types);
            let own = |derive: &DeriveSection| derive.applies_to(section);
            let derive = sections(spec, before..spec.derive.len(), own, &mut scanned);
            let filters = spec.filter.iter().filter(|filter| filter.applies_to(section));
            let filters = filters.map(|f| Filter { drop: scanned.test(&f.drop, &f.name, |_, _| no_rows()) }).collect();
            let creates = creates(spec, section, &mut scanned);
            let building = Building { types, ..Building::new(&mut names, common.clone()) };
            compile_kind(
                spec,
                layout,
                building,
                name,
                Kind { id: id.clone(), versions, derive, filters, creates, ..Kind::of(name) },
            )
        };
        let mut kinds: Vec<Kind> = spec.kinds.keys().map(|name| compile(Some(name))).collect();
        kinds.push(compile(None));
        kinds.iter_mut().for_each(|kind| kind.registers.complete(&names.fields));
        Resolved { names, kind, only, empty, kind_rules, time, derive, kinds }
    }
}

/// Sections of derived fields, those of a range that are wanted.
fn sections(
    spec: &PlanSpec,
    range: Range<usize>,
    wanted: impl Fn(&DeriveSection) -> bool,
    building: &mut Building<'_>,
) -> Vec<CompiledSection> {
    let numbered = spec.derive.iter().enumerate().filter(|(number, section)| range.contains(number) && wanted(section));
    numbered.map(|(n, section)| CompiledSection::compile(&format!("derive.{n}.when"), section, building)).collect()
}

/// The kinds with a condition or a schema, in their order.
fn kind_rules(spec: &PlanSpec, building: &mut Building<'_>) -> Vec<KindRule> {
    let rules = spec.kinds_by_condition.iter().map(|name| {
        let number = spec.kinds.keys().position(|known| known == name).expect("a kind of the plan");
        let kind = spec.kinds.get(name).expect("a kind of the plan");
        let when = kind.when.as_ref();
        KindRule {
            kind: KindId::try_from(number).expect("config bounds the number of sections"),
            when: when.map(|when| building.test(when, &format!("kinds.{name}.when"), |_, _| no_rows())),
            schema: kind.schema.as_ref().map(|schema| Schema::compile(schema, |selector| building.place(selector))),
        }
    });
    rules.collect()
}

/// The objects that are made for the enrichments of a kind.
fn creates(
    spec: &PlanSpec,
    kind: Option<&str>,
    building: &mut Building<'_>,
) -> Vec<(Option<ResolvedCondition>, CreatedObject)> {
    let own = |enrich: &&(usize, &EnrichSpec)| {
        enrich.1.create
            && !enrich.1.into.is_empty()
            && kind.is_some_and(|kind| enrich.1.kinds.iter().any(|k| k == kind))
    };
    let numbered: Vec<(usize, &EnrichSpec)> = spec.enrich.iter().enumerate().collect();
    let made = numbered.iter().filter(own).map(|(number, enrich)| {
        let rule = format!("enrich.{number}.when");
        let when = enrich.when.as_ref().map(|when| building.test(when, &rule, |_, _| no_rows()));
        (when, CreatedObject::compile(&enrich.into, building))
    });
    made.collect()
}

/// How a kind's events become the newest version.
fn versions(spec: &PlanSpec, name: &str, building: &mut Building<'_>) -> Option<Box<Versions>> {
    let kind = spec.kinds.get(name)?;
    let version = kind.version.as_ref()?;
    Some(Box::new(Versions::compile(version, &kind.upcast, &format!("kinds.{name}"), building)))
}

/// How many of the sections have to run before the kind is looked at: all up to the last one that writes what decides it.
fn feeding_the_kind(spec: &PlanSpec) -> usize {
    let kind = spec.kind_paths();
    let feeds = |section: &DeriveSection| section.written().any(|path| kind.iter().any(|kind| overlap(&path, kind)));
    spec.derive.iter().rposition(feeds).map_or(0, |at| at + 1)
}

/// What a kind does with an event behind its filters; it has what comes before them.
fn compile_kind(
    spec: &PlanSpec,
    layout: &Layout,
    mut building: Building<'_>,
    name: Option<&String>,
    mut kind: Kind,
) -> Kind {
    let fields = &mut building;
    let section = name.and_then(|name| spec.kinds.get(name));
    kind.key = section.and_then(|s| s.key.as_ref()).map(|key| key.compile(|s| fields.place(s)));
    if let Some(id) = section.and_then(|s| s.id.as_ref()) {
        kind.id = Some(id.compile(|s| fields.place(s)));
    }
    if let Some(name) = name {
        kind.feeds = TableFeed::of_kind(spec, layout, fields, name);
        compile_enrichments(spec, layout, fields, name, &mut kind);
    }
    let tables = Tables { spec, layout };
    let quality = spec.quality.iter().enumerate().filter(|(_, section)| section.applies_to(name.map(String::as_str)));
    for (number, section) in quality {
        compile_quality(tables, fields, number, section, &mut kind);
    }
    for target in &mut kind.targets {
        target.fields.sort_by(|a, b| a.name.cmp(&b.name));
    }
    if let Some(mark) = &spec.mark {
        let member = fields.field(std::slice::from_ref(mark));
        let added = AddedField { name: mark.clone(), label: Label::new(mark), member, source: AddedSource::Mark };
        target(&mut kind.targets, fields.objects(&[])).fields.push(added);
    }
    let routes = spec.route.iter().filter(|route| route.applies_to(name.map(String::as_str)));
    kind.routes = routes.map(|route| compile_route(tables, fields, route, &mut kind.joins)).collect();
    let maps = spec.map.iter().filter(|map| map.applies_to(name.map(String::as_str)));
    kind.maps = maps.map(|map| compile_map(tables, fields, map, &mut kind.joins)).collect();
    kind.asks =
        !kind.routes.is_empty() || !kind.maps.is_empty() || !kind.quality.is_empty() || kind.tests().next().is_some();
    kind.registers = building.registers;
    kind
}

/// The tables of a plan, and their numbers.
#[derive(Clone, Copy)]
struct Tables<'a> {
    spec: &'a PlanSpec,
    layout: &'a Layout,
}

fn is_global(spec: &PlanSpec, table: &str) -> bool {
    spec.tables.get(table).is_some_and(|table| table.scope.is_global())
}

fn compile_enrichments(spec: &PlanSpec, layout: &Layout, fields: &mut Building<'_>, name: &str, kind: &mut Kind) {
    let mut known: Vec<(&str, Option<&KeySpec>, Miss, Option<&Condition>)> = Vec::new();
    let of_kind = spec.enrich.iter().enumerate().filter(|(_, enrich)| enrich.kinds.iter().any(|k| k == name));
    for (number, enrich) in of_kind {
        let rule = format!("enrich.{number}.when");
        let when = enrich.when.as_ref().map(|when| fields.test(when, &rule, |_, _| no_rows()));
        let on_miss = miss(enrich);
        if let (Some(WaitSpec { order: WaitOrder::Key, .. }), Miss::Wait { time, .. }) = (enrich.wait, on_miss) {
            kind.ordered.push((u16::try_from(number).expect("config bounds the number of sections"), time));
        }
        let object = fields.objects(&enrich.into);
        target(&mut kind.targets, object);
        for (field, from) in &enrich.add {
            let table = layout.table(&from.table).expect("a join names a table of its plan");
            let column = layout.column(table, &from.column).expect("a join names a column of its table");
            let wanted = (from.table.as_str(), from.row.as_ref(), on_miss, enrich.when.as_ref());
            let join = known.iter().position(|k| *k == wanted).unwrap_or_else(|| {
                known.push(wanted);
                let row = from.row.as_ref().map(|row| row.compile(|s| fields.place(s)));
                let place = from.row.as_ref().map(KeySpec::to_string).unwrap_or_default();
                let removed = layout.column(table, REMOVED);
                let global = is_global(spec, &from.table);
                kind.joins.push(Join { table, global, row, place, when: when.clone(), removed, on_miss });
                kind.joins.len() - 1
            });
            let mut path = enrich.into.clone();
            path.push(field.clone());
            let source = AddedSource::Column { join, column, omit: enrich.at_last() == OnMiss::Omit };
            let added =
                AddedField { name: field.clone(), label: Label::new(field), member: fields.field(&path), source };
            target(&mut kind.targets, object).fields.push(added);
        }
    }
}

/// What a row that is not there means under an enrichment.
fn miss(enrich: &EnrichSpec) -> Miss {
    let dead = enrich.at_last() == OnMiss::DeadLetter;
    match enrich.wait {
        Some(wait) => {
            let nanos = i64::try_from(wait.wait_s).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
            Miss::Wait { time: Nanos(nanos), dead }
        }
        None if dead => Miss::DeadLetter,
        None => Miss::Counted,
    }
}

/// A section of quality: its rules, and the member that lists those that are broken.
fn compile_quality(
    tables: Tables<'_>,
    fields: &mut Building<'_>,
    number: usize,
    section: &QualitySpec,
    kind: &mut Kind,
) {
    let complete =
        section.complete.iter().map(|place| (complete_name(place), QualityCheck::Complete(fields.place(place))));
    let mut checks: Vec<(String, QualityCheck)> = complete.collect();
    for (name, condition) in &section.valid {
        let name = valid_name(name);
        let test = fields.test(condition, &name, |fields, read| column(tables, fields, read, &mut kind.joins));
        checks.push((name, QualityCheck::Valid(test)));
    }
    checks.extend(section.unique.then(|| (UNIQUE.to_owned(), QualityCheck::Unique)));
    checks.sort_by(|(one, _), (other, _)| one.cmp(other));
    let rules = checks.into_iter().map(|(name, check)| Rule { name: Arc::from(name), number: fields.check(), check });
    let rules = rules.collect();
    if let Some(mark) = section.marks() {
        let member = fields.field(&[mark.to_owned()]);
        let source = AddedSource::Quality { section: kind.quality.len() };
        let added = AddedField { name: mark.to_owned(), label: Label::new(mark), member, source };
        target(&mut kind.targets, fields.objects(&[])).fields.push(added);
    }
    kind.quality.push(Quality { number, rules, on_violation: section.on_violation });
}

/// A column that a condition reads; rows that only conditions read are joined quietly.
fn column(tables: Tables<'_>, fields: &mut Building<'_>, read: &Read, joins: &mut Vec<Join>) -> Where {
    let Read::Column { table, row, column } = read else { unreachable!("only columns are asked for here") };
    let number = tables.layout.table(table).expect("a condition names a table of its plan");
    let column = tables.layout.column(number, column).expect("a condition names a column of its table");
    let place = row.as_ref().map(Selector::to_string).unwrap_or_default();
    let same = |join: &Join| join.table == number && join.place == place && join.when.is_none();
    let join = joins.iter().position(same).unwrap_or_else(|| {
        let row = row.as_ref().map(|row| KeyPlaces::One(fields.place(row)));
        let removed = tables.layout.column(number, REMOVED);
        let global = is_global(tables.spec, table);
        joins.push(Join { table: number, global, row, place, when: None, removed, on_miss: Miss::Quiet });
        joins.len() - 1
    });
    Where::Column { join, column }
}

fn compile_route(tables: Tables<'_>, fields: &mut Building<'_>, route: &RouteSpec, joins: &mut Vec<Join>) -> Route {
    let column = |fields: &mut Building<'_>, read: &Read| column(tables, fields, read, joins);
    let when = route.when.as_ref().map(|when| fields.test(when, &route.name, column));
    Route { rule: fields.rule(&route.name), when, subject: route.subject.clone().map(Arc::new) }
}

fn compile_map(tables: Tables<'_>, fields: &mut Building<'_>, map: &MapSpec, joins: &mut Vec<Join>) -> Map {
    let mut column = |fields: &mut Building<'_>, read: &Read| column(tables, fields, read, joins);
    let when = map.when.as_ref().map(|when| fields.test(when, &map.name, &mut column));
    let object = MapObject::compile(map, fields, |fields, formula| fields.test(formula, &map.name, &mut column));
    let (subject, instead, on_error) = (map.subject.clone(), map.instead, map.on_error);
    Map { rule: fields.rule(&map.name), when, subject, instead, on_error, object }
}

fn target(targets: &mut Vec<Target>, object: ObjectSlot) -> &mut Target {
    let at = targets.iter().position(|t| t.object == object).unwrap_or_else(|| {
        targets.push(Target { object, fields: Vec::new() });
        targets.len() - 1
    });
    // `at` was found or pushed just now.
    #[allow(clippy::indexing_slicing)]
    &mut targets[at]
}
