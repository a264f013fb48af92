//! The plans that events are read under: the shipped one, those of the product's other tests, and three with short
//! names, which a fuzzer guesses sooner.
//!
//! What a plan reads is worked out here from its spec, not from what the product compiled.

use sidestream::config::{Config, Overrides, SHIPPED};
use sidestream::core::derive::section::MemberPath;
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::layout::Layout;
use sidestream::core::plan::selector::Selector;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::core::unwrap::spec::{Encoding, UnwrapSpec};
use sidestream::json::fields::{ObjectSlot, Slot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

const TEXTS: [&str; 7] = [
    SHIPPED,
    include_str!("../plans/short.toml"),
    include_str!("../plans/nested.toml"),
    include_str!("../../tests/it/plans/omit.toml"),
    include_str!("../../tests/it/plans/outside.toml"),
    include_str!("../../tests/it/plans/strict.toml"),
    include_str!("../plans/parts.toml"),
];

/// The names that a plan reads or adds, under the names that lead to them.
#[derive(Debug, Default)]
pub struct Names(pub BTreeMap<String, Names>);

impl Names {
    fn add(&mut self, path: &[String]) {
        if let Some((name, rest)) = path.split_first() {
            self.0.entry(name.clone()).or_default().add(rest);
        }
    }
}

/// A plan, compiled, and what its spec says about the JSON.
#[derive(Debug)]
pub struct Known {
    /// As the product runs it.
    pub plan: Arc<Plan>,
    /// The same for events that are a text in a member `payload`.
    pub enveloped: Arc<Plan>,
    /// The names that must not occur twice.
    pub names: Names,
    /// Every path that is read, with the slot of its value.
    pub fields: Vec<(Vec<String>, Slot)>,
    /// Every object that gains fields, with its slot.
    pub objects: Vec<(Vec<String>, ObjectSlot)>,
}

/// All plans.
pub fn all() -> &'static [Known] {
    static ALL: OnceLock<Vec<Known>> = OnceLock::new();
    ALL.get_or_init(|| TEXTS.iter().map(|text| known(text)).collect())
}

fn known(text: &str) -> Known {
    let (config, _) = Config::parse("plan", text, &Overrides::default()).expect("a plan without a mistake");
    let paths = paths(&config.plan);
    let into = objects(&config.plan);
    let mut names = Names::default();
    paths.iter().chain(&into).for_each(|path| names.add(path));
    let mut enveloped = config.plan.clone();
    let at = MemberPath::parse("payload").ok();
    enveloped.event.unwrap = vec![UnwrapSpec { at, encoding: Encoding::Text, ..UnwrapSpec::default() }];
    let enveloped = Arc::new(Plan::compile(enveloped, &Layout::default()));
    let plan = Plan::compile(config.plan, &Layout::default());
    // A path that is known gets the slot that it has.
    let mut slots = plan.fields.clone();
    let fields = paths.into_iter().map(|path| (slots.field(&path), path)).map(|(slot, path)| (path, slot)).collect();
    let objects = into.into_iter().map(|path| (slots.object(&path), path)).map(|(slot, path)| (path, slot)).collect();
    assert_eq!(slots.len(), plan.fields.len(), "the compiled plan reads other places than its spec names");
    Known { plan: Arc::new(plan), enveloped, names, fields, objects }
}

/// Every path on which the plan reads or adds a member.
fn paths(spec: &PlanSpec) -> BTreeSet<Vec<String>> {
    let mut selectors: Vec<&Selector> = spec.event.kind.places().iter().chain(&spec.event.time).collect();
    let keys = spec.kinds.values().flat_map(|kind| kind.key.iter().chain(&kind.id));
    selectors.extend(spec.event.id.iter().chain(keys).flat_map(|key| key.places()));
    for table in spec.tables.values() {
        selectors.extend(table.row.iter().flat_map(|row| row.places()).chain(table.columns.values()));
        selectors.extend(table.version.iter().map(|version| &version.at));
        selectors.extend(table.delete.iter().map(|delete| &delete.field));
    }
    selectors.extend(
        spec.enrich
            .iter()
            .flat_map(|section| section.add.values())
            .flat_map(|join| &join.row)
            .flat_map(|row| row.places()),
    );
    let read = selectors.into_iter().filter_map(|selector| match selector {
        Selector::Path(names) => Some(names.clone()),
        _ => None,
    });
    let added = spec.enrich.iter().flat_map(|section| {
        section.add.keys().map(|name| section.into.iter().chain([name]).cloned().collect::<Vec<_>>())
    });
    let mut paths: BTreeSet<Vec<String>> = read.chain(added).collect();
    paths.extend(spec.mark.iter().map(|mark| vec![mark.clone()]));
    paths
}

/// The paths of the objects that gain members.
fn objects(spec: &PlanSpec) -> BTreeSet<Vec<String>> {
    let into = spec.enrich.iter().map(|section| section.into.clone());
    into.chain(spec.mark.iter().map(|_| Vec::new())).collect()
}
